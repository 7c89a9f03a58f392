"""What every act of an exit procedure needs: who may, who is ready, and what is put down."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from exits.catalog import exit_template
from exits.checks.procedures import LEVELS, ExitStep, ExitTemplate, decides_at
from exits.enums import Outcome
from exits.models import ExitDecision, ExitProcedure, GateResult
from exits.queries.standards import standards_at
from households.models import ProcedureState

DECIDE = "exits.decide"
# As many items as a refusal names.
_MOST = 6


class UnfitError(Exception):
    """The act cannot be done as told; the text says why."""


@dataclass(frozen=True)
class Said:
    """What somebody decides: in words, on which papers."""

    decision: str
    reason: str
    document_no: str = ""
    documents: str = ""


def template_of(procedure: ExitProcedure) -> ExitTemplate:
    return exit_template(procedure.level, procedure.region_code)


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


def decides(procedure: ExitProcedure, actor: Any) -> bool:
    """Whether the actor stands at the level of the step at hand."""
    step = template_of(procedure).at(procedure.position)
    return (
        step is not None
        and procedure.state == ProcedureState.OPEN
        and decides_at(actor.prefixes_for(DECIDE), procedure.region_code, step.level)
    )


def may_decide(procedure: ExitProcedure, actor: Any) -> ExitStep:
    step = template_of(procedure).at(procedure.position)
    if step is None or procedure.state != ProcedureState.OPEN:
        raise UnfitError("程序已经办结。")
    if not decides(procedure, actor):
        raise UnfitError(f"本步骤由{LEVELS[step.level]}级办理。")
    return step


def locked(procedure: ExitProcedure) -> ExitProcedure:
    return ExitProcedure.objects.select_for_update().get(pk=procedure.pk)


def record(procedure: ExitProcedure, step: ExitStep, on: date, said: Said, by: Any) -> None:
    ExitDecision.objects.create(
        procedure=procedure, region_code=procedure.region_code, position=procedure.position,
        step=step.code, has_notice=step.has_notice, needs_document=step.needs_document,
        decision=said.decision, decided_on=on, reason=said.reason,
        document_no=said.document_no.strip(), documents=said.documents, created_by=by,
    )  # fmt: skip


def advance(procedure: ExitProcedure, template: ExitTemplate) -> None:
    procedure.position += 1
    step = template.at(procedure.position)
    procedure.step = step.code if step else ""
    procedure.save(update_fields=["position", "step"])
