"""What a batch changes in the register, field by field: old against new, while it is previewed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection, models

from households.catalog import FieldFact
from households.models import Household, HouseholdYear, Person, PersonYear, WorkSpell
from households.queries.keyset import Keyset, Page
from imports.catalog.plan import Plan
from imports.enums import Grain
from imports.models import Batch
from imports.queries.showing import shown
from villages.formulas import short_name
from villages.models import Region, VillageYear

SHOWN_ROWS = 20
PAGE = 50
# Changes that are fetched at once for a download.
STREAMED = 2_000
KEYSET = Keyset(("row_no",), (int,))
# Where a household moves to is a change as well, though the village is no fact of a column.
VILLAGE = "village_code"
_VILLAGE_LABEL = "行政村"
# Facts of a household's year that are carried over where the file is silent.
_CARRIED = ("exit_status", "exit_year")


@dataclass(frozen=True)
class Change:
    """One field of one row: what is registered and what the file says, as the page shows them."""

    row_no: int
    household_no: str
    name: str
    village: str
    identifier: str
    # What the field is called.
    field: str
    old: str
    new: str


@dataclass(frozen=True)
class _Source:
    """A table whose rows change: the judged table k, the register's table t, the facts compared."""

    plan: Plan
    table: str
    model: type[models.Model]
    key: str
    condition: str
    facts: list[FieldFact]
    # SQL of the village before, where a row has one of its own.
    was: str = ""
    # Facts that were decided when the rows were judged, rather than read from the row.
    judged: tuple[str, ...] = ()

    def new(self, fact: FieldFact) -> str:
        if fact.name in self.judged:
            return f"k.{fact.name}"
        return self.plan.told(fact)

    def pairs(self, field: str) -> list[str]:
        """(place, field, old, new) as SQL rows."""
        found = [
            f"({at}, '{fact.identifier}', to_jsonb(t.{fact.name}), to_jsonb({self.new(fact)}))"
            for at, fact in enumerate(self.facts)
            if field in ("", fact.identifier)
        ]
        if self.was and field in ("", VILLAGE):
            found.append(
                f"({len(self.facts)}, '{VILLAGE}', to_jsonb({self.was}::text),"
                f" to_jsonb(k.village_code::text))"
            )
        return found

    def differs(self, field: str) -> str:
        """SQL: whether the row changes, in this field where one is asked for."""
        told = [
            f"t.{fact.name} IS DISTINCT FROM {self.new(fact)}"
            for fact in self.facts
            if fact.identifier == field
        ]
        if field == VILLAGE and self.was:
            told.append(f"{self.was} IS DISTINCT FROM k.village_code")
        if field:
            return f"{self.condition} AND ({' OR '.join(told) or 'false'})"
        return self.condition


def _sources(plan: Plan) -> list[_Source]:
    if plan.has_entries:
        return _entries(plan)
    households, persons = plan.households, plan.persons
    found = [
        _Source(plan, households, Household, "household_id", "k.identity_changed",
                [f for f in plan.columns(Household) if f.name != "household_no"]),
        _Source(plan, households, HouseholdYear, "year_id", "k.year_changed",
                plan.columns(HouseholdYear), "t.village_code", _CARRIED),
    ]  # fmt: skip
    if plan.has_persons:
        found += [
            _Source(plan, persons, Person, "person_id", "k.identity_changed", plan.columns(Person)),
            _Source(
                plan, persons, PersonYear, "year_id", "k.year_changed", plan.columns(PersonYear)
            ),
        ]
    return found


def _entries(plan: Plan) -> list[_Source]:
    if plan.grain == Grain.SPELL:
        spells = _Source(
            plan, plan.entries, WorkSpell, "row_id", "k.spell_changed", plan.columns(WorkSpell)
        )
        worked = [fact for fact in plan.columns(PersonYear) if fact.name == "has_worked"]
        years = _Source(
            plan,
            plan.entries,
            PersonYear,
            "year_id",
            "k.worked_changed",
            worked,
            judged=("has_worked",),
        )
        return [spells, years]
    condition = "NOT k.is_new AND k.is_changed"
    return [
        _Source(plan, plan.entries, VillageYear, "row_id", condition, plan.columns(VillageYear))
    ]


def index_changes(cursor: Any, batch: Batch, plan: Plan) -> None:
    """Let a page of a judged batch find its rows without reading a city; of what changes alone."""
    kinds = ("households", "persons", "entries")
    if not any(getattr(batch, f"{kind}_updated") for kind in kinds):
        return
    changing: dict[str, list[str]] = {}
    for source in _sources(plan):
        told = changing.setdefault(source.table, [])
        told.append(f"({source.condition.replace('k.', '')})")
    for table, told in changing.items():
        cursor.execute(f"CREATE INDEX ON {table} (row_no) WHERE {' OR '.join(told)}")
    # Rows outlive the judgement: a second one finds its index.
    name = plan.rows.partition(".")[2]
    cursor.execute(f"CREATE INDEX IF NOT EXISTS {name}_row_no ON {plan.rows} (row_no)")


def staged_plan(batch: Batch) -> Plan | None:
    """The plan of a batch whose judged rows still stand."""
    if not batch.stage:
        return None
    plan = Plan.of_batch(batch)
    table = plan.entries if plan.has_entries else plan.households
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [table])
        return plan if cursor.fetchone()[0] is not None else None


# --- what can be asked for ---------------------------------------------------------------------


def changed_fields(batch: Batch) -> list[dict[str, Any]]:
    """How many rows change in each field, most first, as counted when the rows were judged."""
    return [
        {"field": name, "field_label": label, "count": count}
        for name, label, count in _counted_fields(batch)
    ]


def _counted_fields(batch: Batch) -> list[tuple[str, str, int]]:
    known = Plan.of_batch(batch).known
    ordered = sorted(batch.changed_fields.items(), key=lambda item: -item[1])
    return [(name, known[name].label if name in known else name, count) for name, count in ordered]


def fields(batch: Batch) -> list[tuple[str, str, int]]:
    """(identifier, label, rows) for a filter, with households that move to another village."""
    found = _counted_fields(batch)
    plan = staged_plan(batch)
    if plan is None:
        return found
    moved = 0
    with connection.cursor() as cursor:
        for source in _sources(plan):
            if source.was:
                cursor.execute(_counted(source, plan, VILLAGE, "count(*)"))
                moved += cursor.fetchone()[0]
    if moved:
        found.append((VILLAGE, _VILLAGE_LABEL, moved))
    return found


def villages(batch: Batch, field: str = "") -> list[tuple[str, str, int]]:
    """(code, name, rows of the file that change something there), in the order of the codes."""
    plan = staged_plan(batch)
    if plan is None:
        return []
    told = " UNION ".join(
        _counted(source, plan, field, "k.village_code, k.row_no") for source in _sources(plan)
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT village_code, count(*) FROM ({told}) AS told (village_code, row_no)"
            f" GROUP BY 1 ORDER BY 1"
        )
        counted = cursor.fetchall()
    names = village_names(code for code, _ in counted)
    return [(code, names.get(code, code), count) for code, count in counted]


def _counted(source: _Source, plan: Plan, field: str, what: str) -> str:
    """SELECT of the changed rows of one source."""
    return (
        f"SELECT {what} FROM {source.table} k JOIN {plan.rows} r USING (row_no)"
        f" JOIN {source.model._meta.db_table} t ON t.id = k.{source.key}"
        f" WHERE {source.differs(field)}"
        if field
        else f"SELECT {what} FROM {source.table} k WHERE {source.differs('')}"
    )


def village_names(codes: Any) -> dict[str, str]:
    """Code → name, without its committee."""
    named = Region.objects.filter(code__in=set(codes)).values_list("code", "name")
    return {code: short_name(name) for code, name in named}


# --- the changes -------------------------------------------------------------------------------


def page(
    batch: Batch, field: str = "", village_code: str = "", after: str = "", size: int = PAGE
) -> Page[Change]:
    """The changes of some rows of the file, in its order; `after` is the cursor of the page before.

    Raises BadCursorError. Empty once the batch is written or given up.
    """
    last = KEYSET.read(after)[0] if after else 0
    plan = staged_plan(batch)
    if plan is None:
        return Page([])
    sources = [one for one in _sources(plan) if one.pairs(field)]
    rows = _rows_after(plan, sources, field, village_code, last, size + 1)
    found = _changes(plan, sources, field, rows[:size])
    return Page(found, next=KEYSET.write((rows[size - 1],)) if len(rows) > size else "")


def every(batch: Batch, field: str = "", village_code: str = "") -> Iterator[Change]:
    """All changes in the order of the file: one pass over the staged rows, read as it is used."""
    plan = staged_plan(batch)
    sources = [one for one in _sources(plan) if one.pairs(field)] if plan else []
    if plan is None or not sources:
        return
    where = "k.village_code = %(village)s" if village_code else "true"
    names: dict[str, str] = {}
    with connection.chunked_cursor() as cursor:
        cursor.execute(_compared(plan, sources, field, where), {"village": village_code})
        while some := cursor.fetchmany(STREAMED):
            yield from _told(plan, some, names)


def _rows_after(
    plan: Plan, sources: list[_Source], field: str, village_code: str, last: int, count: int
) -> list[int]:
    if not sources:
        return []
    more = " AND k.row_no > %(last)s" + (
        " AND k.village_code = %(village)s" if village_code else ""
    )
    told = " UNION ".join(
        f"({_counted(one, plan, field, 'k.row_no')}{more} ORDER BY k.row_no LIMIT %(count)s)"
        for one in sources
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT row_no FROM ({told}) AS told ORDER BY row_no LIMIT %(count)s",
            {"last": last, "village": village_code, "count": count},
        )
        return [row_no for (row_no,) in cursor.fetchall()]


def _changes(plan: Plan, sources: list[_Source], field: str, rows: list[int]) -> list[Change]:
    if not rows:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_compared(plan, sources, field, "k.row_no = ANY(%(rows)s)"), {"rows": rows})
        return _told(plan, cursor.fetchall(), {})


def _compared(plan: Plan, sources: list[_Source], field: str, where: str) -> str:
    """SELECT of every field that differs, in the order of the file, then of tables and their facts."""
    told = " UNION ALL ".join(
        _compared_in(plan, source, at, field, where) for at, source in enumerate(sources)
    )
    return (
        f"SELECT row_no, household_no, name, village_code, field, old, new FROM ({told}) AS told"
        f" ORDER BY row_no, source, place"
    )


def _compared_in(plan: Plan, source: _Source, at: int, field: str, where: str) -> str:
    household = "r.household_no" if plan.grain != Grain.VILLAGE else "''"
    has_name = source.model not in (Household, HouseholdYear) and plan.has("name")
    return (
        f"SELECT k.row_no, {at} AS source, place, {household} AS household_no,"
        f" {'r.name' if has_name else repr('')} AS name, k.village_code, field, old, new"
        f" FROM {source.table} k JOIN {plan.rows} r USING (row_no)"
        f" JOIN {source.model._meta.db_table} t ON t.id = k.{source.key}"
        f" CROSS JOIN LATERAL (VALUES {', '.join(source.pairs(field))})"
        f" AS pair (place, field, old, new)"
        f" WHERE {where} AND {source.condition} AND old IS DISTINCT FROM new"
    )


def _told(plan: Plan, found: list[tuple[Any, ...]], names: dict[str, str]) -> list[Change]:
    """Rows as the page shows them; `names` remembers villages from one call to the next."""
    codes = {row[3] for row in found}
    for *_, name, old, new in found:
        if name == VILLAGE:
            codes |= {json.loads(value) for value in (old, new) if value}
    if fresh := codes - names.keys():
        names |= dict.fromkeys(fresh, "") | village_names(fresh)
    return [_change(plan, row, names) for row in found]


def _change(plan: Plan, row: tuple[Any, ...], names: dict[str, str]) -> Change:
    row_no, household_no, name, village, field, old, new = row
    fact = plan.known.get(field)
    if fact is None:
        was, becomes = (_village(value, names) for value in (old, new))
    else:
        was, becomes = (shown(fact, _plain(fact, value)) for value in (old, new))
    return Change(
        row_no=row_no,
        household_no=household_no or "",
        name=name or "",
        village=names[village] or village,
        identifier=field,
        field=fact.label if fact else _VILLAGE_LABEL,
        old=was,
        new=becomes,
    )


def _village(value: str | None, names: dict[str, str]) -> str:
    code = json.loads(value) if value else ""
    return names.get(code) or code or "（空）"


def _plain(fact: FieldFact, value: str | None) -> Any:
    """Raw cursors hand jsonb over as text, in which bytes are written in hexadecimal digits."""
    plain = None if value is None else json.loads(value, parse_float=Decimal)
    if fact.is_sealed:
        return fact.opened(None if plain is None else bytes.fromhex(plain[2:]))
    return plain


def change_rows(batch: Batch) -> list[dict[str, Any]]:
    """The first changes, for the preview."""
    return [
        {
            "household_no": one.household_no,
            "name": one.name,
            "field": one.field,
            "old": one.old,
            "new": one.new,
        }
        for one in page(batch, size=SHOWN_ROWS).rows[:SHOWN_ROWS]
    ]
