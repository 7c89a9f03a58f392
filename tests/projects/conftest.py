from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.enums import Role
from accounts.models import User
from projects.enums import ORDER
from projects.models import Project, ProjectType
from projects.services import closing, entering, noticing, stepping, working
from projects.services.entering import Aim, Part
from tests.cast import county_office, town_clerk, village_official
from tests.conftest import person
from tests.factories.villages import RegionFactory

__all__ = ["county_office", "town_clerk", "village_official"]
VILLAGE, COUNTY = "410324100203", "410324000000"
DAY = date(2018, 1, 10)
SOURCE = "洛扶组 2018 年第 1 号"
FACTS: dict[str, Any] = {
    "name": "陈家门村通组道路", "year": 2018, "content": "硬化通组道路 3.25 公里",
    "unit": "陈家门村村民委员会", "planned_amount": Decimal("650000.00"),
    "planned_start": date(2018, 3, 1), "planned_end": date(2018, 9, 30),
}  # fmt: skip


def proposed(by: User, code: str = VILLAGE, type_: str = "1001", **changes: Any) -> Project:
    return entering.propose(
        region=RegionFactory(code=code),
        fields={**FACTS, "type": ProjectType.objects.get(pk=type_), **changes},
        facts=changes.pop("facts", None), on=DAY, by=by,
    )  # fmt: skip


class Office:
    """Everybody who has to do with a project of a village, and the way through its states."""

    def __init__(self, village: User, town: User, county: User, second: User) -> None:
        self.village, self.town, self.county, self.second = village, town, county, second

    def ready(self, state: str, project: Project, on: date) -> None:
        """What the step to this state takes besides itself."""
        if state == "LIBRARY":
            entering.set_targets(
                project=project, aims=[Aim("硬化道路", "公里", Decimal("3.25"))], by=self.county
            )
            self.post(project, "PLAN", on - timedelta(10))
        elif state == "STARTED":
            parts = [
                Part("路基", 40, date(2018, 3, 1), date(2018, 5, 31)),
                Part("路面", 60, date(2018, 6, 1), date(2018, 9, 30)),
            ]
            entering.set_stages(project=project, parts=parts, by=self.village)
        elif state == "COMPLETED":
            self.report(project, on, 100, 100)
        elif state == "SETTLED":
            self.post(project, "COMPLETION", on - timedelta(10))
        elif state == "EVALUATED":
            working.reached(project=project, targets={1: Decimal("3.25")}, by=self.village)

    def post(self, project: Project, kind: str, on: date, days: int = 10) -> None:
        noticing.post(
            project=project, kind=kind, place="村务公开栏", phone="12317", on=on, min_days=days,
            source=SOURCE, by=self.village,
        )  # fmt: skip

    def report(self, project: Project, month: date, *done: int) -> None:
        working.report(
            project=project, month=month, words="按计划推进", by=self.village,
            done={place: Decimal(one) for place, one in enumerate(done, 1)},
        )  # fmt: skip

    def take(self, state: str, project: Project, on: date, **changes: Any) -> None:
        """The step itself, by whoever takes it."""
        by = changes.get("by")
        if state == "BUDGETED":
            stepping.assign(
                project=project, amount=changes.get("amount", Decimal("600000.00")),
                document="栾财 2018 年第 3 号", on=on, reason="列入年度计划", by=by or self.county,
            )  # fmt: skip
        elif state == "ACCEPTED":
            closing.accept(
                project=project, passed=True, team="县交通局、县扶贫办", opinion="合格", on=on,
                by=by or self.county,
            )  # fmt: skip
        elif state == "SETTLED":
            closing.settle(
                project=project, submitted=Decimal("610000.00"), audited=Decimal("598000.00"),
                auditor="县审计局", on=on, by=by or self.county,
            )  # fmt: skip
        elif state == "REGISTERED":
            closing.register_asset(
                project=project, on=on, by=by or self.village,
                fields={
                    "name": "通组道路", "value": Decimal("598000.00"), "owner_kind": "VILLAGE",
                    "owner": "陈家门村村民委员会", "use": "通行", "keeper": "村委会护路员",
                    "upkeep": Decimal("3000.00"),
                },
            )  # fmt: skip
        elif state == "EVALUATED":
            closing.evaluate(
                project=project, grade="GOOD", words="达到目标", on=on, by=by or self.county
            )
        else:
            usual = {
                "REVIEWED": self.town, "DECIDED": self.county, "LIBRARY": self.county,
                "STARTED": self.village, "COMPLETED": self.village,
            }.get(state, self.county)  # fmt: skip
            stepping.take(project=project, state=state, on=on, reason="同意", by=by or usual)


# When each step is taken on the way; months pass where notices hang and work is done.
WAY: dict[str, date] = {
    "REVIEWED": date(2018, 1, 15), "DECIDED": date(2018, 1, 20), "LIBRARY": date(2018, 2, 10),
    "BUDGETED": date(2018, 2, 20), "STARTED": date(2018, 3, 5), "COMPLETED": date(2018, 9, 20),
    "ACCEPTED": date(2018, 10, 10), "SETTLED": date(2018, 11, 10),
    "REGISTERED": date(2018, 11, 20), "EVALUATED": date(2018, 12, 20),
}  # fmt: skip


def brought_to(office: Office, state: str, project: Project | None = None) -> Project:
    """A project in this state, by the acts of the offices."""
    project = project or proposed(office.village)
    if state in ("REFUSED", "CANCELLED"):
        by = office.town if state == "REFUSED" else office.village
        office.take(state, project, WAY["REVIEWED"], by=by)
        return Project.objects.get(pk=project.pk)
    for one, on in WAY.items():
        if project.state == state:
            break
        if project.state in ORDER and ORDER.index(one) <= ORDER.index(project.state):
            continue
        office.ready(one, project, on)
        office.take(one, project, on)
        project = Project.objects.get(pk=project.pk)
    return project


@pytest.fixture
def office(village_official: User, town_clerk: User, county_office: User) -> Office:
    second = person("countyoffice2", Role.COUNTY_OFFICE, "410324")
    return Office(village_official, town_clerk, county_office, second)
