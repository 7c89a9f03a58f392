"""Recomputing figures: a county at a time, or just the villages that changed and their ancestors."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from django.db import connection, transaction

from core.failpoints import failpoint
from core.scope import after, trim
from exits import formulas
from exits.enums import SAMPLED, TALLIES, Metric
from exits.models import PovertyLine
from exits.services import readiness, statements
from households.enums import EXITED, JOINS, POOR

ADDITIVE = [
    Metric.REGISTERED,
    Metric.REMAINING,
    Metric.EXITED,
    Metric.RELAPSED,
    Metric.EXITED_IN_YEAR,
    Metric.EXITED_BELOW_LINE,
    *TALLIES,
]
NO_AREA = "未登记所属地区（中部或西部），无法确定标准"
# From this many villages on, a county's whole range is cheaper than its villages one by one.
_MANY_VILLAGES = 150


def recompute(*, prefix: str, partition: int, judging: bool = True) -> None:
    """Compute every village, town and county below the prefix, then the levels above.

    The standards are judged along with the figures unless `judging` is off.

    `prefix` is a county's six digits or more, or a city's four (every county in turn). Idempotent:
    figures that did not change are not written. Atomic per county.
    """
    for county in _counties(prefix):
        recompute_county(county=county, partition=partition, judging=judging)
    roll_up(prefix=prefix, partition=partition)


def recompute_county(*, county: str, partition: int, judging: bool = True) -> None:
    """Every village, town and the county itself; the city is added up by `roll_up`."""
    with transaction.atomic():
        _take_marks(county, partition)
        _compute(_Below(county), partition, [county], judging=judging)


def recompute_villages(*, codes: Sequence[str], partition: int) -> None:
    """Compute these villages (12-digit codes) of one county, their towns and their county."""
    with transaction.atomic():
        _compute(_Listed(codes), partition, sorted({code[:6] for code in codes}))


def roll_up(*, prefix: str, partition: int) -> None:
    """Add up the counties of the prefix's city.

    Serialised by a lock, because two counties finishing together must not each miss the other.
    """
    city = prefix[:4]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('exits.roll_up'), %s)", [int(city)])
        values = _values(cursor, partition, city)
        cursor.execute(statements.FRESH)
        _add_up(cursor, values, 4, [city])
        _finish(cursor, values, [_Below(city)])
        _flows(cursor, values, statements.PLACES[4], *_Below(city).on("village_code"))
        cursor.execute("DROP TABLE fresh")


def recompute_dirty(*, prefix: str, partition: int) -> int:
    """Recompute what was marked below a county's prefix; returns the number of marks consumed.

    Called inside a transaction: marks and figures change together. Marks of other transactions
    that are not committed yet stay for the next time.
    """
    codes = _take_marks(prefix, partition)
    if not codes:
        return 0
    villages = sorted({code for code in codes if not code.endswith("000")})
    towns = {trim(code) for code in codes if code.endswith("000")}
    if len(villages) > _MANY_VILLAGES or prefix in towns:
        _compute(_Below(prefix), partition, [prefix])
    else:
        places = villages + _villages_of(towns)
        _compute(_Listed(sorted(set(places))), partition, [prefix])
    return len(codes)


def _take_marks(prefix: str, partition: int) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM households_dirtyregion WHERE partition = %s AND code >= %s AND code < %s"
            " RETURNING code",
            [partition, prefix.ljust(12, "0"), after(prefix).ljust(12, "0")],
        )
        failpoint("exits.recompute.marks")
        return [code for (code,) in cursor.fetchall()]


def _villages_of(towns: Iterable[str]) -> list[str]:
    found: list[str] = []
    with connection.cursor() as cursor:
        for town in towns:
            cursor.execute(
                "SELECT code FROM villages_region WHERE level = 'village' AND code LIKE %s",
                [f"{town}%"],
            )
            found += [code for (code,) in cursor.fetchall()]
    return found


class _Below:
    """Villages below a prefix, as an index range."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    def on(self, column: str) -> tuple[str, dict[str, Any]]:
        return (
            f"{column} >= %(low)s AND {column} < %(high)s",
            {"low": self.prefix.ljust(12, "0"), "high": after(self.prefix).ljust(12, "0")},
        )

    def towns(self) -> list[str]:
        return [self.prefix]


class _Listed:
    """Villages one by one."""

    def __init__(self, codes: Sequence[str]) -> None:
        self.codes = list(codes)

    def on(self, column: str) -> tuple[str, dict[str, Any]]:
        return f"{column} = ANY(%(codes)s)", {"codes": self.codes}

    def towns(self) -> list[str]:
        return sorted({code[:9] for code in self.codes})


def _counties(prefix: str) -> list[str]:
    if len(prefix) >= 6:
        return [prefix[:6]]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT left(code, 6) FROM villages_region"
            " WHERE level = 'county' AND code LIKE %s ORDER BY 1",
            [f"{prefix}%"],
        )
        return [code for (code,) in cursor.fetchall()]


def _compute(
    where: _Below | _Listed, partition: int, counties: list[str], *, judging: bool = True
) -> None:
    with connection.cursor() as cursor:
        values = _values(cursor, partition, counties[0])
        cursor.execute(statements.FRESH)
        scope, range_values = where.on("village_code")
        y_scope, _ = where.on("y.village_code")
        code_scope, _ = where.on("code")
        cursor.execute(
            statements.VILLAGES.format(scope=scope, y_scope=y_scope, code_scope=code_scope),
            values | range_values,
        )
        failpoint("exits.recompute.computed")
        _finish(cursor, values, [where])
        failpoint("exits.recompute.stored")
        _flows(cursor, values, statements.VILLAGE_PLACES, scope, range_values)
        for length, prefixes in ((9, where.towns()), (6, counties)):
            cursor.execute("TRUNCATE fresh")
            _add_up(cursor, values, length, prefixes)
            _finish(cursor, values, [_Below(prefix) for prefix in prefixes])
            for prefix in prefixes:
                _flows(
                    cursor, values, statements.PLACES[length], *_Below(prefix).on("village_code")
                )
        cursor.execute("DROP TABLE fresh")
        if judging:
            readiness.evaluate(cursor, values, where, counties)
        failpoint("exits.recompute.judged")


def _add_up(cursor: Any, values: dict[str, Any], length: int, prefixes: list[str]) -> None:
    for prefix in prefixes:
        scope, range_values = _Below(prefix).on("region_code")
        cursor.execute(
            statements.PARENTS.format(
                length=length, scope=scope, is_child=statements.IS_CHILD[length]
            ),
            values | range_values,
        )


def _finish(cursor: Any, values: dict[str, Any], places: Sequence["_Below | _Listed"]) -> None:
    cursor.execute("ANALYZE fresh")
    cursor.execute(statements.DERIVED, values)
    if values["line"] is None:
        cursor.execute(statements.NO_LINE, values)
    cursor.execute(statements.STORE, values)
    for place in places:
        scope, range_values = place.on("old.region_code")
        cursor.execute(statements.VANISHED.format(scope=scope), values | range_values)


def _flows(
    cursor: Any, values: dict[str, Any], places: str, scope: str, range_values: dict[str, Any]
) -> None:
    cursor.execute(statements.FLOWS.format(scope=scope, places=places), values | range_values)


def _values(cursor: Any, partition: int, prefix: str) -> dict[str, Any]:
    # Rows of transactions younger than this horizon are certainly not in the figures.
    cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
    return {
        "partition": partition,
        "data_version": cursor.fetchone()[0],
        "day": date(partition, 12, 31),
        "line": poverty_line(prefix, partition),
        "poor": list(POOR),
        "exited": list(EXITED),
        "joins": list(JOINS),
        "additive": ADDITIVE,
        "tallies": list(TALLIES),
        "sampled": list(SAMPLED),
        "no_base": formulas.NO_BASE,
        "base_too_small": formulas.BASE_TOO_SMALL,
        "no_target": formulas.NO_TARGET,
        "no_poor_village": formulas.NO_POOR_VILLAGE,
        "no_line": formulas.NO_LINE,
        "no_sample": formulas.NO_SAMPLE,
        "no_area": NO_AREA,
    }


def poverty_line(prefix: str, year: int) -> Any:
    """The line of the longest matching region, yuan per person and year; None when none is set."""
    lines = PovertyLine.objects.filter(year=year, kind="poverty").values_list(
        "region_prefix", "amount"
    )
    fitting = [(len(own), amount) for own, amount in lines if prefix.startswith(own)]
    return max(fitting)[1] if fitting else None
