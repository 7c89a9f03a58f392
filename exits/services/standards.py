"""What officials do about standards: revise an item, compare a set, record a check on the spot."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import F

from core.acting import acting
from exits.enums import Outcome, SubjectLevel
from exits.models import Attestation, Standard, StandardItem
from exits.queries.standards import items_of, standards_at
from households.models import Household
from villages.models import Region
from villages.queries.yearly import is_closed

MANAGE = "exits.manage_standards"
CHECK = "households.edit"
# The facts of an item that a city may change; what is measured belongs to the product.
REVISABLE = frozenset(
    {"label", "requirement", "is_veto", "is_repairable", "is_active", "comparator", "threshold",
     "source"}
)  # fmt: skip


class StandardRefusedError(Exception):
    """The change or check cannot be; the text says why."""


def revise_item(*, item: StandardItem, values: dict[str, Any], reason: str, by: Any) -> None:
    """Change an item; its set gets a new version and everything it judges is judged again."""
    unknown = values.keys() - REVISABLE
    if unknown:
        raise ValueError(f"not revisable: {sorted(unknown)}")
    if Decimal(values.get("threshold", item.threshold)) < 0 or not values.get("source", "x"):
        raise StandardRefusedError("标准值不能为负，依据不能为空。")
    with acting(by=by, reason=reason):
        Standard.objects.filter(pk=item.standard_id).update(version=F("version") + 1)
        StandardItem.objects.filter(pk=item.pk).update(**values)


def compare_with(*, standard: Standard, is_compared: bool, by: Any) -> None:
    """Evaluate a set everywhere beside the one in force, or no longer."""
    reason = "并列对照" if is_compared else "取消并列对照"
    with acting(by=by, reason=reason):
        Standard.objects.filter(pk=standard.pk).update(
            is_compared=is_compared, version=F("version") + 1
        )


def attest(
    *,
    region: Region,
    household: Household | None = None,
    partition: int,
    item: str,
    outcome: str,
    evidence: str,
    checked_on: date,
    today: date,
    by: Any,
) -> Attestation:
    """Record what was found on the spot about an item of a household, village or county.

    Raises StandardRefusedError for an item that no standard asks of it, for a day to come, and for a
    year that is closed.
    """
    level = SubjectLevel.HOUSEHOLD if household else SubjectLevel(region.level)
    standards = standards_at(region.code, partition)
    items = items_of(standards)
    if not any(item in items[one.pk, level] for one in standards):
        raise StandardRefusedError("现行标准没有这一项。")
    if outcome not in (Outcome.MET, Outcome.NOT_MET):
        raise StandardRefusedError("核实结果只能是达标或不达标。")
    if checked_on > today:
        raise StandardRefusedError("核实日期不能晚于今天。")
    if is_closed(partition):
        raise StandardRefusedError(f"{partition} 年度已关闭。")
    with acting(by=by, reason="现场核实"):
        return Attestation.objects.create(
            partition=partition, region=region, region_code=region.code, household=household,
            item=item, outcome=outcome, evidence=evidence, checked_on=checked_on, checked_by=by,
        )  # fmt: skip
