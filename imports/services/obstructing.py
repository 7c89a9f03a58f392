"""What stands in the way of undoing a batch, said so that somebody can clear it away."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.utils import timezone

from core.history import history_table
from households.models import Partition
from imports.enums import BatchState, Target
from imports.models import Batch
from imports.queries.touched import MODELS, touched_rows

CLOSED = "{} 年度已关闭，不能撤销。"
NOT_RECORDED = "本批导入时系统还没有记录逐行写入明细，不能整批撤销。"
REFERRED_TO = "本批新增的户或人已被其他记录引用，不能撤销。"
IMAGES_MISSING = "有 {} 行找不到导入前的内容，不能撤销，请联系系统管理员。"
_SHOWN = 3
# Written rows of a batch up to which a page looks at each of them: a second's work.
LOOKED_AT_ONCE = 20_000


def obstacles(batch: Batch) -> list[str]:
    """Whole sentences, one per obstacle; none: as far as a page can tell, the batch can be undone.

    The rows of a large batch are left to the job, which looks at every one whatever was said here.
    """
    if is_large(batch):
        return _plain_obstacles(batch)
    with transaction.atomic():
        found = gathered_obstacles(batch)
        _forget()
    return found


def is_large(batch: Batch) -> bool:
    """Whether looking at each of its rows takes longer than anybody waits for a page."""
    written = (
        batch.counts(kind)[verdict]
        for kind in ("households", "persons", "entries")
        for verdict in ("created", "updated")
    )
    return sum(written) > LOOKED_AT_ONCE


def _plain_obstacles(batch: Batch) -> list[str]:
    """What can be told without looking at rows."""
    if batch.applied_from is None or batch.applied_at is None:
        return [NOT_RECORDED]
    if Partition.objects.filter(pk=batch.partition, closed_at__isnull=False).exists():
        return [CLOSED.format(batch.partition)]
    return []


@contextmanager
def _whole_tables() -> Iterator[None]:
    """Touches of a whole batch are met at once, whatever the planner knows yet of fresh rows."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('enable_nestloop'), current_setting('work_mem')")
        before = cursor.fetchone()
        set_both = (
            "SELECT set_config('enable_nestloop', %s, true), set_config('work_mem', %s, true)"
        )
        cursor.execute(set_both, ["off", "256MB"])
        yield
        cursor.execute(set_both, before)


def gathered_obstacles(batch: Batch) -> list[str]:
    """The same; which rows are meant is remembered to the end of the transaction, see `changed_since`."""
    found = _plain_obstacles(batch)
    if NOT_RECORDED in found:
        return found
    with _whole_tables():
        _gather(batch)
        return [*found, *changed_since(batch), *_built_upon(batch)]


def _gather(batch: Batch) -> None:
    """Touched rows in temporary tables: the planner knows nothing yet of what was just written."""
    _forget()
    values = {"batch": batch.pk, "partition": batch.partition}
    rows = " UNION ALL ".join(
        f"SELECT '{target.value}', '{verdict}', row_id FROM ({touched_rows(target, verdict)}) AS t"
        for target in MODELS
        for verdict in "CU"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMP TABLE touched_now ON COMMIT DROP AS SELECT DISTINCT * FROM ({rows})"
            f" AS told (target, verdict, row_id)",
            values,
        )
        cursor.execute("ANALYZE touched_now")
        cursor.execute(
            f"CREATE TEMP TABLE touched_homes ON COMMIT DROP AS"
            f" SELECT household_id, bool_or(is_new) AS is_new, bool_or(is_new_year) AS is_new_year"
            f" FROM (SELECT row_id, verdict = 'C', verdict = 'C' FROM touched_now WHERE target = 'H'"
            f" UNION ALL SELECT household_id, false, false FROM households_householdyear"
            f" WHERE id IN ({_touched(Target.HOUSEHOLD_YEAR, 'U')})"
            f" UNION ALL SELECT household_id, false, true FROM households_householdyear"
            f" WHERE id IN ({_touched(Target.HOUSEHOLD_YEAR, 'C')})"
            f" UNION ALL SELECT household_id, false, false FROM households_person"
            f" WHERE id IN ({_touched(Target.PERSON)})"
            f" UNION ALL SELECT household_id, false, false FROM households_personyear"
            f" WHERE id IN ({_touched(Target.PERSON_YEAR)})"
            f") AS told (household_id, is_new, is_new_year) GROUP BY household_id"
        )
        cursor.execute("ANALYZE touched_homes")


def _forget() -> None:
    with connection.cursor() as cursor:
        for name in ("touched_now", "touched_homes"):
            cursor.execute("SELECT to_regclass(%s)", [f"pg_temp.{name}"])
            if cursor.fetchone()[0] is not None:
                cursor.execute(f"DROP TABLE pg_temp.{name}")


def _touched(target: Target, verdict: str = "") -> str:
    kept = f" AND verdict = '{verdict}'" if verdict else ""
    return f"SELECT row_id FROM touched_now WHERE target = '{target.value}'{kept}"


def _untouched(row: str, target: Target) -> str:
    """SQL: the row is none of the batch's."""
    return f"NOT EXISTS ({_touched(target)} AND row_id = {row})"


# --- changed since -----------------------------------------------------------------------------


def changed_since(batch: Batch, but: int | None = None) -> list[str]:
    """Rows of the batch that somebody changed after it, and whose change stands.

    The rows as `gathered_obstacles` found them, whether they are still there or not.

    What another batch wrote and an undo took back does not count, nor what the job `but` does.
    """
    undone, windows = _acts_undone(batch)
    values: dict[str, Any] = {
        "after": batch.applied_at,
        "undone": [*undone, *([but] if but else [])],
        "shown": _SHOWN,
    }
    standing = "coalesce(h.history_job <> ALL(%(undone)s::bigint[]), true)"
    for at, (since, until) in enumerate(windows):
        values |= {f"since{at}": since, f"until{at}": until}
        standing += (
            f" AND NOT (h.history_job IS NULL"
            f" AND h.history_at BETWEEN %(since{at})s AND %(until{at})s)"
        )
    with _whole_tables():
        told = [_changed_rows(target, standing, values) for target in MODELS]
    return [sentence for sentence in told if sentence]


def _acts_undone(batch: Batch) -> tuple[list[int], list[tuple[datetime, datetime]]]:
    """Jobs of later batches that were undone and of their undoing; times of those without a job."""
    jobs: list[int] = []
    windows: list[tuple[datetime, datetime]] = []
    later = Batch.objects.filter(
        state=BatchState.UNDONE, applied_at__gt=batch.applied_at, applied_from__isnull=False
    )
    for applied, undoing, since, until in later.values_list(
        "applied_job", "job", "applied_from", "applied_at"
    ):
        jobs += [undoing, *([applied] if applied else [])]
        if applied is None:
            windows.append((since, until))
    return jobs, windows


def _changed_rows(target: Target, standing: str, values: dict[str, Any]) -> str | None:
    model = MODELS[target]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH later AS MATERIALIZED (
                SELECT h.* FROM {history_table(model)} h
                 WHERE h.history_at > %(after)s AND {standing}
                   AND h.id IN ({_touched(target)})
            )
            SELECT (SELECT count(DISTINCT id) FROM later), last.*,
                   ARRAY(SELECT DISTINCT named.number FROM ({_named(target)}) AS named (number)
                          ORDER BY 1 LIMIT %(shown)s)
              FROM (SELECT history_at, history_actor, history_client, history_job FROM later
                     ORDER BY history_at DESC LIMIT 1) AS last
            """,
            values,
        )
        row = cursor.fetchone()
    if row is None:
        return None
    count, moment, actor, client, job, numbers = row
    when = timezone.localtime(moment).strftime("%Y-%m-%d %H:%M")
    place = "村" if target == Target.VILLAGE_YEAR else "户编号"
    where = f"，涉及{place} {_listed(numbers, count)}" if numbers else ""
    return (
        f"本批写入的{target.label}中有 {count:,} 条此后又有改动，最近一次在 {when}，"
        f"{_who(actor, client, job)}{where}。"
    )


def _named(target: Target) -> str:
    """SQL on `later` for the household number (or village) of each row."""
    if target == Target.VILLAGE_YEAR:
        return "SELECT region_code FROM later"
    if target == Target.HOUSEHOLD:
        return "SELECT household_no FROM later"
    return (
        "SELECT hh.household_no FROM later"
        " JOIN households_household hh ON hh.id = later.household_id"
    )


def _who(actor: int | None, client: str | None, job: int | None) -> str:
    batch = Batch.objects.filter(applied_job=job).first() if job else None
    if batch is not None:
        return f"由批次 {batch.pk} 的导入写入"
    user = get_user_model().objects.filter(pk=actor).first() if actor else None
    if user is not None:
        return f"经办人 {user}"
    return f"接口客户端 {client.partition(' ')[2]}" if client else "由系统所做"


def _listed(numbers: list[str], count: int) -> str:
    return "、".join(numbers) + (" 等" if count > len(numbers) else "")


# --- built upon --------------------------------------------------------------------------------

_HOMES = "SELECT household_id FROM touched_homes"
_NEW_PERSONS = _touched(Target.PERSON, "C")

# Sentence → SQL of household ids that what came later is built upon.
_LATER = {
    "本批涉及的户中有 {n} 户随后登记了以后年度的数据（户编号 {numbers}），请先撤销以后年度的导入。": f"""
        SELECT household_id FROM households_householdyear
         WHERE partition_id > %(partition)s AND changed_at > %(after)s
           AND household_id IN ({_HOMES})""",
    "本批新增的户中有 {n} 户另有其他年度的数据（户编号 {numbers}）。": f"""
        SELECT household_id FROM households_householdyear
         WHERE partition_id < %(partition)s AND household_id IN ({_HOMES} WHERE is_new)""",
    "本批新增的户中有 {n} 户已分派给责任人（户编号 {numbers}），分派记录须保留。": f"""
        SELECT household_id FROM households_assignment
         WHERE household_id IN ({_HOMES} WHERE is_new)""",
    "本批新增的户中有 {n} 户后来登记了本批以外的成员（户编号 {numbers}）。": f"""
        SELECT p.household_id FROM households_person p
         WHERE p.household_id IN ({_HOMES} WHERE is_new) AND {_untouched("p.id", Target.PERSON)}
        UNION
        SELECT y.household_id FROM households_personyear y
         WHERE y.partition_id = %(partition)s
           AND y.household_id IN ({_HOMES} WHERE is_new_year)
           AND {_untouched("y.id", Target.PERSON_YEAR)}""",
    "本批新增的人中有 {n} 户的成员另有其他年度的数据（户编号 {numbers}）。": f"""
        SELECT household_id FROM households_personyear
         WHERE partition_id < %(partition)s AND person_id IN ({_NEW_PERSONS})""",
    "本批新增的户或人后来登记了务工记录，涉及 {n} 户（户编号 {numbers}）。": f"""
        SELECT s.household_id FROM households_workspell s
         WHERE s.partition_id = %(partition)s AND s.household_id IN ({_HOMES} WHERE is_new_year)
           AND {_untouched("s.id", Target.WORK_SPELL)}
        UNION
        SELECT s.household_id FROM households_workspell s
         WHERE s.person_id IN ({_NEW_PERSONS}) AND {_untouched("s.id", Target.WORK_SPELL)}""",
}


def _built_upon(batch: Batch) -> list[str]:
    """What later records rest on, rows of the batch that they refer to or follow from."""
    values = {"partition": batch.partition, "after": batch.applied_at, "shown": _SHOWN}
    found = []
    with connection.cursor() as cursor:
        for sentence, households in _LATER.items():
            cursor.execute(
                f"WITH met AS MATERIALIZED (SELECT DISTINCT * FROM ({households}) AS one (id))"
                f" SELECT count(*), ARRAY(SELECT household_no FROM households_household"
                f" WHERE id IN (SELECT id FROM met) ORDER BY household_no LIMIT %(shown)s)"
                f" FROM met",
                values,
            )
            count, numbers = cursor.fetchone()
            if count:
                found.append(sentence.format(n=f"{count:,}", numbers=_listed(numbers, count)))
    return found
