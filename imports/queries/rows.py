"""The households, persons and records behind the counts of a batch.

While it is previewed they are the judged rows; once it is written, the rows of the register that it
touched, as far as the transaction's scope reaches, and the rows of the file that it did not write.
"""

from dataclasses import dataclass

from django.db import connection

from households.queries.keyset import Keyset, Page
from imports.catalog.plan import Plan
from imports.enums import Effect, Grain, RowVerdict, Target
from imports.models import Batch
from imports.queries.changes import staged_plan, village_names
from imports.queries.raws import raw_lines
from imports.queries.showing import rule_of
from imports.queries.touched import touched_rows

PAGE = 50
KEYSET = Keyset(("key",), (int,))
KINDS = ("households", "persons", "entries")


@dataclass(frozen=True)
class Row:
    """One row behind a count; `row_no` is 0 where the register's row no longer tells it."""

    key: int
    row_no: int
    household_no: str = ""
    name: str = ""
    village: str = ""
    # Why it is sent back.
    reasons: tuple[str, ...] = ()


def page(batch: Batch, kind: str, verdict: str, after: str = "") -> Page[Row]:
    """The rows of one kind (households, persons, entries) and verdict, masked, in a fixed order.

    Raises BadCursorError, and ValueError for a kind or verdict that does not exist.
    """
    if kind not in KINDS:
        raise ValueError(kind)
    wanted = RowVerdict(verdict)
    last = KEYSET.read(after)[0] if after else 0
    plan = staged_plan(batch)
    if plan is not None:
        found = _staged(plan, kind, wanted, last)
    elif batch.applied_at is None:
        found = []
    elif wanted in (RowVerdict.CREATED, RowVerdict.UPDATED):
        found = _touched(batch, kind, wanted, last)
    else:
        found = _of_the_file(batch, kind, wanted, last)
    shown = found[:PAGE]
    if wanted == RowVerdict.REJECTED:
        shown = _with_reasons(batch, shown)
    return Page(shown, next=KEYSET.write((shown[-1].key,)) if len(found) > PAGE else "")


# --- previewed ---------------------------------------------------------------------------------

_HOUSEHOLD_VERDICTS = {
    RowVerdict.CREATED: "k.year_id IS NULL",
    RowVerdict.UPDATED: "k.year_id IS NOT NULL AND (k.year_changed OR k.identity_changed)",
    RowVerdict.UNCHANGED: "k.year_id IS NOT NULL AND NOT (k.year_changed OR k.identity_changed)",
}
_ENTRY_VERDICTS = {
    RowVerdict.CREATED: "k.is_new",
    RowVerdict.UPDATED: "NOT k.is_new AND k.is_changed",
    RowVerdict.UNCHANGED: "NOT k.is_new AND NOT k.is_changed",
}


def _staged(plan: Plan, kind: str, verdict: RowVerdict, last: int) -> list[Row]:
    if (kind == "entries") != plan.has_entries or (kind == "persons" and not plan.has_persons):
        return []
    table = {"households": plan.households, "persons": plan.persons, "entries": plan.entries}[kind]
    household, name = (
        f"coalesce(r.{one}, '')" if plan.has(one) or plan.is_joined else "''"
        for one in ("household_no", "name")
    )
    if plan.grain == Grain.VILLAGE:
        household = "''"
    if kind == "households":
        name = "''"
    told = f"r.row_no, {household}, {name}"
    if verdict != RowVerdict.REJECTED:
        verdicts = _ENTRY_VERDICTS if kind == "entries" else _HOUSEHOLD_VERDICTS
        sql = (
            f"SELECT {told}, coalesce(k.village_code, '') FROM {table} k"
            f" JOIN {plan.rows} r USING (row_no) WHERE {verdicts[verdict]} AND k.row_no > %s"
        )
    elif kind == "households":
        sql = (
            f"SELECT * FROM (SELECT min(row_no) AS row_no, coalesce(household_no, ''), '',"
            f" min(village) FROM {plan.rows} r WHERE NOT EXISTS (SELECT FROM {table} k"
            f" WHERE k.household_no = r.household_no) GROUP BY household_no) AS r"
            f" WHERE row_no > %s"
        )
    else:
        sql = (
            f"SELECT {told}, r.village FROM {plan.rows} r WHERE NOT EXISTS"
            f" (SELECT FROM {table} k WHERE k.row_no = r.row_no) AND r.row_no > %s"
        )
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} ORDER BY r.row_no LIMIT {PAGE + 1}", [last])
        rows = cursor.fetchall()
    names = village_names(row[3] for row in rows)
    return [
        Row(row_no, row_no, household_no, person, names.get(village, village))
        for row_no, household_no, person, village in rows
    ]


# --- written -----------------------------------------------------------------------------------

_IDENTITY_OF = {
    "households": (Target.HOUSEHOLD, Target.HOUSEHOLD_YEAR),
    "persons": (Target.PERSON, Target.PERSON_YEAR),
}
_YEARS = {
    "households": "households_householdyear y JOIN households_household i ON i.id = y.household_id",
    "persons": "households_personyear y JOIN households_person i ON i.id = y.person_id",
}


def _touched(batch: Batch, kind: str, verdict: RowVerdict, last: int) -> list[Row]:
    values = {"batch": batch.pk, "partition": batch.partition, "last": last}
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_touched_sql(kind, verdict)} ORDER BY 1 LIMIT {PAGE + 1}",
            values,
        )
        rows = cursor.fetchall()
    names = village_names(row[3] for row in rows)
    return [
        Row(key, 0, household_no, person, names.get(village, village))
        for key, household_no, person, village in rows
    ]


def _touched_sql(kind: str, verdict: RowVerdict) -> str:
    if kind == "entries":
        return (
            f"SELECT s.id, h.household_no, p.name, s.village_code FROM households_workspell s"
            f" JOIN households_household h ON h.id = s.household_id"
            f" JOIN households_person p ON p.id = s.person_id"
            f" WHERE s.id > %(last)s AND s.id IN ({touched_rows(Target.WORK_SPELL, verdict.value)})"
            f" UNION ALL"
            f" SELECT v.id, '', '', v.region_code FROM villages_villageyear v"
            f" WHERE v.id > %(last)s AND v.id IN ({touched_rows(Target.VILLAGE_YEAR, verdict.value)})"
        )
    identity, year = _IDENTITY_OF[kind]
    named = "''" if kind == "households" else "i.name"
    number = "i" if kind == "households" else "h"
    where = f"y.id IN ({touched_rows(year, verdict.value)})"
    if verdict == RowVerdict.UPDATED:
        key = "household_id" if kind == "households" else "person_id"
        where = (
            f"y.partition_id = %(partition)s AND NOT EXISTS"
            f" (SELECT FROM ({touched_rows(year, 'C')}) AS c WHERE c.row_id = y.id)"
            f" AND ({where} OR y.{key} IN ({touched_rows(identity, 'U')}))"
        )
    more = "" if kind == "households" else " JOIN households_household h ON h.id = y.household_id"
    return (
        f"SELECT y.id, {number}.household_no, {named}, y.village_code FROM {_YEARS[kind]}{more}"
        f" WHERE y.id > %(last)s AND {where}"
    )


# --- not written: what stood in the file -------------------------------------------------------


def _of_the_file(batch: Batch, kind: str, verdict: RowVerdict, last: int) -> list[Row]:
    """Rows sent back or without any change, from the kept rows of the file; none when they are gone.

    Which they are was put down when the batch was written: only their own blocks are opened.
    """
    listed = f"{'households' if kind == 'households' else 'rows'}_{_KEPT_AS[verdict]}"
    count = batch.counts(kind)[_KEPT_AS[verdict]]
    if not count:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT told.row_no FROM imports_rawblock b, unnest(b.{listed}) AS told (row_no)"
            f" WHERE b.batch_id = %s AND b.last_row > %s AND told.row_no > %s"
            f" ORDER BY 1 LIMIT {PAGE + 1}",
            [batch.pk, last, last],
        )
        wanted = {row_no for (row_no,) in cursor.fetchall()}
    if not wanted:
        return []
    places = {name: at for at, (_, name) in enumerate(batch.header_map) if name}
    return [_read(places, cells, row_no) for row_no, cells in raw_lines(batch, wanted)]


_KEPT_AS = {RowVerdict.UNCHANGED: "unchanged", RowVerdict.REJECTED: "rejected"}


def _read(places: dict[str, int], cells: list[str], row_no: int) -> Row:
    def cell(name: str) -> str:
        at = places.get(name, len(cells))
        return cells[at].strip() if at < len(cells) else ""

    return Row(row_no, row_no, cell("household_no"), cell("name"), cell("village_code"))


# --- reasons -----------------------------------------------------------------------------------


def _with_reasons(batch: Batch, rows: list[Row]) -> list[Row]:
    told: dict[int, list[str]] = {}
    problems = batch.problems.filter(
        row_no__in=[row.row_no for row in rows], effect__in=[Effect.BACK, Effect.REFUSE]
    )
    for row_no, rule in problems.order_by("row_no", "rule").values_list("row_no", "rule"):
        message = rule_of(rule)[0]
        if message not in told.setdefault(row_no, []):
            told[row_no].append(message)
    return [
        Row(one.key, one.row_no, one.household_no, one.name, one.village,
            tuple(told.get(one.row_no, ())))
        for one in rows
    ]  # fmt: skip
