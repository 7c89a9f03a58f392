"""Judging every household, village and county by the standards that count there, set by set."""

from typing import Any, Protocol

from exits import formulas
from exits.enums import SubjectLevel, Verdict
from exits.models import Standard, StandardItem
from exits.queries.standards import standards_at
from exits.services import readiness_statements as statements

NO_POOR = "没有登记贫困户"
UNCHECKED = "尚未现场核实"
UNSTATED = "没有填报数据"


class Where(Protocol):
    """Villages by range or one by one: SQL for a column, and its values."""

    def on(self, column: str) -> tuple[str, dict[str, Any]]: ...


def evaluate(cursor: Any, values: dict[str, Any], where: Where, counties: list[str]) -> None:
    """Judge the households and villages of a place, and the counties, after their figures are stored.

    `values` are those of the figures (`exits.services.figures`); the villages lie in the counties.
    Idempotent: results that did not change are not written. Standards are those of the first county.
    """
    standards = standards_at(counties[0], values["partition"])
    values = values | {
        "standards": [one.pk for one in standards],
        "sampled": list(statements.SAMPLED),
        "counties": [county.ljust(12, "0") for county in counties],
        "no_poor": NO_POOR,
        "unchecked": UNCHECKED,
        "unstated": UNSTATED,
        "weak": Verdict.WEAK_EVIDENCE.label,
        "to_rectify": Verdict.TO_RECTIFY.label,
        "no_base": formulas.NO_BASE,
        "base_too_small": formulas.BASE_TOO_SMALL,
    }
    _measure(cursor, values, where)
    items = _items(standards)
    for one in standards:
        own = items.get(one.pk, [])
        if own:
            statement, more = statements.store_homes(own)
            cursor.execute(statement, values | more | {"standard": one.pk, "version": one.version})
    scope, range_values = where.on("r.village_code")
    cursor.execute(statements.GONE_HOMES.format(r_scope=scope), values | range_values)
    cursor.execute(statements.STORE_GATES.format(gate=statements.GATE), values)
    cursor.execute("DROP TABLE homes, measured")


def _measure(cursor: Any, values: dict[str, Any], where: Where) -> None:
    scopes = {
        name: where.on(column)[0]
        for name, column in (
            ("m_scope", "m.village_code"),
            ("y_scope", "y.village_code"),
            ("a_scope", "region_code"),
            ("code_scope", "code"),
            ("region_scope", "region_code"),
        )
    }
    values = values | where.on("code")[1]
    cursor.execute(statements.HOMES.format(**scopes), values)
    cursor.execute("ANALYZE homes")
    cursor.execute(statements.MEASURED)
    cursor.execute(statements.VILLAGES.format(**scopes), values)
    cursor.execute(statements.COUNTIES, values)
    cursor.execute("ANALYZE measured")


def _items(standards: list[Standard]) -> dict[int, list[StandardItem]]:
    found: dict[int, list[StandardItem]] = {}
    rows = StandardItem.objects.filter(
        standard__in=standards, level=SubjectLevel.HOUSEHOLD, is_active=True
    )
    for row in rows.order_by("standard_id", "position"):
        found.setdefault(row.standard_id, []).append(row)
    return found
