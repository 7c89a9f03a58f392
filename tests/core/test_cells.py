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


# --- every variant of registry §3-5 --------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "read"),
    [
        ("201812", "2018-12-01"),
        ("20181231", "2018-12-31"),
        ("2018/12/31", "2018-12-31"),
        ("2018/1/5", "2018-01-05"),
        ("2018年12月", "2018-12-01"),
        ("2018 年 12 月 31 日", "2018-12-31"),
        ("２０１８年１２月３１日", "2018-12-31"),
        ("2018-12-31", "2018-12-31"),
        ("2018-12", "2018-12-01"),
        ("'20181231", "2018-12-31"),
        ("\u00a02018-12-31\u3000", "2018-12-31"),
        (43465, "2018-12-31"),
        (43465.0, "2018-12-31"),
        (43465.75, "2018-12-31"),
        ("43465", "2018-12-31"),
        (201812.0, "2018-12-01"),
        (20181231, "2018-12-31"),
        (date(2018, 12, 31), "2018-12-31"),
        (datetime(2018, 12, 31, 8, 30), "2018-12-31"),  # noqa: DTZ001
    ],
)
def test_every_written_form_of_a_day(cell: Any, read: str) -> None:
    assert cells.day(cell) == (read, "")
    assert cells.month(cell) == (read[:7].replace("-", ""), "")


@pytest.mark.parametrize(
    "cell",
    # Short for a year and a month, or a serial: it says nothing for certain.
    [
        "20191",
        "20991",
        "2018",
        "201813",
        "20180230",
        "2018-02-30",
        "12-31",
        "昨天",
        "4.3E+04",
        True,
    ],
)
def test_what_is_no_day_is_said_to_be_none(cell: Any) -> None:
    assert cells.day(cell) == (cells.NULL, "not_a_date")


@pytest.mark.parametrize("start", [0, 1462])
def test_dates_of_a_workbook_that_counts_from_1904_are_read_alike(
    tmp_path: Any, start: int
) -> None:
    """The parser turns typed dates into dates, whichever day the workbook counts from."""
    import openpyxl
    from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900
    from python_calamine import CalamineWorkbook

    book = openpyxl.Workbook()
    book.epoch = CALENDAR_MAC_1904 if start else CALENDAR_WINDOWS_1900
    book.active.append([date(2018, 12, 31)])
    book.save(tmp_path / "a.xlsx")
    ((cell,),) = CalamineWorkbook.from_path(tmp_path / "a.xlsx").get_sheet_by_index(0).to_python()
    assert cells.day(cell) == ("2018-12-31", "")


@pytest.mark.parametrize(
    ("cell", "read"),
    [
        ("是", "t"), ("否", "f"), ("有", "t"), ("无", "f"), (" 是 ", "t"), ("", cells.NULL),
        (None, cells.NULL), ("\u3000", cells.NULL), (True, "t"), (False, "f"), ("１", "t"), (0.0, "f"),
    ],
)  # fmt: skip
def test_yes_no_in_every_wording(cell: Any, read: str) -> None:
    assert cells.yes_no(cell) == (read, "")


def test_further_words_answer_where_a_list_says_so() -> None:
    read, remembered = cells.make("yes_no", {"words": {"农村低保": "t", "未享受": "f"}})
    assert remembered
    assert [read(cell) for cell in ("农村低保", "未享受", "是", "", "城市")] == [
        ("t", ""), ("f", ""), ("t", ""), (cells.NULL, ""), (cells.NULL, "not_yes_no"),
    ]  # fmt: skip


@pytest.mark.parametrize("joint", [",", "，", "、", ";", "；", "/", " 、 "])
def test_several_health_values_in_either_order(joint: str) -> None:
    assert SETS(f"残疾{joint}长期慢性病") == ("{04,02}", "")
    assert SETS(f"长期慢性病{joint}残疾") == ("{02,04}", "")
    assert SETS(f"04{joint}长期慢性病") == ("{04,02}", "")


@pytest.mark.parametrize(
    ("cell", "read"),
    [
        ("1,234,567.8", "1234567.80"), ("１，２３４．５", "1234.50"), ("1，234", "1234.00"), (" 12 ", "12.00"),
        ("12\u00a0345", "12345.00"), ("0", "0.00"), (1234567, "1234567.00"), (0.1 + 0.2, "0.30"),
    ],
)  # fmt: skip
def test_amounts_with_separators_and_wide_digits(cell: Any, read: str) -> None:
    assert MONEY(cell) == (read, "")


@pytest.mark.parametrize("cell", ["1.2E+05", "1.2e5", "约3000", "3000-4000", "\uff11.2\uff25+05"])
def test_amounts_in_scientific_notation_or_words_are_refused(cell: str) -> None:
    assert MONEY(cell) == (cells.NULL, "not_a_number")


@pytest.mark.parametrize(
    ("cell", "read"),
    [
        ("8.63E+13", ("", "lost_digits")),
        ("8.63e13", ("", "lost_digits")),
        ("\uff18.63\uff25+13", ("", "lost_digits")),
        (8.63e13, ("86300000000000", "")),
        (86300000000001, ("86300000000001", "")),
        (863000000000012345, ("", "lost_digits")),
        ("\u201886300000000001", ("86300000000001", "blanks")),
        ("'86300000000001", ("86300000000001", "blanks")),
        ("86300\u200b000000001", ("86300000000001", "blanks")),
        ("86300\u00a0000000001", ("86300000000001", "blanks")),
        ("\uff41\uff4212", ("AB12", "blanks")),
    ],
)
def test_long_numbers_keep_their_digits_or_are_refused(cell: Any, read: cells.Read) -> None:
    assert cells.identifier(cell) == read


def _resident(first17: str) -> str:
    return first17 + idnumbers.check_digit(first17)


@pytest.mark.parametrize(
    ("cell", "text", "fault"),
    [
        ("990324700101001", _resident("99032419700101001"), "upgraded"),
        (_resident("99032419700101001"), _resident("99032419700101001"), ""),
        (_resident("99032419700101001") + "44", _resident("99032419700101001") + "44", ""),
        (_resident("99032419700101001") + "11B1", _resident("99032419700101001") + "11B1", ""),
        (
            _resident("99032419700101001") + "84",
            _resident("99032419700101001") + "84",
            "certificate",
        ),
        ("999999197001010018", "999999197001010018", "no_number"),
        (9.9032419700101e17, "", "lost_digits"),
        (990324700101001.0, "", "lost_digits"),
        ("9.90324E+17", "", "lost_digits"),
    ],
)
def test_document_numbers_of_every_length(cell: Any, text: str, fault: str) -> None:
    assert cells.id_number(cell) == (text, fault)


@pytest.mark.parametrize(
    ("cell", "read"),
    [
        ("阿依古丽·买买提", ("阿依古丽·买买提", "")),
        ("阿依古丽•买买提", ("阿依古丽·买买提", "blanks")),
        ("阿依古丽・买买提", ("阿依古丽·买买提", "blanks")),
        ("阿依古丽‧买买提", ("阿依古丽·买买提", "blanks")),
        ("何𬀩𬭎", ("何𬀩𬭎", "")),
        ("𠮷田•𠮷", ("𠮷田·𠮷", "blanks")),
        ("䶮", ("䶮", "")),
        ("\u200b何梅德\ufeff", ("何梅德", "blanks")),
        ("何梅德\u00a0", ("何梅德", "blanks")),
        ("何\t梅\n德", ("何\\t梅\\n德", "")),
        ("•待核实", ("•待核实", "")),
    ],
)
def test_names_with_rare_characters_dots_and_unseen_blanks(cell: str, read: cells.Read) -> None:
    assert cells.text(cell) == read


def test_rare_characters_pass_the_child_unharmed(tmp_path: Any) -> None:
    lines = list(
        reader.convert([["何𬀩•𬭎", "'8630"]], [
            {"index": 0, "name": "name", "kind": "text"},
            {"index": 1, "name": "household_no", "kind": "identifier"},
        ], 2)
    )  # fmt: skip
    (raws, rows), *_ = lines
    assert "何𬀩•𬭎" in raws[0]
    assert rows[0].rstrip("\n").split("\t")[-2:] == ["何𬀩·𬭎", "8630"]
