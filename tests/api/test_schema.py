"""The committed description of the API, and whether the API does what it says."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.conf import settings as site
from django.core.management import call_command
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    response_schema_conformance,
    status_code_conformance,
)

from tests.factories.households import NEIGHBOUR, household

COMMITTED = Path(site.BASE_DIR) / "docs" / "api-schema.yml"


def test_schema_is_complete_and_committed(tmp_path: Path) -> None:
    """Renew it with `manage.py spectacular --file docs/api-schema.yml`."""
    fresh = tmp_path / "schema.yml"
    call_command("spectacular", file=str(fresh), validate=True, fail_on_warn=True)
    assert fresh.read_text() == COMMITTED.read_text()
