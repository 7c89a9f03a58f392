"""Campaigns, problems, letters and second looks, in each of the relations."""

from datetime import date, timedelta
from typing import Any

from inspections.models import Campaign, CampaignPaper, Finding, FindingStep
from villages.models import Region

FOUND_ON = date(2016, 3, 1)


def make(world: Any, relation: str, code: str, official: Any) -> None:
    """A campaign with a problem that is late, and the draft of its letter."""
    place = Region.objects.get(code=code.ljust(12, "0"))
    where = {"region": place, "region_code": place.code}
    campaign = Campaign.objects.create(
        name=f"检查{relation}", source="AUDIT", level="CITY", began_on=FOUND_ON, told_on=FOUND_ON,
        document=f"反馈〔2016〕{relation}", created_by=official, **where,
    )  # fmt: skip
    world.add("campaign", relation, campaign.pk, code, marks=(campaign.name,))
    paper = CampaignPaper.objects.create(
        campaign=campaign, region_code=place.code, media_type="image/jpeg", sha256="0" * 64, size=1,
        created_by=official,
    )  # fmt: skip
    world.add("document", relation, paper.pk, code)
    finding = Finding.objects.create(
        campaign=campaign, source="AUDIT", level="CITY", severity="ORDINARY",
        fact=f"事实{relation}", object_kind="PLACE", found_on=FOUND_ON, origin="ENTERED",
        entered_by=official, **where,
    )  # fmt: skip
    step = {"finding": finding, "region_code": place.code, "created_by": official}
    FindingStep.objects.create(position=0, state="FOUND", on=FOUND_ON, words="登记", **step)
    FindingStep.objects.create(
        position=1, state="ASSIGNED", on=FOUND_ON, words="交办", lead_unit=f"单位{relation}",
        duty_name="责任人", due_on=FOUND_ON + timedelta(days=9), due_source="整改方案", **step,
    )  # fmt: skip
    world.add("problem", relation, finding.pk, code, marks=(finding.fact,))
