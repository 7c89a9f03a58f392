"""Days off and days worked against the week: read from a table, compared with those known, loaded.

A table is CSV with the columns day (2018-12-31), is_off (1 off, 0 worked) and source. The whole of it
or nothing; a day that is known already takes the new facts, a day that is not in it stays.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from io import StringIO
from typing import Any

from core.acting import acting
from exits.models import Holiday

MANAGE = "imports.manage_catalog"
COLUMNS = ("day", "is_off", "source")
# A year has some forty such days.
MAX_ROWS, MAX_BYTES = 2_000, 256 * 1024
_LONGEST_SOURCE = 200


class UnfitError(Exception):
    """The table cannot be loaded; the text says which row, what is wrong, and how it is mended."""


@dataclass
class Difference:
    """A table against the days that are known. `kept` are known ones of its years it does not name."""

    new: list[Holiday] = field(default_factory=list)
    same: list[Holiday] = field(default_factory=list)
    # The day as it is known, and as the table has it.
    changed: list[tuple[Holiday, Holiday]] = field(default_factory=list)
    kept: list[Holiday] = field(default_factory=list)

    @property
    def asks(self) -> bool:
        """Whether somebody has to say that the table is the right one: a year is loaded again."""
        return bool(self.changed or self.kept or (self.new and self.same))


def decoded(body: bytes) -> str:
    """The text of a file as spreadsheets write it. Raises UnfitError."""
    if len(body) > MAX_BYTES:
        raise UnfitError("文件过大，节假日表一年只有几十行，请核对文件。")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UnfitError("不是 CSV 文件，请用电子表格另存为 CSV 后上传。")


def parsed(text: str) -> list[Holiday]:
    """The days of a table. Raises UnfitError."""
    if "\x00" in text:
        raise UnfitError("不是 CSV 文件，请用电子表格另存为 CSV 后上传。")
    reader = csv.DictReader(StringIO(text, newline=""))
    try:
        if not set(COLUMNS) <= set(reader.fieldnames or ()):
            raise UnfitError("第 1 行应有列名：day、is_off、source。")
        rows = [_read(number, row) for number, row in enumerate(reader, start=2)]
    except csv.Error as error:
        raise UnfitError("不是 CSV 文件，请用电子表格另存为 CSV 后上传。") from error
    if not rows:
        raise UnfitError("表里没有日期。")
    if len(rows) > MAX_ROWS:
        raise UnfitError(f"一次最多 {MAX_ROWS:,} 天。")
    seen: dict[date, int] = {}
    for number, row in enumerate(rows, start=2):
        if row.day in seen:
            raise UnfitError(f"第 {number} 行：{row.day} 与第 {seen[row.day]} 行重复。")
        seen[row.day] = number
    return rows


def _read(number: int, row: dict[str, str | None]) -> Holiday:
    try:
        day = date.fromisoformat((row["day"] or "").strip())
    except ValueError as error:
        raise UnfitError(f"第 {number} 行：day 应写成 2018-12-31。") from error
    is_off, source = (row["is_off"] or "").strip(), (row["source"] or "").strip()
    if is_off not in ("0", "1"):
        raise UnfitError(f"第 {number} 行：is_off 应为 1（放假）或 0（上班）。")
    if not source:
        raise UnfitError(f"第 {number} 行：请在 source 填写依据。")
    if len(source) > _LONGEST_SOURCE:
        raise UnfitError(f"第 {number} 行：依据超过 {_LONGEST_SOURCE} 字，请缩短。")
    return Holiday(day=day, is_off=is_off == "1", source=source)


def difference(rows: Sequence[Holiday]) -> Difference:
    """What loading the table would change."""
    years = {row.day.year for row in rows}
    known = {one.day: one for one in Holiday.objects.filter(day__year__in=years)}
    found = Difference()
    for row in sorted(rows, key=lambda one: one.day):
        there = known.pop(row.day, None)
        if there is None:
            found.new.append(row)
        elif (there.is_off, there.source) == (row.is_off, row.source):
            found.same.append(row)
        else:
            found.changed.append((there, row))
    found.kept = sorted(known.values(), key=lambda one: one.day)
    return found


def load(*, rows: Iterable[Holiday], reason: str = "导入节假日表", by: Any) -> list[int]:
    """Write the days; the years they lie in. None as `by` is whoever keeps the machine.

    Raises UnfitError.
    """
    if by is not None and not by.has_perm(MANAGE):
        raise UnfitError("您没有维护节假日表的权限。")
    days = list(rows)
    with acting(by=by, reason=reason):
        Holiday.objects.bulk_create(
            days, update_conflicts=True, unique_fields=["day"],
            update_fields=["is_off", "source"],
        )  # fmt: skip
    return sorted({row.day.year for row in days})


def years(first: int, last: int) -> dict[int, list[Holiday]]:
    """The days that are known of each of these years, and of every other year that has any."""
    found: dict[int, list[Holiday]] = {year: [] for year in range(first, last + 1)}
    for one in Holiday.objects.order_by("day"):
        found.setdefault(one.day.year, []).append(one)
    return dict(sorted(found.items()))
