"""Load the yearly lists of administrative divisions.

Example: `manage.py load_divisions divisions.csv`
"""

from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from villages import workbooks
from villages.checks import RawRow
from villages.enums import Level, Succession
from villages.services import ListLoaded, ListRefusedError, RowsRefusedError, load_divisions


class Command(BaseCommand):
    help = "载入统计用区划代码清单（CSV），按年份先后，全部成功或全部不写。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="清单文件")
        parser.add_argument("--year", type=int, help="只载入这一年的清单")
        parser.add_argument(
            "--changes",
            type=Path,
            help="变更表；缺省为同目录的〈文件名〉_changes.csv 或 divisions_changes.csv",
        )
        parser.add_argument(
            "--as-of", type=date.fromisoformat, help="清单截止日期，仅用于系统不知道截止日期的年份"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            rows = workbooks.read_rows(path, workbooks.DIVISIONS)
            changes = self._changes(path, options["changes"])
            loaded = load_divisions(
                rows=rows,
                changes=changes,
                dates=_dates(rows, options["year"], options["as_of"]),
                effective=workbooks.effective_dates(),
                year=options["year"],
                by=None,
            )
        except RowsRefusedError as error:
            for problem in error.problems:
                self.stderr.write(str(problem))
            raise CommandError(str(error)) from error
        except (workbooks.FileUnreadableError, ListRefusedError) as error:
            raise CommandError(str(error)) from error
        self._report(loaded)

    def _changes(self, path: Path, given: Path | None) -> list[RawRow]:
        beside = [
            path.with_name(f"{path.stem}_changes.csv"),
            path.with_name("divisions_changes.csv"),
        ]
        found = given or next((one for one in beside if one.exists()), None)
        if found is None:
            self.stdout.write("没有变更表：代码变更的区划按撤销和新设处理。")
            return []
        self.stdout.write(f"变更表：{found}")
        return workbooks.read_rows(found, workbooks.CHANGES)

    def _report(self, loaded: list[ListLoaded]) -> None:
        for one in loaded:
            self.stdout.write(_told(one))
            for level, (listed, valid) in one.counts.items():
                self.stdout.write(
                    f"  {Level(level).label}：清单 {listed}，{one.as_of} 有效 {valid}"
                )
        if all(one.already_known for one in loaded):
            self.stdout.write("这些清单都已载入过，没有改动。")
        self.stdout.write(self.style.SUCCESS("核对完成：各年各级有效区划数与清单一致。"))


def _dates(rows: list[RawRow], year: int | None, as_of: date | None) -> dict[int, date]:
    """Cut-off days by year; `as_of` may only stand in for a single year that has none."""
    dates = workbooks.snapshot_dates()
    if as_of is None:
        return dates
    years = {year} if year else {int(c["year"]) for _, c in rows if c.get("year", "").isdecimal()}
    if len(years) != 1:
        raise CommandError("--as-of 只能用于一年的清单，请加 --year。")
    (only,) = years
    if dates.get(only, as_of) != as_of:
        raise CommandError(f"{only} 年清单的截止日期是 {dates[only]}，不能另写。")
    return dates | {only: as_of}


def _told(one: ListLoaded) -> str:
    if one.already_known:
        return f"{one.year} 年（截止 {one.as_of}）：已载入过，没有改动"
    links = "、".join(
        f"{Succession(kind).label} {n}" for kind, n in sorted(one.successions.items())
    )
    text = f"{one.year} 年（截止 {one.as_of}）：新增 {one.opened}，终止 {one.closed}，更新 {one.updated}"
    text += f"；沿革：{links}" if links else ""
    return text + (f"；变更表有 {one.pairs_unused} 行未能对上" if one.pairs_unused else "")
