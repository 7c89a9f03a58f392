"""What was wrong with a batch's rows, kept beyond the life of its staging tables."""

import json
from collections import defaultdict
from typing import Any

from django.db import connection

from core import vault
from imports.catalog.plan import Plan
from imports.checks import RULES
from imports.models import Batch, Problem
from imports.services.sealing import Starts, raw_rows, raw_starts

PROBLEM_BATCH = 5_000
LONGEST_VALUE = 200

# Where a column stands in the file, and its head.
Places = dict[str, tuple[int, str]]
# (row number, rule, what the fault calls its column, the row it clashes with)
Fault = tuple[int, str, str, int | None]


def save_problems(batch: Batch, plan: Plan) -> None:
    """Keep what was wrong, with the cell's own words sealed, and what is done about it.

    A rule on blanks may fire on every other row of a city and has nothing to quote: such hits never
    leave the database. Those that quote come in the order of their rows, a few thousand at a time, so
    that of a city with a fault in every row no more is held than of a village.
    """
    Problem.objects.filter(batch=batch).delete()
    places = _places(batch)
    with connection.cursor() as cursor:
        effects = _effects(cursor, plan)
        rules = list(effects)
        values: dict[str, Any] = {
            "batch": batch.pk,
            "rules": rules,
            "severities": [RULES[rule].severity.value for rule in rules],
            "effects": [effects[rule] for rule in rules],
            "silent": [rule for rule in rules if not RULES[rule].quotes],
            "names": list(places),
            "heads": [header for _, header in places.values()],
        }
        cursor.execute(
            f"""
            INSERT INTO imports_problem
                   (batch_id, row_no, rule, severity, effect, other_row, identifier, header)
            SELECT %(batch)s, f.row_no, f.rule, k.severity, k.effect, f.other_row,
                   CASE WHEN starts_with(f.identifier, '#') THEN '' ELSE f.identifier END,
                   coalesce(h.header, '')
              FROM {plan.faults} f
              JOIN unnest(%(rules)s::text[], %(severities)s::text[], %(effects)s::text[])
                   AS k (rule, severity, effect) USING (rule)
              LEFT JOIN unnest(%(names)s::text[], %(heads)s::text[])
                   AS h (identifier, header) USING (identifier)
             WHERE f.row_no = 0 OR f.rule = ANY(%(silent)s) OR h.identifier IS NULL
             ORDER BY f.rule, f.row_no
            """,
            values,
        )
        starts = raw_starts(plan)
        with connection.chunked_cursor() as quoting:
            quoting.execute(
                f"SELECT row_no, rule, identifier, other_row FROM {plan.faults}"
                f" WHERE row_no > 0 AND rule = ANY(%(rules)s) AND rule <> ALL(%(silent)s)"
                f" AND identifier = ANY(%(names)s)"
                f" ORDER BY row_no, rule, identifier",
                values,
            )
            while faults := quoting.fetchmany(PROBLEM_BATCH):
                said = _quoted(plan, starts, faults, places)
                _save(cursor, batch, faults, said, places, effects)


def _quoted(plan: Plan, starts: Starts, faults: list[Fault], places: Places) -> list[str]:
    """What stood in the cell that each fault blames; nothing else of the rows is kept."""
    blamed: dict[int, set[str]] = defaultdict(set)
    for row_no, _, name, _ in faults:
        blamed[row_no].add(name)
    words = {
        (row_no, name): _words(cells, places[name])
        for row_no, cells in raw_rows(plan, set(blamed), starts)
        for name in blamed[row_no]
    }
    return [words.get((row_no, name), "") for row_no, _, name, _ in faults]


def _save(
    cursor: Any,
    batch: Batch,
    faults: list[Fault],
    said: list[str],
    places: Places,
    effects: dict[str, str],
) -> None:
    """Keep hits that quote a cell."""
    sealed = vault.copy_salted(
        "problem",
        [text.encode() for text in said],
        [str(row_no).encode() for row_no, *_ in faults],
    )
    cursor.execute(
        "INSERT INTO imports_problem"
        " (batch_id, row_no, rule, severity, effect, other_row, identifier, header, value)"
        " SELECT %s, row_no, rule, severity, effect, other_row, identifier, header, value::bytea"
        " FROM unnest(%s::int[], %s::text[], %s::text[], %s::text[], %s::int[], %s::text[],"
        " %s::text[], %s::text[]) AS found"
        " (row_no, rule, severity, effect, other_row, identifier, header, value)",
        [
            batch.pk,
            [row_no for row_no, *_ in faults],
            [rule for _, rule, *_ in faults],
            [RULES[rule].severity.value for _, rule, *_ in faults],
            [effects[rule] for _, rule, *_ in faults],
            [other for *_, other in faults],
            [name for _, _, name, _ in faults],
            [places[name][1] for _, _, name, _ in faults],
            # COPY's text, without the backslash that only COPY takes away.
            [None if one == vault.COPY_NULL else one[1:].decode() for one in sealed],
        ],
    )


def _effects(cursor: Any, plan: Plan) -> dict[str, str]:
    """What the judgement did about each rule that held, as it noted beside its faults."""
    cursor.execute("SELECT obj_description(%s::regclass, 'pg_class')", [plan.faults])
    effects: dict[str, str] = json.loads(cursor.fetchone()[0])
    return effects


def _places(batch: Batch) -> Places:
    """Columns by the name that faults call them: what they carry, or `#` and their index."""
    return {
        identifier or f"#{at}": (at, header)
        for at, (header, identifier) in enumerate(batch.header_map)
    }


def _words(cells: list[str], place: tuple[int, str]) -> str:
    """What stood in the cell, as much of it as is kept."""
    return cells[place[0]][:LONGEST_VALUE] if place[0] < len(cells) else ""
