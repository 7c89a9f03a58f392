"""The parsing child: one pass over one sheet, under limits, speaking over its pipes.

Run as ``python -m core.workbooks.reader FILE [FORMAT]``. It prints one JSON line with the first rows,
waits for one JSON line that says where the header is and how each column reads, then prints blocks of
rows. A block is one line with two sizes in bytes, the raw cells (row number and cells, a line each),
and the rows in COPY's text format: row number, faults, one column per mapped header. Instead of either
it may print one line ``!code limit row`` and end: the file is refused. It imports neither Django nor
anything of the product, so it starts fast and knows nothing worth stealing: the keys that seal what it
prints are its parent's.
"""

import gc
import itertools
import json
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from core.workbooks import cells, plaintext, sheets
from core.workbooks.confine import confine
from core.workbooks.limits import OUT_OF_MEMORY
from core.workbooks.refusal import RefusedError, refused

HEAD_ROWS = 20
# Of a cell in these, as much as any column's name has.
HEAD_TEXT = 200
CHUNK = 4_000
# Between the cells of a raw row. Printable, so that a row of ordinary text needs no escaping.
RAW_SEPARATOR = "\u241f"
# What a raw row shows where the separator itself stood in a cell: no export was seen to contain it, but
# one cell cut in two would move every column behind it, out of its name and out of its mask.
RAW_STAND_IN = "\u241e"
REMEMBERED = 300_000
# A bare number that is a date counts from 1 January 1904 in some workbooks: 1,462 days later.
_DATE_KINDS = ("day", "month")
_SINCE_1904 = 1_462
_SERIALS = (18_000, 80_000)

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


def main(path: str, file_format: str = "") -> None:
    confine()
    # Millions of short-lived tuples and no cycles: the collector would only walk them.
    gc.disable()
    out = sys.stdout.buffer
    try:
        serve(Path(path), file_format or Path(path).suffix[1:], sys.stdin.buffer, out)
    except RefusedError as refusal:
        out.write(refusal_line(refusal))
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    out.flush()


def refusal_line(refusal: RefusedError) -> bytes:
    return b"!%s %d %d\n" % (refusal.code.encode(), refusal.limit, refusal.row)


def serve(path: Path, file_format: str, told: IO[bytes], out: IO[bytes]) -> None:
    """Say hello, hear the spec, print the blocks. Raises RefusedError for the file's own faults."""
    source = sheets.open_source(path, file_format)
    head = list(itertools.islice(source.rows, HEAD_ROWS))
    if not sheets.width_of(head):
        raise refused("no_rows")
    if source.is_ragged:
        head = plaintext.even(head, sheets.width_of(head))
    hello = {
        "format": file_format,
        "encoding": source.encoding,
        "sheet": source.sheet,
        "sheets": source.sheets,
        "head": [[cells.plain(cell)[:HEAD_TEXT] for cell in row] for row in head],
        "first_row": source.first_row,
        "total": source.total,
    }
    out.write(json.dumps(hello).encode() + b"\n")
    out.flush()
    spec = json.loads(told.readline())
    skip = spec["header_row"] + 1
    body = _from_row(head, source.rows, skip)
    first_row_no = source.first_row + skip + 1
    if source.is_ragged:
        body = _bounded(body, len(head[0]), sheets.width_of([head[skip - 1]]), first_row_no)
    for block in convert(body, spec["columns"], first_row_no, is_1904=source.is_1904):
        raws, lines = ("".join(part).encode("utf-8", "replace") for part in block)
        if lines:
            out.write(b"%d %d\n" % (len(raws), len(lines)))
            out.write(raws)
            out.write(lines)


def _bounded(
    rows: Iterable[list[Any]], width: int, head_width: int, first_row_no: int
) -> Iterator[list[Any]]:
    """Rows at the head's width. A cell beyond the last head means that a separator stood in a text."""
    empty = [""] * width
    for row_no, row in enumerate(rows, first_row_no):
        if len(row) > head_width and not all(map(sheets.is_blank, row[head_width:])):
            raise refused("ragged", row=row_no)
        yield row if len(row) == width else (row + empty)[:width]


def _from_row(head: list[list[Any]], rest: Iterator[list[Any]], skip: int) -> Iterator[list[Any]]:
    yield from head[skip:]
    yield from rest


def convert(
    rows: Iterable[list[Any]],
    columns: list[dict[str, Any]],
    first_row_no: int,
    *,
    is_1904: bool = False,
) -> Iterator[Block]:
    """Blocks of rows; `first_row_no` is the number Excel shows for the first data row."""
    readers = []
    for column in columns:
        reader, remembered = cells.make(column["kind"], column.get("options", {}))
        if is_1904 and column["kind"] in _DATE_KINDS:
            reader = _since_1904(reader)
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


def _since_1904(reader: cells.Reader) -> cells.Reader:
    def read(cell: Any) -> cells.Read:
        if isinstance(cell, int | float) and _SERIALS[0] <= cell < _SERIALS[1]:
            cell += _SINCE_1904
        return reader(cell)

    return read


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
        raw = RAW_SEPARATOR.join(row)
    except TypeError:
        row = [cells.plain(cell) for cell in row]
        raw = RAW_SEPARATOR.join(row)
    if raw.count(RAW_SEPARATOR) >= len(row):
        return RAW_SEPARATOR.join([cell.replace(RAW_SEPARATOR, RAW_STAND_IN) for cell in row])
    return raw


if __name__ == "__main__":
    main(*sys.argv[1:3])
