"""Reading cells: every form seen in exports, and that no digit is ever lost."""

from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import ric

from core import idnumbers
from core.workbooks import cells, reader

LABELS = {"健康": "01", "长期慢性病": "02", "残疾": "04", "04": "04"}
SETS = cells.coded_set(LABELS)
MONEY = cells.amount(14, 2)


@pytest.mark.parametrize(
    ("cell", "read"),
    [
        ("86300000000001", ("86300000000001", "")),
        (86300000000001.0, ("86300000000001", "")),
        ("8.63E+13", ("", "lost_digits")),
        (9.9032419700101e17, ("", "lost_digits")),
        (1.5, ("", "lost_digits")),
        (" 8630 0000", ("86300000", "blanks")),
        ("８６３０", ("8630", "blanks")),
        ("'8630", ("8630", "blanks")),
        ("", ("", "")),
        (None, ("", "")),
    ],
)
def test_identifier(cell: Any, read: cells.Read) -> None:
    assert cells.identifier(cell) == read


@pytest.mark.parametrize(
    ("cell", "read"),
    [
        ("健康", ("{01}", "")),
        ("残疾,长期慢性病", ("{04,02}", "")),
        ("长期慢性病、残疾", ("{02,04}", "")),
        ("残疾、残疾", ("{04}", "")),
        ("", ("{}", "")),
        ("残疾、懒", ("{}", "unknown_label")),
    ],
)
def test_coded_set(cell: str, read: cells.Read) -> None:
    assert SETS(cell) == read


@pytest.mark.parametrize(
    ("cell", "read"),
    [
        ("3219.50", "3219.50"), ("3,219.5", "3219.50"), ("３２１９", "3219.00"), (3219.5, "3219.50"),
        ("-12.345元", "-12.34"), ("", cells.NULL), (1e7, "10000000.00"),
    ],
)  # fmt: skip
def test_amount(cell: Any, read: str) -> None:
    assert MONEY(cell) == (read, "")


@pytest.mark.parametrize("cell", ["三千", "1.2.3", "1e5", "--1", "NaN", "∞"])
def test_no_amount(cell: str) -> None:
    assert MONEY(cell) == (cells.NULL, "not_a_number")


@pytest.mark.parametrize("cell", ["99999999999999", 1e15])
def test_amount_too_large(cell: Any) -> None:
    assert MONEY(cell) == (cells.NULL, "too_large")


@pytest.mark.parametrize(
    "cell",
    ["2018-12-31", "2018/12/31", "20181231", "2018年12月31日", "2018.12.31", 43465.0, date(2018, 12, 31),
     datetime(2018, 12, 31), "2018-12-31 00:00:00"],  # noqa: DTZ001
)  # fmt: skip
def test_day(cell: Any) -> None:
    assert cells.day(cell) == ("2018-12-31", "")


@pytest.mark.parametrize(("cell", "read"), [("201812", "2018-12-01"), ("2018年12月", "2018-12-01")])
def test_month_as_a_day(cell: str, read: str) -> None:
    assert cells.day(cell) == (read, "")


@pytest.mark.parametrize("cell", ["2018-02-30", "昨天", "20181332", "1", 5.0])
def test_no_day(cell: Any) -> None:
    assert cells.day(cell) == (cells.NULL, "not_a_date")


@pytest.mark.parametrize(
    ("cell", "read"),
    [
        ("是", "t"),
        ("有", "t"),
        ("否", "f"),
        ("无", "f"),
        ("", cells.NULL),
        (True, "t"),
        (1.0, "t"),
        (" 是 ", "t"),
    ],
)
def test_yes_no_missing(cell: Any, read: str) -> None:
    assert cells.yes_no(cell) == (read, "")


@given(st.text())
def test_copy_lines_stay_lines(text: str) -> None:
    escaped = cells.escape(text)
    assert not set(escaped) & {"\t", "\n", "\r", "\0"}
    assert cells.unescape(escaped) == text.replace("\0", "")


@given(st.integers(0, 10**17 - 1).map(lambda n: f"{n:017d}"))
def test_check_digit_agrees_with_the_library(first17: str) -> None:
    assert idnumbers.check_digit(first17) == ric.calc_check_digit(first17 + "0")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("11010519491231002X", ""), ("990324197001010013", "checksum"), ("99032419700101001", "length"),
        ("410399500101001", "upgraded"), ("41039919500101001442", ""), ("41039919500101001442B1", ""),
        ("41039919500101001485", "certificate"), ("41039919500101001445", "certificate"),
        ("999999195001010018", "no_number"), ("41039919850229002X", "birth_date"), ("", "blank"),
        ("1101051949123100AX", "letters"),
    ],
)  # fmt: skip
def test_numbers(text: str, fault: str) -> None:
    assert idnumbers.read(text).fault == fault


@pytest.mark.parametrize(
    ("cell", "columns", "fault"),
    [
        ("11010519491231002X", "11010519491231002X\t1949-12-31\t02\tf", ""),
        ("41039919500101001442", "41039919500101001442\t1950-01-01\t01\tt", ""),
        ("410399500101001", "410399195001010014\t1950-01-01\t01\tf", "upgraded"),
        ("999999195001010018", "999999195001010018\t\\N\t\tf", "no_number"),
        ("990324197001010013", "990324197001010013\t\\N\t\tf", "checksum"),
        ("9" * 5 + "1" * 20, "9" * 5 + "1" * 20 + "\t\\N\t\tf", "length+too_long"),
        ("", "\t\\N\t\tf", "blank"),
        (4.10399e17, "\t\\N\t\tf", "lost_digits"),
    ],
)
def test_document_number_says_what_it_tells(cell: Any, columns: str, fault: str) -> None:
    read, remembered = cells.make("id_number", {"longest": 22})
    assert (read(cell), remembered) == ((columns, fault), False)


@pytest.mark.parametrize(
    ("cell", "fault"),
    [
        ("13900001234", ""), ("", ""), ("66310", "no_mobile"), ("1390000123 4", "blanks"),
        ("6631 0", "blanks+no_mobile"), ("1" * 31, "too_long+no_mobile"), ("4.1E+10", "lost_digits"),
    ],
)  # fmt: skip
def test_telephone_is_judged_where_it_can_be_read(cell: str, fault: str) -> None:
    read, _ = cells.make("identifier", {"longest": 30, "mobile": 1})
    assert read(cell)[1] == fault


def test_placeholder_with_odd_characters_is_no_number() -> None:
    assert idnumbers.read("999999-待补").fault == "letters"


def test_number_tells_birth_date_and_sex() -> None:
    number = idnumbers.read("11010519491231002X")
    assert (number.birth_date, number.sex, number.is_certificate) == (
        date(1949, 12, 31),
        "02",
        False,
    )


@given(st.text(alphabet="0123456789X", min_size=15, max_size=22))
def test_mask_shows_ten_characters_at_most(text: str) -> None:
    masked = idnumbers.mask(text)
    assert len(masked) == len(text)
    assert masked.count("*") >= len(text) - 10


def test_no_row_is_lost_between_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "CHUNK", 3)
    rows = [[str(number), ""] for number in range(10)]
    rows[4] = ["", ""]
    columns = [{"index": 0, "name": "n", "kind": "text"}]
    blocks = list(reader.convert(rows, columns, 2))
    for part in (0, 1):
        lines = [line for block in blocks for line in block[part]]
        assert [line.split("\t")[0] for line in lines] == [str(n + 2) for n in range(10) if n != 4]
