"""Complaints, in each of the relations."""

from datetime import date, timedelta
from typing import Any

from inspections.models import Complainant, Complaint, ComplaintStep
from villages.models import Region

RECEIVED_ON = date(2016, 3, 1)


def make(world: Any, relation: str, code: str, official: Any) -> None:
    """A complaint that the county received (the city, where it is about the city) and passed on."""
    place = Region.objects.get(code=code.ljust(12, "0"))
    complaint = Complaint.objects.create(
        channel="LETTER", kind="REPORT", held_by=code[:6], region=place, region_code=place.code,
        received_on=RECEIVED_ON, summary=f"信访摘要{relation}", entered_by=official,
    )  # fmt: skip
    name, original = f"信访人{relation}", f"信访原文{relation}"
    Complainant.objects.create(
        complaint=complaint, held_by=complaint.held_by, name=name, original=original,
        address=f"住址{relation}",
    )  # fmt: skip
    step = {"complaint": complaint, "region_code": place.code, "created_by": official}
    ComplaintStep.objects.create(position=0, state="RECEIVED", on=RECEIVED_ON, words="登记", **step)
    ComplaintStep.objects.create(
        position=1, state="ASSIGNED", on=RECEIVED_ON, words="转办", unit=f"承办{relation}",
        duty_name="承办人", due_on=RECEIVED_ON + timedelta(9), due_source="信访工作规定", **step,
    )  # fmt: skip
    world.add("complaint", relation, complaint.pk, code, marks=(complaint.summary,))
    world.add("complainant", relation, complaint.pk, code, marks=(name, original))
