"""Rounds with results, put down as the job leaves them: what a page shows of them is under test."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts.models import User
from exits.enums import Verdict
from inspections.enums import Rate, RoundKind
from inspections.models import Result, Round
from inspections.services.publishing import publish
from tests.factories.households import PartitionFactory
from tests.factories.villages import RegionFactory

HEX = "0f" * 32
# Rate → what it is judged by, comparator, threshold, estimate, limits, verdict.
SOUND: dict[str, tuple[str, str, str, str, str, str, str]] = {
    Rate.COMPOSITE: ("composite_rate", "<", "0.02", "0.0098", "0.0071", "0.0142", "MET"),
    Rate.WRONGFUL_EXIT: ("wrongful_exit_rate", "<", "0.02", "0.0025", "0.0004", "0.0073", "MET"),
    Rate.OMISSION_VILLAGES: ("omission_rate", "<", "0.02", "0.0042", "0.0012", "0.0099", "MET"),
    Rate.APPROVAL: ("approval_rate", ">=", "0.9", "0.961", "0.9485", "0.9705", "MET"),
}


def disclosed(
    county: str,
    by: User,
    *,
    kind: str = RoundKind.CITY_REVIEW,
    is_disclosed: bool = True,
    changes: dict[str, tuple[str, str, str, str]] | None = None,
    **told: Any,
) -> Round:
    """A round of the county with its four gates; `changes` give a rate other numbers and verdict."""
    now = timezone.now() - timedelta(days=1)
    held_by = county[:6] if kind == RoundKind.COUNTY_SELF else county[:4]
    round_ = Round.objects.create(
        kind=kind, name=f"2018年{RoundKind(kind).label}", region=RegionFactory(code=county),
        region_code=county, partition=PartitionFactory(year=2018), held_by=held_by,
        definitions={}, design={}, seed="0f" * 16, algorithm=1, created_by=by,
        frozen_at=now, frozen_by=by, frame_digest=HEX, drawn_at=now, drawn_by=by, sample_digest=HEX,
        disclosed_at=now + timedelta(hours=1) if is_disclosed else None,
        disclosed_by=by if is_disclosed else None,
    )  # fmt: skip
    for rate, row in SOUND.items():
        definition, comparator, threshold, *numbers = row
        estimate, lower, upper, verdict = (changes or {}).get(rate, tuple(numbers))
        _result(round_, rate, definition, comparator, threshold, (estimate, lower, upper), verdict)
    if told:
        Result.objects.filter(round=round_).exclude(verdict=Verdict.MET).update(**told)
    publish(round_)
    return round_


def _result(
    round_: Round,
    rate: str,
    definition: str,
    comparator: str,
    threshold: str,
    numbers: tuple[str, str, str],
    verdict: str,
) -> None:
    estimate, lower, upper = (Decimal(one) for one in numbers)
    Result.objects.create(
        round=round_, held_by=round_.held_by, rate=rate, is_gate=True, definition=definition,
        definition_version=1, comparator=comparator, threshold=Decimal(threshold), source="测试",
        numerator=int(estimate * 1204), denominator=1204,
        weighted_numerator=estimate * 20_000, weighted_denominator=20_000,
        estimate=estimate, lower=lower, upper=upper, confidence=Decimal("0.95"),
        shown=f"{estimate * 100:.2f}%", villages=20, households=1204,
        households_hit=int(estimate * 1204), due=1210, verdict=verdict,
        reason="" if verdict == Verdict.MET else "尚有 3 个确认问题未整改到位",
        as_of=timezone.now(),
    )  # fmt: skip
