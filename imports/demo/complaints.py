"""Complaints of the demo county, taken by its petition officer. Nobody in them is real."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from imports.demo import problem_parts as parts
from imports.demo.names import SURNAMES, given_name
from imports.demo.places import random_for
from inspections.enums.complaints import Channel, Kind, State, Way
from inspections.enums.findings import Level, Severity
from inspections.services.complaints import linking, receiving, stepping
from inspections.services.complaints.receiving import Person
from inspections.services.complaints.stepping import Duty

COUNTY, OFFICER, HANDLER = "410324", "xinfang", "xianfupinban"
# How it came, what may go on, how far it has come, and how many days ago it came in.
_STORIES: tuple[tuple[str, str, str, str, int], ...] = (
    (Channel.VISIT, Kind.PETITION, "反映危房改造验收后补助没有到账", State.CLOSED, 60),
    (Channel.PHONE, Kind.PETITION, "反映集中供水经常停水", State.CLOSED, 48),
    (Channel.LETTER, Kind.REPORT, "举报公益性岗位人员长期不在岗", State.ANSWERED, 30),
    (Channel.ONLINE, Kind.PETITION, "反映村组道路硬化漏修一段", State.ASSIGNED, 21),
    (Channel.PASSED_DOWN, Kind.REPORT, "举报村务公开栏长期不更新", State.ASSIGNED, 16),
    (Channel.PHONE, Kind.PETITION, "询问教育资助发放进度", State.RETURNED, 12),
    (Channel.VISIT, Kind.PETITION, "反映低保申请没有答复", State.RECEIVED, 2),
    (Channel.LETTER, Kind.REPORT, "举报项目占地补偿不公开", State.TRANSFERRED, 9),
)
# One of those that were passed on is on the ledger of problems too.
_LISTED = "反映村组道路硬化漏修一段"


def tell(places: parts.Places, people: dict[str, Any]) -> int:
    """A few complaints in every state; how many."""
    draw, officer, today = random_for("complaints"), people[OFFICER], timezone.localdate()
    for at, (channel, kind, summary, far, ago) in enumerate(_STORIES):
        on = today - timedelta(days=ago)
        village = draw.choice(places.villages[COUNTY])
        who = Person(
            name=f"{draw.choice(SURNAMES)}{given_name(draw.random, '01', 1970)}",
            phone=f"15424{at:06d}", address=f"{village.name}（演示）",
        )  # fmt: skip
        complaint = receiving.receive(
            region=village, channel=channel, kind=kind, received_on=on, original=f"{summary}。",
            summary=f"{summary}。", person=None if at == 2 else who, by=officer,
        )  # fmt: skip
        if far == State.TRANSFERRED:
            stepping.transfer(
                complaint=complaint, unit="县自然资源局信访室（演示）", words="按职责转送。", on=on,
                by=officer,
            )  # fmt: skip
        elif far != State.RECEIVED:
            _handled(places, complaint, far, on, people)
    return len(_STORIES)


def _handled(
    places: parts.Places, complaint: Any, far: str, on: Any, people: dict[str, Any]
) -> None:
    officer = people[OFFICER]
    unit = f"{places.counties[COUNTY].name}扶贫办"
    due = on + timedelta(days=30)
    complaint = stepping.assign(
        complaint=complaint, duty=Duty(unit, "办公室（演示）", due, parts.DUE_SOURCE),
        on=on + timedelta(days=1), words="请调查处理并答复。", by=officer,
    )  # fmt: skip
    if complaint.summary.startswith(_LISTED):
        linking.raise_finding(
            complaint=complaint, level=Level.COUNTY, severity=Severity.ORDINARY, by=people[HANDLER]
        )
    if far == State.RETURNED:
        stepping.take(
            complaint=complaint, state=far, words="不属本单位职责，请转教育部门。",
            on=on + timedelta(days=2), by=people[HANDLER],
        )  # fmt: skip
    if far in (State.ANSWERED, State.CLOSED):
        complaint = stepping.answer(
            complaint=complaint, words="已核实处理，情况已向本人说明。", way=Way.NOT_POSSIBLE if complaint.is_anonymous else Way.IN_PERSON,
            on=on + timedelta(days=12), by=officer,
        )  # fmt: skip
    if far == State.CLOSED:
        stepping.take(
            complaint=complaint, state=far, words="信访人表示满意，办结。",
            on=on + timedelta(days=14), by=officer,
        )  # fmt: skip
