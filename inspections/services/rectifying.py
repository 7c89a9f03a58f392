"""Putting confirmed problems right: until it is done, a gate that passes says 待整改."""

from datetime import date
from typing import Any

from core.acting import acting
from core.scope import covers
from inspections.enums import CaseState
from inspections.enums.findings import State
from inspections.models import Case, Finding, FindingStep, Rectification
from inspections.services.common import APPEAL, UnfitError, refused_as

_MOST = 500


def rectify(*, case: Case, on: date, measure: str, evidence: str, by: Any) -> Rectification:
    """The county reports that a confirmed problem was put right. Raises UnfitError.

    Rates do not change by it: they say how things stood when the county was assessed.
    """
    if not covers(by, case.village_code[:6], APPEAL):
        raise UnfitError("由被评估县的扶贫办登记整改。")
    if not measure or not evidence:
        raise UnfitError("请写明整改措施和佐证材料。")
    with acting(by=by, reason=f"登记整改：{measure}"):
        if case.state != CaseState.CONFIRMED:
            raise UnfitError("只有已确认的问题才需要整改。")
        if Finding.objects.filter(case=case).exists():
            raise UnfitError("这个问题已列入问题台账，请在台账上整改、销号，销号即为整改完成。")
        with refused_as("整改日期早于确认日期，或这一问题已经登记整改。"):
            return Rectification.objects.create(
                case=case,
                village_code=case.village_code,
                on=on,
                measure=measure,
                evidence=evidence,
                created_by=by,
            )


def by_ledger(*, finding: Finding, on: date, by: Any) -> Rectification | None:
    """The problem on the ledger that stands for a case was mended: so was the case, once.

    Inside the act that closes it. None where there is no case, or it was put right before.
    """
    case = finding.case
    if case is None or Rectification.objects.filter(case=case).exists():
        return None
    measured = FindingStep.objects.filter(finding=finding, state=State.MEASURED)
    claimed = FindingStep.objects.filter(finding=finding, state=State.CLAIMED)
    measure = measured.order_by("-position").first() or claimed.order_by("-position").first()
    words = measure.words if measure else "见问题台账"
    with refused_as("销号日期早于评估问题的确认日期。"):
        return Rectification.objects.create(
            case=case,
            village_code=case.village_code,
            on=on,
            measure=words[:_MOST],
            evidence=f"问题台账 {finding.number}，佐证材料 {finding.papers.count()} 份",
            created_by=by,
        )
