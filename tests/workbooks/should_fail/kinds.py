"""What is no workbook, or a workbook of a kind that is not read, under whatever name."""

import io
import struct
from functools import cache

import xlwt

from tests.workbooks import build, family
from tests.workbooks.packing import PACKAGE, pack, relations, types, workbook
from tests.workbooks.should_fail.archives import ROWS
from tests.workbooks.should_fail.case import Case

SECTOR = 512
FREE, END, FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def compound(streams: dict[str, bytes], chain: dict[int, int] | None = None) -> bytes:
    """A compound file of some streams; `chain` overwrites places of its allocation table."""
    bodies, table, entries = b"", [], []
    for stream in streams.values():
        # Short streams would live elsewhere; these are long.
        content = stream.ljust(max(4096, -(-len(stream) // SECTOR) * SECTOR), b"\x00")
        entries.append((len(table), len(content)))
        count = len(content) // SECTOR
        table += [*range(len(table) + 1, len(table) + count), END]
        bodies += content
    directory = _entry("Root Entry", 5, END, 0, 1 if streams else FREE)
    for at, (name, (start, size)) in enumerate(zip(streams, entries, strict=True), 1):
        directory += _entry(name, 2, start, size, FREE, at + 1 if at < len(streams) else FREE)
    directory += b"\x00" * (-len(directory) % SECTOR)
    at_directory = len(table)
    count = len(directory) // SECTOR
    table += [*range(at_directory + 1, at_directory + count), END]
    sectors = 1
    while (len(table) + sectors) > sectors * 128:
        sectors += 1
    at_table = len(table)
    table += [FAT] * sectors
    for place, value in (chain or {}).items():
        table[place] = value
    table += [FREE] * (sectors * 128 - len(table))
    places = [*range(at_table, at_table + sectors)]
    header = struct.pack(
        "<8s16sHHHHH6sLLLLLLLLLL", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"", 0x3E, 3, 0xFFFE, 9, 6,
        b"", 0, sectors, at_directory, 0, 4096, END, 0, END, 0, FREE,
    )[:76]  # fmt: skip
    header += struct.pack("<109L", *places, *[FREE] * (109 - len(places)))
    return header + bodies + directory + struct.pack(f"<{len(table)}L", *table)


def _entry(name: str, kind: int, start: int, size: int, child: int, right: int = FREE) -> bytes:
    text = (name + "\x00").encode("utf-16-le")
    return struct.pack(
        "<64sHBBLLL16sLQQLQ",
        text,
        len(text),
        kind,
        1,
        FREE,
        right,
        child,
        b"",
        0,
        0,
        0,
        start,
        size,
    )


@cache
def old_workbook(rows: int = 2) -> bytes:
    """A sound .xls with the rows of one family."""
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("人员")
    people = [one for number in range(1, rows // 2 + 1) for one in family(number)]
    for at, head in enumerate(people[0]):
        sheet.write(0, at, head)
        for number, person in enumerate(people, 1):
            sheet.write(number, at, person[head])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def stream_of(content: bytes) -> bytes:
    """The workbook inside a compound file."""
    import olefile

    with olefile.OleFileIO(io.BytesIO(content)) as file:
        stream: bytes = file.openstream("Workbook").read()
        return stream


def with_record(number: int, body: bytes) -> bytes:
    """The sound .xls with one more record right behind its first."""
    stream = stream_of(old_workbook())
    first = 4 + struct.unpack_from("<H", stream, 2)[0]
    record = struct.pack("<HH", number, len(body)) + body
    return compound({"Workbook": stream[:first] + record + stream[first:]})


def _cyclic() -> bytes:
    """The chain of the workbook's sectors comes back to itself and never ends."""
    stream = stream_of(old_workbook(40))
    return compound({"Workbook": stream}, {len(stream) // SECTOR // 2: 0})


def _cyclic_directory() -> bytes:
    content = bytearray(old_workbook())
    sector = struct.unpack_from("<L", content, 48)[0]
    fat = struct.unpack_from("<L", content, 76)[0]
    at = (fat + 1) * SECTOR + 4 * sector
    struct.pack_into("<L", content, at, sector)
    return bytes(content)


def _biff5() -> bytes:
    stream = bytearray(stream_of(old_workbook()))
    struct.pack_into("<H", stream, 4, 0x0500)
    return compound({"Book": bytes(stream)})


def _main(kind: str) -> bytes:
    return types(f"application/vnd.{kind}.main+xml")


EXTERNAL = ' TargetMode="External"'
HTML = "<html xmlns:x='urn:schemas-microsoft-com:office:excel'><table><tr><td>户编号</td></tr></table></html>"
LINK = {"xl/externalLinks/externalLink1.xml": b"<externalLink/>"}

CASES = {
    "empty_file": Case("empty", lambda: b""),
    "word_document": Case(
        "format",
        lambda: workbook(
            ROWS, types=_main("openxmlformats-officedocument.wordprocessingml.document")
        ),
    ),
    "just_an_archive": Case("format", lambda: pack({"a": b"just a zip"})),
    "java_archive": Case("format", lambda: pack({"META-INF/MANIFEST.MF": b"a jar"})),
    "list_of_parts_is_no_xml": Case("format", lambda: workbook(ROWS, types=b"\x07" * 100)),
    "type_in_a_comment_only": Case(
        "format",
        lambda: workbook(
            ROWS, types=b'<Types xmlns="%s"><!-- %s --></Types>' % (PACKAGE.encode(), types()[60:])
        ),
    ),
    "picture": Case("format", lambda: b"\x89PNG\r\n\x1a\n a picture", "照片.png"),
    "photo_called_workbook": Case("format", lambda: b"\xff\xd8\xff\xe0 a photo"),
    "pdf_called_workbook": Case("format", lambda: b"%PDF-1.7\n"),
    "program_called_workbook": Case("format", lambda: b"MZ\x90\x00\x03"),
    "rich_text": Case("format", lambda: b"{\\rtf1\\ansi }"),
    "noise": Case("format", lambda: bytes(range(1, 256)) * 40),
    "page_called_xls": Case("html", HTML.encode, "导出.xls"),
    "page_in_gbk": Case("html", lambda: b"\r\n  " + HTML.encode("gbk"), "导出.xls"),
    "page_with_mark": Case("html", lambda: b"\xef\xbb\xbf" + HTML.encode(), "导出.xls"),
    "old_xml_table": Case(
        "html", lambda: b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:x"/>'
    ),
    "mail_archive_called_xls": Case("html", lambda: b"MIME-Version: 1.0\r\nX: 1", "导出.xls"),
    "binary_workbook": Case(
        "xlsb",
        lambda: workbook(
            ROWS, types=types("application/vnd.ms-excel.sheet.binary.macroEnabled.main")
        ),
        "导出.xlsb",
    ),
    "open_document": Case(
        "ods",
        lambda: pack({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "a": b""}),
        "导出.ods",
    ),
    "password": Case(
        "encrypted",
        lambda: compound({"EncryptionInfo": b"\x04\x00\x04\x00", "EncryptedPackage": b"x" * 5000}),
    ),
    "xls_password": Case("encrypted", lambda: with_record(0x2F, b"\x01\x00" * 20), "导出.xls"),
    "xls_of_excel_95": Case("old", _biff5, "导出.xls"),
    "xls_of_excel_4": Case("old", lambda: b"\x09\x04\x06\x00\x00\x00\x10\x00" * 9, "导出.xls"),
    "word_97": Case("format", lambda: compound({"WordDocument": b"x" * 5000}), "导出.xls"),
    "xls_macros": Case(
        "active",
        lambda: compound({"Workbook": stream_of(old_workbook()), "_VBA_PROJECT_CUR": b"x"}),
        "导出.xls",
    ),
    "xls_macro_sheet": Case(
        "active", lambda: with_record(0x85, b"\x00\x00\x00\x00\x00\x01\x01\x00a"), "导出.xls"
    ),
    "xls_external_link": Case(
        "active", lambda: with_record(0x1AE, b"\x01\x00\x05\x00\x00a.xls"), "导出.xls"
    ),
    "xls_cyclic_chain": Case("damaged", _cyclic, "导出.xls"),
    "xls_cyclic_directory": Case("damaged", _cyclic_directory, "导出.xls"),
    "xls_truncated": Case("damaged", lambda: old_workbook()[:3000], "导出.xls"),
    "xls_only_a_head": Case("damaged", lambda: b"\xd0\xcf\x11\xe0 an old workbook", "导出.xls"),
    "macros": Case("active", lambda: workbook(ROWS, {"xl/vbaProject.bin": b"macro"})),
    "macros_under_another_name": Case(
        "active", lambda: workbook(ROWS, types=types("application/vnd.ms-office.vbaProject"))
    ),
    "macro_workbook": Case(
        "active",
        lambda: workbook(ROWS, types=types("application/vnd.ms-excel.sheet.macroEnabled.main+xml")),
    ),
    "external_link": Case("active", lambda: workbook(ROWS, LINK)),
    "external_link_by_another_name": Case(
        "active",
        lambda: workbook(
            ROWS,
            relations=relations(
                ("worksheet", "worksheets/sheet1.xml"), ("externalLink", "other/a.xml")
            ),
        ),
    ),
    "picture_from_elsewhere": Case(
        "active",
        lambda: workbook(
            ROWS,
            {
                "xl/drawings/_rels/drawing1.xml.rels": relations(
                    ("image", "http://tracker.example/a.png"), outside=EXTERNAL
                )
            },
        ),
    ),
    "embedded_object": Case("active", lambda: workbook(ROWS, {"xl/embeddings/ole1.bin": b"x"})),
    "sheet_under_a_pictures_name": Case(
        "markup",
        lambda: workbook(
            relations=relations(("worksheet", "media/image1.png")),
            extra={"xl/media/image1.png": parts_sheet()},
        ),
    ),
    "cut_in_the_middle_of_a_family": Case("damaged", lambda: build(family(1))[:-600]),
}


def parts_sheet() -> bytes:
    from tests.workbooks.packing import sheet

    return sheet(ROWS).encode()
