"""Who complained, shown to whoever received it: once at a time, with a purpose on record."""

from dataclasses import dataclass
from typing import Any

from core import ledger
from core.templatetags.show import mask_phone
from inspections.models import Complainant, Complaint
from inspections.services.complaints.common import may_receive
from inspections.services.complaints.guarding import refuse_naming

_SHOWN = ("name", "phone", "address", "id_no", "household_no", "original")


@dataclass(frozen=True, repr=False)
class Revealed:
    """What is shown, as (label, text), and the number of the entry about it."""

    items: list[tuple[str, str]]
    entry: int


def reveal(*, complaint: Complaint, purpose: str, request: Any, by: Any) -> Revealed:
    """On the access ledger before it is shown. Raises UnfitError where the purpose names the complainant.

    PermissionError when `by` does not receive complaints where this one was received.
    """
    if not may_receive(by, complaint):
        raise PermissionError("inspections.petition")
    who = Complainant.objects.get(complaint=complaint)
    # The ledger is read by others.
    refuse_naming(who, [purpose])
    entry = ledger.note(
        ledger.Act.REVEAL, request, by, subject_kind="complaint", subject=complaint.number,
        region=complaint.held_by, rows=1, purpose=purpose, detail={"fields": list(_SHOWN)},
    )  # fmt: skip
    return Revealed(
        [(_label(name), getattr(who, name)) for name in _SHOWN if getattr(who, name)], entry
    )


def masked(complaint: Complaint, by: Any) -> list[tuple[str, str]]:
    """What reminds its receiver of whom it is from: 张**, 138****1234; nothing for anybody else."""
    if not may_receive(by, complaint) or complaint.is_anonymous:
        return []
    who = Complainant.objects.get(complaint=complaint)
    told = [(_label("name"), f"{who.name[:1]}**")]
    if who.phone:
        told.append((_label("phone"), mask_phone(who.phone)))
    return told


def _label(name: str) -> str:
    field: Any = Complainant._meta.get_field(name)
    return str(field.verbose_name)
