"""Counties placed by neighbourhood, shaded by quarters of what is done."""

from datetime import date
from decimal import Decimal

import pytest

from projects.queries.figures import Line
from projects.views.shown import end_of, tiles

DAY = date(2018, 12, 31)


def line(key: str, planned: int, done: int) -> Line:
    return Line(key, planned, planned, done, done, 0, Decimal(0))


@pytest.mark.unit
def test_bands_are_quarters_and_none_without_a_plan() -> None:
    lines = [line("410324", 4, 4), line("410325", 4, 1), line("410323", 0, 0), line("999999", 1, 1)]
    found = {one["name"]: one for one in tiles(lines, {"year": "2018"}, DAY)}
    assert {name: one["band"] for name, one in found.items()} == {
        "栾川": 4, "嵩县": 1, "新安": "none",
    }  # fmt: skip
    assert found["栾川"]["href"] == "year=2018&region=410324"


@pytest.mark.unit
def test_a_county_of_its_time() -> None:
    """孟津县 became a district in 2021; the year that is asked for decides."""
    asked = [line("410322", 1, 0)]
    assert tiles(asked, {}, end_of("2018", date(2022, 1, 1)))
    assert not tiles(asked, {}, end_of("", date(2022, 1, 1)))
    assert end_of("99999999", DAY) == DAY
