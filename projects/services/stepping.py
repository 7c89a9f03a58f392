"""The way of a project through the offices: each step one act, the order held by the database."""

from datetime import date
from decimal import Decimal
from typing import Any

from core.acting import acting
from projects.enums import FOLLOWS, State
from projects.models import Project, ProjectStep
from projects.services.common import (
    COUNTY,
    DECIDE,
    EDIT,
    REVIEW,
    TOWN,
    UnfitError,
    at_level,
    locked,
    may_edit,
    refused,
)

# Who takes which step: the right, and the level it is taken at; None: whoever enters the project.
TAKEN_BY: dict[str, tuple[str, int] | None] = {
    State.REVIEWED: (REVIEW, TOWN),
    State.DECIDED: (DECIDE, COUNTY),
    State.LIBRARY: (DECIDE, COUNTY),
    State.BUDGETED: (DECIDE, COUNTY),
    State.STARTED: None,
    State.COMPLETED: None,
    State.ACCEPTED: (DECIDE, COUNTY),
    State.SETTLED: (DECIDE, COUNTY),
    State.REGISTERED: None,
    State.EVALUATED: (DECIDE, COUNTY),
}
_LEVELS = {TOWN: "乡镇", COUNTY: "县"}
# What is given up after the county has decided is given up by the county.
_BY_WHOEVER_ENTERED = (State.PROPOSED, State.REVIEWED)


def takes(project: Project, state: str, actor: Any) -> bool:
    """Whether this step is the actor's office's to take, whatever it still lacks."""
    if state == State.CANCELLED:
        if project.state in _BY_WHOEVER_ENTERED:
            return may_edit(project, actor)
        return at_level(actor, project.region_code, DECIDE, COUNTY)
    if state == State.REFUSED:
        by = TAKEN_BY[State.REVIEWED if project.state == State.PROPOSED else State.DECIDED]
    else:
        by = TAKEN_BY[state]
    if by is None:
        return may_edit(project, actor)
    return at_level(actor, project.region_code, *by)


def next_steps(project: Project, actor: Any) -> list[str]:
    """The steps that may follow and that this person's office takes."""
    return [state for state in FOLLOWS[project.state] if takes(project, state, actor)]


def propose(*, project: Project, on: date, by: Any) -> ProjectStep:
    """The first step of a project that was just entered, inside the same act."""
    return _step(project, State.PROPOSED, on, "申报", by=by)


def review(*, project: Project, on: date, reason: str, by: Any) -> Project:
    """The town has looked at it and hands it on. Raises UnfitError."""
    return take(project=project, state=State.REVIEWED, on=on, reason=reason, by=by)


def decide(*, project: Project, on: date, reason: str, by: Any) -> Project:
    """The county approves it. Raises UnfitError."""
    return take(project=project, state=State.DECIDED, on=on, reason=reason, by=by)


def refuse(*, project: Project, on: date, reason: str, by: Any) -> Project:
    """Town or county turn it down; it stays on record. Raises UnfitError."""
    return take(project=project, state=State.REFUSED, on=on, reason=reason, by=by)


def cancel(*, project: Project, on: date, reason: str, by: Any) -> Project:
    """It will not be built; it stays on record. Raises UnfitError."""
    return take(project=project, state=State.CANCELLED, on=on, reason=reason, by=by)


def take_in(*, project: Project, on: date, reason: str, by: Any) -> Project:
    """Into the library: with targets, after the notice of the plan. Raises UnfitError."""
    return take(project=project, state=State.LIBRARY, on=on, reason=reason, by=by)


def assign(
    *, project: Project, amount: Decimal, document: str, on: date, reason: str, by: Any
) -> Project:
    """Into the year plan with so many yuan, by this document. Raises UnfitError."""
    if amount <= 0 or not document:
        raise UnfitError("请填写安排资金和文号。")
    return take(
        project=project, state=State.BUDGETED, on=on, reason=reason, document=document,
        amount=amount, by=by,
    )  # fmt: skip


def start(*, project: Project, on: date, reason: str, by: Any) -> Project:
    """Work begins; from now on the stages stand. Raises UnfitError."""
    return take(project=project, state=State.STARTED, on=on, reason=reason, by=by)


def complete(*, project: Project, on: date, reason: str, by: Any) -> Project:
    """Work is done, by the last report. Raises UnfitError."""
    return take(project=project, state=State.COMPLETED, on=on, reason=reason, by=by)


def take(
    *,
    project: Project,
    state: str,
    on: date,
    reason: str,
    document: str = "",
    amount: Decimal | None = None,
    by: Any,
) -> Project:
    """Take one step. Raises UnfitError for what is out of turn, another office's or lacks something."""
    if not reason:
        raise UnfitError("请写明意见。")
    with acting(by=by, reason=f"{State(state).label}：{reason}"), refused():
        found = locked(project)
        if state not in FOLLOWS[found.state]:
            now = found.get_state_display()
            raise UnfitError(f"本项目现为“{now}”，不能办理“{State(state).label}”。")
        if not takes(found, state, by):
            raise UnfitError(_whose(found, state))
        _step(found, state, on, reason, document=document, amount=amount, by=by)
    return Project.objects.get(pk=project.pk)


def _whose(project: Project, state: str) -> str:
    by = TAKEN_BY.get(state)
    if by is None or len(project.region_code.rstrip("0")) <= COUNTY:
        return "您没有办理这一步的权限。"
    return f"这一步由{_LEVELS[by[1]]}级办理。"


def _step(
    project: Project,
    state: str,
    on: date,
    reason: str,
    *,
    document: str = "",
    amount: Decimal | None = None,
    by: Any,
) -> ProjectStep:
    return ProjectStep.objects.create(
        project=project,
        region_code=project.region_code,
        position=project.position,
        state=state,
        on=on,
        reason=reason,
        document=document,
        amount=amount,
        created_by=by,
    )


__all__ = [
    "EDIT", "TAKEN_BY", "assign", "cancel", "complete", "decide", "next_steps", "propose",
    "refuse", "review", "start", "take", "take_in", "takes",
]  # fmt: skip
