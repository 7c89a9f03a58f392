"""The rows of a file as they stood in it: from staging while it stands, from sealed blocks after."""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection

from core import vault
from core.idnumbers import mask, mask_quoted
from core.workbooks import cells
from core.workbooks.reader import RAW_SEPARATOR
from households.catalog import FieldFact, facts
from households.queries.values import birth_year, is_birth_date
from imports.models import Batch

# What the blocks are sealed as.
RAW = "imports.raw"
_SEPARATOR = RAW_SEPARATOR.encode()
HIDDEN = "已脱敏"
SHORTEST_SEARCH, LONGEST_SEARCH = 2, 100


class NoRawRowsError(Exception):
    """The rows of the file are not there: never staged, given up, or past their retention."""


def unpacked(blob: Any) -> bytes:
    """The lines `row number TAB cells` of one sealed block."""
    return zlib.decompress(vault.open_bytes(RAW, blob))


def packed(lines: bytes) -> bytes:
    """Level 1: a city's 100 MB must not hold an import up."""
    return zlib.compress(lines, 1)


def cells_of(line: bytes) -> tuple[int, list[str]]:
    """(row number, its cells) of one line."""
    row_no, _, raw = line.decode().partition("\t")
    return int(row_no), cells.unescape(raw).split(RAW_SEPARATOR)


def block_starts(batch: Batch) -> list[tuple[int, Callable[[], Any]]]:
    """(first row, what fetches the sealed block) in order. Raises NoRawRowsError.

    Rows have no index while they are staged: a block is fetched from where it lies.
    """
    rows = f"staging.{batch.stage}_rows"
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [rows])
        if batch.stage and cursor.fetchone()[0] is not None:
            cursor.execute(
                f"SELECT row_no, ctid::text FROM {rows} WHERE raw IS NOT NULL ORDER BY row_no"
            )
            fetch = f"SELECT raw FROM {rows} WHERE ctid = %s::tid"
        else:
            cursor.execute(
                "SELECT first_row, id FROM imports_rawblock WHERE batch_id = %s ORDER BY first_row",
                [batch.pk],
            )
            fetch = "SELECT sealed FROM imports_rawblock WHERE id = %s"
        places = cursor.fetchall()
    if not places:
        raise NoRawRowsError

    def fetcher(place: Any) -> Callable[[], Any]:
        def fetched() -> Any:
            with connection.cursor() as cursor:
                cursor.execute(fetch, [place])
                return cursor.fetchone()[0]

        return fetched

    return [(first, fetcher(place)) for first, place in places]


def raw_lines(batch: Batch, row_nos: set[int] | None = None) -> Iterator[tuple[int, list[str]]]:
    """(row number, its cells as they stood in the file), of all rows or of those asked for."""
    wanted = None if row_nos is None else sorted(row_nos)
    starts = block_starts(batch)
    at = 0
    for (_, fetch), (end, _) in zip(starts, [*starts[1:], (None, None)], strict=True):
        some: set[int] | None = None
        if wanted is not None:
            first = at
            while at < len(wanted) and (end is None or wanted[at] < end):
                at += 1
            if at == first:
                continue
            some = set(wanted[first:at])
        for line in unpacked(fetch()).splitlines():
            if some is None or int(line.partition(b"\t")[0]) in some:
                yield cells_of(line)


# --- finding a text ----------------------------------------------------------------------------


@dataclass(frozen=True)
class FoundRow:
    """A row in which a text was found: its number in the file and its cells, masked."""

    row_no: int
    # (head, what may be shown, whether the text stands in it)
    cells: tuple[tuple[str, str, bool], ...]


def search(batch: Batch, text: str, limit: int = 50) -> list[FoundRow]:
    """The first rows with the text in any column, also in columns that no layout knows.

    Only what is shown can be found, so that nobody feels their way along a masked number; a whole
    number of a document, telephone or account is found, because whoever asks knows it already.
    ValueError for a text too short or too long to look for, NoRawRowsError when no rows are kept.
    """
    wanted = text.strip()
    if not SHORTEST_SEARCH <= len(wanted) <= LONGEST_SEARCH:
        raise ValueError("text too short or too long")
    variants = {cells.escape(one).encode() for one in (wanted, wanted.upper(), wanted.lower())}
    known = facts()
    columns = [
        (header, known.get(identifier) if identifier else None)
        for header, identifier in batch.header_map
    ]
    found: list[FoundRow] = []
    for _, fetch in block_starts(batch):
        for line in _lines_with(unpacked(fetch()), variants):
            row = _found(line, columns, wanted.casefold())
            if row is not None:
                found.append(row)
                if len(found) == limit:
                    return found
    return found


def _lines_with(block: bytes, variants: set[bytes]) -> Iterator[bytes]:
    """The lines that hold one of the texts, in order; a block without any costs one search each."""
    if not any(one in block for one in variants):
        return
    for line in block.splitlines():
        if any(one in line for one in variants):
            yield line


def _found(
    line: bytes, columns: list[tuple[str, FieldFact | None]], wanted: str
) -> FoundRow | None:
    row_no, raw = cells_of(line)
    columns = [*columns, *[("", None)] * (len(raw) - len(columns))]
    shown = tuple(
        (
            header,
            (words := masked(fact, cell)),
            wanted in words.casefold() or _is_whole(fact, cell, wanted),
        )
        for (header, fact), cell in zip(columns, raw, strict=False)
    )
    return FoundRow(row_no, shown) if any(hit for _, _, hit in shown) else None


def _is_whole(fact: FieldFact | None, cell: str, wanted: str) -> bool:
    """A whole number, which tells nothing to whoever typed it; of illness not even that is told."""
    is_number = fact is None or fact.kind in ("id_number", "identifier")
    return is_number and len(wanted) >= 8 and cell.strip().casefold() == wanted


def masked(fact: FieldFact | None, cell: str) -> str:
    """A cell as the pages may show it."""
    if not cell.strip():
        return ""
    if fact is None:
        return mask_quoted(cell)
    if fact.sensitive:
        return mask(cell.strip()) if fact.kind in ("id_number", "identifier") else HIDDEN
    return birth_year(cell) if is_birth_date(fact) else mask_quoted(cell)
