"""Workbooks of accounts: the form to fill in, the form filled in, and the links handed back.

A filled-in form is hostile until proven: it is looked through first and parsed in the child with
limits, like a workbook of the register.
"""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from accounts.services.bulk import COLUMNS, Line
from core.text import header_key
from core.workbooks import guard
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
    guard.inspect_archive(path)
    guard.inspect_xml(path)
    child = subprocess.Popen(  # noqa: S603 - our own interpreter and module, a path of our own making
        [sys.executable, "-m", "core.workbooks.reader", str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    watch = threading.Timer(SECONDS, child.kill)
    watch.start()
    try:
        return _converse(child)
    finally:
        watch.cancel()
        child.kill()
        child.communicate()


def _converse(child: subprocess.Popen[bytes]) -> list[Line]:
    assert child.stdin is not None  # noqa: S101 - both are pipes, see Popen above
    assert child.stdout is not None  # noqa: S101
    hello = child.stdout.readline()
    if not hello:
        raise _unreadable()
    facts: dict[str, Any] = json.loads(hello)
    header_row, columns = _recognise(facts["head"])
    if facts["total"] - header_row - 1 > MAX_PEOPLE:
        raise guard.RefusedError("rows", f"一次最多建立 {MAX_PEOPLE} 个账号，请分批上传。")
    child.stdin.write(json.dumps({"header_row": header_row, "columns": columns}).encode() + b"\n")
    child.stdin.flush()
    lines = list(_lines(child.stdout))
    if child.wait() != 0:
        raise _unreadable()
    return lines


def _lines(stdout: IO[bytes]) -> Iterator[Line]:
    """The rows of every block, without the raw cells in front of them."""
    while sizes := stdout.readline():
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


def _unreadable() -> guard.RefusedError:
    return guard.RefusedError("parser", "工作簿无法读取，可能已损坏或结构异常。请照模板重新填写。")
