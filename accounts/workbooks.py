"""Workbooks of accounts: the form to fill in, the form filled in, and the links handed back.

A filled-in form is hostile until proven: it is looked through first and parsed in the child with
limits, like a workbook of the register.
"""

import re
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from accounts.services.bulk import COLUMNS, Line
from core.text import header_key
from core.workbooks import child, guard
from core.workbooks.writing import Book

MAX_PEOPLE = 500
MAX_BYTES = 1024 * 1024
# A list of 500 people takes a tenth of a second; a page waits no longer than this.
SECONDS = 15
_ESCAPED = re.compile(r"\\(.)")
_PLAIN = {"t": "\t", "n": "\n", "r": "\r", "N": ""}


def form_to_fill_in() -> bytes:
    """A workbook with the heads and nothing else: an example row would become an account."""
    return _book("账号名单", COLUMNS, [], (18, 14, 28, 14, 16, 16))


def links(rows: Iterable[tuple[str, str, str, str]]) -> bytes:
    """What the administrator hands out: name, user name, office, link."""
    return _book("一次性链接", ("姓名", "用户名", "单位", "设置口令链接"), rows, (16, 20, 28, 90))


def _book(
    title: str, heads: Iterable[str], rows: Iterable[Iterable[str]], widths: tuple[int, ...]
) -> bytes:
    buffer = BytesIO()
    with Book(buffer, title, list(heads), widths=widths) as book:
        for row in rows:
            book.append(row)
    return buffer.getvalue()


def read(path: Path) -> list[Line]:
    """The rows of a filled-in form. Raises guard.RefusedError with words for the administrator."""
    with child.reading(path, guard.XLSX, SECONDS) as parser:
        return _converse(parser)


def _converse(parser: child.Child) -> list[Line]:
    facts = parser.hello()
    header_row, columns = _recognise(facts["head"])
    if facts["total"] - header_row - 1 > MAX_PEOPLE:
        raise guard.RefusedError("rows", f"一次最多建立 {MAX_PEOPLE} 个账号，请分批上传。")
    parser.tell({"header_row": header_row, "columns": columns})
    lines = list(_lines(parser.stdout))
    parser.finish()
    return lines


def _lines(stdout: IO[bytes]) -> Iterator[Line]:
    """The rows of every block, without the raw cells in front of them."""
    while sizes := stdout.readline():
        child.refuse_named(sizes)
        raw, rows = map(int, sizes.split())
        stdout.read(raw)
        yield from map(_line, stdout.read(rows).decode().split("\n")[:-1])


def _recognise(head: list[list[str]]) -> tuple[int, list[dict[str, Any]]]:
    for at, row in enumerate(head):
        keys = [header_key(cell) for cell in row]
        if all(column in keys for column in COLUMNS):
            return at, [
                {"index": keys.index(column), "name": column, "kind": "text", "options": {}}
                for column in COLUMNS
            ]
    raise guard.RefusedError(
        "headers", f"没有找到表头，应有：{'、'.join(COLUMNS)}。请下载模板，照模板填写。"
    )


def _line(text: str) -> Line:
    row_no, _faults, *values = text.split("\t")
    cells = [_ESCAPED.sub(lambda found: _PLAIN.get(found[1], found[1]), value) for value in values]
    return Line(int(row_no), dict(zip(COLUMNS, cells, strict=True)))
