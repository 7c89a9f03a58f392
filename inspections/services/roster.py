"""Village rosters of rural households that are not registered: judged row by row, written at once."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from core import idnumbers
from core.acting import acting
from core.scope import covers, trim
from inspections.enums import KeyGroup
from inspections.models import RuralHousehold
from inspections.services.common import UnfitError
from villages.enums import Level
from villages.models import Region

LOAD = "imports.load_workbook"
VILLAGE, NUMBER, HEAD, ID_NO, GROUP, PERSONS, KEYS = COLUMNS = (
    "村代码", "花名册编号", "户主姓名", "户主证件号码", "村民小组", "人数", "重点户类别",
)  # fmt: skip
OPTIONAL = (GROUP, KEYS)
_NUMBER = re.compile(r"[0-9A-Za-z-]{1,20}")
_SEPARATORS = re.compile(r"[,，、;；/|\s]+")
_BY_LABEL = {label: code for code, label in KeyGroup.choices}
_CHUNK = 5000


@dataclass(frozen=True)
class RosterLine:
    """One row of a roster: the number Excel shows, and the cells by their heads."""

    row_no: int
    cells: Mapping[str, str]


@dataclass(frozen=True)
class Fault:
    """What is wrong in a row, under which head; never repeats a personal number."""

    row_no: int
    column: str
    text: str


@dataclass
class Loaded:
    """What became of a roster: new + changed + unchanged + refused are the rows read."""

    read: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    left: int = 0
    faults: list[Fault] = field(default_factory=list)

    @property
    def refused(self) -> int:
        return len({fault.row_no for fault in self.faults})


def load_roster(*, lines: Sequence[RosterLine], county: str, partition: int, by: Any) -> Loaded:
    """Write a county's rosters of a year: good rows go in, bad ones come back with their faults.

    A roster is complete for its villages: a household that it does not name is no longer current,
    unless a row of that village was refused. Raises UnfitError for want of the right.
    """
    prefix = trim(county)
    if not covers(by, prefix, LOAD):
        raise UnfitError("您没有在该县导入的权限。")
    done = Loaded(read=len(lines))
    villages = dict(
        Region.objects.valid_in_year(partition)
        .below(prefix)
        .filter(level=Level.VILLAGE)
        .values_list("code", "pk")
    )
    rows = []
    for line in lines:
        row, faults = _judged(line, villages)
        done.faults += faults
        if not faults:
            rows.append(row)
    for at, column, text in ((1, NUMBER, "同村编号重复。"), (4, ID_NO, "证件号码重复。")):
        rows = _without_doubles(rows, at, column, text, done)
    with acting(by=by, reason=f"导入农户花名册 {partition}"), connection.cursor() as cursor:
        cursor.execute(_STAGE)
        _stage(cursor, rows)
        _refuse_known(cursor, partition, done)
        _write(cursor, partition, _whole_villages(lines, rows, done), done)
        cursor.execute("DROP TABLE roster")
    return done


Row = tuple[Any, ...]


def _judged(line: RosterLine, villages: Mapping[str, int]) -> tuple[Row, list[Fault]]:
    told = {column: line.cells.get(column, "").strip() for column in COLUMNS}
    number = idnumbers.read(told[ID_NO].upper())
    groups = [one for one in _SEPARATORS.split(told[KEYS]) if one]
    unknown = [one for one in groups if one not in _BY_LABEL]
    persons = told[PERSONS]
    checks = (
        (VILLAGE, told[VILLAGE] not in villages, "本县该年度没有这个村代码。"),
        (NUMBER, not _NUMBER.fullmatch(told[NUMBER]), "须是 1 到 20 位字母、数字或短横线。"),
        (HEAD, not 1 <= len(told[HEAD]) <= 60, "请填写户主姓名（60 字以内）。"),
        (ID_NO, number.fault not in ("", "blank", "no_number", "upgraded"), "证件号码有误。"),
        (GROUP, len(told[GROUP]) > 60, "过长（60 字以内）。"),
        (PERSONS, not (persons.isascii() and persons.isdigit() and 1 <= int(persons) <= 30),
         "须是 1 到 30 的整数。"),
        (KEYS, bool(unknown), f"只能填：{'、'.join(KeyGroup.labels)}。"),
    )  # fmt: skip
    faults = [Fault(line.row_no, column, text) for column, is_wrong, text in checks if is_wrong]
    if faults:
        return (), faults
    secret = RuralHousehold._meta.get_field("head_id_no")
    index = RuralHousehold._meta.get_field("head_id_index")
    codes = sorted({_BY_LABEL[one] for one in groups})
    keys = RuralHousehold._meta.get_field("key_groups").seal(codes, salt=told[NUMBER])
    return (
        line.row_no,
        (told[VILLAGE], told[NUMBER]),
        villages[told[VILLAGE]],
        told[HEAD],
        index.of(number.text),
        secret.seal(number.text),
        told[GROUP],
        int(persons),
        bool(codes),
        keys,
    ), []


def _without_doubles(rows: list[Row], at: int, column: str, text: str, done: Loaded) -> list[Row]:
    """None of several rows that say the same is written: nobody knows which is right."""
    seen = Counter(row[at] for row in rows if row[at] is not None)
    done.faults += [Fault(row[0], column, text) for row in rows if seen[row[at]] > 1]
    return [row for row in rows if seen[row[at]] <= 1]


_STAGE = """
CREATE TEMP TABLE roster (
    row_no int, village_code text, roster_no text, village_id bigint, head_name text,
    head_id_index bytea, head_id_no bytea, group_name text, persons int, is_key boolean,
    key_groups bytea
) ON COMMIT DROP
"""


def _stage(cursor: Any, rows: Sequence[Row]) -> None:
    binary = connection.Database.Binary  # type: ignore[attr-defined]
    for start in range(0, len(rows), _CHUNK):
        flat = [
            (no, *place, village, head, *(value and binary(value) for value in number), *rest, keys and binary(keys))
            for no, place, village, head, *number, group, persons, is_key, keys in rows[
                start : start + _CHUNK
            ]
            for rest in [(group, persons, is_key)]
        ]  # fmt: skip
        cursor.execute(
            "INSERT INTO roster SELECT * FROM unnest(%s::int[], %s::text[], %s::text[],"
            " %s::bigint[], %s::text[], %s::bytea[], %s::bytea[], %s::text[], %s::int[],"
            " %s::boolean[], %s::bytea[])",
            [list(column) for column in zip(*flat, strict=True)],
        )
    cursor.execute("ANALYZE roster")


def _refuse_known(cursor: Any, partition: int, done: Loaded) -> None:
    """Heads who are registered this year, or stand in another village's roster."""
    for text, query in (
        (
            "户主已建档立卡，不应列入花名册。",
            "SELECT FROM households_person p JOIN households_personyear y ON y.person_id = p.id"
            " WHERE p.id_index = roster.head_id_index AND y.partition_id = %s",
        ),
        (
            "户主已列入其他村的花名册。",
            "SELECT FROM inspections_ruralhousehold o"
            " WHERE o.head_id_index = roster.head_id_index AND o.partition_id = %s"
            " AND o.is_current AND o.village_code <> roster.village_code",
        ),
    ):
        cursor.execute(f"DELETE FROM roster WHERE EXISTS ({query}) RETURNING row_no", [partition])
        done.faults += [Fault(row_no, ID_NO, text) for (row_no,) in cursor.fetchall()]


def _whole_villages(lines: Iterable[RosterLine], rows: Sequence[Row], done: Loaded) -> list[str]:
    """Villages of which every row was good: only of these it is known who is gone."""
    bad = {fault.row_no for fault in done.faults}
    spoilt = {line.cells.get(VILLAGE, "") for line in lines if line.row_no in bad}
    return sorted({row[1][0] for row in rows} - spoilt)


_COLUMNS = "head_name, head_id_no, head_id_index, group_name, persons, is_key, key_groups"


def _write(cursor: Any, partition: int, whole: list[str], done: Loaded) -> None:
    # Whoever changed their head gives the number free first, so that two may exchange theirs.
    cursor.execute(
        "UPDATE inspections_ruralhousehold r SET is_current = false, changed_at = now()"
        "  FROM roster n WHERE r.partition_id = %s AND r.village_code = n.village_code"
        "   AND r.roster_no = n.roster_no AND r.is_current"
        "   AND r.head_id_index IS DISTINCT FROM n.head_id_index",
        [partition],
    )
    cursor.execute(
        "UPDATE inspections_ruralhousehold r SET is_current = false, changed_at = now()"
        " WHERE r.partition_id = %s AND r.village_code = ANY (%s) AND r.is_current"
        "   AND NOT EXISTS (SELECT FROM roster n WHERE n.village_code = r.village_code"
        "                      AND n.roster_no = r.roster_no)",
        [partition, whole],
    )
    done.left = cursor.rowcount
    settled = ", ".join(f"{name.strip()} = excluded.{name.strip()}" for name in _COLUMNS.split(","))
    cursor.execute(
        f"INSERT INTO inspections_ruralhousehold AS r"
        f" (partition_id, village_id, village_code, roster_no, {_COLUMNS}, is_current)"
        f" SELECT %s, village_id, village_code, roster_no, {_COLUMNS}, true FROM roster"
        f" ON CONFLICT (partition_id, village_code, roster_no) DO UPDATE"
        f" SET {settled}, is_current = true, changed_at = now()"
        f" WHERE (r.{_COLUMNS.replace(', ', ', r.')}, r.is_current)"
        f" IS DISTINCT FROM (excluded.{_COLUMNS.replace(', ', ', excluded.')}, true)"
        f" RETURNING xmax = 0",
        [partition],
    )
    written = [is_new for (is_new,) in cursor.fetchall()]
    done.new, done.changed = written.count(True), written.count(False)
    done.unchanged = done.read - done.refused - done.new - done.changed
