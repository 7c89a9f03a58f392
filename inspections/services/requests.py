"""Asking for a round's results to be computed; the work itself is done by jobs, one per round."""

from django.db import connection

from core.jobs.models import Job
from core.jobs.services import enqueue


def request_results(*, round_id: int, held_by: str) -> Job:
    """Ask for a round; one that already waits is not asked for twice."""
    return enqueue(
        "inspections.estimate",
        subject=str(round_id),
        scope=held_by,
        params={"round": round_id},
        key=f"inspections.estimate:{round_id}",
    )


def request_dirty() -> int:
    """Ask for the rounds that have marks; returns how many were asked for."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT round_id, held_by FROM inspections_dirtyround ORDER BY 1")
        marked = cursor.fetchall()
    for round_id, held_by in marked:
        request_results(round_id=round_id, held_by=held_by)
    return len(marked)
