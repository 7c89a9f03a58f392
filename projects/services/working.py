"""Work under way: a report every month, by stage."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from core.acting import acting
from projects.models import ProgressReport, Project, ProjectFact, Stage, StageProgress, Target
from projects.services.common import UnfitError, refused, require_edit

_FEN = Decimal("0.01")


def weighted(shares: list[tuple[int, Decimal]]) -> Decimal:
    """What stages make together: (weight in percent, share done in percent) → percent.

    >>> weighted([(30, Decimal(100)), (70, Decimal("12.5"))])
    Decimal('38.75')
    """
    total = sum((weight * done for weight, done in shares), Decimal(0))
    return (total / 100).quantize(_FEN, ROUND_HALF_UP)


def report(
    *, project: Project, month: date, done: dict[int, Decimal], words: str, by: Any
) -> ProgressReport:
    """How far each stage is in a month: `done` by the stage's place, percent of the stage.

    A stage that is not named has not begun. The same month again is a correction. Raises UnfitError.
    """
    if not words:
        raise UnfitError("请写明进展情况。")
    with acting(by=by, reason=f"进度月报 {month:%Y-%m}"), refused():
        found = require_edit(project, by)
        stages = list(Stage.objects.filter(project=found).order_by("position"))
        if set(done) - {stage.position for stage in stages}:
            raise UnfitError("有项目没有的阶段。")
        first = month.replace(day=1)
        earlier = ProgressReport.objects.filter(project=found, month=first).count()
        shares = [(stage.weight, done.get(stage.position, Decimal(0))) for stage in stages]
        made = ProgressReport.objects.create(
            project=found, region_code=found.region_code, month=first, edition=earlier + 1,
            percent=weighted(shares), words=words, created_by=by,
        )  # fmt: skip
        StageProgress.objects.bulk_create(
            StageProgress(
                report=made, project=found, region_code=found.region_code, stage=stage,
                percent=done.get(stage.position, Decimal(0)),
            )
            for stage in stages
        )  # fmt: skip
    return made


def reached(
    *,
    project: Project,
    targets: dict[int, Decimal] | None = None,
    facts: dict[str, Decimal] | None = None,
    by: Any,
) -> None:
    """What was reached: targets by place, facts by code. What is not named stays as it is."""
    with acting(by=by, reason="填报实际完成"), refused():
        found = require_edit(project, by)
        for place, value in (targets or {}).items():
            if not Target.objects.filter(project=found, position=place).update(actual=value):
                raise UnfitError("有项目没有的绩效目标。")
        for code, value in (facts or {}).items():
            if not ProjectFact.objects.filter(project=found, fact__code=code).update(actual=value):
                raise UnfitError("有项目没有的指标。")
