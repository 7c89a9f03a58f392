"""A complaint of a village, and everybody who has to do with it."""

from datetime import date, timedelta
from typing import Any

import pytest

from accounts.models import User
from inspections.enums.complaints import State
from inspections.models import Complaint
from inspections.services.complaints import receiving, stepping
from inspections.services.complaints.receiving import Person
from inspections.services.complaints.stepping import Duty
from tests.cast import county_leader, county_office, petition_officer, town_clerk
from tests.factories.villages import RegionFactory

__all__ = ["county_leader", "county_office", "petition_officer", "town_clerk"]
VILLAGE, COUNTY, CITY = "410324100203", "410324000000", "410300000000"
DAY, DUE = date(2018, 9, 3), date(2018, 9, 28)
PERSON = Person("闻人慎独", "13712340987", "老君山后沟第七排", "")
ORIGINAL = "我是闻人家的老二，低保指标让村主任的表弟占了去"
SUMMARY = "反映村低保评议未公示"
FACTS: dict[str, Any] = {
    "channel": "LETTER", "kind": "REPORT", "received_on": DAY, "original": ORIGINAL,
    "summary": SUMMARY,
}  # fmt: skip
DUTY = Duty("城关镇人民政府", "王主任", due_on=DUE, due_source="信访工作规定")
# The way to the end, a day each.
WAYS: dict[str, tuple[str, ...]] = {
    State.RECEIVED: (),
    State.ASSIGNED: (State.ASSIGNED,),
    State.ANSWERED: (State.ASSIGNED, State.ANSWERED),
    State.CLOSED: (State.ASSIGNED, State.ANSWERED, State.CLOSED),
    State.RETURNED: (State.ASSIGNED, State.RETURNED),
    State.TRANSFERRED: (State.TRANSFERRED,),
}


class Desk:
    """The petition officer of a county, and a complaint in any state."""

    def __init__(self, officer: User) -> None:
        self.officer = officer

    def received(self, **changes: Any) -> Complaint:
        told = {"person": PERSON, "by": self.officer, **FACTS, **changes}
        return receiving.receive(region=RegionFactory(code=VILLAGE), **told)

    def brought_to(self, state: str, **changes: Any) -> Complaint:
        complaint = self.received(**changes)
        for days, step in enumerate(WAYS[state], 1):
            complaint = self.take(complaint, step, DAY + timedelta(days))
        return complaint

    def take(self, complaint: Complaint, state: str, on: date, **changes: Any) -> Complaint:
        """The step itself, with what it takes."""
        told: dict[str, Any] = {
            "complaint": complaint, "on": on, "words": "意见", "by": self.officer, **changes,
        }  # fmt: skip
        if state == State.ASSIGNED:
            return stepping.assign(**{"duty": DUTY, **told})
        if state == State.TRANSFERRED:
            return stepping.transfer(**{"unit": "县纪委", **told})
        if state == State.ANSWERED:
            way = "NONE" if complaint.is_anonymous else "LETTER"
            return stepping.answer(**{"way": way, **told})
        return stepping.take(**{"state": state, **told})


@pytest.fixture
def desk(petition_officer: User) -> Desk:
    RegionFactory(code=CITY, name="洛阳市")
    RegionFactory(code=COUNTY, name="栾川县")
    RegionFactory(code=VILLAGE)
    return Desk(petition_officer)
