"""The imports of `script/bench`: a city, the same again, one hundredth changed, ten cities.

The floor is what nobody can do without: parsing the file once, and raw COPY of the rows it leaves
in the register into tables with the same indexes.
"""

import json
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from time import monotonic
from typing import Any

from bench import database, manage, ratio, run, say

TABLES = ("household", "person", "householdyear", "personyear", "statusevent")
PARSE = """
import sys, time
from python_calamine import CalamineWorkbook
started = time.monotonic()
sheet = CalamineWorkbook.from_path(sys.argv[1]).get_sheet_by_index(0)
rows = sum(1 for _ in sheet.iter_rows())
print(rows, time.monotonic() - started)
"""
Cells = list[str]


def bench_import(scale: str, folder: Path) -> dict[str, Any]:
    book = _book(folder / f"P2018-{scale}.xlsx", scale, lambda cells, _: cells)
    changed = _book(folder / f"P2018-{scale}-changed.xlsx", scale, _one_in_a_hundred)
    with database("povertyops_bench_import"):
        manage("load_divisions", "villages/data/luoyang_2017.csv")
        say("导入空登记库……")
        first = _load(book)
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
        say("同一文件再导入一次……")
        again = _load(book)
        say("百分之一有变……")
        hundredth = _load(changed)
        say("测量下限……")
        rows, parse = _parse_floor(book)
        copy = _copy_floor(folder)
        floor = parse + copy
    return {
        "rows": rows,
        "rows_per_second": round(rows / first["seconds"]["total"]),
        "floor_seconds": {"parse": round(parse, 2), "copy": round(copy, 2), "sum": round(floor, 2)},
        "largest_process_mb": memory,
        "into_empty": _told(first, floor, bar=3.0),
        "unchanged": _told(again, floor, bar=2.0),
        "one_percent_changed": _told(hundredth, floor, bar=2.0),
    }


def _told(report: dict[str, Any], floor: float, *, bar: float) -> dict[str, Any]:
    return {
        "seconds": report["seconds"],
        "persons": report["persons"],
        "problems": report["problems"],
        "ratio": ratio(report["seconds"]["total"], floor),
        "bar": bar,
    }


def bench_growth(scale: str, times: int, folder: Path) -> dict[str, Any]:
    """So many cities of this scale one after another into one register: seconds of each."""
    seconds, memory = [], 0
    with database("povertyops_bench_growth"):
        manage("load_divisions", "villages/data/luoyang_2017.csv")
        for copy in range(times):
            book = _book(folder / "growth.xlsx", scale, _renumbered(copy), anew=True)
            report = _load(book)
            seconds.append(report["seconds"]["total"])
            memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
            say(f"第 {copy + 1} 个城市：{seconds[-1]} 秒，{report['persons']}")
        people = run("SELECT count(*) FROM households_person")[0][0]
        (folder / "growth.xlsx").unlink()
    return {
        "persons_in_the_end": people,
        "seconds": seconds,
        "last_against_first": ratio(seconds[-1], seconds[0]),
        "largest_process_mb": memory,
    }


# --- workbooks ---------------------------------------------------------------------------------


def _book(
    path: Path, scale: str, change: Callable[[Cells, int], Cells], *, anew: bool = False
) -> Path:
    from imports.demo.sheets import TextSheet
    from imports.workbooks import demo_rows, layout_of

    if path.exists() and not anew:
        return path
    say(f"写出工作簿 {path.name}……")
    layout = layout_of("P2018")
    with TextSheet(path, layout.code, layout.headers) as sheet:
        for number, cells in enumerate(_rows(demo_rows(layout, float(scale), 2018))):
            sheet.append(change(cells, number))
    return path


def _rows(rows: Iterator[Cells]) -> Iterator[Cells]:
    # The generator may hand out a list of its own; what is changed here is a copy.
    for cells in rows:
        yield list(cells)


def _one_in_a_hundred(cells: Cells, number: int) -> Cells:
    """Every hundredth person worked another number of months."""
    at = _place("work_months")
    if number % 100 == 0:
        cells[at] = "3" if cells[at] != "3" else "4"
    return cells


def _renumbered(copy: int) -> Callable[[Cells, int], Cells]:
    """Another city of the same shape: other households, persons and document numbers."""
    from core.idnumbers import check_digit

    household, person, document = map(_place, ("household_no", "person_no", "id_no"))

    def change(cells: Cells, _: int) -> Cells:
        if copy:
            for at in (household, person):
                cells[at] = f"{cells[at][:4]}{copy}{cells[at][5:]}"
            number = cells[document]
            if number.startswith("99") and not number.startswith("9999"):
                first17 = f"99{copy:02d}{number[4:17]}"
                cells[document] = first17 + check_digit(first17) + number[18:]
        return cells

    return change


@cache
def _place(identifier: str) -> int:
    from imports.workbooks import layout_of

    return layout_of("P2018").identifiers.index(identifier)


def _load(book: Path) -> dict[str, Any]:
    out = manage("import_workbook", str(book), "--partition", "2018", "--region", "4103", "--json")
    report: dict[str, Any] = json.loads(out.splitlines()[-1])
    return report


def _parse_floor(book: Path) -> tuple[int, float]:
    out = subprocess.run(
        [sys.executable, "-c", PARSE, str(book)], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.split()
    return int(out[0]) - 1, float(out[1])


def _copy_floor(folder: Path) -> float:
    """Raw COPY of the same rows into tables with the same indexes, without keys or triggers."""
    from django.db import connection

    total = 0.0
    for table in TABLES:
        name = f"households_{table}"
        columns = ", ".join(
            column
            for (column,) in run(
                "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s)"
                " AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
                [name],
            )
        )
        path = folder / f"{table}.copy"
        command = f"COPY floor_{table} ({columns}) FROM STDIN"
        with connection.cursor() as cursor:
            with path.open("wb") as file:
                cursor.copy_expert(f"COPY {name} ({columns}) TO STDOUT", file)
            cursor.execute(
                f"CREATE TABLE floor_{table} (LIKE {name} INCLUDING INDEXES INCLUDING GENERATED)"
            )
            with path.open("rb") as file:
                started = monotonic()
                cursor.copy_expert(command, file)
                total += monotonic() - started
            cursor.execute(f"DROP TABLE floor_{table}")
        path.unlink()
    return total
