"""A problem of a village and everybody who has to do with it."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.enums import Role
from accounts.models import User
from inspections.enums.findings import State
from inspections.models import Finding
from inspections.services.findings import entering, papers, stepping
from inspections.services.findings.stepping import Duty
from tests.cast import county_office, helper, town_clerk, village_official
from tests.conftest import person
from tests.factories.villages import RegionFactory
from tests.papers_handed_in import jpeg

__all__ = ["county_office", "helper", "town_clerk", "village_official"]
VILLAGE, COUNTY, CITY = "410324100203", "410324000000", "410300000000"
DAY = date(2018, 9, 3)
DUE = date(2018, 9, 28)
FACTS: dict[str, Any] = {
    "severity": "ORDINARY", "fact": "公示栏内容没有更新", "object_kind": "PLACE", "found_on": DAY,
}  # fmt: skip
DUTY = Duty("城关镇人民政府", "王主任", due_on=DUE, due_source="县整改方案")
# The way to being closed, a day each.
WAY = (State.FOUND, State.ASSIGNED, State.MEASURED, State.CLAIMED, State.VERIFIED, State.CLOSED)


def entered(by: User, code: str = VILLAGE, **changes: Any) -> Finding:
    return entering.enter(
        region=RegionFactory(code=code), fields={**FACTS, **changes}, source="SUPERVISION",
        level="COUNTY", by=by,
    )  # fmt: skip


class Office:
    """The county registers and closes, the village mends; `second` closes what the first claimed."""

    def __init__(self, village: User, town: User, county: User, second: User) -> None:
        self.village, self.town, self.county, self.second = village, town, county, second

    def brought_to(self, state: str, **changes: Any) -> Finding:
        """A problem in this state, a day after another."""
        if state == State.WATCHED:
            changes["needs_watch"] = True
        finding = entered(self.county, **changes)
        if state == State.MERGED:
            other = entered(self.county)
            return stepping.merge(
                finding=finding, into=other, words="同一问题", on=DAY, by=self.county
            )
        if state == State.SPLIT:
            stepping.split(
                finding=finding, parts=[{"fact": "甲"}, {"fact": "乙"}], words="两件事", on=DAY,
                by=self.county,
            )  # fmt: skip
            return Finding.objects.get(pk=finding.pk)
        way = WAY
        if state == State.WATCHED:
            way = (*WAY[:-1], State.WATCHED)
        elif state == State.RETURNED:
            way = (*WAY[:4], State.RETURNED)
        for days, step in enumerate(way[1 : way.index(State(state)) + 1], 1):
            finding = self.take(finding, step, DAY + timedelta(days))
        return finding

    def take(self, finding: Finding, state: str, on: date, **changes: Any) -> Finding:
        """The step itself, with what it takes, by whoever takes it."""
        told: dict[str, Any] = {"finding": finding, "on": on, "words": "意见", **changes}
        if state == State.ASSIGNED:
            return stepping.assign(**{"duty": DUTY, "by": self.county, **told})
        if state == State.MEASURED:
            return stepping.take(**{"state": state, "by": self.village, **told})
        if state == State.CLAIMED:
            self.prove(finding)
            return stepping.take(**{"state": state, "by": self.village, **told})
        return stepping.take(**{"state": state, "by": self.second, **told})

    def prove(self, finding: Finding) -> None:
        file = SimpleUploadedFile("a.jpg", jpeg())
        papers.add(finding=finding, file=file, note="整改后", by=self.village)


@pytest.fixture
def office(village_official: User, town_clerk: User, county_office: User) -> Office:
    RegionFactory(code=CITY, name="洛阳市")
    RegionFactory(code=COUNTY, name="栾川县")
    RegionFactory(code=VILLAGE)
    second = person("second", Role.COUNTY_OFFICE, "410324")
    return Office(village_official, town_clerk, county_office, second)
