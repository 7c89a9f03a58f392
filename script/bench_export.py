"""What taking the register out costs: a workbook of all persons beside the writer alone.

The floor writes the same cells from memory with XlsxWriter in constant memory and nothing else.
"""

from pathlib import Path
from time import perf_counter
from typing import Any

from bench_walls import Someone
from django.db import transaction

COLUMNS = 30
YEAR = 2018


def bench_export(folder: Path) -> dict[str, Any]:
    """Seconds and ratio of a masked and of a whole file of the city's persons."""
    return {
        name: _measured(folder, full=full) for name, full in (("masked", False), ("full", True))
    }


def _measured(folder: Path, *, full: bool) -> dict[str, Any]:
    from core import walls
    from core.exports.kinds import kind_of
    from core.workbooks import writing
    from households.queries.cells import person_columns

    kind, actor = kind_of("persons"), Someone("4103")
    terms = {"year": YEAR, "columns": list(person_columns())[:COLUMNS]}
    heads = kind.heads(terms)
    path = folder / "export.xlsx"
    with transaction.atomic(), walls.scoped(actor):
        started = perf_counter()
        rows = kind.rows(terms, actor, region="4103", full=full)
        count = writing.write(path, "xlsx", kind.label, heads, rows)
        taken = perf_counter() - started
        cells = list(kind.rows(terms, actor, region="4103", full=full))
    assert count == len(cells)
    floor = _floor(path, heads, cells)
    path.unlink()
    return {
        "rows": count,
        "columns": len(heads),
        "seconds": round(taken, 2),
        "floor_seconds": round(floor, 2),
        "ratio": round(taken / floor, 2),
    }


def _floor(path: Path, heads: tuple[str, ...], cells: list[list[Any]]) -> float:
    import xlsxwriter

    started = perf_counter()
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    sheet = book.add_worksheet()
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    for at, line in enumerate([list(heads), *cells]):
        for column, value in enumerate(line):
            if isinstance(value, str):
                sheet.write_string(at, column, value)
            elif hasattr(value, "year"):
                sheet.write_datetime(at, column, value, day)
            elif value is not None:
                sheet.write_number(at, column, value)
    book.close()
    return perf_counter() - started
