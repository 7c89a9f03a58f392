"""What was wrong with a batch's rows, as its page lists it."""

from typing import Any

from django.db.models import Count

from households.catalog import facts
from imports.enums import Effect
from imports.models import Batch
from imports.queries.showing import rule_of, shown

SHOWN_ROWS = 20


_RANKS = {effect: rank for rank, effect in enumerate(Effect.values)}


def problem_summary(batch: Batch) -> list[dict[str, Any]]:
    """Problems by rule, what keeps rows out first."""
    counted = batch.problems.values("rule", "severity", "effect").annotate(n=Count("pk"))
    return [
        {
            "rule": row["rule"],
            "label": rule_of(row["rule"])[0],
            "severity": row["severity"],
            "effect": row["effect"],
            "count": row["n"],
            "href": f"?rule={row['rule']}#problem-rows",
        }
        for row in sorted(counted, key=lambda row: (_RANKS[row["effect"]], row["rule"]))
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
            "value": shown(known.get(row.identifier), row.value),
            "message": rule_of(row.rule)[0],
            "remedy": rule_of(row.rule)[1],
        }
        for row in rows[:SHOWN_ROWS]
    ]
