"""What is written reads back as what it was, and nothing in it is alive."""

import csv
import io
import re
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.utils.escape import unescape

from core.workbooks import cells, writing
from core.workbooks.writing import LIVE, Book, Watermark, csv_lines, still, unstill

pytestmark = pytest.mark.unit

PAYLOADS = [
    "=1+1", "=cmd|' /C calc'!A0", '=HYPERLINK("http://x.example","点我")', "=IMPORTXML(CONCAT(A1))",
    "=SUM(A1:A9)*cmd|' /C calc'!A0", "=DDE(\"cmd\";\"/C calc\";\"x\")", "=WEBSERVICE(\"http://x.example\")",
    "+1+1", "+cmd|' /C calc'!A0", "-1+1", "-2+3+cmd|' /C calc'!A0", "@SUM(1+1)*cmd|' /C calc'!A0",
    "@A1", "\t=1+1", "\r=1+1", "\n=1+1", "\r\n=1+1", "\t", "＝1+1", "＋1+1", "－1+1", "＠SUM(1)",
    " =1+1", "  @x", "\u3000=1+1", "\u00a0=1+1", "\ufeff=1+1", "\u200b=1+1", "'=1+1", "''=1+1", "'",
    "=", "+", "-", "@", "-", "--1", "=\"a\"", "=A1&\"x\"", "{=1+1}", "a\n=1+1", "a,=1+1", "\"=1+1",
    "a\";=1+1;\"", ";=1+1", "|=1+1", "=1+1\x00", "990324197001010017", "410324100203", "0123", "00",
    "6217000012345678901", "1E+10", "99032419700101001X", "张三", "𠮷野", "", " ", "&lt;b&gt;",
    "<script>alert(1)</script>", "http://x.example/", "mailto:x@x.example", "#REF!", "TRUE", "1/2",
    "_x000D_=1", "A" * 300,
]  # fmt: skip
MARK = Watermark("张三", datetime(2018, 12, 1, 2, 0, tzinfo=UTC), "核对&名单", "含完整号码 3")


def read_back(path: Path) -> list[Any]:
    sheet = openpyxl.load_workbook(path).active
    return [cell for row in sheet.iter_rows() for cell in row]


def test_there_are_payloads_enough() -> None:
    assert len(set(PAYLOADS)) >= 60


@pytest.mark.parametrize("payload", PAYLOADS)
def test_workbook_gives_back_a_text(payload: str, tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    with Book(path, payload, [payload]) as book:
        book.append([payload])
    for cell in read_back(path):
        assert cell.data_type in ("s", "n")
        if cell.value is not None:
            assert isinstance(cell.value, str)
            # A NUL cannot be written at all; a carriage return is written as Excel writes it.
            assert unescape(cell.value) == payload.replace("\x00", "")
        else:
            assert payload == ""
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            part = archive.read(name).decode()
            assert "<f>" not in part
            assert "<hyperlink" not in part
            assert "externalLink" not in name


@pytest.mark.parametrize("payload", PAYLOADS)
def test_csv_gives_back_a_text_that_is_not_alive(payload: str) -> None:
    text = "".join(csv_lines([payload], [[payload, "x"]]))
    assert text.startswith("\ufeff")
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    for row in rows:
        cell = row[0]
        assert not cell.startswith(tuple(LIVE))
        assert not cell.strip(" \u3000\u00a0\ufeff\u200b").startswith(tuple(LIVE))
        assert unstill(cell) == payload.replace("\x00", "")


@given(st.text(max_size=60))
@settings(max_examples=400, deadline=None, database=None)
def test_any_text_is_still_and_comes_back(text: str) -> None:
    written = still(text)
    assert unstill(written) == text
    if not re.fullmatch(r"-?[0-9.]+", written):
        assert not written.startswith(tuple(LIVE))


@pytest.mark.parametrize("number", ["0", "-3.5", "2800.00", "12345678901"])
def test_numbers_of_everyday_stay_numbers(number: str) -> None:
    assert still(number) == number


@pytest.mark.parametrize("number", ["410324100203", "001", "990324197001010017"])
def test_our_own_reader_takes_the_apostrophe_away(number: str) -> None:
    assert still(number) != number
    assert cells.identifier(still(number)) == (number, "blanks")


def test_kinds_of_cells(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    row = [Decimal("2800.50"), 3, 2.5, date(2018, 12, 1), True, None, "3", 10**17, float("nan"),
           datetime(2018, 12, 1, 2, 0, tzinfo=UTC)]  # fmt: skip
    with Book(path, "表", [str(at) for at in range(len(row))], mark=MARK) as book:
        book.append(row)
    sheet = openpyxl.load_workbook(path).active
    values = [cell.value for cell in sheet[3]]
    assert values == [
        2800.5, 3, 2.5, datetime.fromisoformat("2018-12-01"), "是", None, "3", "1" + "0" * 17, "nan", "2018-12-01 10:00",
    ]  # fmt: skip
    assert sheet.freeze_panes == "A3"


def test_watermark_stands_above_and_below(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    words = "导出人：张三，时间：2018-12-01 10:00，用途：核对&名单，含完整号码 3"
    assert writing.write(path, "xlsx", "表", ["a"], [["1"], ["2"]], mark=MARK) == 2
    book = openpyxl.load_workbook(path)
    assert book.active["A1"].value == words
    assert "核对&&名单" in book.active.oddFooter.left.text
    assert book.properties.description == words
    path = tmp_path / "x.csv"
    assert writing.write(path, "csv", "表", ["a"], iter([["1"]]), mark=MARK) == 1
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    assert lines == [words, "a", "1"]


def test_a_watermark_is_not_alive_either() -> None:
    mark = Watermark("x", datetime(2018, 12, 1, tzinfo=UTC), "=1+1")
    assert str(mark).startswith("导出人")


@pytest.mark.parametrize("title", ["a/b", "a:b*c?[d]\\", "'x'", "", "长" * 60, "=1+1"])
def test_any_title_names_a_sheet(title: str, tmp_path: Path) -> None:
    with Book(tmp_path / "x.xlsx", title, ["a"]):
        pass
    assert openpyxl.load_workbook(tmp_path / "x.xlsx").active.title


def test_a_large_sheet_takes_little_memory(tmp_path: Path) -> None:
    import tracemalloc

    tracemalloc.start()
    rows = ([f"户{number}", number] for number in range(30_000))
    assert writing.write(tmp_path / "x.xlsx", "xlsx", "表", ["a", "b"], rows) == 30_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 12 * 1024**2
