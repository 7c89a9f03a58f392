"""A county with poor households of two villages, a problem about one, and searches for its likes."""

from datetime import date
from typing import Any

import pytest

from households.models import HouseholdYear
from inspections.models import Finding, Sweep
from inspections.services.findings import sweeping
from tests.factories.households import PartitionFactory, household
from tests.factories.villages import RegionFactory
from tests.inspections.findings.conftest import (
    CITY,
    COUNTY,
    VILLAGE,
    Office,
    county_office,
    entered,
    helper,
    office,
    town_clerk,
    village_official,
)

__all__ = ["county_office", "helper", "office", "town_clerk", "village_official"]
SIBLING, NEIGHBOUR = "410324100204", "410325100201"
ON = date(2018, 9, 10)
LOW: dict[str, Any] = {"income_below": "3000"}


class Homes:
    """Three poor households of the county with little income, one with more, one next door."""

    def __init__(self) -> None:
        PartitionFactory(year=2018)
        RegionFactory(code="410325000000", name="嵩县")
        told = [(VILLAGE, 2000), (VILLAGE, 2100), (SIBLING, 2200), (SIBLING, 9000)]
        self.rows = [
            household(code=code, head=f"户主{at}", net_income_per_capita=income)
            for at, (code, income) in enumerate(told)
        ]
        self.neighbour = household(code=NEIGHBOUR, head="邻县户", net_income_per_capita=2000)

    def earn(self, at: int, income: int) -> None:
        """The household's income becomes another."""
        HouseholdYear.objects.filter(pk=self.rows[at].pk).update(net_income_per_capita=income)


@pytest.fixture
def homes(office: Office) -> Homes:
    return Homes()


def problem(office: Office, **changes: Any) -> Finding:
    return entered(office.county, **changes)


def swept(office: Office, finding: Finding, **changes: Any) -> Sweep:
    """A search for households of little income in the county."""
    told = {
        "finding": finding, "region": RegionFactory(code=COUNTY), "on": ON, "by": office.county,
        "query": sweeping.Query("REGISTER", LOW, "人均纯收入低于 3000 元", 2018),
    } | changes  # fmt: skip
    return sweeping.begin(**told)


__all__ += ["CITY", "COUNTY", "VILLAGE", "Office"]
