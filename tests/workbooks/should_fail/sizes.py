"""Small files that become large where they are read."""

from tests.workbooks.packing import (
    MAIN,
    SHEET_PART,
    Forged,
    cell,
    parts,
    relations,
    row,
    sheet,
    workbook,
)
from tests.workbooks.should_fail.archives import ROWS
from tests.workbooks.should_fail.case import Case
from tests.workbooks.should_fail.kinds import compound, old_workbook, stream_of, with_record

CORNER = row(1, [1]) + f'<row r="1048576">{cell("XFD1048576", 1)}</row>'


def _strings(count: int) -> bytes:
    """Texts that no cell names: packed a thousand times smaller, so most of it is noise that packs ill."""
    import random

    noise = random.Random(1).randbytes(count // 8).hex()
    return f'<sst xmlns="{MAIN}">{"<si><t/></si>" * count}<si><t>{noise[:30_000]}</t></si></sst>'.encode()


def _ballast(size: int) -> dict[str, bytes]:
    """A picture that packs ill, so that the rest may pack well."""
    import random

    return {"xl/media/image1.png": b"\x89PNG" + random.Random(2).randbytes(size)}


def _cell_of_300_mb() -> bytes:
    archive = Forged(parts(sheet=None) | _ballast(200_000))
    before, after = sheet(row(1, ["|"])).encode().split(b"|")
    archive.repeat(SHEET_PART, before, b"x" * 1_000_000, 300, after)
    return archive.bytes()


def _one_long_text_in_every_cell() -> bytes:
    """2 GB in the parser's memory, of 60,000 cells and one text: within every limit of its own."""

    def row_of(number: int) -> str:
        cells = [f'<c r="{at}{number}" t="s"><v>0</v></c>' for at in "ABCDEFGHIJ"]
        return f'<row r="{number}">{"".join(cells)}</row>'

    strings = f'<sst xmlns="{MAIN}"><si><t>{"x" * 32_000}</t></si></sst>'
    links = relations(
        ("worksheet", "worksheets/sheet1.xml"), ("sharedStrings", "sharedStrings.xml")
    )
    rows = "".join(map(row_of, range(1, 6_001)))
    return workbook(rows, _ballast(50_000), strings=strings, relations=links)


def _wide(count: int) -> str:
    return f'<row r="1">{"<c><v>1</v></c>" * count}</row>'


def _far_cell_of_old() -> bytes:
    """A number in the last row and a column far beyond the last."""
    import struct

    stream = bytearray(stream_of(old_workbook()))
    record = struct.pack("<HHHHHd", 0x0203, 14, 65_535, 65_535, 15, 1.0)
    end = stream.rindex(b"\x0a\x00\x00\x00")
    return compound({"Workbook": bytes(stream[:end]) + record + bytes(stream[end:])})


CASES = {
    "corner": Case("rows", lambda: workbook(CORNER)),
    "corner_without_references": Case(
        "rows", lambda: workbook(row(1, [1]) + '<row r="1048576"><c><v>1</v></c></row>')
    ),
    "corner_behind_a_long_tag": Case(
        "rows",
        lambda: workbook(f'{row(1, [1])}<row a="{"x" * 400}" r="1048576"><c><v>1</v></c></row>'),
    ),
    "corner_in_small_letters": Case("columns", lambda: workbook(f"<row>{cell('xfd9', 1)}</row>")),
    "corner_within_limits": Case(
        "area", lambda: workbook(row(1, [1]) + f'<row r="900000">{cell("KA900000", 1)}</row>')
    ),
    "far_row_of_a_sheet_with_a_prefix": Case(
        "rows",
        lambda: workbook(
            sheet=f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData><x:row r="1048576"><x:c><x:v>1</x:v>'
            "</x:c></x:row></x:sheetData></x:worksheet>"
        ),
    ),
    "far_column": Case("columns", lambda: workbook(f'<row r="1">{cell("XFD1", 1)}</row>')),
    "column_301": Case("columns", lambda: workbook(f'<row r="1">{cell("KO1", 1)}</row>')),
    "columns_without_references": Case("columns", lambda: workbook(_wide(16_384))),
    "far_row_behind_a_city": Case(
        "rows",
        lambda: workbook(
            "".join(row(n, [n * 7_919 % 99_991, "何梅德"]) for n in range(1, 40_000))
            + f'<row r="1048576">{cell("A1048576", 1)}</row>'
        ),
    ),
    "far_column_behind_a_city": Case(
        "columns",
        lambda: workbook(
            "".join(row(n, [n * 7_919 % 99_991, "何梅德"]) for n in range(1, 40_000))
            + f'<row r="40000">{cell("XFD40000", 1)}</row>'
        ),
    ),
    "cell_of_300_mb": Case("cell", _cell_of_300_mb),
    "cell_of_32768": Case("cell", lambda: workbook(row(1, ["姓" * 32_768]))),
    "cell_of_many_runs": Case(
        "cell",
        lambda: workbook(
            f'<row r="1"><c r="A1" t="inlineStr"><is>{"<r><t>ab</t></r>" * 20_000}</is></c></row>'
        ),
    ),
    "string_of_many_runs": Case(
        "cell",
        lambda: workbook(
            '<row r="1"><c r="A1" t="s"><v>0</v></c></row>',
            strings=f'<sst xmlns="{MAIN}"><si>{"<r><t>ab</t></r>" * 200_000}</si></sst>',
            extra=_ballast(20_000),
        ),
    ),
    "three_million_strings": Case(
        "strings", lambda: workbook(ROWS, _ballast(200_000), strings=_strings(3_000_000))
    ),
    "one_long_text_in_every_cell": Case("memory", _one_long_text_in_every_cell),
    "xls_far_cell": Case("parser", _far_cell_of_old, "导出.xls"),
    "xls_record_beyond_the_end": Case(
        "damaged",
        lambda: compound({"Workbook": stream_of(with_record(0x31, b"\x00" * 60))[:900]}),
        "导出.xls",
    ),
}
