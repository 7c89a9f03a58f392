from collections.abc import Callable

import pytest
from django.test import Client

from households.queries.years import forget_years
from tests.register import city

__all__ = ["city"]


@pytest.fixture(autouse=True)
def years() -> None:
    """What another test opened is not remembered."""
    forget_years()


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
