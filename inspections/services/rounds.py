"""The end of a round: showing it to the county, and closing it."""

from typing import Any

from django.db.models.functions import Now

from core.acting import acting
from inspections.models import Case, Round
from inspections.services.common import PLAN, UnfitError, locked


def disclose(*, round: Round, by: Any) -> Round:
    """Let the assessed county's people see round and sample, from the feedback meeting on."""
    with acting(by=by, reason="向县公开评估样本"):
        found = locked(round, PLAN, by)
        if found.drawn_at is None or found.disclosed_at is not None:
            raise UnfitError("样本尚未抽取，或已经公开。")
        found.disclosed_at, found.disclosed_by = Now(), by
        found.save(update_fields=["disclosed_at", "disclosed_by"])
        found.refresh_from_db()
    return found


def close(*, round: Round, reason: str, by: Any) -> Round:
    """End a round, finished or given up; it stays on record. Raises UnfitError for open cases."""
    if not reason:
        raise UnfitError("请写明原因。")
    with acting(by=by, reason=reason):
        found = locked(round, PLAN, by)
        waiting = Case.objects.filter(round=found).undecided().count()
        if waiting:
            raise UnfitError(f"还有 {waiting} 个疑似问题没有认定。")
        found.closed_at, found.closed_by = Now(), by
        found.save(update_fields=["closed_at", "closed_by"])
        found.refresh_from_db()
    return found
