"""From a round's results to the figures of its county: what the sample says of each gate.

A county's figures (`exits`) know that some of them come from samples and not what a sample is. They
show the round that was disclosed last; spot checks are never a county's result. Before its disclosure
a round's results are nobody's but its holder's.
"""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from django.db import connection
from django.db.models.functions import Now

from exits.enums import Verdict
from exits.models import Snapshot
from exits.services import requests
from inspections.enums import RoundKind
from inspections.models import Result, Round


def publish(round: Round) -> bool:
    """Bring the county's sampled figures up to date; readiness is asked for where one changed."""
    last = (
        Round.objects.filter(
            region_code=round.region_code,
            partition=round.partition_id,
            disclosed_at__isnull=False,
        )
        .exclude(kind=RoundKind.SPOT_CHECK)
        .order_by("-disclosed_at", "-pk")
        .first()
    )
    if last is None:
        return False
    results = Result.objects.filter(round=last, is_gate=True)
    changed = [_put(last, row) for row in results]
    if any(changed):
        requests.request_recompute(prefix=last.county, partition=last.partition_id)
    return any(changed)


def _put(round: Round, row: Result) -> bool:
    numerator, denominator = _counts(row)
    told: dict[str, Any] = {
        "numerator": numerator,
        "denominator": denominator,
        "households": row.households_hit if numerator is not None else None,
        "verdict": row.verdict,
        "reason": row.reason[:200],
        "definition_version": row.definition_version or 1,
    }
    key: dict[str, Any] = {
        "partition": round.partition_id,
        "region_code": round.region_code,
        "metric": row.definition,
        "category": "",
    }
    before = Snapshot.objects.filter(**key).first()
    if before is not None and all(getattr(before, name) == told[name] for name in told):
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        (version,) = cursor.fetchone()
    told |= {"data_version": version, "digest": None, "computed_at": Now()}
    Snapshot.objects.update_or_create(**key, defaults=told)
    return True


def _counts(row: Result) -> tuple[int | None, int | None]:
    """Persons carried over to the county, in whole numbers that fall on the same side as the rate.

    A figure that cannot be computed has none: what is known of it stands with the round.
    """
    if row.verdict == Verdict.NOT_COMPUTABLE or row.weighted_denominator is None:
        return None, None
    denominator = int(row.weighted_denominator.to_integral_value(ROUND_HALF_EVEN)) or 1
    estimate = row.estimate or Decimal(0)
    numerator = int((estimate * denominator).to_integral_value(ROUND_HALF_EVEN))
    if row.threshold is not None:
        edge = row.threshold * denominator
        if estimate < row.threshold and numerator >= edge:
            numerator -= 1
        elif estimate > row.threshold and numerator <= edge:
            numerator += 1
    return max(numerator, 0), denominator
