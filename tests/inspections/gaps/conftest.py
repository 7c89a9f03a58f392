"""A village with something missing of every source, and everybody who has to do with it."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from exits.catalog import sync_standards
from exits.models import HouseholdReadiness, Standard
from households.models import HouseholdYear, Mark, Task, TaskItem
from inspections.enums.findings import State
from inspections.models import Finding
from inspections.queries import gaps
from tests.cast import county_office, helper, town_clerk, village_official
from tests.factories.households import PartitionFactory, household
from tests.factories.villages import RegionFactory
from tests.inspections.findings.conftest import COUNTY, VILLAGE, Office, office

__all__ = ["county_office", "helper", "office", "town_clerk", "village_official"]
YEAR = 2018
TOWN = "410324100000"


def asked(by: User, place: str = VILLAGE, **more: Any) -> gaps.Asked:
    return gaps.Asked(actor=by, year=YEAR, day=timezone.localdate(), place=place, **more)


def kinds(by: User, place: str = VILLAGE, **more: Any) -> list[str]:
    return sorted(one.kind for one in gaps.all_of(asked(by, place, **more), 100))


def judged(
    row: HouseholdYear, not_met: tuple[str, ...] = (), missing: tuple[str, ...] = ()
) -> HouseholdReadiness:
    standard = Standard.objects.get(code="henan")
    return HouseholdReadiness.objects.create(
        partition=YEAR, household=row.household, village_code=row.village_code, standard=standard,
        standard_version=standard.version, is_poor=True, persons=1, not_met=list(not_met),
        missing=list(missing),
    )  # fmt: skip


def marked(row: HouseholdYear, by: User, due: date | None = None) -> Mark:
    return Mark.objects.create(
        household=row.household, village_code=row.village_code, partition_id=YEAR,
        reason="收入与务工不符", due_on=due, created_by=by,
    )  # fmt: skip


def on_task(row: HouseholdYear, by: User, due: date | None = None) -> TaskItem:
    task = Task.objects.create(
        title="危房改造", region_code="410324", partition_id=YEAR, owner=by, due_on=due,
        created_by=by,
    )  # fmt: skip
    return TaskItem.objects.create(
        task=task, household=row.household, village_code=row.village_code
    )


@dataclass
class Scene:
    office: Office
    home: HouseholdYear
    finding: Finding

    def ready(self, **told: Any) -> HouseholdReadiness:
        return judged(self.home, **told)


@pytest.fixture
def scene(office: Office) -> Scene:
    """A problem that was assigned and is late, in a village with one poor household."""
    sync_standards()
    PartitionFactory(year=YEAR)
    RegionFactory(code=TOWN, name="城关镇", level="town")
    return Scene(office, household(head="何一"), office.brought_to(State.ASSIGNED))


TODAY = timezone.localdate
SOON = timedelta(days=3)
__all__ += ["COUNTY", "VILLAGE", "Office", "Scene"]
