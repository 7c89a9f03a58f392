"""More time is asked for by whoever mends, and given or refused by somebody else."""

from datetime import date
from typing import Any

from core.acting import acting
from core.ledger.services import without_numbers
from inspections.models import Extension, Finding
from inspections.services.common import UnfitError
from inspections.services.findings.common import locked, refused, require_find, require_mend


def ask(*, finding: Finding, until: date, reason: str, on: date, by: Any) -> Extension:
    """Ask for the mending to be due later. Raises UnfitError."""
    if not reason.strip():
        raise UnfitError("请写明延期理由。")
    with acting(by=by, reason="申请延期"), refused():
        found = locked(finding)
        require_mend(found, by)
        return Extension.objects.create(
            finding=found, region_code=found.region_code, until=until, asked_on=on, asked_by=by,
            reason=without_numbers(reason.strip())[:300],
        )  # fmt: skip


def decide(*, extension: Extension, is_granted: bool, why: str, on: date, by: Any) -> Extension:
    """Give or refuse the time. Raises UnfitError for one's own."""
    if not why.strip():
        raise UnfitError("请写明批复意见。")
    with acting(by=by, reason="批复延期"), refused():
        # The finding first, as every other act on it does.
        locked(extension.finding)
        found = Extension.objects.select_for_update().get(pk=extension.pk)
        require_find(found.region_code, by)
        if found.is_granted is not None:
            raise UnfitError("这份延期申请已经批复。")
        if found.asked_by_id == by.pk:
            raise UnfitError("申请人不能批复自己的延期申请。")
        found.is_granted, found.decided_on, found.decided_by = is_granted, on, by
        found.decided_why = without_numbers(why.strip())[:300]
        found.save(update_fields=["is_granted", "decided_on", "decided_by", "decided_why"])
    return found
