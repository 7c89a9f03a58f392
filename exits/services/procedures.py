"""Passing villages and counties through the steps of exit, and taking an exit back.

Who decides a step is told by the level of their grant, what must have happened before by the
database. A place whose standard is not met, or of which something is not known, does not exit. The
last decision writes the year of exit beside the other facts of the place in the same transaction.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from core.acting import acting
from exits.checks.procedures import LEVELS, ExitStep, decides_at
from exits.enums import SubjectLevel
from exits.models import ExitCase, ExitNotice, ExitProcedure, ExitReversal
from exits.services.procedures_notices import (
    answer_objection,
    digest,
    listed,
    post_notice,
    raise_objection,
    rule_of,
    set_rule,
)
from exits.services.procedures_proposing import LeftOut, propose_county, propose_villages
from exits.services.procedures_steps import (
    DECIDE,
    Said,
    UnfitError,
    advance,
    decides,
    locked,
    may_decide,
    record,
    template_of,
    unready,
)
from households.models import Decision, ProcedureState
from villages.models import CountyYear, VillageYear

__all__ = [
    "DECIDE", "LeftOut", "Said", "UnfitError", "answer_objection", "decide", "decides",
    "decides_at", "digest", "drop_case", "listed", "obstacle_of", "post_notice",
    "propose_county", "propose_villages", "raise_objection", "reverse_exit", "rule_of",
    "set_rule", "template_of", "unready",
]  # fmt: skip

# The decisions before which a place must be seen to fulfil its standard: the first and last of
# villages; of counties those of the city and the last one, because assessments come between.
_JUDGED = {
    SubjectLevel.VILLAGE: ("PROPOSE", "CITY_APPROVAL"),
    SubjectLevel.COUNTY: ("CITY_REVIEW", "PROVINCE_APPROVAL"),
}


def drop_case(*, case: ExitCase, on: date, reason: str, by: Any) -> None:
    """Take one village off the list; it stays on record with the reason."""
    with acting(by=by, reason=f"从退出名单中去掉：{reason}"):
        may_decide(locked(case.procedure), by)
        if not reason:
            raise UnfitError("请写明原因。")
        standing = ExitCase.objects.filter(pk=case.pk, dropped_on__isnull=True)
        if not standing.update(dropped_on=on, dropped_reason=reason, is_standing=False):
            raise UnfitError("已不在名单中。")


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


def decide(*, procedure: ExitProcedure, said: Said, on: date, by: Any) -> ExitProcedure:
    """Take the decision of the step at hand; the last one writes the year of exit.

    Raises UnfitError for another level, the person of the decision before, a notice that has not
    run out, an open objection, and a place that does not fulfil its standard.
    """
    with acting(by=by, reason=said.reason):
        found = locked(procedure)
        template = template_of(found)
        step = may_decide(found, by)
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
        record(found, step, on, said, by)
        if said.decision == Decision.REFUSE:
            ExitCase.objects.filter(procedure=found).update(is_standing=False)
            _close(found, ProcedureState.REFUSED)
        elif template.at(found.position + 1) is None:
            _take_effect(found)
            found.position += 1
            _close(found, ProcedureState.DONE)
        else:
            advance(found, template)
    return found


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
        procedure = locked(case.procedure)
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
