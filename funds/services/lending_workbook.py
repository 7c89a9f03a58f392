"""The workbook of small loans: the blank form, what is read, and what is handed back.

A workbook is hostile until proven: looked through first and parsed in the child with limits.
"""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from core.text import header_key
from core.workbooks import cells, child, guard
from core.workbooks.writing import Book
from projects.services.loading import Line, Loaded

# The heads are the labels of the form.
COLUMNS = (
    "户编号", "借款人姓名", "放款银行", "合同号", "贷款金额（元）", "其中追加部分（元）", "放款日期",
    "到期日期", "年利率（％）", "贴息率（％）", "贷款用途", "用于生产经营", "用款主体", "用款单位或个人",
)  # fmt: skip
OPTIONAL = ("其中追加部分（元）", "贴息率（％）", "用于生产经营", "用款主体", "用款单位或个人")
DAYS = ("放款日期", "到期日期")
# The households of a large city.
MAX_ROWS = 200_000
SECONDS = 120
_WIDTH = 18


def form_to_fill_in() -> bytes:
    """A workbook with the heads and nothing else: an example row would become a loan."""
    return _book("小额信贷", COLUMNS, [])


def returned(lines: list[Line], done: Loaded) -> bytes:
    """The rows that were not taken, with the reasons, to be put right and handed in again."""
    why: dict[int, list[str]] = {}
    for fault in done.faults:
        why.setdefault(fault.row_no, []).append(f"{fault.column}：{fault.text}")
    rows = [
        [*(line.told(one) for one in COLUMNS), "；".join(why[line.row_no])]
        for line in lines
        if line.row_no in why
    ]
    return _book("小额信贷未导入", (*COLUMNS, "未导入原因"), rows)


def _book(name: str, heads: tuple[str, ...], rows: list[list[Any]]) -> bytes:
    buffer = BytesIO()
    with Book(buffer, name, list(heads), widths=[_WIDTH] * len(heads)) as book:
        for row in rows:
            book.append(row)
    return buffer.getvalue()


def read(path: Path, file_format: str = guard.XLSX) -> list[Line]:
    """The rows of a workbook. Raises guard.RefusedError with words for a clerk."""
    with child.reading(path, file_format, SECONDS) as parser:
        facts = parser.hello()
        header_row, columns = _recognise(facts["head"])
        if facts["total"] - header_row - 1 > MAX_ROWS:
            raise guard.RefusedError("rows", f"一次最多导入 {MAX_ROWS:,} 行，请分批上传。")
        parser.tell({"header_row": header_row, "columns": columns})
        lines = list(_lines(parser.stdout, [column["name"] for column in columns]))
        parser.finish()
        return lines


def _recognise(head: list[list[str]]) -> tuple[int, list[dict[str, Any]]]:
    keys_of = {header_key(column): column for column in COLUMNS}
    needed = [column for column in COLUMNS if column not in OPTIONAL]
    for at, row in enumerate(head):
        there = {keys_of[key]: place for place, cell in enumerate(row)
                 if (key := header_key(cell)) in keys_of}  # fmt: skip
        if all(column in there for column in needed):
            return at, [
                {
                    "index": there[column],
                    "name": column,
                    "kind": "day" if column in DAYS else "text",
                    "options": {},
                }
                for column in COLUMNS
                if column in there
            ]
    raise guard.RefusedError(
        "headers", f"没有找到表头，应有：{'、'.join(needed)}。请下载空白表，照表填写。"
    )


def _lines(stdout: IO[bytes], names: list[str]) -> Iterator[Line]:
    """The rows of every block, without the raw cells in front of them; empty rows are left out."""
    while sizes := stdout.readline():
        child.refuse_named(sizes)
        raw, rows = map(int, sizes.split())
        stdout.read(raw)
        for text in stdout.read(rows).decode().split("\n")[:-1]:
            row_no, _faults, *values = text.split("\t")
            told = [
                "" if value == cells.NULL else cells.unescape(value).strip() for value in values
            ]
            if any(told):
                yield Line(int(row_no), dict(zip(names, told, strict=True)))
