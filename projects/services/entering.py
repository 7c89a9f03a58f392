"""A project is entered and put right until it is reviewed: facts, targets and stages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from core.acting import acting
from core.scope import covers
from projects.enums import State
from projects.models import FactType, Project, ProjectFact, Stage, Target
from projects.services import stepping
from projects.services.common import EDIT, UnfitError, refused, require_edit
from villages.models import Region

WHOLE = 100
FIELDS = (
    "name", "type", "year", "content", "unit", "contractor", "planned_amount", "planned_start",
    "planned_end",
)  # fmt: skip


@dataclass(frozen=True)
class Part:
    """A stage of the work: its weight in percent and when it is planned."""

    name: str
    weight: int
    starts_on: date
    ends_on: date


@dataclass(frozen=True)
class Aim:
    """A performance target in its unit."""

    indicator: str
    unit: str
    planned: Decimal


def propose(
    *,
    region: Region,
    fields: dict[str, Any],
    facts: dict[str, Decimal] | None = None,
    on: date,
    number: str = "",
    by: Any,
) -> Project:
    """Enter a project of a place and propose it. `fields` by FIELDS, `facts` by code.

    Without a number it gets the next one of its county and year. Raises UnfitError.
    """
    if not covers(by, region.code, EDIT):
        raise UnfitError("您没有在该区划申报项目的权限。")
    with acting(by=by, reason="申报项目"), refused():
        project = Project.objects.create(
            **{name: fields[name] for name in FIELDS if name in fields},
            sector=fields["type"].code[:2],
            number=number,
            region=region,
            region_code=region.code,
            entered_by=by,
        )
        stepping.propose(project=project, on=on, by=by)
        project = Project.objects.get(pk=project.pk)
        _put_facts(project, facts or {})
    return project


def amend(
    *, project: Project, fields: dict[str, Any], facts: dict[str, Decimal] | None = None, by: Any
) -> Project:
    """Put right what was proposed, until it is reviewed; whoever does so cannot review it."""
    with acting(by=by, reason="修改项目"), refused():
        found = require_edit(project, by)
        if found.state != State.PROPOSED:
            raise UnfitError("项目已经审核，不能再修改。")
        for name in FIELDS:
            if name in fields:
                setattr(found, name, fields[name])
        found.sector = found.type_id[:2]
        found.entered_by = by
        # Facts of a former type would not fit the new one.
        ProjectFact.objects.filter(project=found).exclude(
            fact__type__in=(found.type_id, found.sector)
        ).delete()
        found.save(update_fields=[*FIELDS, "sector", "entered_by"])
        _put_facts(found, facts or {})
    return Project.objects.get(pk=project.pk)


def name_contractor(*, project: Project, contractor: str, by: Any) -> Project:
    """Who builds it, known after the tender, before the start."""
    with acting(by=by, reason="登记承建单位"), refused():
        found = require_edit(project, by)
        found.contractor = contractor
        found.save(update_fields=["contractor"])
    return found


def _put_facts(project: Project, facts: dict[str, Decimal]) -> None:
    if not facts:
        return
    known = {
        one.code: one for one in FactType.objects.filter(type__in=(project.sector, project.type_id))
    }
    strange = set(facts) - set(known)
    if strange:
        raise UnfitError("有不属于这一项目类型的指标。")
    ProjectFact.objects.bulk_create(
        [
            ProjectFact(
                project=project, region_code=project.region_code, fact=known[code], planned=value
            )
            for code, value in facts.items()
        ],
        update_conflicts=True,
        unique_fields=["project", "fact"],
        update_fields=["planned"],
    )


def set_targets(*, project: Project, aims: Sequence[Aim], by: Any) -> None:
    """The performance targets, whole, until the library takes the project in."""
    with acting(by=by, reason="填报绩效目标"), refused():
        found = require_edit(project, by)
        _touched(found, by)
        Target.objects.filter(project=found).delete()
        Target.objects.bulk_create(
            Target(
                project=found, region_code=found.region_code, position=place,
                indicator=aim.indicator, unit=aim.unit, planned=aim.planned,
            )
            for place, aim in enumerate(aims, 1)
        )  # fmt: skip


def set_stages(*, project: Project, parts: Sequence[Part], by: Any) -> None:
    """The stages of the work, whole, until it begins. Raises UnfitError unless weights make 100."""
    if sum(part.weight for part in parts) != WHOLE:
        raise UnfitError("各阶段权重合计须为 100。")
    with acting(by=by, reason="填报项目阶段"), refused():
        found = require_edit(project, by)
        Stage.objects.filter(project=found).delete()
        Stage.objects.bulk_create(
            Stage(
                project=found, region_code=found.region_code, position=place, name=part.name,
                weight=part.weight, starts_on=part.starts_on, ends_on=part.ends_on,
            )
            for place, part in enumerate(parts, 1)
        )  # fmt: skip


def _touched(project: Project, by: Any) -> None:
    """Whoever changes what is to be reviewed does not review it."""
    if project.state == State.PROPOSED and project.entered_by_id != by.pk:
        project.entered_by = by
        project.save(update_fields=["entered_by"])
