"""What the pages of a batch show."""

import json
from typing import Any

from django.db import connection
from django.db.models import Count

from core.idnumbers import mask, mask_quoted
from households.catalog import FieldFact, facts, label
from households.models import Household, Person, PersonYear
from households.queries.values import birth_year, is_birth_date
from imports.catalog.plan import Plan
from imports.checks import RULES
from imports.models import Batch

SHOWN_ROWS = 20


def problem_summary(batch: Batch) -> list[dict[str, Any]]:
    """Problems by rule, errors first."""
    counted = (
        batch.problems.values("rule", "severity")
        .annotate(n=Count("pk"))
        .order_by("severity", "rule")
    )
    return [
        {
            "rule": row["rule"],
            "label": RULES[row["rule"]].message,
            "severity": row["severity"],
            "count": row["n"],
            "href": f"?rule={row['rule']}#problem-rows",
        }
        for row in counted
    ]


def problem_rows(batch: Batch, rule: str = "") -> list[dict[str, Any]]:
    """The first rows with a problem, of one rule or errors before suspects; numbers are masked."""
    rows = batch.problems.order_by("severity", "row_no", "rule")
    if rule:
        rows = rows.filter(rule=rule)
    known = facts()
    return [
        {
            "row_no": row.row_no,
            "rule": row.rule,
            "field": row.header or (known[row.identifier].label if row.identifier in known else ""),
            "value": _shown(known.get(row.identifier), row.value),
            "message": RULES[row.rule].message,
            "remedy": RULES[row.rule].remedy,
        }
        for row in rows[:SHOWN_ROWS]
    ]


def _shown(fact: FieldFact | None, value: Any) -> str:
    if value is None or value in ("", []):
        return "（空）"
    if fact is None:
        return mask_quoted(str(value))
    if fact.sensitive and fact.kind in ("id_number", "identifier"):
        return mask(str(value))
    if fact.sensitive:
        return "已脱敏"
    if is_birth_date(fact):
        return birth_year(value)
    if isinstance(value, bool):
        return "是" if value else "否"
    if fact.table and isinstance(value, list):
        return "、".join(label(fact.table, code) for code in value)
    # A number may have slipped into any column.
    return mask_quoted(label(fact.table, str(value)) if fact.table else str(value))


def changed_fields(batch: Batch) -> list[dict[str, Any]]:
    """How many rows change in each field, most first."""
    known = facts()
    ordered = sorted(batch.changed_fields.items(), key=lambda item: -item[1])
    return [{"field_label": known[name].label, "count": count} for name, count in ordered]


def change_rows(batch: Batch) -> list[dict[str, Any]]:
    """The first changed rows, field by field, old against new; only while the batch is staged."""
    plan = Plan.of_batch(batch)
    found: list[dict[str, Any]] = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [plan.households])
        if cursor.fetchone()[0] is None:
            return []
        for model, facts_of_model in plan.by_model.items():
            found += _changes_of(cursor, plan, model, facts_of_model)
            if len(found) >= SHOWN_ROWS:
                break
    return found[:SHOWN_ROWS]


def _changes_of(
    cursor: Any, plan: Plan, model: Any, columns: list[FieldFact]
) -> list[dict[str, Any]]:
    columns = [fact for fact in columns if fact.identifier != "household_no"]
    is_person = model in (Person, PersonYear)
    if not columns or (is_person and not plan.has_persons):
        return []
    identity = model in (Household, Person)
    table = plan.persons if is_person else plan.households
    key = ("person_id" if is_person else "household_id") if identity else "year_id"
    name = "r.name" if plan.has("name") else "''"
    pairs = ", ".join(
        f"('{fact.identifier}', to_jsonb(t.{fact.name}), to_jsonb(r.{fact.identifier}::{fact.db_type}))"
        for fact in columns
    )
    cursor.execute(
        f"SELECT r.household_no, {name}, field, old, new FROM {table} k"
        f" JOIN {plan.rows} r USING (row_no) JOIN {model._meta.db_table} t ON t.id = k.{key}"
        f" CROSS JOIN LATERAL (VALUES {pairs}) AS pair (field, old, new)"
        f" WHERE k.{'identity_changed' if identity else 'year_changed'}"
        f" AND old IS DISTINCT FROM new ORDER BY k.row_no LIMIT {SHOWN_ROWS}"
    )
    known = facts()
    return [
        {
            "household_no": household_no,
            "name": person if is_person else "",
            "field": known[field].label,
            "old": _shown(known[field], _plain(known[field], old)),
            "new": _shown(known[field], _plain(known[field], new)),
        }
        for household_no, person, field, old, new in cursor.fetchall()
    ]


def _plain(fact: FieldFact, value: str | None) -> Any:
    """Raw cursors hand jsonb over as text, in which bytes are written in hexadecimal digits."""
    plain = None if value is None else json.loads(value)
    if fact.is_sealed:
        return fact.opened(None if plain is None else bytes.fromhex(plain[2:]))
    return plain
