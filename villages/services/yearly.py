"""How population bases and the yearly facts of counties and villages come in."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, connection, models

from core.acting import acting
from villages import checks
from villages.checks import FactRow, PopulationRow, Problem, RawRow
from villages.enums import Level
from villages.models import CountyYear, PopulationBase, Region, VillageYear
from villages.services.refusals import ListRefusedError, RowsRefusedError

# SQLSTATE object_not_in_prerequisite_state, which triggers on closed years raise.
_CLOSED = "55000"


@dataclass(frozen=True, slots=True)
class Upserted:
    """How many rows were new, changed, or as they had been."""

    created: int
    updated: int
    unchanged: int


def load_population(
    *, rows: Sequence[RawRow], heads: Mapping[str, str] | None = None, by: object
) -> Upserted:
    """Take over population bases (persons). Raises RowsRefusedError; then nothing was written."""
    read, problems = checks.population(rows, heads or {})
    regions = _regions_of(read)
    problems += _unknown_regions(read, regions, heads or {})
    if problems:
        raise RowsRefusedError(sorted(problems, key=lambda problem: problem.row))
    records = [
        (regions[row.code, row.year].pk, row.code, row.year, row.basis, row.persons, row.source)
        for row in read
    ]
    with acting(by=by, reason="载入人口基数"):
        return _upsert(
            PopulationBase,
            ("region_id", "region_code", "year", "basis", "persons", "source"),
            ("region_id", "year", "basis"),
            records,
        )


def load_region_facts(
    *, rows: Sequence[RawRow], heads: Mapping[str, str] | None = None, by: object
) -> dict[str, Upserted]:
    """Take over yearly facts of counties and villages.

    Raises RowsRefusedError, ListRefusedError where a village's year is closed; then nothing was
    written.
    """
    heads = heads or {}
    read, problems = checks.facts(rows, heads)
    regions = _regions_of(read)
    problems += _unknown_regions(read, regions, heads)
    problems += _other_levels(read, regions, heads)
    if problems:
        raise RowsRefusedError(sorted(problems, key=lambda problem: problem.row))
    counties = [row for row in read if regions[row.code, row.year].level == Level.COUNTY]
    villages = [row for row in read if regions[row.code, row.year].level == Level.VILLAGE]
    with acting(by=by, reason="载入县、村年度信息"), _open_years():
        return {
            "county": _upsert(
                CountyYear, COUNTY_COLUMNS, ("region_id", "year"),
                [_county_record(row, regions[row.code, row.year].pk) for row in counties],
            ),
            "village": _upsert(
                VillageYear, VILLAGE_COLUMNS, ("region_id", "year"),
                [_village_record(row, regions[row.code, row.year].pk) for row in villages],
            ),
        }  # fmt: skip


@contextmanager
def _open_years() -> Iterator[None]:
    """The database refuses to change a closed year; said in words."""
    try:
        yield
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", "") != _CLOSED:
            raise
        raise ListRefusedError("名单中有已封存年度的村信息，没有写入任何数据。") from error


COUNTY_COLUMNS = (
    "region_id", "region_code", "year", "poverty_level", "area", "is_deep_poverty",
    "planned_exit_year", "exited_year", "source",
)  # fmt: skip
VILLAGE_COLUMNS = (
    "region_id", "region_code", "year", "is_poor_village", "is_deep_poverty", "exited_year", "source",
)  # fmt: skip


def _county_record(row: FactRow, region: int) -> tuple[Any, ...]:
    return (
        region, row.code, row.year, row.poverty_level, row.area, row.is_deep_poverty,
        row.planned_exit_year, row.exited_year, row.source,
    )  # fmt: skip


def _village_record(row: FactRow, region: int) -> tuple[Any, ...]:
    return (
        region, row.code, row.year, row.is_poor_village, row.is_deep_poverty,
        row.village_exited_year, row.source,
    )  # fmt: skip


def _regions_of(
    rows: Sequence[PopulationRow] | Sequence[FactRow],
) -> dict[tuple[str, int], Region]:
    """(code, year) → the region that bore the code at that year's end."""
    codes: dict[int, list[str]] = defaultdict(list)
    for row in rows:
        codes[row.year].append(row.code)
    return {
        (region.code, year): region
        for year, wanted in codes.items()
        for region in Region.objects.valid_in_year(year).filter(code__in=wanted)
    }


def _unknown_regions(
    rows: Sequence[PopulationRow] | Sequence[FactRow],
    regions: Mapping[tuple[str, int], Region],
    heads: Mapping[str, str],
) -> list[Problem]:
    head = heads.get("code", "code")
    mend = "请先载入该年的区划清单，或改用年末有效的代码"
    return [
        Problem(row.row, head, row.code, f"{row.year} 年末没有这个区划代码", mend)
        for row in rows
        if (row.code, row.year) not in regions
    ]


def _other_levels(
    rows: Sequence[FactRow],
    regions: Mapping[tuple[str, int], Region],
    heads: Mapping[str, str],
) -> list[Problem]:
    """Only counties and villages have yearly facts."""
    head = heads.get("code", "code")
    problems = []
    for row in rows:
        region = regions.get((row.code, row.year))
        if region and region.level not in {Level.COUNTY, Level.VILLAGE}:
            message = f"{region.name}是{Level(region.level).label}级，不是县或村"
            problems.append(Problem(row.row, head, row.code, message, "请只填县和村的代码"))
    return problems


def _upsert(
    model: type[models.Model],
    columns: Sequence[str],
    key: Sequence[str],
    records: Sequence[tuple[Any, ...]],
) -> Upserted:
    """Insert or update in one statement; rows that say nothing new are not touched."""
    table = model._meta.db_table
    names = ", ".join(columns)
    kinds = [_column_type(model, column) for column in columns]
    told = [column for column in columns if column not in key]
    arrays = [list(values) for values in zip(*records, strict=True)] or [[] for _ in columns]
    # Only names of our own models are put into the text; every value goes as a parameter.
    statement = (
        f"INSERT INTO {table} ({names})"  # noqa: S608
        f" SELECT * FROM unnest({', '.join(f'%s::{kind}[]' for kind in kinds)})"
        f" ON CONFLICT ({', '.join(key)}) DO UPDATE"
        f" SET {', '.join(f'{name} = EXCLUDED.{name}' for name in told)}"
        f" WHERE ({', '.join(f'{table}.{name}' for name in told)})"
        f" IS DISTINCT FROM ({', '.join(f'EXCLUDED.{name}' for name in told)})"
        # xmax is 0 in a row version that an INSERT made.
        f" RETURNING xmax = 0"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, arrays)
        written = [inserted for (inserted,) in cursor.fetchall()]
    created = sum(written)
    return Upserted(created, len(written) - created, len(records) - len(written))


def _column_type(model: type[models.Model], column: str) -> str:
    """PostgreSQL's name for a column's type, without a length."""
    found = next(f for f in model._meta.concrete_fields if f.column == column)
    return str(found.db_type(connection)).split("(")[0]
