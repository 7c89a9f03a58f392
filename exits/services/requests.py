"""Asking for figures to be computed; the work itself is done by jobs, one per county and year."""

from typing import Any

from django.db import connection

from core.jobs.models import Job, JobState
from core.jobs.services import enqueue
from core.scope import below
from villages.models import Region


def request_recompute(*, prefix: str, partition: int, by: Any = None) -> list[Job]:
    """Ask for every county below the prefix; a county that already waits is not asked twice."""
    return [_request(county, partition, full=True, by=by) for county in counties_below(prefix)]


def request_dirty() -> int:
    """Ask for the counties that have marks; returns how many were asked for."""
    with connection.cursor() as cursor:
        # A year nobody has opened has no figures; its first import will mark every village.
        cursor.execute(
            "DELETE FROM households_dirtyregion"
            " WHERE partition NOT IN (SELECT year FROM households_partition)"
        )
        cursor.execute(
            "SELECT DISTINCT left(code, 6), partition FROM households_dirtyregion ORDER BY 1, 2"
        )
        marked = cursor.fetchall()
    # A county that is computed whole takes its own marks along.
    whole = set()
    for prefix, partition in marked:
        if prefix.endswith("00"):
            whole |= {(county, partition) for county in _widen(prefix, partition)}
    for county, partition in marked:
        if not county.endswith("00") and (county, partition) not in whole:
            _request(county, partition, full=False, by=None)
    return len(marked)


def _widen(prefix: str, partition: int) -> list[str]:
    """A mark above the counties (a city's base, a rule for everywhere) concerns all of them."""
    wide = prefix.rstrip("0")
    wide = wide.ljust(len(wide) + len(wide) % 2, "0")
    jobs = request_recompute(prefix=wide, partition=partition)
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM households_dirtyregion WHERE partition = %s AND code = %s",
            [partition, prefix.ljust(12, "0")],
        )
    return [job.scope for job in jobs]


def _request(county: str, partition: int, *, full: bool, by: Any) -> Job:
    return enqueue(
        "exits.recompute",
        subject=f"{county} {partition}",
        scope=county,
        params={"county": county, "partition": partition, "full": full},
        key=f"exits.recompute:{county}:{partition}:{'full' if full else 'dirty'}",
        by=by,
    )


def others_wait(county: str, partition: int, job_id: int) -> bool:
    """Whether another county of the same city is still queued for the same year."""
    waiting = Job.objects.filter(
        kind="exits.recompute",
        state=JobState.QUEUED,
        scope__startswith=county[:4],
        params__partition=partition,
    )
    return waiting.exclude(pk=job_id).exists()


def counties_below(prefix: str) -> list[str]:
    """Six-digit prefixes of the counties in a city or province; a county is itself."""
    if len(prefix) >= 6:
        return [prefix[:6]]
    regions = Region.objects.filter(level="county")
    if prefix:
        regions = regions.filter(below(prefix, "code"))
    return sorted({code[:6] for code in regions.values_list("code", flat=True)})
