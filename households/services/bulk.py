"""Acts on many households: previewed, done as one, logged household by household, taken back as one.

One statement per table and town, whatever the number of households. What is written is what the
preview showed, or nothing: the digest of households and outcomes is compared at the end.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection
from django.db.models.functions import Now
from django.utils import timezone

from core.acting import acting
from core.jobs.services import enqueue
from core.scope import covers
from households.models import BulkAct, BulkKind, BulkState, Outcome, Task
from households.queries import bulk as queries
from households.queries.bulk import Counts, Sql, Wish

# Households that a request may deal with while the person waits; more is background work.
AT_ONCE = 5_000
JOB = "households.bulk"

Told = Callable[[int, int], None]


class RefusedError(Exception):
    """The act cannot be done (any more); the text says why."""


class ChangedSincePreviewError(RefusedError):
    """The households, or what would become of them, are not those of the preview."""

    def __init__(self) -> None:
        super().__init__("预览之后名单有变动，没有办理。请看新的预览后再确认。")


@dataclass(frozen=True)
class NewTask:
    """A task that is made by the act that fills it."""

    title: str
    owner: Any
    due_on: date | None = None


def preview(*, wish: Wish, by: Any) -> Counts:
    """What the act would do and leave, in one statement."""
    return queries.counts(queries.judged(wish, by))


def carry_out(
    *,
    wish: Wish,
    key: UUID,
    digest: str,
    stored: dict[str, Any] | None = None,
    new_task: NewTask | None = None,
    by: Any,
) -> BulkAct:
    """Do what was previewed: now, or in the background above AT_ONCE.

    The same key again returns the same act. `stored` is the search as JSON; None says that it names
    a person and may not be kept, so that the act cannot wait. Raises RefusedError.
    """
    if before := _made_before(key, by):
        return before
    _check(wish.kind, wish.region, by)
    found = preview(wish=wish, by=by)
    if found.digest != digest:
        raise ChangedSincePreviewError
    if not found.affected:
        raise RefusedError("没有可以办理的户。")
    waits = found.matched > AT_ONCE
    if waits and stored is None:
        raise RefusedError(
            f"按姓名、编号查找的结果超过 {AT_ONCE:,} 户，不能整批办理，请先去掉该条件。"
        )
    try:
        with acting(by=by, reason=wish.reason):
            if new_task is not None:
                wish = replace(wish, task=_make_task(new_task, wish, by))
            act = _begin(wish, key, found, {"by_name": True} if stored is None else stored, by)
            if waits:
                _later(act, by)
            else:
                _do(act, [queries.judged(wish, by)], by)
    except IntegrityError as error:
        # A second click, or somebody who did the same at this very moment.
        if again := _made_before(key, by):
            return again
        raise ChangedSincePreviewError from error
    return act


def undo(*, act: BulkAct, key: UUID, by: Any) -> BulkAct:
    """Take an act back as far as nobody touched its rows since; an act of its own.

    The same key again returns the same act. Raises RefusedError.
    """
    if before := _made_before(key, by):
        return before
    with acting(by=by, reason=f"撤销批量办理 {act.pk}"):
        locked = BulkAct.objects.select_for_update(of=("self",)).get(pk=act.pk)
        if not queries.may_undo(locked, by):
            raise RefusedError("该批量办理现在不能撤销：已撤销、尚未完成，或年度已关闭。")
        found = BulkAct.objects.create(
            key=key,
            kind=locked.kind,
            partition_id=locked.partition_id,
            region_code=locked.region_code,
            reason=f"撤销批量办理 {locked.pk}",
            user_id=locked.user_id,
            task_id=locked.task_id,
            matched=locked.affected,
            affected=0,
            undoes=locked,
            created_by=by,
        )
        if locked.affected > AT_ONCE:
            _later(found, by)
        else:
            _do(found, [queries.undoable(locked)], by)
    return found


def run(*, act: BulkAct, told: Told, by: Any) -> None:
    """Do an act that waited, town by town; called inside the job's effect, in the person's scope.

    Raises RefusedError when rights, year or households are not those of the preview any more.
    """
    _check(act.kind, act.region_code, by)
    if act.undoes is not None:
        towns, source = queries.parts_of(act.undoes), _undoing(act.undoes)
    else:
        wish = _wish(act)
        towns, source = queries.parts(wish, by), lambda town: queries.judged(wish, by, town)

    def every() -> Iterable[Sql]:
        for number, town in enumerate(towns):
            told(number, len(towns))
            yield source(town)

    try:
        _do(act, every(), by)
    except IntegrityError as error:
        raise ChangedSincePreviewError from error


def refuse(*, act: BulkAct, words: str) -> None:
    """The act that waited was not done; inside the job's own refusal."""
    waiting = BulkAct.objects.filter(pk=act.pk, state=BulkState.WAITING)
    waiting.update(state=BulkState.FAILED, refusal=words[:200])


def _undoing(act: BulkAct) -> Callable[[str], Sql]:
    return lambda town: queries.undoable(act, town)


def _wish(act: BulkAct) -> Wish:
    return Wish(
        kind=act.kind,
        partition=act.partition_id,
        region=act.region_code,
        reason=act.reason,
        terms=act.terms,
        user=act.user,
        task=act.task,
        due_on=act.due_on,
    )


def _made_before(key: UUID, by: Any) -> BulkAct | None:
    found = BulkAct.objects.filter(key=key).first()
    if found is not None and found.created_by_id != by.pk:
        raise RefusedError("请求标识有误，请重新预览。")
    return found


def _check(kind: str, region: str, by: Any) -> None:
    held = any(covers(by, region, right) for right in queries.RIGHTS[kind])
    if not by.is_active or not held:
        raise RefusedError("权限或管辖范围已变化，不能办理。")


def _make_task(wanted: NewTask, wish: Wish, by: Any) -> Task:
    return Task.objects.create(
        title=wanted.title,
        region_code=wish.region,
        partition_id=wish.partition,
        owner=wanted.owner,
        due_on=wanted.due_on,
        created_by=by,
    )


def _begin(wish: Wish, key: UUID, found: Counts, terms: dict[str, Any], by: Any) -> BulkAct:
    return BulkAct.objects.create(
        key=key,
        kind=wish.kind,
        partition_id=wish.partition,
        region_code=wish.region,
        terms=terms if wish.numbers is None else {"picked": len(wish.numbers)},
        reason=wish.reason,
        user=wish.user,
        task=wish.task,
        due_on=wish.due_on,
        matched=found.matched,
        affected=found.affected,
        skipped=found.skipped,
        digest=found.digest,
        created_by=by,
    )


def _later(act: BulkAct, by: Any) -> None:
    job = enqueue(
        JOB,
        subject=f"批量办理 {act.pk}",
        scope=act.region_code,
        params={"act": act.pk},
        key=f"{JOB}:{act.pk}",
        by=by,
    )
    BulkAct.objects.filter(pk=act.pk).update(job=job)
    act.job = job


def _do(act: BulkAct, every: Iterable[Sql], by: Any) -> None:
    """Write all parts, compare with the preview, and mark the act done."""
    _hold_year_open(act.partition_id)
    rows = [row for sql in every for row in _write(act, sql, by)]
    found = queries.tallied(rows)
    if act.undoes_id:
        gone = act.matched - found.matched
        skipped = found.skipped | ({Outcome.MOVED.value: gone} if gone > 0 else {})
        act.digest = found.digest
    else:
        if found.digest != act.digest:
            raise ChangedSincePreviewError
        skipped = found.skipped
    act.affected, act.skipped, act.state = found.affected, skipped, BulkState.DONE
    BulkAct.objects.filter(pk=act.pk).update(
        affected=act.affected, skipped=skipped, digest=act.digest, state=act.state, done_at=Now()
    )
    act.refresh_from_db(fields=["done_at"])


def _hold_year_open(year: int) -> None:
    """Nobody closes the year while its households are dealt with."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT closed_at IS NULL FROM households_partition WHERE year = %s FOR SHARE", [year]
        )
        if not (cursor.fetchone() or (False,))[0]:
            raise RefusedError(f"{year} 年度已关闭，不能办理。")


def _write(act: BulkAct, sql: Sql, by: Any) -> list[tuple[str, int, Any]]:
    """The act's rows and what they stand for, from one judging; outcomes with counts and sums."""
    judged, params = sql
    made, more = (_ends if act.undoes_id else _makes)(act, by)
    left = ", ".join(f"'{one}'" for one in (Outcome.DONE, *queries.ELSEWHERE))
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH judged AS MATERIALIZED ({judged}), made AS ({made}),"
            f" logged AS (INSERT INTO households_bulkrow"
            f" (act_id, household_id, village_code, outcome, made)"
            f" SELECT %s, household_id, village_code, '{Outcome.DONE}', id FROM made UNION ALL"
            f" SELECT %s, household_id, village_code, outcome, NULL FROM judged"
            f" WHERE outcome NOT IN ({left}))"
            f" {queries.TALLY}",
            [*params, *more, act.pk, act.pk],
        )
        return list(cursor.fetchall())


def _makes(act: BulkAct, by: Any) -> Sql:
    """What an act of the kind inserts for each household it does."""
    chosen = (
        f"FROM judged WHERE outcome = '{Outcome.DONE}' RETURNING id, household_id, village_code"
    )
    if act.kind == BulkKind.ASSIGN:
        return (
            f"INSERT INTO households_assignment"
            f" (household_id, village_code, user_id, reason, created_by_id)"
            f" SELECT household_id, village_code, %s, %s, %s {chosen}",
            [act.user_id, act.reason, by.pk],
        )
    if act.kind == BulkKind.MARK:
        return (
            f"INSERT INTO households_mark"
            f" (household_id, village_code, partition_id, reason, due_on, created_by_id,"
            f" result, words)"
            f" SELECT household_id, village_code, %s, %s, %s::date, %s, '', '' {chosen}",
            [act.partition_id, act.reason, act.due_on, by.pk],
        )
    return (
        f"INSERT INTO households_taskitem (task_id, household_id, village_code)"
        f" SELECT %s, household_id, village_code {chosen}",
        [act.task_id],
    )


def _ends(act: BulkAct, by: Any) -> Sql:
    """What taking back an act of the kind ends for each household; nothing is deleted."""
    chosen = (
        f"FROM judged AS j WHERE x.id = j.made AND j.outcome = '{Outcome.DONE}'"
        f" RETURNING x.id, x.household_id, x.village_code"
    )
    if act.kind == BulkKind.ASSIGN:
        return f"UPDATE households_assignment AS x SET ended_at = clock_timestamp() {chosen}", []
    if act.kind == BulkKind.MARK:
        return (
            f"UPDATE households_mark AS x SET closed_at = clock_timestamp(), closed_by_id = %s,"
            f" result = 'WITHDRAWN', words = %s {chosen}",
            [by.pk, act.reason],
        )
    return f"UPDATE households_taskitem AS x SET removed_at = clock_timestamp() {chosen}", []


def is_overdue(day: date | None) -> bool:
    """Whether a day that something was to be done by is over."""
    return day is not None and day < timezone.localdate()
