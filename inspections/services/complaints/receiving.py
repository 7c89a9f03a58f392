"""A complaint is received: what may go on is kept apart from who complained and in what words."""

from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any

from core.acting import acting
from core.ledger.services import without_numbers
from core.scope import trim
from households.models import Household
from inspections.enums.complaints import State
from inspections.models import Complainant, Complaint
from inspections.services.common import UnfitError
from inspections.services.complaints import stepping
from inspections.services.complaints.common import locked, office_of, refused, require_receive
from inspections.services.complaints.guarding import refuse_naming
from villages.models import Region


@dataclass(frozen=True, repr=False)
class Person:
    """Who complained; all empty for an anonymous complaint. Not shown in tracebacks."""

    name: str = ""
    phone: str = ""
    address: str = ""
    id_no: str = ""

    def stripped(self) -> "Person":
        return replace(self, **{one.name: getattr(self, one.name).strip() for one in fields(self)})

    @property
    def is_nobody(self) -> bool:
        return not any(getattr(self, one.name) for one in fields(self))


def receive(
    *,
    region: Region,
    channel: str,
    kind: str,
    received_on: date,
    original: str,
    summary: str,
    person: Person | None = None,
    is_confidential: bool = True,
    household: Household | None = None,
    by: Any,
) -> Complaint:
    """Register a complaint. Without a person it is anonymous. Raises UnfitError."""
    held_by = office_of(by, region.code)
    if not held_by:
        raise UnfitError("您没有在该区划登记信访举报的权限。")
    who = (person or Person()).stripped()
    if not who.is_nobody and not who.name:
        raise UnfitError("请填写信访人姓名；匿名件请不要填写电话、住址和证件号码。")
    if not original.strip():
        raise UnfitError("请填写原文。")
    if household is not None and not household.village_code.startswith(trim(region.code)):
        raise UnfitError("涉及农户不在反映区划内。")
    kept = Complainant(
        held_by=held_by, original=original.strip(),
        household_no=household.household_no if household and is_confidential else "",
        **{one.name: getattr(who, one.name) for one in fields(who)},
    )  # fmt: skip
    refuse_naming(kept, [summary])
    with acting(by=by, reason="登记信访"), refused():
        made = Complaint.objects.create(
            region=region, region_code=region.code, held_by=held_by, channel=channel, kind=kind,
            received_on=received_on, summary=_summary(summary), is_anonymous=who.is_nobody,
            is_confidential=is_confidential, household=None if is_confidential else household,
            entered_by=by,
        )  # fmt: skip
        kept.complaint = made
        kept.save()
        return stepping.received(complaint=made, by=by)


def amend(
    *, complaint: Complaint, summary: str = "", person: Person | None = None, by: Any
) -> Complaint:
    """Put right the summary before it is passed on, and what is known of the complainant.

    What is left empty stays. Raises UnfitError.
    """
    with acting(by=by, reason="更正信访登记"), refused():
        found = locked(complaint)
        require_receive(found, by)
        who = Complainant.objects.select_for_update().get(complaint=found)
        told = (person or Person()).stripped()
        if found.is_anonymous and not told.is_nobody:
            raise UnfitError("匿名件不能补填信访人。")
        new = [one.name for one in fields(told) if getattr(told, one.name)]
        for name in new:
            setattr(who, name, getattr(told, name))
        if summary.strip():
            if found.state != State.RECEIVED:
                raise UnfitError("已经转办，转办摘要不能再修改。")
            found.summary = _summary(summary)
        said = found.steps.values_list("words", flat=True)
        refuse_naming(who, [summary, found.summary, *said])
        if new:
            who.save(update_fields=new)
        if summary.strip():
            found.save(update_fields=["summary"])
    return found


def _summary(text: str) -> str:
    said = without_numbers(text.strip())
    if not said:
        raise UnfitError("请填写转办摘要。")
    return said[:500]
