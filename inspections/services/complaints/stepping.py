"""The way of a complaint: each step one act, the order held by the database."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from core.acting import acting
from core.ledger.services import without_numbers
from inspections.enums.complaints import FOLLOWS, State
from inspections.enums.findings import Source
from inspections.models import Complainant, Complaint, ComplaintStep
from inspections.services.common import UnfitError
from inspections.services.complaints.common import locked, may_handle, may_receive, refused
from inspections.services.complaints.guarding import refuse_naming
from inspections.services.findings import deadlines


@dataclass(frozen=True)
class Duty:
    """Who has to deal with it until when. Without a day the rule's is taken."""

    unit: str
    name: str
    due_on: date | None = None
    due_source: str = ""


def received(*, complaint: Complaint, by: Any) -> Complaint:
    """The first step of a complaint that was just entered, inside the same act."""
    return _step(complaint, State.RECEIVED, complaint.received_on, "登记", by)


def takes(complaint: Complaint, state: str, actor: Any) -> bool:
    """Whether this step is the actor's: the receiver's all of them, a handler's to send it back."""
    if may_receive(actor, complaint):
        return True
    return (
        state == State.RETURNED
        and complaint.state == State.ASSIGNED
        and may_handle(actor, complaint)
    )


def next_steps(complaint: Complaint, actor: Any) -> list[str]:
    return [state for state in FOLLOWS[complaint.state] if takes(complaint, state, actor)]


def assign(*, complaint: Complaint, duty: Duty, on: date, words: str, by: Any) -> Complaint:
    """Pass it on to a unit until a day. Raises UnfitError."""
    with acting(by=by, reason="转办信访"), refused():
        found = _ready(complaint, State.ASSIGNED, by)
        due_on, source = duty.due_on, duty.due_source.strip()
        if due_on is None:
            rule = deadlines.due(
                code=found.region_code, source=Source.PETITION, level="", severity="", on=on
            )
            if rule is None:
                raise UnfitError(
                    "没有适用的期限规定，请填写办理期限和依据，或先在“期限设置”中设置。"
                )
            due_on, source = rule.on, rule.source
        elif not source:
            raise UnfitError("请写明办理期限的依据。")
        return _step(
            found, State.ASSIGNED, on, words, by,
            {
                "unit": duty.unit.strip(), "duty_name": duty.name.strip(), "due_on": due_on,
                "due_source": source[:200],
            },
        )  # fmt: skip


def transfer(*, complaint: Complaint, unit: str, on: date, words: str, by: Any) -> Complaint:
    """It is another organ's business. Raises UnfitError."""
    with acting(by=by, reason="转送信访"), refused():
        found = _ready(complaint, State.TRANSFERRED, by)
        if not unit.strip():
            raise UnfitError("请填写转送的单位。")
        return _step(found, State.TRANSFERRED, on, words, by, {"unit": unit.strip()})


def answer(*, complaint: Complaint, way: str, on: date, words: str, by: Any) -> Complaint:
    """What the complainant was told, when and how. Raises UnfitError."""
    with acting(by=by, reason="答复信访"), refused():
        found = _ready(complaint, State.ANSWERED, by)
        return _step(found, State.ANSWERED, on, words, by, {"way": way})


def take(*, complaint: Complaint, state: str, on: date, words: str, by: Any) -> Complaint:
    """A step that needs nothing but words: send back, close. Raises UnfitError."""
    with acting(by=by, reason=State(state).label), refused():
        return _step(_ready(complaint, state, by), state, on, words, by)


def _ready(complaint: Complaint, state: str, by: Any) -> Complaint:
    seen = locked(complaint)
    if state not in FOLLOWS[seen.state]:
        now = seen.get_state_display()
        raise UnfitError(f"{seen.number} 现为“{now}”，不能办理“{State(state).label}”。")
    if not takes(seen, state, by):
        raise UnfitError("您没有办理这一步的权限。")
    return seen


def _step(
    complaint: Complaint,
    state: str,
    on: date,
    words: str,
    by: Any,
    more: dict[str, Any] | None = None,
) -> Complaint:
    told = more or {}
    if may_receive(by, complaint):
        who = Complainant.objects.get(complaint=complaint)
        refuse_naming(who, [words, *(value for value in told.values() if isinstance(value, str))])
    said = without_numbers(words.strip())
    if not said:
        raise UnfitError("请写明意见。")
    ComplaintStep.objects.create(
        complaint=complaint, region_code=complaint.region_code, position=complaint.position,
        state=state, on=on, words=said[:1000], created_by=by, **told,
    )  # fmt: skip
    return Complaint.objects.get(pk=complaint.pk)
