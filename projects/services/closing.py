"""The end of a project: acceptance, settlement, asset and evaluation, each with its step."""

from datetime import date
from decimal import Decimal
from typing import Any

from core.acting import acting
from projects.enums import State
from projects.models import Acceptance, Asset, Evaluation, Project, Settlement
from projects.services import stepping
from projects.services.common import UnfitError, locked, refused, require_edit
from projects.services.stepping import takes


def accept(
    *, project: Project, passed: bool, team: str, opinion: str, on: date, by: Any
) -> Project:
    """Look at the finished work. One that fails stays on record and the project where it is."""
    if not team or not opinion:
        raise UnfitError("请填写验收组和验收意见。")
    with acting(by=by, reason="项目验收"), refused():
        found = _taken(project, State.ACCEPTED, by)
        if on < (found.completed_on or on):
            raise UnfitError("日期早于上一步。")
        Acceptance.objects.create(
            project=found, region_code=found.region_code,
            position=Acceptance.objects.filter(project=found).count() + 1,
            on=on, passed=passed, team=team, opinion=opinion, created_by=by,
        )  # fmt: skip
        if passed:
            return stepping.take(
                project=found, state=State.ACCEPTED, on=on, reason=opinion[:500], by=by
            )
    return found


def settle(
    *,
    project: Project,
    submitted: Decimal,
    audited: Decimal,
    auditor: str,
    document: str = "",
    on: date,
    by: Any,
) -> Project:
    """What it cost in the end, in yuan; after the notice of completion. Raises UnfitError."""
    if submitted <= 0 or audited <= 0 or not auditor:
        raise UnfitError("请填写送审金额、审定金额和审计单位。")
    with acting(by=by, reason="项目结算"), refused():
        found = _taken(project, State.SETTLED, by)
        Settlement.objects.create(
            project=found, region_code=found.region_code, on=on, submitted=submitted,
            audited=audited, auditor=auditor, document=document, created_by=by,
        )  # fmt: skip
        return stepping.take(
            project=found, state=State.SETTLED, on=on, document=document,
            reason=f"审定 {audited:,.2f} 元，{auditor}", by=by,
        )  # fmt: skip


def register_asset(*, project: Project, fields: dict[str, Any], on: date, by: Any) -> Asset:
    """Register what it left. The first one takes the step; more may follow. Raises UnfitError."""
    with acting(by=by, reason="登记项目资产"), refused():
        found = require_edit(project, by)
        if not found.type.leaves_asset:
            raise UnfitError("这一类型的项目不形成资产。")
        asset = Asset.objects.create(
            **fields, project=found, region_code=found.region_code, on=on, created_by=by
        )
        if found.state == State.SETTLED:
            stepping.take(
                project=found, state=State.REGISTERED, on=on, reason=f"资产：{asset.name}", by=by
            )
    return asset


def evaluate(*, project: Project, grade: str, words: str, on: date, by: Any) -> Project:
    """Held against its targets, all of which say what was reached. Raises UnfitError."""
    if not words:
        raise UnfitError("请填写评价意见。")
    with acting(by=by, reason="绩效评价"), refused():
        found = _taken(project, State.EVALUATED, by)
        Evaluation.objects.create(
            project=found, region_code=found.region_code, on=on, grade=grade, words=words,
            created_by=by,
        )  # fmt: skip
        return stepping.take(project=found, state=State.EVALUATED, on=on, reason=words[:500], by=by)


def _taken(project: Project, state: str, by: Any) -> Project:
    """The project, locked, for the office that takes this step. Raises UnfitError."""
    found = locked(project)
    if not takes(found, state, by):
        raise UnfitError("您没有办理这一步的权限。")
    return found
