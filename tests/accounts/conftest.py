"""Divisions and the cast, as administration needs them."""

import pytest

from tests.cast import *  # noqa: F403 - fixtures, one per person of the cast
from tests.factories.villages import RegionFactory
from villages.models import Region

PLACES = (
    ("410000000000", "河南省"),
    ("410300000000", "洛阳市"),
    ("410324000000", "栾川县"),
    ("410324100000", "城关镇"),
    ("410324100203", "陈家门村"),
    ("410324101000", "赤土店镇"),
    ("410325000000", "嵩县"),
    ("410325100000", "城关镇"),
)


@pytest.fixture
def places(db: None) -> dict[str, Region]:
    """Two counties that both have a 城关镇, by their codes without empty levels."""
    found: dict[str, Region] = {}
    for code, name in PLACES:
        short = next(code[:n] for n in (2, 4, 6, 9, 12) if not code[n:].strip("0"))
        parent = next((found[short[:n]] for n in (9, 6, 4, 2) if short[:n] in found), None)
        found[short] = RegionFactory(code=code, name=name, parent=parent)
    return found
