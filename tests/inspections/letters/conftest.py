"""The office of the ledger, and a problem that is late."""

from datetime import timedelta

import pytest

from inspections.enums.findings import State
from inspections.models import Finding, Letter
from inspections.services.letters import preparing, sending
from tests.inspections.findings.conftest import (
    DAY,
    DUE,
    Office,
    county_office,
    entered,
    helper,
    office,
    town_clerk,
    village_official,
)

__all__ = ["county_office", "helper", "office", "town_clerk", "village_official"]
AFTER = DUE + timedelta(days=3)


@pytest.fixture
def late(office: Office) -> Finding:
    """Assigned in September 2018, due on the 28th, and not mended."""
    finding = entered(office.county, fact="<管网> & 水表没有验收")
    return office.take(finding, State.ASSIGNED, DAY)


@pytest.fixture
def draft(late: Finding) -> Letter:
    (made,) = preparing.prepare(today=AFTER, prefix="4103")
    return Letter.objects.select_related("region").get(pk=made.pk)


@pytest.fixture
def letter(draft: Letter, office: Office) -> Letter:
    """Issued on 1 October 2018, the answer due nine days later."""
    return sending.issue(
        letter=draft, on=AFTER, reply_due_on=AFTER + timedelta(days=9), by=office.county
    )
