"""What the acts on a project share."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import IntegrityError, connection, transaction

from core.scope import Actor, covers, trim
from projects.models import Project

EDIT, REVIEW, DECIDE = "projects.edit", "projects.review", "projects.decide"
TOWN, COUNTY = 9, 6
_AT_THE_END = "projects_has_begun, projects_report_adds_up"


class UnfitError(Exception):
    """The act does not fit; the text tells the user why."""


# What the database refuses by itself → in words.
REFUSALS: dict[str, str] = {
    "project_step_in_order": "项目刚刚由他人办理，不能再办理这一步，请刷新后再试。",
    "project_step_not_back_in_time": "日期早于上一步。",
    "project_takes_two_persons": "填报、申报、审核本项目的人不能审批，须由另一人办理。",
    "project_needs_targets": "没有绩效目标的项目不能入库。",
    "project_needs_plan_notice": "计划公示尚未张贴或没有届满，届满次日起可以入库。",
    "project_needs_stages": "各阶段权重合计须为 100。",
    "project_needs_whole_progress": "最近一期月报的进度须为 100％。",
    "project_needs_acceptance": "没有合格的验收记录。",
    "project_needs_completion_notice": "完工公示尚未张贴或没有届满，届满次日起可以结算。",
    "project_needs_settlement": "没有结算记录。",
    "project_needs_asset": "形成资产的项目须先登记资产。",
    "project_needs_evaluation": "没有评价，或有绩效目标没有填写实际值。",
    "project_within_quota": "超过本县本年度该类项目的额度。",
    "project_fact_of_its_type": "指标不属于这一项目类型，或小数位数不符。",
    "progress_report_of_work_under_way": "只有在建项目填报月报，且不早于开工月份。",
    "progress_report_once": "本月的这一版月报已经填报，请刷新后再试。",
    "progress_report_adds_up": "总进度与各阶段进度不符。",
    "project_notice_in_its_time": "现在不是张贴这一公示的时候，或张贴日期早于上一步。",
    "project_notice_once": "这一公示已经张贴。",
    "project_closing_in_order": "项目还没有到这一步，或已经过了这一步。",
    "acceptance_passes_once": "项目已经验收合格。",
    "asset_once": "同名资产已经登记。",
    "beneficiary_in_the_register": "受益对象在该日不在册，请登记为未登记对象。",
    "beneficiary_of_a_living_project": "项目未通过或已取消。",
    "beneficiary_once": "受益对象重复。",
    "project_number_once": "项目编号已经使用。",
}


@contextmanager
def refused() -> Iterator[None]:
    """Turn a refusal of the database into words; nothing of the act remains.

    What must add up is looked at here, not at the end of whatever transaction this is part of.
    """
    try:
        with transaction.atomic():
            yield
            with connection.cursor() as cursor:
                cursor.execute(f"SET CONSTRAINTS {_AT_THE_END} IMMEDIATE")
                cursor.execute(f"SET CONSTRAINTS {_AT_THE_END} DEFERRED")
    except IntegrityError as error:
        diagnosis = getattr(error.__cause__, "diag", None)
        name = getattr(diagnosis, "constraint_name", None) or ""
        raise UnfitError(REFUSALS.get(name, "填写的内容不符合要求，没有保存。")) from error


def locked(project: Project) -> Project:
    return Project.objects.select_for_update().get(pk=project.pk)


def may_edit(project: Project, actor: Actor) -> bool:
    """Whether the actor enters projects where this one is."""
    return covers(actor, project.region_code, EDIT)


def require_edit(project: Project, by: Any) -> Project:
    """The project, locked, for somebody who enters it. Raises UnfitError."""
    found = locked(project)
    if not may_edit(found, by):
        raise UnfitError("您没有填报本项目的权限。")
    return found


def at_level(actor: Actor, code: str, right: str, level: int) -> bool:
    """Whether the actor holds the right at this level for the place, not above and not below it.

    A project of a county is reviewed and decided in the county, one of the city in the city.
    """
    place = trim(code)
    wanted = min(level, len(place))
    return any(
        len(prefix) == wanted and place.startswith(prefix) for prefix in actor.prefixes_for(right)
    )
