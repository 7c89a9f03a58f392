"""Putting confirmed problems right: until it is done, a gate that passes says 待整改."""

from datetime import date
from typing import Any

from core.acting import acting
from core.scope import covers
from inspections.enums import CaseState
from inspections.models import Case, Rectification
from inspections.services.common import APPEAL, UnfitError, refused_as


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
        with refused_as("整改日期早于确认日期，或这一问题已经登记整改。"):
            return Rectification.objects.create(
                case=case,
                village_code=case.village_code,
                on=on,
                measure=measure,
                evidence=evidence,
                created_by=by,
            )
