"""The parsing child: one pass over one sheet, under limits, speaking over its pipes.

Run as ``python -m core.workbooks.reader FILE``. It prints one JSON line with the first rows, waits
for one JSON line that says where the header is and how each column reads, then prints blocks of rows.
A block is one line with two sizes in bytes, the raw cells (row number and cells, a line each), and
the rows in COPY's text format: row number, faults, one column per mapped header. It imports
neither Django nor anything of the product, so it starts fast and knows nothing worth stealing: the
keys that seal what it prints are its parent's.
"""

import gc
import itertools
import json
import resource
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from core.workbooks import cells, guard

HEAD_ROWS = 8
CHUNK = 4_000
# Printable, so that a row of ordinary text needs no escaping; no export was seen to contain it.
RAW_SEPARATOR = "\u241f"
REMEMBERED = 300_000

# Raw lines and COPY lines of the same rows.
Block = tuple[list[str], list[str]]


class _Memory(dict[Any, cells.Read]):
    """Remembers how each distinct cell of a column was read."""

    def __init__(self, reader: cells.Reader) -> None:
        super().__init__()
        self.reader = reader

    def __missing__(self, cell: Any) -> cells.Read:
        result = self.reader(cell)
        if len(self) < REMEMBERED:
            self[cell] = result
        return result


def limit_resources() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (guard.PARSER_MEMORY, guard.PARSER_MEMORY))
    resource.setrlimit(
        resource.RLIMIT_CPU, (guard.PARSER_CPU_SECONDS, guard.PARSER_CPU_SECONDS + 5)
    )
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def main(path: str) -> None:
    limit_resources()
    # Millions of short-lived tuples and no cycles: the collector would only walk them.
    gc.disable()
    from python_calamine import CalamineWorkbook

    workbook = CalamineWorkbook.from_path(path)
    sheet = workbook.get_sheet_by_index(0)
    # Empty rows at the top are not part of the range; Excel still counts them.
    first_row = (sheet.start or (0, 0))[0]
    rows = iter(sheet.iter_rows())
    head = list(itertools.islice(rows, HEAD_ROWS))
    hello = {
        "sheets": workbook.sheet_names,
        "head": [[cells.plain(cell) for cell in row] for row in head],
        "first_row": first_row,
        "total": sheet.height,
    }
    out = sys.stdout.buffer
    out.write(json.dumps(hello).encode() + b"\n")
    out.flush()
    spec = json.loads(sys.stdin.readline())
    skip = spec["header_row"] + 1
    body = _from_row(head, rows, skip)
    for block in convert(body, spec["columns"], first_row + skip + 1):
        raws, lines = ("".join(part).encode("utf-8", "replace") for part in block)
        if lines:
            out.write(b"%d %d\n" % (len(raws), len(lines)))
            out.write(raws)
            out.write(lines)
    out.flush()


def _from_row(head: list[list[Any]], rest: Iterator[list[Any]], skip: int) -> Iterator[list[Any]]:
    yield from head[skip:]
    yield from rest


def convert(
    rows: Iterable[list[Any]], columns: list[dict[str, Any]], first_row_no: int
) -> Iterator[Block]:
    """Blocks of rows; `first_row_no` is the number Excel shows for the first data row."""
    readers = []
    for column in columns:
        reader, remembered = cells.make(column["kind"], column.get("options", {}))
        readers.append(
            (column["index"], column["name"], _Memory(reader).__getitem__ if remembered else reader)
        )
    row_no = first_row_no
    chunk: list[list[Any]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield _convert_chunk(chunk, readers, row_no)
            row_no += len(chunk)
            chunk = []
    if chunk:
        yield _convert_chunk(chunk, readers, row_no)


def _convert_chunk(
    rows: list[list[Any]], readers: list[tuple[int, str, cells.Reader]], row_no: int
) -> Block:
    by_column = list(zip(*rows, strict=True))
    values: list[tuple[str, ...]] = []
    faults: list[str] = [""] * len(rows)
    for index, name, reader in readers:
        read, found = zip(*map(reader, by_column[index]), strict=True)
        values.append(read)
        if any(found):
            for position, fault in enumerate(found):
                if fault:
                    faults[position] += "".join(f"{name}:{word};" for word in fault.split("+"))
    raws = [cells.escape(_raw(row)) for row in rows]
    numbers = map(str, range(row_no, row_no + len(rows)))
    # A row of nothing but empty cells is not a row.
    kept = [
        (raw, line)
        for raw, line in zip(raws, zip(numbers, faults, *values, strict=True), strict=True)
        if raw.strip(RAW_SEPARATOR + " ")
    ]
    return (
        [f"{line[0]}\t{raw}\n" for raw, line in kept],
        ["\t".join(line) + "\n" for _, line in kept],
    )


def _raw(row: list[Any]) -> str:
    try:
        return RAW_SEPARATOR.join(row)
    except TypeError:
        return RAW_SEPARATOR.join(map(cells.plain, row))


if __name__ == "__main__":
    main(sys.argv[1])
