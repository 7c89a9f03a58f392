"""The income tree: what the parts add up to, beside what is declared. Yuan a year, never overwritten."""

from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from households.checks.findings import Finding
from households.checks.words import query

_WAGES = ("wage_public_post", "wage_other")
_PROPERTY = ("property_asset_dividend", "property_other")
_TRANSFERS = (
    "transfer_family_planning", "transfer_dibao", "transfer_tekun", "transfer_pension",
    "transfer_ecology", "transfer_other",
)  # fmt: skip
_EARNED = ("income_wage", "income_business", "income_property", "income_transfer")
# Layouts differ on whether these stand among the transfers.
_REWARDS = ("reward_industry", "reward_employment")
_FEN = Decimal("0.01")
# Declared figures are rounded to whole yuan here and there; a smaller difference says nothing.
TOLERATED = Decimal(1)

Year = Mapping[str, Any]


def totals(year: Year, members: int) -> dict[str, Decimal | None]:
    """Every total as its parts add up; None where a part is not stated: missing is not zero."""
    gross = _sum(year, _EARNED)
    spent = year.get("expense_business")
    net = None if gross is None or spent is None else gross - spent
    heads = year.get("member_count") or members
    per_head = None if net is None or not heads else (net / heads).quantize(_FEN, ROUND_HALF_UP)
    return {
        "income_wage": _sum(year, _WAGES),
        "income_property": _sum(year, _PROPERTY),
        "income_transfer": _sum(year, _TRANSFERS),
        "income_total": gross,
        "net_income": net,
        "net_income_per_capita": per_head,
    }


def of_income(year: Year, members: int) -> Iterator[Finding]:
    """Declared totals that their parts do not add up to."""
    for name, computed in totals(year, members).items():
        declared = year.get(name)
        if declared is None:
            continue
        least = _stated(year, name) if computed is None else computed
        most = computed
        if most is not None and name == "income_transfer":
            most += sum((year.get(one) or Decimal(0) for one in _REWARDS), Decimal(0))
        is_less = least is not None and declared - least <= -TOLERATED
        is_more = most is not None and declared - most >= TOLERATED
        if is_less or is_more:
            yield query(
                "ENT01", f"year.{name}", f"按分项计算为 {least:,.2f}，填报为 {declared:,.2f}"
            )


_PARTS = {"income_wage": _WAGES, "income_property": _PROPERTY, "income_transfer": _TRANSFERS}


def _sum(year: Year, names: tuple[str, ...]) -> Decimal | None:
    parts = [year.get(name) for name in names]
    if any(part is None for part in parts):
        return None
    return sum((Decimal(part) for part in parts if part is not None), Decimal(0))


def _stated(year: Year, total: str) -> Decimal | None:
    """What the parts come to at least: those that are stated, where none of them is negative."""
    parts = [year[name] for name in _PARTS.get(total, ()) if year.get(name) is not None]
    return sum(parts, Decimal(0)) if parts and min(parts) >= 0 else None
