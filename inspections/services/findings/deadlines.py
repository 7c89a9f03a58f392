"""Until when a problem is to be mended, and by which rule: working days of loaded years."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from core.acting import acting
from core.scope import trim
from exits.services import procedures_notices, procedures_steps
from households.formulas import WORKING
from inspections.models import DeadlineRule
from inspections.services.common import UnfitError
from inspections.services.findings.common import require_find


@dataclass(frozen=True)
class Due:
    """A day and the words of the rule it comes from."""

    on: date
    source: str


def rule_for(*, code: str, source: str, level: str, severity: str, on: date) -> DeadlineRule | None:
    """The rule that says most about such a problem, for the smallest division around its place."""
    return best_of(rules_on(on), code=code, source=source, level=level, severity=severity)


def rules_on(on: date) -> Any:
    """The rules that hold on this day somewhere."""
    return DeadlineRule.objects.filter(valid_from__lte=on)


def best_of(
    rules: Iterable[DeadlineRule], *, code: str, source: str, level: str, severity: str
) -> DeadlineRule | None:
    """As `rule_for`, among rules that were read before."""
    place = trim(code)
    fitting = (
        rule
        for rule in rules
        if place.startswith(rule.region_prefix)
        and rule.kind in ("", source)
        and rule.level in ("", level)
        and rule.severity in ("", severity)
    )
    return max(fitting, key=_weight, default=None)


def _weight(rule: DeadlineRule) -> tuple[Any, ...]:
    told = sum(bool(one) for one in (rule.kind, rule.level, rule.severity))
    return (
        len(rule.region_prefix), told, bool(rule.severity), bool(rule.kind), rule.valid_from,
        rule.pk,
    )  # fmt: skip


def due(*, code: str, source: str, level: str, severity: str, on: date) -> Due | None:
    """When a problem assigned on this day is to be mended; None where no rule says so.

    The day after the assignment is the first. Raises UnfitError for a year without a table of days
    off.
    """
    rule = rule_for(code=code, source=source, level=level, severity=severity, on=on)
    if rule is None:
        return None
    return by_rule(rule, on)


def by_rule(rule: DeadlineRule, on: date) -> Due:
    """The day this rule gives. Raises UnfitError for a year without a table of days off."""
    return Due(after(on, rule.days), f"{rule.source}（{rule.days} 个工作日）")


def after(on: date, days: int) -> date:
    """So many working days later. Raises UnfitError for a year without a table of days off."""
    try:
        return procedures_notices.ends_on(on + timedelta(days=1), days, WORKING)
    except procedures_steps.UnfitError as unfit:
        raise UnfitError(str(unfit)) from unfit


def set_rule(
    *,
    region_prefix: str,
    kind: str = "",
    level: str = "",
    severity: str = "",
    days: int,
    reply_days: int,
    valid_from: date,
    source: str,
    by: Any,
) -> DeadlineRule:
    """State a time with the document that says so. Raises UnfitError."""
    require_find(region_prefix, by)
    if not source.strip():
        raise UnfitError("请写明期限的依据。")
    with acting(by=by, reason="设置整改期限"):
        rule, _ = DeadlineRule.objects.update_or_create(
            region_prefix=region_prefix, kind=kind, level=level, severity=severity,
            valid_from=valid_from,
            defaults={
                "days": days, "reply_days": reply_days, "source": source.strip(), "created_by": by,
            },
        )  # fmt: skip
    return rule
