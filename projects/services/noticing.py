"""Public notices of plan and completion: posted, kept as posted, waited for."""

from datetime import date
from typing import Any

from core.acting import acting
from core.scope import covers
from exits.services import procedures_steps as exits
from exits.services.procedures_notices import ends_on
from projects.enums import DayKind, NoticeKind
from projects.models import Project, ProjectNotice
from projects.services.common import DECIDE, EDIT, UnfitError, locked, refused


def post(
    *,
    project: Project,
    kind: str,
    place: str,
    phone: str,
    on: date,
    min_days: int,
    day_kind: str = DayKind.CALENDAR,
    source: str,
    by: Any,
) -> ProjectNotice:
    """Post the notice of the plan or of the completion for so many days, on this ground.

    The day it is posted counts as the first; its step is taken from the day after the last.
    Working days are those of the years whose days off were loaded. Raises UnfitError.
    """
    if not source or not place or not phone:
        raise UnfitError("请填写公示地点、监督电话和公示天数的依据。")
    try:
        last = ends_on(on, min_days, day_kind)
    except exits.UnfitError as error:
        raise UnfitError(str(error)) from error
    except ValueError as error:
        raise UnfitError("公示至少一天。") from error
    with acting(by=by, reason=NoticeKind(kind).label), refused():
        found = locked(project)
        if not any(covers(by, found.region_code, right) for right in (EDIT, DECIDE)):
            raise UnfitError("您没有张贴本项目公示的权限。")
        return ProjectNotice.objects.create(
            project=found,
            region_code=found.region_code,
            kind=kind,
            place=place,
            phone=phone,
            starts_on=on,
            min_days=min_days,
            day_kind=day_kind,
            ends_on=last,
            source=source,
            listed=listed(found, kind),
            created_by=by,
        )


def listed(project: Project, kind: str) -> list[list[str]]:
    """Labels and values that the notice shows: of the project, never of its beneficiaries."""
    lines = [
        ["项目名称", project.name],
        ["项目编号", project.number],
        ["项目类型", project.type.label],
        ["建设地点", project.region.name],
        ["建设内容", project.content],
        ["实施单位", project.unit],
        ["计划投资（元）", f"{project.planned_amount:,.2f}"],
        ["建设期限", f"{project.planned_start:%Y-%m-%d} 至 {project.planned_end:%Y-%m-%d}"],
    ]
    if kind == NoticeKind.COMPLETION:
        lines += [
            ["承建单位", project.contractor or "未填"],
            ["安排资金（元）", f"{project.budget:,.2f}" if project.budget else "未填"],
            ["开工日期", f"{project.started_on:%Y-%m-%d}"],
            ["完工日期", f"{project.completed_on:%Y-%m-%d}"],
            *(
                [f"{one.fact.label}（{one.fact.unit}）", _value(one.actual)]
                for one in project.facts.select_related("fact").order_by("fact")
            ),
        ]
    targets = project.targets.order_by("position")
    lines += [[f"{one.indicator}（{one.unit}）", _value(one.planned)] for one in targets]
    return lines


def _value(value: Any) -> str:
    return "未填" if value is None else f"{value.normalize():f}"
