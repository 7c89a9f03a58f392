"""Many problems are given to one unit and person at once: first what stands against it, row by row."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from core.scope import covers
from inspections.enums.findings import FOLLOWS, State
from inspections.models import Finding, FindingStep
from inspections.services.common import UnfitError
from inspections.services.findings import deadlines
from inspections.services.findings.common import may_find
from inspections.services.findings.stepping import Duty


@dataclass(frozen=True)
class Unfit:
    """A problem that cannot be assigned, and why."""

    finding: Finding
    why: str


@dataclass
class Plan:
    """The day of each problem that can be assigned with the words it comes from, and the others."""

    ready: list[tuple[Finding, date, str]] = field(default_factory=list)
    unfit: list[Unfit] = field(default_factory=list)


class _Days:
    """The day by rule, asked for once per kind of problem and county."""

    def __init__(self, on: date) -> None:
        self.on = on
        self.rules = list(deadlines.rules_on(on))
        self.known: dict[int, deadlines.Due] = {}

    def of(self, finding: Finding) -> deadlines.Due:
        """Raises UnfitError where no rule holds, or the year's days off are not known."""
        rule = deadlines.best_of(
            self.rules, code=finding.region_code, source=finding.source, level=finding.level,
            severity=finding.severity,
        )  # fmt: skip
        if rule is None:
            raise UnfitError("没有适用的期限规定，请填写整改期限和依据。")
        if rule.pk not in self.known:
            self.known[rule.pk] = deadlines.by_rule(rule, self.on)
        return self.known[rule.pk]


def planned(*, findings: Iterable[Finding], duty: Duty, on: date, by: Any) -> Plan:
    """What would become of an assignment. A few queries, however many problems."""
    plan, days = Plan(), _Days(on)
    for finding in findings:
        why = _against(finding, duty, on, by)
        due_on, source = duty.due_on, duty.due_source.strip()
        if not why and due_on is None:
            try:
                due = days.of(finding)
                due_on, source = due.on, due.source
            except UnfitError as unfit:
                why = str(unfit)
        if why or due_on is None:
            plan.unfit.append(Unfit(finding, why))
        else:
            plan.ready.append((finding, due_on, source[:200]))
    return plan


def _against(finding: Finding, duty: Duty, on: date, by: Any) -> str:
    if not may_find(by, finding.region_code):
        return "不在您的交办权限范围内。"
    if State.ASSIGNED not in FOLLOWS[finding.state]:
        return f"现为“{finding.get_state_display()}”，不能交办。"
    if finding.state_on is not None and on < finding.state_on:
        return f"交办日期早于上一步的日期（{finding.state_on:%Y-%m-%d}）。"
    if duty.due_on is not None and duty.due_on < on:
        return "整改期限早于交办日期。"
    if duty.due_on is not None and not duty.due_source.strip():
        return "请写明整改期限的依据。"
    if duty.user is not None and not covers(duty.user, finding.region_code):
        return "责任人账号看不到该问题所在区划。"
    return ""


def locked_all(findings: Sequence[Finding]) -> list[Finding]:
    """The problems as they stand now, locked in one order, so that two such acts wait in turn."""
    keys = [one.pk for one in findings]
    return list(Finding.objects.select_for_update(no_key=True).filter(pk__in=keys).order_by("pk"))


def carry_out(plan: Plan, *, duty: Duty, on: date, words: str, by: Any) -> int:
    """Write the steps of a plan without unfit ones, inside the act of whoever asks."""
    FindingStep.objects.bulk_create(
        (
            FindingStep(
                finding=finding, region_code=finding.region_code, position=finding.position,
                state=State.ASSIGNED, on=on, words=words, lead_unit=duty.unit.strip(),
                duty_name=duty.name.strip(), duty_user=duty.user, due_on=due_on, due_source=source,
                created_by=by,
            )
            for finding, due_on, source in plan.ready
        ),
        batch_size=500,
    )  # fmt: skip
    return len(plan.ready)
