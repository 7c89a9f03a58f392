"""Passing villages and counties through the steps of exit, and taking an exit back.

Who decides a step is told by the level of their grant, what must have happened before by the
database. A place whose standard is not met, or of which something is not known, does not exit. The
last decision writes the year of exit beside the other facts of the place in the same transaction.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction

from core.acting import acting
from core.scope import covers
from exits.catalog import exit_template
from exits.checks.procedures import LEVELS, TOWN, ExitStep, ExitTemplate, decides_at
from exits.enums import Outcome, SubjectLevel
from exits.models import (
    ExitCase,
    ExitDecision,
    ExitNotice,
    ExitObjection,
    ExitProcedure,
    ExitReversal,
    ExitRule,
    GateResult,
    Holiday,
)
from exits.queries.standards import standards_at
from households import formulas
from households.models import Decision, Partition, ProcedureState
from villages.formulas import short_name
from villages.models import CountyYear, Region, VillageYear

DECIDE = "exits.decide"
# The decisions before which a place must be seen to fulfil its standard: the first and last of
# villages; of counties those of the city and the last one, because assessments come between.
_JUDGED = {
    SubjectLevel.VILLAGE: ("PROPOSE", "CITY_APPROVAL"),
    SubjectLevel.COUNTY: ("CITY_REVIEW", "PROVINCE_APPROVAL"),
}
# As many items as a refusal names.
_MOST = 6


class UnfitError(Exception):
    """The act cannot be done as told; the text says why."""


@dataclass(frozen=True)
class LeftOut:
    """A village that was not put on a list, and why."""

    region: Region
    why: str


@dataclass(frozen=True)
class Said:
    """What somebody decides: in words, on which papers."""

    decision: str
    reason: str
    document_no: str = ""
    documents: str = ""


def template_of(procedure: ExitProcedure) -> ExitTemplate:
    return exit_template(procedure.level, procedure.region_code)


# --- who is ready ------------------------------------------------------------------------------


def unready(level: str, codes: Sequence[str], partition: int) -> dict[str, str]:
    """Code → what is not met or not known of a place by the standard in force; ready ones are left out.

    One query for all. A place that was never judged is not ready.
    """
    standard = next(iter(standards_at(codes[0], partition)), None) if codes else None
    if standard is None:
        return dict.fromkeys(codes, "该年度没有适用的退出标准")
    rows = GateResult.objects.filter(
        partition=partition, standard=standard, level=level, region_code__in=codes, is_veto=True
    ).order_by("region_code", "item")
    judged: set[str] = set()
    found: dict[str, list[str]] = {}
    labels = dict(standard.items.filter(level=level).values_list("code", "label"))
    for row in rows:
        judged.add(row.region_code)
        if row.outcome != Outcome.MET:
            said = f"{labels.get(row.item, row.item)}（{Outcome(row.outcome).label}）"
            found.setdefault(row.region_code, []).append(said)
    told = {code: _listed(items) for code, items in found.items()}
    return told | {code: "尚未判定退出标准" for code in codes if code not in judged}


def _listed(items: Sequence[str]) -> str:
    more = f"等 {len(items)} 项" if len(items) > _MOST else ""
    return "、".join(items[:_MOST]) + more


# --- beginning ---------------------------------------------------------------------------------


def propose_villages(
    *, villages: Sequence[Region], partition: int, on: date, said: Said, by: Any
) -> tuple[list[ExitProcedure], list[LeftOut]]:
    """Begin the exit of poor villages, one procedure for those of each town.

    Villages that are not poor, have exited, stand in a procedure of the year or are not ready are
    left out with the reason. Raises UnfitError where nothing is left, and for want of the right.
    """
    _refuse_closed(partition)
    codes = [one.code for one in villages]
    if not codes or not all(_in_charge(by, code, TOWN) for code in codes):
        raise UnfitError("请选择您所在乡镇或本县的贫困村。")
    left = _left_out(villages, partition)
    out = {one.region.code for one in left}
    by_town: dict[str, list[Region]] = {}
    for one in villages:
        if one.code not in out:
            by_town.setdefault(one.code[:TOWN], []).append(one)
    if not by_town:
        raise UnfitError("所选的村都不能提出退出：" + "；".join(_words(left)))
    towns = {
        one.code: one
        for one in Region.objects.valid_in_year(partition).filter(
            code__in=[f"{prefix}000" for prefix in by_town]
        )
    }
    with acting(by=by, reason=f"提出贫困村退出：{said.reason}"):
        made = [
            _begin(
                SubjectLevel.VILLAGE, towns[f"{prefix}000"], rows, partition=partition, on=on,
                said=said, by=by,
            )
            for prefix, rows in sorted(by_town.items())
        ]  # fmt: skip
    return made, left


def _in_charge(by: Any, code: str, level: int) -> bool:
    """Towns propose their own villages, a county those of all its towns."""
    return any(
        len(prefix) in (level, 6) and code.startswith(prefix) for prefix in by.prefixes_for(DECIDE)
    )


def _left_out(villages: Sequence[Region], partition: int) -> list[LeftOut]:
    codes = [one.code for one in villages]
    rows: Any = VillageYear.objects.filter(region_code__in=codes, year=partition)
    facts = {row.region_code: row for row in rows}
    standing = set(
        ExitCase.objects.filter(
            region_code__in=codes, partition=partition, is_standing=True
        ).values_list("region_code", flat=True)
    )
    open_items = unready(SubjectLevel.VILLAGE, codes, partition)
    found = []
    for one in villages:
        row = facts.get(one.code)
        if row is None or not row.is_poor_village:
            found.append(LeftOut(one, "该年度不是贫困村，或没有年度信息"))
        elif row.exited_year is not None:
            found.append(LeftOut(one, f"已于 {row.exited_year} 年退出"))
        elif one.code in standing:
            found.append(LeftOut(one, "正在办理退出"))
        elif one.code in open_items:
            found.append(LeftOut(one, open_items[one.code]))
    return found


def _words(left: Iterable[LeftOut]) -> list[str]:
    return [f"{short_name(one.region.name)}：{one.why}" for one in left]


def propose_county(
    *, county: Region, partition: int, on: date, said: Said, by: Any
) -> ExitProcedure:
    """Begin the exit of a poor county with its self-assessment."""
    _refuse_closed(partition)
    if not decides_at(by.prefixes_for(DECIDE), county.code, 6):
        raise UnfitError("由本县扶贫开发领导小组提出。")
    row: Any = CountyYear.objects.filter(region_code=county.code, year=partition).first()
    if row is None or row.poverty_level == "none":
        raise UnfitError("该年度不是贫困县，或没有年度信息。")
    if row.exited_year is not None:
        raise UnfitError(f"已于 {row.exited_year} 年退出。")
    with acting(by=by, reason=f"提出贫困县退出：{said.reason}"):
        return _begin(
            SubjectLevel.COUNTY, county, [county], partition=partition, on=on, said=said, by=by
        )


def _refuse_closed(partition: int) -> None:
    if not Partition.objects.filter(year=partition, closed_at__isnull=True).exists():
        raise UnfitError("本年度没有开放，或已关闭。")


def _begin(
    level: str, region: Region, places: Sequence[Region], *, partition: int, on: date, said: Said,
    by: Any,
) -> ExitProcedure:  # fmt: skip
    template = exit_template(level, region.code)
    procedure = ExitProcedure.objects.create(
        level=level, region=region, region_code=region.code, partition_id=partition,
        step=template.steps[0].code, started_on=on, created_by=by,
    )  # fmt: skip
    try:
        with transaction.atomic():
            ExitCase.objects.bulk_create(
                ExitCase(
                    procedure=procedure, region=one, region_code=one.code,
                    name=short_name(one.name), partition_id=partition,
                )
                for one in places
            )  # fmt: skip
    except IntegrityError as error:
        raise UnfitError("名单中有的正在办理退出，请刷新后再试。") from error
    _record(procedure, template.steps[0], on, said, by)
    _advance(procedure, template)
    return procedure


# --- notices and objections --------------------------------------------------------------------


def rule_of(procedure: ExitProcedure, step: ExitStep) -> tuple[int, str, str] | None:
    """Days, kind of days and source of a step's notice; None when nobody stated them.

    A region may ask for more days than the product's source, not for fewer; the nearest counts.
    """
    code = procedure.region_code
    codes = [code[:length].ljust(12, "0") for length in (4, 6, 9)]
    own = (
        ExitRule.objects.filter(level=procedure.level, region_code__in=codes, step=step.code)
        .order_by("-region_code")
        .first()
    )
    if own is not None and own.min_days >= (step.min_days or 0):
        return own.min_days, own.day_kind, own.source
    if step.min_days:
        return step.min_days, step.day_kind, step.source
    return None


def post_notice(*, procedure: ExitProcedure, place: str, on: date, by: Any) -> ExitNotice:
    """Post the list in public from a day on. Raises UnfitError where no days are set."""
    with acting(by=by, reason=f"退出公示：{place}"):
        found = _locked(procedure)
        step = _may_decide(found, by)
        if not step.has_notice:
            raise UnfitError("本步骤不需要公示。")
        rule = rule_of(found, step)
        if rule is None:
            raise UnfitError("没有设置这一步的公示天数和依据，请先在“公示天数”中填写。")
        days, kind, source = rule
        names = listed(found)
        if not names:
            raise UnfitError("名单是空的。")
        try:
            with transaction.atomic():
                return ExitNotice.objects.create(
                    procedure=found, region_code=found.region_code, step=step.code, place=place,
                    starts_on=on, min_days=days, day_kind=kind, source=source,
                    ends_on=_ends_on(on, days, kind), listed=names, list_digest=digest(names),
                    created_by=by,
                )  # fmt: skip
        except IntegrityError as error:
            raise UnfitError("这一步已经公示。") from error


def _ends_on(on: date, days: int, kind: str) -> date:
    rows = Holiday.objects.filter(day__year__gte=on.year).values_list("day", "is_off")
    try:
        return formulas.notice_end(
            on, days, kind,
            [day for day, is_off in rows if is_off], [day for day, is_off in rows if not is_off],
        )  # fmt: skip
    except formulas.UnknownYearError as error:
        raise UnfitError(
            f"没有 {error.year} 年的节假日表，无法计算工作日，请管理员先导入。"
        ) from error


def listed(procedure: ExitProcedure) -> list[str]:
    """The names on the list as it stands."""
    rows = ExitCase.objects.filter(procedure=procedure, dropped_on__isnull=True)
    return list(rows.order_by("region_code").values_list("name", flat=True))


def digest(names: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def raise_objection(
    *, notice: ExitNotice, raised_by: str, words: str, on: date, by: Any
) -> ExitObjection:
    """Put down an objection to a notice whose step is still open."""
    with acting(by=by, reason="登记退出异议"):
        found = _locked(notice.procedure)
        if found.step != notice.step:
            raise UnfitError("该公示已经办结，请按信访渠道登记。")
        if not covers(by, found.region_code, DECIDE):
            raise UnfitError("您没有登记异议的权限。")
        return ExitObjection.objects.create(
            notice=notice, region_code=found.region_code, raised_by=raised_by, raised_on=on,
            words=words, created_by=by,
        )  # fmt: skip


def answer_objection(*, objection: ExitObjection, answer: str, on: date, by: Any) -> None:
    """Answered by the level that posted the notice, in words."""
    with acting(by=by, reason="答复退出异议"):
        _may_decide(_locked(objection.notice.procedure), by)
        open_ones = ExitObjection.objects.filter(pk=objection.pk, answered_on__isnull=True)
        if not answer or not open_ones.update(answer=answer, answered_on=on, answered_by=by):
            raise UnfitError("异议已经答复，或答复是空的。")


def drop_case(*, case: ExitCase, on: date, reason: str, by: Any) -> None:
    """Take one village off the list; it stays on record with the reason."""
    with acting(by=by, reason=f"从退出名单中去掉：{reason}"):
        _may_decide(_locked(case.procedure), by)
        if not reason:
            raise UnfitError("请写明原因。")
        standing = ExitCase.objects.filter(pk=case.pk, dropped_on__isnull=True)
        if not standing.update(dropped_on=on, dropped_reason=reason, is_standing=False):
            raise UnfitError("已不在名单中。")


# --- deciding ----------------------------------------------------------------------------------


def obstacle_of(procedure: ExitProcedure, step: ExitStep, on: date) -> str:
    """Why the step cannot pass on this day; empty when it can."""
    cases = ExitCase.objects.filter(procedure=procedure, dropped_on__isnull=True)
    codes = list(cases.order_by("region_code").values_list("region_code", flat=True))
    if not codes:
        return "名单中已没有退出对象。"
    if step.has_notice:
        notice = ExitNotice.objects.filter(procedure=procedure, step=step.code).first()
        if notice is None:
            return "尚未公示。"
        if on <= notice.ends_on:
            return f"公示到 {notice.ends_on:%Y-%m-%d} 届满，次日起可以办理。"
        if notice.objections.filter(answered_on__isnull=True).exists():
            return "有异议尚未答复。"
    if step.code in _JUDGED[SubjectLevel(procedure.level)]:
        found = unready(procedure.level, codes, procedure.partition_id)
        if found:
            names = dict(cases.values_list("region_code", "name"))
            return "未达到退出标准：" + "；".join(
                f"{names[code]}：{why}" for code, why in sorted(found.items())
            )
    return ""


def decides(procedure: ExitProcedure, actor: Any) -> bool:
    """Whether the actor stands at the level of the step at hand."""
    step = template_of(procedure).at(procedure.position)
    return (
        step is not None
        and procedure.state == ProcedureState.OPEN
        and decides_at(actor.prefixes_for(DECIDE), procedure.region_code, step.level)
    )


def _may_decide(procedure: ExitProcedure, actor: Any) -> ExitStep:
    step = template_of(procedure).at(procedure.position)
    if step is None or procedure.state != ProcedureState.OPEN:
        raise UnfitError("程序已经办结。")
    if not decides(procedure, actor):
        raise UnfitError(f"本步骤由{LEVELS[step.level]}级办理。")
    return step


def decide(*, procedure: ExitProcedure, said: Said, on: date, by: Any) -> ExitProcedure:
    """Take the decision of the step at hand; the last one writes the year of exit.

    Raises UnfitError for another level, the person of the decision before, a notice that has not
    run out, an open objection, and a place that does not fulfil its standard.
    """
    with acting(by=by, reason=said.reason):
        found = _locked(procedure)
        template = template_of(found)
        step = _may_decide(found, by)
        before = found.decisions.order_by("-position").first()
        if before and before.created_by_id == by.pk:
            raise UnfitError("上一步由您本人办理，本步须由另一人办理。")
        if before and on < before.decided_on:
            raise UnfitError("决定日期早于上一步。")
        if said.decision == Decision.PASS:
            if obstacle := obstacle_of(found, step, on):
                raise UnfitError(obstacle)
            if step.needs_document and not said.document_no.strip():
                raise UnfitError("请填写所依据文件的文号。")
        _record(found, step, on, said, by)
        if said.decision == Decision.REFUSE:
            ExitCase.objects.filter(procedure=found).update(is_standing=False)
            _close(found, ProcedureState.REFUSED)
        elif template.at(found.position + 1) is None:
            _take_effect(found)
            found.position += 1
            _close(found, ProcedureState.DONE)
        else:
            _advance(found, template)
    return found


def _locked(procedure: ExitProcedure) -> ExitProcedure:
    return ExitProcedure.objects.select_for_update().get(pk=procedure.pk)


def _record(procedure: ExitProcedure, step: ExitStep, on: date, said: Said, by: Any) -> None:
    ExitDecision.objects.create(
        procedure=procedure, region_code=procedure.region_code, position=procedure.position,
        step=step.code, has_notice=step.has_notice, needs_document=step.needs_document,
        decision=said.decision, decided_on=on, reason=said.reason,
        document_no=said.document_no.strip(), documents=said.documents, created_by=by,
    )  # fmt: skip


def _advance(procedure: ExitProcedure, template: ExitTemplate) -> None:
    procedure.position += 1
    step = template.at(procedure.position)
    procedure.step = step.code if step else ""
    procedure.save(update_fields=["position", "step"])


def _close(procedure: ExitProcedure, state: str) -> None:
    procedure.state, procedure.step = state, ""
    procedure.save(update_fields=["position", "step", "state"])


def _take_effect(procedure: ExitProcedure) -> None:
    cases = ExitCase.objects.filter(procedure=procedure, dropped_on__isnull=True)
    codes = list(cases.values_list("region_code", flat=True))
    written = _years(procedure.level, codes, procedure.partition_id).filter(
        exited_year__isnull=True
    )
    if written.update(exited_year=procedure.partition_id) != len(codes):
        raise UnfitError("名单中有的已经退出，或不再是贫困村（县），请先从名单中去掉。")


def _years(level: str, codes: Sequence[str], partition: int) -> Any:
    """The facts of poor places that the year of exit stands beside."""
    told = {"region_code__in": codes, "year": partition}
    if level == SubjectLevel.VILLAGE:
        return VillageYear.objects.filter(**told, is_poor_village=True)
    return CountyYear.objects.filter(**told).exclude(poverty_level="none")


def reverse_exit(
    *, case: ExitCase, on: date, reason: str, document_no: str, by: Any
) -> ExitReversal:
    """Take an exit back, as an event: the decisions stay, the year of exit is emptied.

    By the level that approved it, with the paper that says so.
    """
    with acting(by=by, reason=f"撤销退出：{reason}"):
        procedure = _locked(case.procedure)
        last = template_of(procedure).steps[-1]
        if not decides_at(by.prefixes_for(DECIDE), procedure.region_code, last.level):
            raise UnfitError(f"由{LEVELS[last.level]}级办理撤销。")
        found = ExitCase.objects.select_for_update().get(pk=case.pk)
        if procedure.state != ProcedureState.DONE or not found.is_standing:
            raise UnfitError("没有已生效的退出可以撤销。")
        if not reason.strip() or not document_no.strip():
            raise UnfitError("请写明撤销原因和文号。")
        approved = procedure.decisions.order_by("-position")[0].decided_on
        if on < approved:
            raise UnfitError("撤销日期早于批准日期。")
        made = ExitReversal.objects.create(
            case=found, region_code=found.region_code, on=on, reason=reason.strip(),
            document_no=document_no.strip(), created_by=by,
        )  # fmt: skip
        ExitCase.objects.filter(pk=found.pk).update(is_standing=False)
        _years(procedure.level, [found.region_code], procedure.partition_id).filter(
            exited_year=procedure.partition_id
        ).update(exited_year=None)
    return made


def set_rule(
    *, level: str, region: Region, step: str, min_days: int, day_kind: str, source: str, by: Any
) -> ExitRule:
    """How long a region posts this notice from now on; notices already posted keep their days."""
    if not covers(by, region.code, DECIDE):
        raise UnfitError("您没有在该区划设置的权限。")
    with acting(by=by, reason=source):
        rule, _ = ExitRule.objects.update_or_create(
            level=level, region_code=region.code, step=step,
            defaults={
                "min_days": min_days, "day_kind": day_kind, "source": source, "created_by": by
            },
        )  # fmt: skip
    return rule
