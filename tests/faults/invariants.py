"""What must hold after a fault (I1-I12 of the security design, those that imports and figures touch).

Each function returns sentences about what is broken, none where all is well. They read the database
and the disk, as its owner, and believe neither the batch's nor the job's own word alone.
"""

import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from core.jobs.models import Job, JobState
from core.ledger import seals
from core.ledger.verifying import Verified, verify
from core.retention import rules
from exits import services as figures
from imports.enums import BatchState, Effect
from imports.models import Batch, Problem
from imports.services import retention
from tests.faults.books import EDITED, YEAR, Book, household_no

_CLOSED = (BatchState.APPLIED, BatchState.REFUSED, BatchState.DISCARDED, BatchState.UNDONE)
_SENT_BACK = (Effect.BACK, Effect.REFUSE)
_HISTORIES = ("household", "householdyear", "person", "personyear")
_FIRST_ROW = 2
# No upload takes longer, crashes and all.
_UPLOAD_SECONDS = 60


def rows(sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, list(values))
        return list(cursor.fetchall())


def previewed(batch: Batch, book: Book) -> list[str]:
    """I1 at the preview: the counts are those of the workbook."""
    wanted = book.counts
    found = {name: getattr(batch, name) for name in wanted}
    return [] if found == wanted else [f"I1 批次{batch.pk}：{found}，应为 {wanted}"]


def loaded_or_rejected(batch: Batch, book: Book) -> list[str]:
    """I1: every row of the workbook is in the register or among the problems, none in both."""
    held = {
        no
        for (no,) in rows(
            "SELECT p.person_no FROM households_person p JOIN households_personyear y"
            " ON y.person_id = p.id WHERE y.partition_id = %s AND p.person_no = ANY(%s)",
            YEAR,
            book.people,
        )
    }
    back = set(
        Problem.objects.filter(batch=batch, effect__in=_SENT_BACK, row_no__gte=_FIRST_ROW)
        .values_list("row_no", flat=True)
        .distinct()
    )
    rejected = {book.people[row - _FIRST_ROW] for row in back}
    broken = [f"I1 {no} 既写入又退回" for no in sorted(held & rejected)]
    broken += [f"I1 {no} 既未写入也未退回" for no in sorted({*book.people} - held - rejected)]
    if rejected != book.rejected:
        broken.append(f"I1 退回 {sorted(rejected)}，应为 {sorted(book.rejected)}")
    return broken


def natural_keys() -> list[str]:
    """I2: no household, person, or year of either twice."""
    broken = []
    for table, key in (
        ("households_household", "household_no"),
        ("households_person", "person_no"),
        ("households_householdyear", "partition_id, household_id"),
        ("households_personyear", "partition_id, person_id"),
    ):
        twice = rows(f"SELECT {key} FROM {table} GROUP BY {key} HAVING count(*) > 1")
        broken += [f"I2 {table} {key} {row}" for row in twice]
    return broken


def changes_are_history(job: int, book: Book) -> list[str]:
    """I4: the act left one old image per changed row and no other; bookings for the new ones."""
    found = _images(job)
    wanted = dict.fromkeys(_HISTORIES, 0) | {"householdyear": book.updated}
    broken = [] if found == wanted else [f"I4 任务{job}：历史 {found}，应为 {wanted}"]
    booked = rows("SELECT count(*) FROM households_statusevent WHERE job_id = %s", job)[0][0]
    if booked != book.created:
        broken.append(f"I5 任务{job}：登记 {booked} 件，应为 {book.created}")
    return broken


def undoing_is_history(job: int, book: Book) -> list[str]:
    """I4: an undo leaves an image of each row it put back or removed, and takes each booking back."""
    found = _images(job)
    wanted = {
        "household": book.created,
        "householdyear": book.updated + book.created,
        "person": 2 * book.created,
        "personyear": 2 * book.created,
    }
    broken = [] if found == wanted else [f"I4 撤销{job}：历史 {found}，应为 {wanted}"]
    booked = rows(
        "SELECT coalesce(sum(households), 0) FROM households_statusevent WHERE job_id = %s", job
    )[0][0]
    if booked != -book.created:
        broken.append(f"I5 撤销{job}：更正 {booked} 件，应为 {-book.created}")
    return broken


def taken_back(book: Book, before: Mapping[str, str]) -> list[str]:
    """I5: of an undone book nobody is left who was not there before."""
    new = sorted(book.incomes.keys() - before.keys())
    left = rows("SELECT household_no FROM households_household WHERE household_no = ANY(%s)", new)
    return [f"I5 {no} 撤销后仍在" for (no,) in left]


def _images(job: int) -> dict[str, int]:
    return {
        name: rows(f"SELECT count(*) FROM households_{name}_history WHERE history_job = %s", job)[
            0
        ][0]
        for name in _HISTORIES
    }


def effects_once() -> list[str]:
    """I5: a finished job has one effect, an unfinished one has none."""
    broken = [
        f"I5 任务{pk} {state} 却有历史"
        for pk, state in rows(
            "SELECT DISTINCT j.id, j.state FROM core_job j JOIN households_householdyear_history h"
            " ON h.history_job = j.id WHERE j.state <> 'DONE'"
        )
    ]
    broken += [
        f"I5 批次{pk} 已写入，任务为 {state}"
        for pk, state in rows(
            "SELECT b.id, j.state FROM imports_batch b JOIN core_job j ON j.id = b.job_id"
            " WHERE b.state = 'APPLIED' AND (j.state <> 'DONE' OR j.kind <> 'imports.apply')"
        )
    ]
    broken += [
        f"I5 任务{pk} 尝试 {attempts} 次，令牌 {token}"
        for pk, attempts, token in rows(
            "SELECT id, attempts, token FROM core_job WHERE state = 'DONE' AND token < attempts"
        )
    ]
    return broken


def done_once(finished: Mapping[int, tuple[int, Any]]) -> list[str]:
    """I5: what was seen done stays as it was done; a second effect would have signed anew."""
    found = {
        pk: (token, at)
        for pk, token, at in Job.objects.filter(pk__in=finished, state=JobState.DONE).values_list(
            "pk", "token", "finished_at"
        )
    }
    return [f"I5 任务{pk} 完成后又有变动" for pk, seen in finished.items() if found.get(pk) != seen]


def acknowledged(
    incomes: Mapping[str, str], edited: Mapping[str, str], done: Iterable[int]
) -> list[str]:
    """I9: what a clerk was told to be in the register is there, to the cent."""
    found = {
        no: (f"{income:.2f}", cause)
        for no, income, cause in rows(
            "SELECT h.household_no, y.net_income_per_capita, y.main_cause"
            " FROM households_household h JOIN households_householdyear y ON y.household_id = h.id"
            " WHERE y.partition_id = %s AND h.household_no = ANY(%s)",
            YEAR,
            list(incomes),
        )
    }
    broken = [
        f"I9 {no}：收入 {found.get(no, ('无',))[0]}，应为 {income}"
        for no, income in incomes.items()
        if found.get(no, ("",))[0] != income
    ]
    for county, cause in edited.items():
        no = household_no(county, EDITED)
        if found.get(no, ("", ""))[1] != cause:
            broken.append(f"I9 {no}：致贫原因 {found.get(no)}，应为 {cause}")
    pks = list(done)
    lost = len(pks) - Batch.objects.filter(pk__in=pks, state=BatchState.APPLIED).count()
    if lost:
        broken.append(f"I9 {lost} 个确认写入的批次不是已写入状态")
    return broken


def estimated_once(of_round: int, bases: Iterable[int]) -> list[str]:
    """I5, I6: a round says what its last base gives, and the twin holds each former value once."""
    wanted = list(bases)
    if not wanted:
        return []
    found = rows(
        "SELECT rate, (facts ->> 'population')::int FROM inspections_result WHERE round_id = %s"
        " AND facts <> '{}' ORDER BY rate",
        of_round,
    )
    told = [(rate, wanted[-1]) for rate in ("composite_rate", "composite_rate_raw")]
    broken = [] if found == told else [f"I6 评估{of_round}：{found}，应为 {told}"]
    former = rows(
        "SELECT (facts ->> 'population')::int FROM inspections_result_history WHERE round_id = %s"
        " AND rate = 'composite_rate' ORDER BY history_id",
        of_round,
    )
    # Between the disclosure and the first base asked for, a sweep may have been quicker.
    held = [persons for (persons,) in former if persons >= wanted[0]]
    if held != wanted[:-1]:
        broken.append(f"I5 评估{of_round}：历史 {held}，应为 {wanted[:-1]}")
    shown = rows(
        "SELECT s.verdict, s.reason, t.verdict, left(t.reason, 200) FROM inspections_round r"
        " JOIN inspections_result t ON t.round_id = r.id AND t.rate = 'composite_rate'"
        " LEFT JOIN exits_snapshot s ON s.region_code = r.region_code"
        "   AND s.partition = r.partition_id AND s.metric = t.definition AND s.category = ''"
        " WHERE r.id = %s",
        of_round,
    )
    same = [one for one in shown if one[:2] == one[2:]]
    return broken if same else [*broken, f"I6 评估{of_round} 的结果没有公布：{shown}"]


def is_settled(prefix: str, of_round: int = 0) -> bool:
    """Whether every mark below the prefix, and of the round, was consumed and nobody computes any more."""
    estimates = rows("SELECT count(*) FROM inspections_dirtyround WHERE round_id = %s", of_round)
    waiting = Job.objects.open().filter(kind="inspections.estimate", subject=str(of_round))
    if estimates[0][0] or waiting.exists():
        return False
    marks = rows("SELECT count(*) FROM households_dirtyregion WHERE code LIKE %s", f"{prefix}%")
    busy = Job.objects.open().filter(kind="exits.recompute", scope__startswith=prefix)
    return marks[0][0] == 0 and not busy.exists()


class _Enough(Exception):  # noqa: N818 - takes the recomputation back
    pass


def figures_hold(prefix: str) -> list[str]:
    """I6: the stored figures are those that a computation from scratch gives."""
    try:
        with transaction.atomic():
            stored = _figures(prefix)
            with connection.cursor() as cursor:
                cursor.execute(
                    "DELETE FROM exits_snapshot WHERE region_code LIKE %s", [f"{prefix}%"]
                )
                cursor.execute(
                    "DELETE FROM exits_flowfigure WHERE region_code LIKE %s", [f"{prefix}%"]
                )
            if len(prefix) >= len("410324"):
                figures.recompute_county(county=prefix, partition=YEAR)
            else:
                figures.recompute(prefix=prefix, partition=YEAR)
            anew = _figures(prefix)
            raise _Enough
    except _Enough:
        pass
    return [
        f"I6 {key}：存 {stored.get(key)}，重算 {anew.get(key)}"
        for key in sorted(stored.keys() | anew.keys())
        # A tally that fell to nothing is kept as zero, a fresh one never was.
        if stored.get(key) != anew.get(key) and (any(stored.get(key) or ()) or key in anew)
    ]


def _figures(prefix: str) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    found = {
        ("figure", *key[:3]): key[3:]
        for key in rows(
            "SELECT region_code, metric, category, numerator, denominator, households, digest"
            " FROM exits_snapshot WHERE partition = %s AND region_code LIKE %s",
            YEAR,
            f"{prefix}%",
        )
    }
    return found | {
        ("flow", *key[:2]): key[2:]
        for key in rows(
            "SELECT region_code, flow, persons, households FROM exits_flowfigure"
            " WHERE partition = %s AND region_code LIKE %s",
            YEAR,
            f"{prefix}%",
        )
    }


def seals_hold() -> list[str]:
    """I7: what was sealed is as it was sealed."""
    seals.seal()
    return [f"I7 {fault}" for fault in verify(Verified())]


def nothing_left_over(*, is_quiet: bool = True) -> list[str]:
    """I11: no staging table without a batch that needs it, no part of an upload, no aged orphan.

    Unless all is quiet somebody may be uploading, whose file lies there before their batch does.
    """
    # One statement, so that tables and batches are of one moment.
    left = rows(
        "SELECT t.tablename, b.state FROM pg_tables t"
        " LEFT JOIN imports_batch b"
        "   ON b.id = substring(t.tablename FROM '^b([0-9]+)_')::bigint"
        " LEFT JOIN core_job j ON j.id = b.job_id"
        " WHERE t.schemaname = 'staging' AND coalesce(j.state, '') NOT IN ('QUEUED', 'RUNNING')"
        "   AND (b.id IS NULL OR b.state = ANY(%s) OR b.stage = ''"
        "        OR NOT starts_with(t.tablename, b.stage || '_'))",
        list(_CLOSED),
    )
    broken = [f"I11 暂存表 {table}，批次状态 {state}" for table, state in left]
    return broken + _files(0 if is_quiet else _UPLOAD_SECONDS)


def _files(age: float) -> list[str]:
    """After retention, which treats what is here as a year old, only files of batches remain."""
    folder = Path(settings.UPLOAD_DIR)
    old = [file for file in folder.rglob("*") if _is_old(file, age)]
    needed = set(Batch.objects.values_list("sha256", flat=True))
    orphans = [file for file in old if file.stem not in needed]
    for file in orphans:
        os.utime(file, (1, 1))
    for rule in (one for one in rules() if one.name == "workbooks"):
        retention.remove_workbooks(retention.due_workbooks(rule.before, 1000))
    return [f"I11 文件 {file.name}" for file in orphans if file.exists()]


def _is_old(file: Path, age: float) -> bool:
    try:
        return file.is_file() and time.time() - file.stat().st_mtime >= age
    except FileNotFoundError:
        return False
