"""How a division list is written: versions closed and opened, kept below their parents, and linked."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date

from django.db import connection

from villages.checks import ChangeRow, DivisionRow
from villages.enums import Level
from villages.models import Region, RegionList, RegionSuccession
from villages.services.parts import DivisionList


def close_divisions(regions: list[Region], days: Mapping[str, date]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE villages_region SET valid_to = ended.day"
            " FROM unnest(%s::bigint[], %s::date[]) AS ended(id, day)"
            " WHERE villages_region.id = ended.id",
            [[region.pk for region in regions], [days[region.code] for region in regions]],
        )


def open_divisions(
    one: DivisionList,
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


def _since_ever(one: DivisionList, row: DivisionRow, renamed: set[str]) -> bool:
    """Whether the first list of a part shows this division: it began at an unknown time before."""
    return row.code not in renamed and one.part_of[row.code] in one.first_parts


def update_divisions(rows: Mapping[str, DivisionRow], known: Mapping[str, Region]) -> int:
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


def reparent(versions: Iterable[tuple[int, int]], day: date) -> int:
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


def succeed(
    one: DivisionList,
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


def _announcement(one: DivisionList, pair: ChangeRow, day: date) -> str:
    """The notice that gave the exact day, else the list that first showed the change."""
    for announced, prefix, source in one.effective:
        if announced == day and pair.old_code.startswith(prefix):
            return source
    return one.source


def record(one: DivisionList, rows: Mapping[str, DivisionRow]) -> None:
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
