"""The way of a problem: each step one act, the order held by the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from core.acting import acting
from core.ledger.services import without_numbers
from inspections.enums.findings import BY_ANOTHER, DONE, FOLLOWS, Look, Origin, State
from inspections.models import Finding, FindingLook, FindingStep
from inspections.queries.findings import sweeps
from inspections.services import rectifying
from inspections.services.common import UnfitError
from inspections.services.findings import deadlines
from inspections.services.findings.common import (
    locked,
    may_find,
    may_mend,
    refused,
    require_find,
)

# What whoever mends does; the rest is done by whoever registers and closes.
_BY_MENDERS = (State.MEASURED, State.CLAIMED)


@dataclass(frozen=True)
class Duty:
    """Who has to mend a problem until when. Without a day the rule's is taken.

    `user` sees it on the list of what waits.
    """

    unit: str
    name: str
    user: Any = None
    due_on: date | None = None
    due_source: str = ""


def found(*, finding: Finding, by: Any) -> Finding:
    """The first step of a problem that was just entered, inside the same act."""
    _step(finding, State.FOUND, finding.found_on, "登记", by)
    return Finding.objects.get(pk=finding.pk)


def takes(finding: Finding, state: str, actor: Any) -> bool:
    """Whether this step is the actor's to take, whatever it still lacks."""
    if state in _BY_MENDERS:
        return may_mend(actor, finding)
    if state in BY_ANOTHER and finding.claimed_by_id == getattr(actor, "pk", None):
        return False
    return may_find(actor, finding.region_code)


def next_steps(finding: Finding, actor: Any) -> list[str]:
    """The steps that may follow and that this person takes; those that take more than words too."""
    return [state for state in FOLLOWS[finding.state] if takes(finding, state, actor)]


def assign(*, finding: Finding, duty: Duty, on: date, words: str = "交办", by: Any) -> Finding:
    """Give the mending to a unit and a person until a day. Raises UnfitError."""
    with acting(by=by, reason="交办问题"), refused():
        return _assign(_ready(finding, State.ASSIGNED, by), duty, on, words, by)


def assign_many(
    *, findings: Sequence[Finding], duty: Duty, on: date, words: str = "交办", by: Any
) -> int:
    """Give several problems to one unit and person, each by its own rule's day; all or none.

    Set-based. Raises UnfitError that names each problem in the way.
    """
    from inspections.services.findings import assigning

    said = without_numbers(words.strip())
    if not said:
        raise UnfitError("请写明意见。")
    with acting(by=by, reason=f"批量交办 {len(findings)} 个问题"), refused():
        plan = assigning.planned(findings=assigning.locked_all(findings), duty=duty, on=on, by=by)
        if plan.unfit:
            raise UnfitError("".join(f"{one.finding.number}：{one.why}" for one in plan.unfit))
        return assigning.carry_out(plan, duty=duty, on=on, words=said[:1000], by=by)


def _assign(finding: Finding, duty: Duty, on: date, words: str, by: Any) -> Finding:
    due_on, source = duty.due_on, duty.due_source.strip()
    if due_on is None:
        rule = deadlines.due(
            code=finding.region_code, source=finding.source, level=finding.level,
            severity=finding.severity, on=on,
        )  # fmt: skip
        if rule is None:
            raise UnfitError(
                f"{finding.number}：没有适用的期限规定，请填写整改期限和依据，"
                "或先在“期限设置”中设置。"
            )
        due_on, source = rule.on, rule.source
    elif not source:
        raise UnfitError("请写明整改期限的依据。")
    return _step(
        finding, State.ASSIGNED, on, words, by,
        {
            "lead_unit": duty.unit.strip(), "duty_name": duty.name.strip(), "duty_user": duty.user,
            "due_on": due_on, "due_source": source[:200],
        },
    )  # fmt: skip


def file_measure(*, finding: Finding, measure: str, on: date, by: Any) -> Finding:
    """Whoever mends says how. Raises UnfitError."""
    return take(finding=finding, state=State.MEASURED, words=measure, on=on, by=by)


def claim(*, finding: Finding, words: str, on: date, by: Any) -> Finding:
    """Whoever mends says that it is done; papers must have been handed in. Raises UnfitError."""
    return take(finding=finding, state=State.CLAIMED, words=words, on=on, by=by)


def verify(*, finding: Finding, words: str, on: date, by: Any) -> Finding:
    """Somebody else looked, and it is so. Raises UnfitError."""
    return take(finding=finding, state=State.VERIFIED, words=words, on=on, by=by)


def close(*, finding: Finding, words: str, on: date, by: Any) -> Finding:
    """Strike it off the ledger (销号); what must be watched is watched first. Raises UnfitError."""
    state = State.CLOSED
    if finding.needs_watch and finding.state == State.VERIFIED:
        state = State.WATCHED
    return take(finding=finding, state=state, words=words, on=on, by=by)


def send_back(*, finding: Finding, words: str, on: date, by: Any) -> Finding:
    """The measure does not do, or the mending is not what was claimed. Raises UnfitError."""
    return take(finding=finding, state=State.RETURNED, words=words, on=on, by=by)


def take(*, finding: Finding, state: str, words: str, on: date, by: Any) -> Finding:
    """Take a step that needs nothing but words. Raises UnfitError.

    What was raised from a case of an assessment is put right with it.
    """
    with acting(by=by, reason=State(state).label), refused():
        ready = _ready(finding, state, by)
        if state in DONE and (due := sweeps.due(ready)):
            told = "、".join(f"“{one.words}”" for one in due)
            raise UnfitError(f"核验以后还没有重新查找同类问题：{told}。请先重新查找，再办理销号。")
        taken = _step(ready, state, on, words, by)
        if state in DONE:
            rectifying.by_ledger(finding=taken, on=on, by=by)
        return taken


def merge(*, finding: Finding, into: Finding, words: str, on: date, by: Any) -> Finding:
    """The same problem is on the ledger already; it goes on there. Raises UnfitError."""
    with acting(by=by, reason="并案"), refused():
        require_find(into.region_code, by)
        return _step(_ready(finding, State.MERGED, by), State.MERGED, on, words, by, {"into": into})


def split(
    *, finding: Finding, parts: Sequence[dict[str, Any]], words: str, on: date, by: Any
) -> list[Finding]:
    """Several problems instead of one. `parts` are fields as `entering.enter` takes them, each with
    its `region` where it differs. Raises UnfitError."""
    from inspections.services.findings import entering

    with acting(by=by, reason="拆分"), refused():
        whole = _ready(finding, State.SPLIT, by)
        made = []
        for part in parts:
            told = dict(part)
            region = told.pop("region", None) or whole.region
            fields = {
                "severity": whole.severity, "category": whole.category, "basis": whole.basis,
                "object_kind": whole.object_kind, "household": whole.household,
                "person": whole.person, "project": whole.project, "payment": whole.payment,
                "cadre": whole.cadre, "found_on": whole.found_on, "needs_watch": whole.needs_watch,
            }  # fmt: skip
            made.append(
                entering.enter(
                    region=region, fields=fields | told, campaign=whole.campaign,
                    source=whole.source, level=whole.level, origin=Origin.SPLIT, parent=whole,
                    by=by,
                )
            )  # fmt: skip
        _step(whole, State.SPLIT, on, words, by)
    return made


def look(
    *, finding: Finding, result: str, words: str, on: date, by: Any
) -> tuple[FindingLook, Finding]:
    """A second look at a mended problem; one that came back is returned. Raises UnfitError."""
    with acting(by=by, reason="复查"), refused():
        require_find(finding.region_code, by)
        seen = locked(finding)
        made = FindingLook.objects.create(
            finding=seen, region_code=seen.region_code, position=seen.position, on=on,
            result=result, words=without_numbers(words.strip()), created_by=by,
        )  # fmt: skip
        if result == Look.RELAPSED:
            seen = _step(seen, State.RETURNED, on, f"复查发现反弹：{words.strip()}", by)
    return made, seen


def _ready(finding: Finding, state: str, by: Any) -> Finding:
    seen = locked(finding)
    if state not in FOLLOWS[seen.state]:
        now = seen.get_state_display()
        raise UnfitError(f"{seen.number} 现为“{now}”，不能办理“{State(state).label}”。")
    if not takes(seen, state, by):
        if state in BY_ANOTHER and may_find(by, seen.region_code):
            raise UnfitError("报完成的人不能核验和销号，须由另一人办理。")
        raise UnfitError("您没有办理这一步的权限。")
    return seen


def _step(
    finding: Finding,
    state: str,
    on: date,
    words: str,
    by: Any,
    more: dict[str, Any] | None = None,
) -> Finding:
    said = without_numbers(words.strip())
    if not said:
        raise UnfitError("请写明意见。")
    FindingStep.objects.create(
        finding=finding, region_code=finding.region_code, position=finding.position, state=state,
        on=on, words=said[:1000], created_by=by, **(more or {}),
    )  # fmt: skip
    return Finding.objects.get(pk=finding.pk)
