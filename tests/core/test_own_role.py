"""A process that serves people does not start as the database's owner."""

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from core.apps import _require_own_role

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("process", ["web", "worker", "beat"])
def test_the_owner_serves_nobody(
    settings: Any, monkeypatch: pytest.MonkeyPatch, process: str
) -> None:
    settings.PROCESS_ROLE, settings.DEMO, settings.DEBUG = process, False, False
    monkeypatch.setitem(settings.DATABASES["default"], "USER", "povertyops")
    with pytest.raises(ImproperlyConfigured, match="WEB_DATABASE_URL"):
        _require_own_role()
    monkeypatch.setitem(settings.DATABASES["default"], "USER", settings.DATABASE_ROLES[process])
    _require_own_role()


def test_commands_are_the_owners(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.PROCESS_ROLE, settings.DEMO = "manage", False
    monkeypatch.setitem(settings.DATABASES["default"], "USER", "povertyops")
    _require_own_role()
