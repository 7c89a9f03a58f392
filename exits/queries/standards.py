"""Which standards count where and when."""

from collections.abc import Iterable

from exits.enums import SubjectLevel
from exits.models import Standard, StandardItem


def standards_at(code: str, year: int) -> list[Standard]:
    """The set in force at a place first, then those it is compared with.

    In force is the one of the longest prefix that fits. Empty where no standard covers the year.
    """
    valid = list(Standard.objects.valid_in(year).order_by("code"))
    fitting = [one for one in valid if code.startswith(one.region_prefix)]
    own = max(fitting, key=lambda one: len(one.region_prefix), default=None)
    compared = [one for one in valid if one.is_compared and one != own]
    return [*([own] if own else []), *compared]


def items_of(standards: Iterable[Standard]) -> dict[tuple[int, str], dict[str, StandardItem]]:
    """(standard, level) → its active items by code, in their order."""
    found: dict[tuple[int, str], dict[str, StandardItem]] = {
        (one.pk, level): {} for one in standards for level in SubjectLevel.values
    }
    rows = StandardItem.objects.filter(standard__in=list(standards), is_active=True)
    for row in rows.order_by("standard_id", "level", "position"):
        found[row.standard_id, row.level][row.code] = row
    return found
