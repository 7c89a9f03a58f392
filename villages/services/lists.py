"""How the division lists come in, one year's after the other."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from django.db import IntegrityError, connection

from core.acting import acting
from villages import checks
from villages.checks import ChangeRow, DivisionRow, RawRow
from villages.enums import OWN_DIGITS, Level, Succession
from villages.formulas import parts_of_list
from villages.models import Region, RegionList
from villages.queries import regions_at
from villages.services.parts import DivisionList, Part, part_of
from villages.services.refusals import ListRefusedError, RowsRefusedError
from villages.services.versions import (
    close_divisions,
    open_divisions,
    record,
    reparent,
    succeed,
    update_divisions,
)

# An arbitrary number that stands for "loading division lists" among the advisory locks.
LOADING_LOCK = 4103_2017


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
) -> list[DivisionList]:
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
        DivisionList(
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
    return {part_of(row.code, row.level, parts) for row in rows}


def _load(one: DivisionList) -> ListLoaded:
    one.part_of = {row.code: part_of(row.code, row.level, one.parts) for row in one.rows}
    current = {region.code: region for region in regions_at(one.parts, one.as_of)}
    _decide(one, current)
    if not one.to_apply:
        return _result(one, already_known=True)
    rows = {row.code: row for row in one.rows if one.part_of[row.code] in one.to_apply}
    known = {
        code: region
        for code, region in current.items()
        if part_of(code, region.level, one.parts) in one.to_apply
    }
    _refuse_fragment(one, rows, known)
    return _apply(one, rows, known, current)


def _decide(one: DivisionList, current: dict[str, Region]) -> None:
    """Part by part: already loaded and equal, or to be applied, or refused as out of order."""
    listed: dict[Part, set[tuple[str, str]]] = defaultdict(set)
    stored: dict[Part, set[tuple[str, str]]] = defaultdict(set)
    for row in one.rows:
        listed[one.part_of[row.code]].add((row.code, row.name))
    for region in current.values():
        stored[part_of(region.code, region.level, one.parts)].add((region.code, region.name))
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


def _refuse_other_list(one: DivisionList, part: Part, equal: bool) -> None:
    if not equal:
        raise ListRefusedError(
            f"{one.as_of} 的清单（{part[0]}，{Level(part[1]).label}级）已载入过，但内容与本文件不同。"
            "已载入的清单不能改写，请核对文件。"
        )


def _refuse_older(one: DivisionList, part: Part, loaded: set[date]) -> None:
    later = max(loaded, default=None)
    if later and later > one.as_of:
        raise ListRefusedError(
            f"已载入 {later} 的清单（{part[0]}，{Level(part[1]).label}级），不能再载入更早的 {one.as_of} 清单。"
            f"请按时间先后载入：先 {one.as_of}，后 {later}。"
        )


def _refuse_fragment(
    one: DivisionList, rows: Mapping[str, DivisionRow], known: Mapping[str, Region]
) -> None:
    """A file with a few counties of a known city must not close all the others."""
    now = Counter(one.part_of[code] for code in rows)
    before = Counter(part_of(region.code, region.level, one.parts) for region in known.values())
    for part, count in sorted(before.items()):
        if part not in one.first_parts and now[part] * 2 < count:
            raise ListRefusedError(
                f"{one.year} 年清单在 {part[0]} 之下只有 {now[part]} 个{Level(part[1]).label}级区划，"
                f"而已载入 {count} 个。清单看来不完整：请放入全市所有县，或每个文件只放一个县。"
            )


def _apply(
    one: DivisionList,
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
    close_divisions(closed, days)
    ids = {code: region.pk for code, region in current.items()}
    new = open_divisions(one, opened, renamed, days, ids)
    with connection.cursor() as cursor:
        # The statistics of a table just filled say it is empty; plans made by them take minutes.
        cursor.execute("ANALYZE villages_region")
    versions = ((known[code].pk, new[code]) for code in renamed)
    updated = update_divisions(rows, known) + reparent(versions, one.as_of)
    succeed(one, pairs, {region.code: region.pk for region in closed}, new, days)
    record(one, rows)
    return _result(
        one,
        opened=len(opened),
        closed=len(closed),
        updated=updated,
        successions=Counter(pair.kind for pair in pairs),
        pairs_unused=_unused(one, rows, known, pairs),
    )


def _orphans(one: DivisionList, gone: list[Region]) -> list[Region]:
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


def _pairs(
    one: DivisionList, closed: set[str], opened: set[str], renamed: set[str]
) -> list[ChangeRow]:
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
    one: DivisionList,
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


def _change_days(
    one: DivisionList, codes: Iterable[str], pairs: list[ChangeRow]
) -> dict[str, date]:
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


def _result(
    one: DivisionList,
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


def _verified(one: DivisionList, result: ListLoaded) -> ListLoaded:
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
