"""How the division lists and the yearly facts of counties and villages come in."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from django.db import IntegrityError, OperationalError, connection, models

from core.acting import acting
from villages import checks
from villages.checks import ChangeRow, DivisionRow, FactRow, PopulationRow, Problem, RawRow
from villages.enums import OWN_DIGITS, Level, Succession
from villages.formulas import parts_of_list
from villages.models import (
    CountyYear,
    PopulationBase,
    Region,
    RegionList,
    RegionSuccession,
    VillageYear,
)
from villages.queries import regions_at

Part = tuple[str, str]

# An arbitrary number that stands for "loading division lists" among the advisory locks.
LOADING_LOCK = 4103_2017


# SQLSTATE object_not_in_prerequisite_state, which triggers on closed years raise.
_CLOSED = "55000"


class RowsRefusedError(Exception):
    """Rows of a file are wrong; nothing was written. `problems` names each cell."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(f"共 {len(problems)} 处问题，没有写入任何数据。")
        self.problems = problems


class ListRefusedError(Exception):
    """A list as a whole cannot be loaded now; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class ListLoaded:
    """What loading one year's list did; `counts` is level → (in the list, valid on that day)."""

    year: int
    as_of: date
    opened: int
    closed: int
    updated: int
    successions: Mapping[str, int]
    pairs_unused: int
    already_known: bool
    counts: Mapping[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Upserted:
    """How many rows were new, changed, or as they had been."""

    created: int
    updated: int
    unchanged: int


@dataclass
class _List:
    """One year's list on its way in, and what is known about its parts."""

    year: int
    as_of: date
    rows: list[DivisionRow]
    parts: set[Part]
    pairs: list[ChangeRow]
    effective: list[tuple[date, str, str]]
    previous: date | None = None
    to_apply: set[Part] = field(default_factory=set)
    part_of: dict[str, Part] = field(default_factory=dict)
    first_parts: set[Part] = field(default_factory=set)

    @property
    def source(self) -> str:
        return self.rows[0].source


def load_divisions(
    *,
    rows: Sequence[RawRow],
    changes: Sequence[RawRow] = (),
    dates: Mapping[int, date],
    effective: Sequence[tuple[date, str, str]] = (),
    year: int | None = None,
    by: object,
) -> list[ListLoaded]:
    """Load one year's division list after the other; all or nothing.

    `dates` gives each year's cut-off day; `effective` the (day, code prefix, source) of changes that
    were announced for an exact day. Without such a day a change counts from the cut-off of the list
    that first shows it. Raises RowsRefusedError for bad rows, ListRefusedError for a list out of order.
    """
    read, problems = checks.divisions(rows)
    pairs, change_problems = checks.changes(changes)
    if problems or change_problems:
        raise RowsRefusedError([*problems, *change_problems])
    lists = _lists(read, pairs, dates, list(effective), year)
    years = "、".join(str(one.year) for one in lists)
    try:
        with acting(by=by, reason=f"载入统计用区划代码清单 {years}"):
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOADING_LOCK])
            done = [_load(one) for one in lists]
            return [_verified(one, result) for one, result in zip(lists, done, strict=True)]
    except IntegrityError as error:
        raise ListRefusedError(
            f"清单与已载入的区划有效期冲突，没有写入任何数据。请核对各年清单是否来自同一来源。（{error}）"
        ) from error


def _lists(
    rows: list[DivisionRow],
    pairs: list[ChangeRow],
    dates: Mapping[int, date],
    effective: list[tuple[date, str, str]],
    year: int | None,
) -> list[_List]:
    """The lists to load in the order of their years.

    Which parts a file covers is read from all its years together: 孟津 counts as a city's only
    county in one year and as one of two in another, but the file covers the same ground.
    """
    by_year: dict[int, list[DivisionRow]] = defaultdict(list)
    for row in rows:
        by_year[row.year].append(row)
    wanted = _years(set(by_year), set(dates), year)
    parts = parts_of_list((row.code, row.level, row.parent_code) for row in rows)
    return [
        _List(
            one, dates[one], by_year[one], _parts_in(by_year[one], parts),
            [pair for pair in pairs if pair.to_year == one], effective,
        )
        for one in wanted
    ]  # fmt: skip


def _years(listed: set[int], dated: set[int], year: int | None) -> list[int]:
    """The years to load, all or the one asked for; each needs rows and a cut-off day."""
    wanted = sorted(listed) if year is None else [year]
    if not wanted:
        raise ListRefusedError("文件里没有任何区划。")
    for one in wanted:
        if one not in listed:
            raise ListRefusedError(f"文件里没有 {one} 年的行。")
        if one not in dated:
            raise ListRefusedError(
                f"不知道 {one} 年清单的截止日期。请用 --as-of 年-月-日 写明，例如 --as-of {one}-10-31。"
            )
    return wanted


def _parts_in(rows: list[DivisionRow], parts: set[Part]) -> set[Part]:
    return {_part(row.code, row.level, parts) for row in rows}


def _part(code: str, level: str, parts: set[Part]) -> Part:
    """The part a division belongs to; the widest, should a file name both city and county."""
    return next((code[:n], level) for n in (2, 4, 6) if (code[:n], level) in parts)


def _load(one: _List) -> ListLoaded:
    one.part_of = {row.code: _part(row.code, row.level, one.parts) for row in one.rows}
    current = {region.code: region for region in regions_at(one.parts, one.as_of)}
    _decide(one, current)
    if not one.to_apply:
        return _result(one, already_known=True)
    rows = {row.code: row for row in one.rows if one.part_of[row.code] in one.to_apply}
    known = {
        code: region
        for code, region in current.items()
        if _part(code, region.level, one.parts) in one.to_apply
    }
    _refuse_fragment(one, rows, known)
    return _apply(one, rows, known, current)


def _decide(one: _List, current: dict[str, Region]) -> None:
    """Part by part: already loaded and equal, or to be applied, or refused as out of order."""
    listed: dict[Part, set[tuple[str, str]]] = defaultdict(set)
    stored: dict[Part, set[tuple[str, str]]] = defaultdict(set)
    for row in one.rows:
        listed[one.part_of[row.code]].add((row.code, row.name))
    for region in current.values():
        stored[_part(region.code, region.level, one.parts)].add((region.code, region.name))
    days: dict[Part, set[date]] = defaultdict(set)
    for prefix, level, day in RegionList.objects.values_list("prefix", "level", "as_of"):
        days[prefix, level].add(day)
    for part in sorted(one.parts):
        loaded = _days_over(part, days)
        if one.as_of in loaded:
            _refuse_other_list(one, part, listed[part] == stored[part])
            continue
        _refuse_older(one, part, loaded)
        one.to_apply.add(part)
        if not loaded:
            one.first_parts.add(part)
        one.previous = max([*loaded, *filter(None, [one.previous])], default=None)


def _days_over(part: Part, days: Mapping[Part, set[date]]) -> set[date]:
    """Days of the lists that covered this part, alone or within a wider one."""
    prefix, level = part
    return {day for n in (2, 4, 6) if n <= len(prefix) for day in days.get((prefix[:n], level), ())}


def _refuse_other_list(one: _List, part: Part, equal: bool) -> None:
    if not equal:
        raise ListRefusedError(
            f"{one.as_of} 的清单（{part[0]}，{Level(part[1]).label}级）已载入过，但内容与本文件不同。"
            "已载入的清单不能改写，请核对文件。"
        )


def _refuse_older(one: _List, part: Part, loaded: set[date]) -> None:
    later = max(loaded, default=None)
    if later and later > one.as_of:
        raise ListRefusedError(
            f"已载入 {later} 的清单（{part[0]}，{Level(part[1]).label}级），不能再载入更早的 {one.as_of} 清单。"
            f"请按时间先后载入：先 {one.as_of}，后 {later}。"
        )


def _refuse_fragment(
    one: _List, rows: Mapping[str, DivisionRow], known: Mapping[str, Region]
) -> None:
    """A file with a few counties of a known city must not close all the others."""
    now = Counter(one.part_of[code] for code in rows)
    before = Counter(_part(region.code, region.level, one.parts) for region in known.values())
    for part, count in sorted(before.items()):
        if part not in one.first_parts and now[part] * 2 < count:
            raise ListRefusedError(
                f"{one.year} 年清单在 {part[0]} 之下只有 {now[part]} 个{Level(part[1]).label}级区划，"
                f"而已载入 {count} 个。清单看来不完整：请放入全市所有县，或每个文件只放一个县。"
            )


def _apply(
    one: _List,
    rows: Mapping[str, DivisionRow],
    known: Mapping[str, Region],
    current: Mapping[str, Region],
) -> ListLoaded:
    renamed = {c for c in rows if c in known and known[c].name != rows[c].name}
    opened = [row for code, row in rows.items() if code not in known or code in renamed]
    gone = [region for code, region in known.items() if code not in rows]
    closed = [*gone, *(known[code] for code in renamed), *_orphans(one, gone)]
    pairs = _pairs(one, {region.code for region in closed}, {row.code for row in opened}, renamed)
    days = _change_days(one, [row.code for row in opened] + [r.code for r in closed], pairs)
    _close(closed, days)
    ids = {code: region.pk for code, region in current.items()}
    new = _open(one, opened, renamed, days, ids)
    with connection.cursor() as cursor:
        # The statistics of a table just filled say it is empty; plans made by them take minutes.
        cursor.execute("ANALYZE villages_region")
    versions = ((known[code].pk, new[code]) for code in renamed)
    updated = _update(rows, known) + _reparent(versions, one.as_of)
    _succeed(one, pairs, {region.code: region.pk for region in closed}, new, days)
    _record(one, rows)
    return _result(
        one,
        opened=len(opened),
        closed=len(closed),
        updated=updated,
        successions=Counter(pair.kind for pair in pairs),
        pairs_unused=_unused(one, rows, known, pairs),
    )


def _orphans(one: _List, gone: list[Region]) -> list[Region]:
    """What lay below a division that is gone, at the levels of this list.

    A city that vanished (莱芜市 in 2020) takes its counties along: no row of the list names its part.
    Levels that the list does not contain wait for a list of their own.
    """
    levels = {row.level for row in one.rows}
    below = {
        (region.prefix, level)
        for region in gone
        for level in levels
        if OWN_DIGITS[level] > OWN_DIGITS[region.level]
    }
    inside = regions_at(below, one.as_of) if below else []
    found = {region.pk: region for region in inside}
    for region in gone:
        found.pop(region.pk, None)
    return list(found.values())


def _pairs(one: _List, closed: set[str], opened: set[str], renamed: set[str]) -> list[ChangeRow]:
    """Which division became which: what the change list says, and names changed under one code."""
    before = one.previous.year if one.previous else None
    told = [
        pair
        for pair in one.pairs
        if pair.from_year == before and pair.old_code in closed and pair.new_code in opened
    ]
    moved = {code for pair in told for code in (pair.old_code, pair.new_code)}
    return told + [
        ChangeRow(before or one.year, one.year, Succession.RENAMED.value, code, code)
        for code in sorted(renamed - moved)
    ]


def _unused(
    one: _List,
    rows: Mapping[str, DivisionRow],
    known: Mapping[str, Region],
    pairs: list[ChangeRow],
) -> int:
    """Pairs of the change list about these divisions that found no partner in the lists."""
    used = {(pair.old_code, pair.new_code) for pair in pairs}
    return sum(
        (pair.old_code, pair.new_code) not in used
        for pair in one.pairs
        if pair.new_code in rows or pair.old_code in known
    )


def _change_days(one: _List, codes: Iterable[str], pairs: list[ChangeRow]) -> dict[str, date]:
    """From which day each change counts: the announced day, else the cut-off of this list.

    A pair has one day, also when only one side lies in the announced area: a village handed from
    孟津县 to another district on that occasion must neither be lost in between nor counted twice.
    """
    days = dict.fromkeys(codes, one.as_of)
    announced = {
        code: day
        for code in days
        for day, prefix, _ in one.effective
        if code.startswith(prefix) and one.previous and one.previous < day <= one.as_of
    }
    for pair in pairs:
        day = announced.get(pair.old_code) or announced.get(pair.new_code)
        if day:
            announced[pair.old_code] = announced[pair.new_code] = day
    return days | announced


def _close(regions: list[Region], days: Mapping[str, date]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE villages_region SET valid_to = ended.day"
            " FROM unnest(%s::bigint[], %s::date[]) AS ended(id, day)"
            " WHERE villages_region.id = ended.id",
            [[region.pk for region in regions], [days[region.code] for region in regions]],
        )


def _open(
    one: _List,
    rows: list[DivisionRow],
    renamed: set[str],
    days: Mapping[str, date],
    ids: dict[str, int],
) -> dict[str, int]:
    """Insert level by level, so that each row finds its parent's key. Returns code → key."""
    by_level: dict[str, list[DivisionRow]] = defaultdict(list)
    for row in rows:
        by_level[row.level].append(row)
    new: dict[str, int] = {}
    for level in Level.values:
        regions = [
            Region(
                code=row.code,
                name=row.name,
                level=row.level,
                parent_id=ids[row.parent_code] if row.parent_code else None,
                unit_kind=row.unit_kind or "",
                statistical_only=row.statistical_only,
                valid_from=None if _since_ever(one, row, renamed) else days[row.code],
                source=row.source,
            )
            for row in by_level[level]
        ]
        for region in Region.objects.bulk_create(regions, batch_size=2000):
            new[region.code] = ids[region.code] = region.pk
    return new


def _since_ever(one: _List, row: DivisionRow, renamed: set[str]) -> bool:
    """Whether the first list of a part shows this division: it began at an unknown time before."""
    return row.code not in renamed and one.part_of[row.code] in one.first_parts


def _update(rows: Mapping[str, DivisionRow], known: Mapping[str, Region]) -> int:
    """Kind and statistical flag of divisions that go on under the same code and name."""
    changed = [
        (known[code].pk, row.unit_kind or "", row.statistical_only)
        for code, row in rows.items()
        if code in known
        and known[code].name == row.name
        and row.unit_kind is not None
        and (known[code].unit_kind, known[code].statistical_only)
        != (row.unit_kind, row.statistical_only)
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE villages_region SET unit_kind = told.kind, statistical_only = told.flag"
            " FROM unnest(%s::bigint[], %s::text[], %s::boolean[]) AS told(id, kind, flag)"
            " WHERE villages_region.id = told.id",
            [list(column) for column in zip(*changed, strict=True)] or [[], [], []],
        )
    return len(changed)


def _reparent(versions: Iterable[tuple[int, int]], day: date) -> int:
    """Divisions that go on below a renamed one move to its new version. Returns how many."""
    pairs = list(versions)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE villages_region AS child SET parent_id = version.new"
            " FROM unnest(%s::bigint[], %s::bigint[]) AS version(old, new)"
            " WHERE child.parent_id = version.old"
            "  AND (child.valid_to IS NULL OR child.valid_to > %s)",
            [[old for old, _ in pairs], [new for _, new in pairs], day],
        )
        return cursor.rowcount


def _succeed(
    one: _List,
    pairs: list[ChangeRow],
    old: Mapping[str, int],
    new: Mapping[str, int],
    days: Mapping[str, date],
) -> None:
    RegionSuccession.objects.bulk_create(
        [
            RegionSuccession(
                old_id=old[pair.old_code],
                new_id=new[pair.new_code],
                kind=pair.kind,
                effective_on=days[pair.new_code],
                source=_announcement(one, pair, days[pair.new_code]),
            )
            for pair in pairs
        ],
        batch_size=2000,
    )


def _announcement(one: _List, pair: ChangeRow, day: date) -> str:
    """The notice that gave the exact day, else the list that first showed the change."""
    for announced, prefix, source in one.effective:
        if announced == day and pair.old_code.startswith(prefix):
            return source
    return one.source


def _record(one: _List, rows: Mapping[str, DivisionRow]) -> None:
    counts = Counter(one.part_of[code] for code in rows)
    RegionList.objects.bulk_create(
        [
            RegionList(
                prefix=prefix,
                level=level,
                as_of=one.as_of,
                row_count=counts[prefix, level],
                source=one.source,
            )
            for prefix, level in sorted(one.to_apply)
        ]
    )


def _result(
    one: _List,
    *,
    opened: int = 0,
    closed: int = 0,
    updated: int = 0,
    successions: Mapping[str, int] | None = None,
    pairs_unused: int = 0,
    already_known: bool = False,
) -> ListLoaded:
    return ListLoaded(
        one.year, one.as_of, opened, closed, updated, successions or {}, pairs_unused,
        already_known, {},
    )  # fmt: skip


def _verified(one: _List, result: ListLoaded) -> ListLoaded:
    """The result with counts read back from the database; raises when they are not the list's."""
    listed = Counter(row.level for row in one.rows)
    valid = Counter(region.level for region in regions_at(one.parts, one.as_of))
    counts = {level: (listed[level], valid[level]) for level in Level.values if listed[level]}
    if listed != valid:
        told = "；".join(f"{Level(one).label} 清单 {a}、有效 {b}" for one, (a, b) in counts.items())
        raise ListRefusedError(
            f"{one.as_of} 有效的区划数与清单不一致，没有写入任何数据：{told}。请核对变更日期和清单。"
        )
    return replace(result, counts=counts)


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
