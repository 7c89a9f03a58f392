"""A complaint that proves true enters the ledger of problems, by its summary alone."""

from typing import Any

from core.acting import acting
from inspections.enums.complaints import UNSEEN
from inspections.enums.findings import ObjectKind, Origin, Source
from inspections.models import Complaint, ComplaintFinding, Finding
from inspections.services.common import UnfitError
from inspections.services.complaints.common import locked, may_handle, refused
from inspections.services.findings import entering


def raise_finding(*, complaint: Complaint, level: str, severity: str, by: Any) -> Finding:
    """A problem whose fact is the summary, word for word: whoever raises it knows no more, and whoever
    does may not add to it. Raises UnfitError."""
    with acting(by=by, reason="信访转为问题"), refused():
        found = _ready(complaint, by)
        kind = ObjectKind.PLACE if found.household is None else ObjectKind.HOUSEHOLD
        made = entering.enter(
            region=found.region, source=Source.PETITION, level=level, origin=Origin.COMPLAINT,
            fields={
                "severity": severity, "fact": found.summary, "object_kind": kind,
                "household": found.household, "found_on": found.received_on,
            },
            by=by,
        )  # fmt: skip
        _link(found, made, by)
    return made


def link(*, complaint: Complaint, finding: Finding, by: Any) -> ComplaintFinding:
    """It is about a problem that is on the ledger already. Raises UnfitError."""
    with acting(by=by, reason="信访关联问题"), refused():
        return _link(_ready(complaint, by), finding, by)


def _ready(complaint: Complaint, by: Any) -> Complaint:
    found = locked(complaint)
    if not may_handle(by, found):
        raise UnfitError("您没有在该区划登记问题的权限。")
    if found.state in UNSEEN:
        raise UnfitError("信访件转办以后才能列入问题台账。")
    return found


def _link(complaint: Complaint, finding: Finding, by: Any) -> ComplaintFinding:
    return ComplaintFinding.objects.create(
        complaint=complaint, region_code=complaint.region_code, finding=finding, created_by=by
    )
