"""What can be done on a complaint's page: each act with its form, to whom it is offered, its service."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from inspections.enums.complaints import FOLLOWS, State
from inspections.models import Complaint
from inspections.services.complaints import receiving, stepping
from inspections.services.complaints.common import may_receive
from inspections.services.complaints.receiving import Person
from inspections.services.complaints.stepping import Duty, takes
from inspections.views.complaints.forms import (
    AmendForm,
    AnswerForm,
    AssignForm,
    StepForm,
    TransferForm,
)


@dataclass(frozen=True)
class Act:
    key: str
    title: str
    offered: Callable[[Complaint, Any], bool]
    make: Callable[[Complaint, Any], Any]
    do: Callable[[Complaint, dict[str, Any], Any], Any]


def _next(state: str) -> Callable[[Complaint, Any], bool]:
    return lambda one, by: state in FOLLOWS[one.state] and takes(one, state, by)


def _assign(one: Complaint, told: dict[str, Any], by: Any) -> Complaint:
    duty = Duty(told["unit"], told["duty_name"], told["due_on"], told["due_source"])
    return stepping.assign(complaint=one, duty=duty, on=told["on"], words=told["words"], by=by)


def _plain(state: str, title: str) -> Act:
    return Act(
        state.lower(), title, _next(state), lambda _, data: StepForm(data),
        lambda one, told, by: stepping.take(complaint=one, state=state, by=by, **told),
    )  # fmt: skip


def _amend(one: Complaint, told: dict[str, Any], by: Any) -> Complaint:
    told = dict(told)
    summary = told.pop("summary", "")
    return receiving.amend(complaint=one, summary=summary, person=Person(**told), by=by)


def _amend_form(one: Complaint, data: Any) -> AmendForm:
    form = AmendForm(data)
    if one.state != State.RECEIVED:
        del form.fields["summary"]
    if one.is_anonymous:
        for name in ("name", "phone", "address", "id_no"):
            del form.fields[name]
    return form


def _may_amend(one: Complaint, by: Any) -> bool:
    return may_receive(by, one) and not (one.is_anonymous and one.state != State.RECEIVED)


ACTS: tuple[Act, ...] = (
    Act("assign", "转办", _next(State.ASSIGNED), lambda _, data: AssignForm(data), _assign),
    Act(
        "answer", "答复", _next(State.ANSWERED),
        lambda one, data: AnswerForm(data, is_anonymous=one.is_anonymous),
        lambda one, told, by: stepping.answer(complaint=one, by=by, **told),
    ),
    _plain(State.CLOSED, "办结"),
    _plain(State.RETURNED, "退回"),
    Act(
        "transfer", "转送其他机关", _next(State.TRANSFERRED), lambda _, data: TransferForm(data),
        lambda one, told, by: stepping.transfer(complaint=one, by=by, **told),
    ),
    Act("amend", "更正登记", _may_amend, _amend_form, _amend),
)  # fmt: skip
KEYS = {one.key for one in ACTS}


def offered(one: Complaint, by: Any) -> list[Act]:
    """The acts of this person that fit the state."""
    return [act for act in ACTS if act.offered(one, by)]
