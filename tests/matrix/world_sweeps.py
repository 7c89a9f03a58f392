"""Looking for the likes of a problem, and second looks, in each of the relations."""

from datetime import date
from typing import Any

from inspections.models import Finding, Recheck, RecheckItem, Sweep, SweepRun
from villages.models import Region

ON = date(2016, 3, 2)


def make(world: Any, relation: str, code: str, official: Any) -> None:
    """A search that found nothing yet, and a draw of the problem for a second look."""
    place = Region.objects.get(code=code.ljust(12, "0"))
    where = {"region": place, "region_code": place.code, "created_by": official}
    finding = Finding.objects.get(pk=world.ids["problem", relation])
    sweep = Sweep.objects.create(
        finding=finding, subject="FUNDS", terms={"rule": "unpaid"}, words=f"条件{relation}", **where
    )  # fmt: skip
    SweepRun.objects.create(
        sweep=sweep, region_code=place.code, on=ON, matched=0, fresh=0, digest="0" * 64,
        created_by=official,
    )  # fmt: skip
    world.add("sweep", relation, sweep.pk, code, marks=(sweep.words,))
    recheck = Recheck.objects.create(
        since=ON, until=ON, numerator=1, denominator=1, seed="0f" * 16, algorithm=1, frame_size=1,
        frame_digest="0" * 64, **where,
    )  # fmt: skip
    item = RecheckItem.objects.create(
        recheck=recheck, region_code=place.code, finding=finding, rank=1
    )
    world.add("recheck", relation, recheck.pk, code, marks=(finding.number,))
    world.add("recheck_item", relation, (recheck.pk, item.pk), code)
