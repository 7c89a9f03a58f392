"""Workbooks as other programs write them, and values as people write them."""

import zipfile
from collections.abc import Callable
from typing import Any

from tests.workbooks.packing import (
    MAIN,
    SHEET_PART,
    Forged,
    book,
    cell,
    letters,
    pack,
    parts,
    relations,
    row,
    sheet,
    workbook,
)
from tests.workbooks.should_pass.case import HEADS, Case

HEAD = row(1, HEADS)
ROWS = HEAD + row(2, ["8630", "张三", "a"])
READ = {2: ["8630", "张三", "a"]}
STYLES = (
    f'<styleSheet xmlns="{MAIN}"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>'
    "</styleSheet>"
)
XFS = '<xf numFmtId="0"/>' * 65_537
TWO = '<sheet name="一" sheetId="1" {}r:id="rId1"/><sheet name="二" sheetId="2" r:id="rId2"/>'
LINKS = relations(("worksheet", "worksheets/sheet1.xml"), ("worksheet", "worksheets/sheet2.xml"))
SINCE_1904 = book(before='<workbookPr date1904="1"/>')


def _third(inner: str, attributes: str = "", **more: Any) -> Callable[[], bytes]:
    """The third cell of the one row, as XML."""
    rows = f'{HEAD}<row r="2">{cell("A2", "8630")}{cell("B2", "张三")}<c r="C2" {attributes}>{inner}</c></row>'
    return lambda: workbook(rows, **more)


def _text(inner: str) -> Callable[[], bytes]:
    return _third(f"<is>{inner}</is>", 't="inlineStr"')


def _is(value: str, **more: Any) -> dict[str, Any]:
    return {"rows": {2: ["8630", "张三", value]}, **more}


def _second_sheet(first: str, state: str = "") -> bytes:
    return workbook(
        first,
        {"xl/worksheets/sheet2.xml": sheet(ROWS).encode()},
        book=book(TWO.format(state)),
        relations=LINKS,
    )


def _prefixed() -> bytes:
    rows = "".join(
        f'<x:row r="{number}">'
        + "".join(
            f'<x:c r="{letters(at)}{number}" t="str"><x:v>{value}</x:v></x:c>'
            for at, value in enumerate(values, 1)
        )
        + "</x:row>"
        for number, values in enumerate([HEADS, READ[2]], 1)
    )
    return workbook(
        sheet=f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData>{rows}</x:sheetData></x:worksheet>'
    )


def _without_references() -> bytes:
    rows = ""
    for values in [HEADS, READ[2]]:
        cells = "".join(f'<c t="str"><v>{value}</v></c>' for value in values)
        rows += f"<row>{cells}</row>"
    return workbook(rows)


def _apart() -> bytes:
    """One element a line, attributes in another order."""
    rows = "".join(
        f'<row\n  r="{number}"\n>\n'
        + "".join(
            f'<c\n t="inlineStr"\n  r = "{letters(at)}{number}" >\n<is>\n<t>{value}</t>\n</is>\n</c>\n'
            for at, value in enumerate(values, 1)
        )
        + "</row>\n"
        for number, values in enumerate([HEADS, READ[2]], 1)
    )
    return workbook(rows)


def _many_rows() -> bytes:
    """Large enough for the quick look; the last rows are empty but carry a format."""
    body = "".join(row(n, [f"{n}", "何梅德", f"{n * 7_919 % 99_991}"]) for n in range(2, 20_002))
    return workbook(HEAD + body + '<row r="1048576"><c r="C1048576" s="1"/></row>', styles=STYLES)


MANY = {n: [f"{n}", "何梅德", f"{n * 7_919 % 99_991}"] for n in range(2, 20_002)}

CASES = {
    "plain": Case(lambda: workbook(ROWS), READ, sheet="人员", sheets=("人员",)),
    "shared_strings": Case(
        _third(
            "<v>0</v>",
            't="s"',
            strings=f'<sst xmlns="{MAIN}"><si><r><t>甲</t></r><r><t>乙</t></r></si></sst>',
        ),
        **_is("甲乙"),
    ),
    "rich_text": Case(_text("<r><t>甲</t></r><r><rPr><b/></rPr><t>乙</t></r>"), **_is("甲乙")),
    "reading_of_a_name": Case(_text('<t>何</t><rPh sb="0" eb="1"><t>he</t></rPh>'), **_is("何")),
    "formula_is_its_result": Case(_third("<f>1+1</f><v>2</v>"), **_is("2")),
    "formula_of_a_text": Case(_third("<f>A2</f><v>甲</v>", 't="str"'), **_is("甲")),
    "formula_shared_by_the_whole_sheet": Case(
        _third('<f t="shared" ref="A1:XFD1048576" si="0">C1</f><v>7</v>'), **_is("7")
    ),
    "error_is_empty": Case(_third("<v>#N/A</v>", 't="e"'), **_is("")),
    "truth": Case(_third("<v>1</v>", 't="b"'), **_is("是")),
    "day_since_1900": Case(
        _third("<v>43100</v>", 's="1"', styles=STYLES), **_is("2017-12-31", kind="day")
    ),
    "bare_day_since_1900": Case(_third("<v>43100</v>"), **_is("2017-12-31", kind="day")),
    "day_since_1904": Case(
        _third("<v>41638</v>", 's="1"', styles=STYLES, book=SINCE_1904),
        **_is("2017-12-31", kind="day"),
    ),
    "bare_day_since_1904": Case(
        _third("<v>41638</v>", book=SINCE_1904), **_is("2017-12-31", kind="day")
    ),
    "month_is_no_serial_in_1904": Case(
        _third("<v>201712</v>", book=SINCE_1904), **_is("201712", kind="month")
    ),
    "day_as_iso": Case(
        _third("<v>2017-12-31T00:00:00</v>", 't="d"'), **_is("2017-12-31", kind="day")
    ),
    "ten_to_the_308": Case(_third("<v>1E308</v>"), **_is("1e+308")),
    "minus_zero": Case(_third("<v>-0</v>"), **_is("0")),
    "wide_digits": Case(_text("<t>１２３</t>"), **_is("123")),
    "letter_beyond_the_first_plane": Case(_text("<t>𠮷&#x20BB7;</t>"), **_is("𠮷𠮷")),
    "control_letters": Case(_text("<t>a_x0000_b&#9;c</t>"), **_is("ab\tc")),
    "backslashes": Case(_text(r"<t>a\N\t\\b</t>"), **_is(r"a\N\t\\b")),
    "text_in_cdata": Case(_text("<t><![CDATA[a<b&c]]></t>"), **_is("a<b&c")),
    "comment_in_a_text": Case(_text("<t>ab<!-- <c r='ZZZ1'/> -->cd</t>"), **_is("abcd")),
    "longest_text": Case(_text(f"<t>{'姓' * 32_767}</t>"), **_is("姓" * 32_767)),
    "longest_text_in_a_large_sheet": Case(
        lambda: workbook(
            HEAD
            + "".join(
                row(n, ["1", "何梅德", "x" * (32_000 if n == 5_000 else 9)])
                for n in range(2, 15_000)
            )
        ),
        {n: ["1", "何梅德", "x" * (32_000 if n == 5_000 else 9)] for n in range(2, 15_000)},
    ),
    "titles_above_merged": Case(
        lambda: workbook(
            sheet=sheet(
                row(1, ["贫困人员信息表"]) + row(3, HEADS) + row(4, READ[2]),
                after='<mergeCells count="1"><mergeCell ref="A1:C1"/></mergeCells>',
            )
        ),
        {4: READ[2]},
        header_row=2,
    ),
    "empty_rows_above": Case(
        lambda: workbook(row(5, HEADS) + row(6, READ[2]) + row(9, READ[2])),
        {6: READ[2], 9: READ[2]},
    ),
    "empty_columns_before": Case(
        lambda: workbook(
            "".join(
                f'<row r="{n}">{"".join(cell(f"{letters(at + 4)}{n}", v) for at, v in enumerate(vs))}</row>'
                for n, vs in ((1, HEADS), (2, READ[2]))
            )
        ),
        READ,
    ),
    "hidden_sheet_first": Case(
        lambda: _second_sheet(row(1, ["x"]), 'state="hidden" '), READ, sheet="二", sheets=("二",)
    ),
    "very_hidden_sheet_first": Case(
        lambda: _second_sheet(row(1, ["x"]), 'state="veryHidden" '), READ, sheet="二"
    ),
    "empty_sheet_first": Case(lambda: _second_sheet(""), READ, sheet="二", sheets=("二",)),
    "two_sheets_with_rows": Case(
        lambda: _second_sheet(ROWS), READ, sheet="一", sheets=("一", "二")
    ),
    "false_dimension": Case(
        lambda: workbook(sheet=sheet(ROWS, more='<dimension ref="A1:XFD1048576"/>')), READ
    ),
    "false_dimension_too_small": Case(
        lambda: workbook(sheet=sheet(ROWS, more='<dimension ref="A1"/>')), READ
    ),
    "format_down_to_the_last_row": Case(
        lambda: workbook(ROWS + '<row r="1048576"><c r="XFD1048576" s="1"/></row>', styles=STYLES),
        READ,
    ),
    "large_with_format_down_to_the_last_row": Case(_many_rows, MANY),
    "names_with_a_prefix": Case(_prefixed, READ),
    "cells_without_references": Case(_without_references, READ),
    "one_element_a_line": Case(_apart, READ),
    "mark_before_the_xml": Case(
        lambda: workbook(sheet=b"\xef\xbb\xbf" + sheet(ROWS).encode()), READ
    ),
    "declared_as_utf8": Case(
        lambda: workbook(sheet=sheet(ROWS, before="<?xml version='1.0' encoding='utf8'?>")), READ
    ),
    "not_packed": Case(lambda: pack(parts(ROWS), zipfile.ZIP_STORED), READ),
    "archive_with_a_comment": Case(lambda: Forged(parts(ROWS)).bytes(b"made by a program"), READ),
    "styles_beyond_65536": Case(
        lambda: workbook(
            ROWS,
            styles=f'<styleSheet xmlns="{MAIN}"><cellXfs>{XFS}</cellXfs></styleSheet>',
            extra={"xl/media/image1.png": b"\x89PNG" + bytes(range(256)) * 40},
        ),
        READ,
    ),
    "links_in_cells": Case(
        lambda: workbook(
            ROWS,
            {
                "xl/worksheets/_rels/sheet1.xml.rels": relations(
                    ("hyperlink", "http://example.org/"), outside=' TargetMode="External"'
                )
            },
        ),
        READ,
    ),
    "picture_beside_the_cells": Case(
        lambda: workbook(ROWS, {"xl/media/image1.png": b"\x89PNG\r\n\x1a\n" + bytes(range(256))}),
        READ,
    ),
    "workbook_called_csv": Case(lambda: workbook(ROWS), READ, "人员.csv"),
    "sheet_of_the_second_part": Case(
        lambda: pack(
            {
                (name if name != SHEET_PART else "xl/worksheets/a.xml"): content
                for name, content in parts(
                    ROWS, relations=relations(("worksheet", "/xl/worksheets/a.xml"))
                ).items()
            }
        ),
        READ,
    ),
}
