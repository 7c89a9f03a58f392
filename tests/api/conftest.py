from collections.abc import Callable
from uuid import uuid4

import pytest
from django.db.models import Max
from django.test import Client

from api import strangers
from core.ledger.models import AccessEntry
from households.queries.years import forget_years
from tests.register import city

__all__ = ["city"]


@pytest.fixture(autouse=True)
def years() -> None:
    """What another test opened is not remembered."""
    forget_years()


@pytest.fixture(autouse=True)
def unknown_strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever was refused in another test of this minute is noted anew."""
    monkeypatch.setattr(strangers.noted, "name", uuid4().hex)


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered for some seconds does not run out between two measurements."""
    for place in ("households.queries.years", "households.catalog"):
        monkeypatch.setattr(f"{place}.monotonic", lambda: 0.0)


@pytest.fixture
def calling(api_key: Callable[..., str]) -> Callable[[str], Client]:
    """A machine client of a region."""
    return lambda region: Client(headers={"Authorization": f"Bearer {api_key(region)}"})


@pytest.fixture
def luanchuan(calling: Callable[[str], Client]) -> Client:
    return calling("410324")


@pytest.fixture
def luoyang(calling: Callable[[str], Client]) -> Client:
    return calling("4103")


@pytest.fixture
def pulls(db: None) -> Callable[[], list[AccessEntry]]:
    """What this test left on the ledger; nobody can empty it, so others' entries may be there."""
    before = AccessEntry.objects.aggregate(last=Max("id"))["last"] or 0
    return lambda: list(AccessEntry.objects.filter(act="API_PULL", id__gt=before).order_by("id"))
