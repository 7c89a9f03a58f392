"""How much a county may assign to a sector in a year."""

from decimal import Decimal
from typing import Any

from django.db.models.functions import Now

from core.acting import acting
from core.scope import covers
from projects.models import ProjectType, Quota
from projects.services.common import DECIDE, UnfitError, refused
from villages.models import Region


def set_quota(
    *, region: Region, year: int, sector: ProjectType, amount: Decimal, source: str, by: Any
) -> Quota:
    """So many yuan, on this ground; never less than is assigned already. Raises UnfitError."""
    if not covers(by, region.code, DECIDE):
        raise UnfitError("您没有设置本县额度的权限。")
    if amount < 0 or not source:
        raise UnfitError("请填写额度和依据。")
    with acting(by=by, reason=source), refused():
        quota, _ = Quota.objects.update_or_create(
            region=region, region_code=region.code, year=year, sector=sector,
            defaults={
                "amount": amount, "source": source, "created_by": by, "changed_at": Now(),
            },
        )  # fmt: skip
    return quota
