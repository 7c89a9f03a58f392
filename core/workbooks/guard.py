"""A workbook from outside is hostile until proven: what is looked at before and while parsing.

The parser runs in a child with limits of its own (`core.workbooks.reader`); this module refuses
what needs no parser to be refused, by size, archive directory and a streaming look at the XML.
"""

import re
import zipfile
from collections.abc import Callable
from pathlib import Path

MAX_FILE = 200 * 1024 * 1024
MAX_UNPACKED = 2 * 1024**3
MAX_ENTRIES = 400
MAX_RATIO = 300
MAX_ROWS = 1_000_000
MAX_COLUMNS = 300
# What the parsing child may use. A full city of 25 columns needs about 1.2 GB.
PARSER_MEMORY = 1_900 * 1024**2
PARSER_CPU_SECONDS = 240

# Both begin with letters to look for, so that a city's 650 MB of XML take seconds. They may take a
# harmless attribute for a cell; what is written to slip past them dies by the parser's own limits.
_ROW = re.compile(rb"""row[^>]{0,200}?\br=["'](\d+)""")
_FAR_COLUMN = re.compile(rb"""r=["']([A-Z]{3,})(\d+)["']""")
_TYPES = "[Content_Types].xml"
_WORKBOOK = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
_ACTIVE_TYPES = (b"macroEnabled", b"ms-office.vbaProject", b"ms-office.activeX")
# First bytes of archives, old office files, programs and documents that have no place in a workbook.
_FOREIGN = (
    b"PK\x03\x04", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\xd0\xcf\x11\xe0",
    b"MZ", b"\x7fELF", b"%PDF",
)  # fmt: skip
_BAD_PARTS = ("vbaproject.bin", "externallinks/", "activex/", "embeddings/")


class RefusedError(Exception):
    """The file is refused; `code` is stable, the text tells a clerk what to do."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def inspect_archive(path: Path) -> None:
    """Refuse by file size, magic and archive directory, without unpacking anything."""
    size = path.stat().st_size
    if size == 0:
        raise RefusedError("empty", "文件是空的，请重新导出后再上传。")
    if size > MAX_FILE:
        raise RefusedError("size", f"文件超过 {MAX_FILE // 1024**2} MB，请按县拆分后分别导入。")
    with path.open("rb") as file:
        magic = file.read(4)
    if magic != b"PK\x03\x04":
        raise RefusedError(
            "format", "不是 XLSX 工作簿。请在 Excel 或 WPS 中另存为 .xlsx 后再上传。"
        )
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _inspect_entries(entries, size)
            _inspect_contents(archive, entries)
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError) as error:
        raise RefusedError("damaged", "文件已损坏，无法打开，请重新导出后再上传。") from error
    except Exception as error:
        # zlib's own error is no subclass of any of these, nor can its class be named without it.
        if type(error).__module__ == "zlib":
            raise RefusedError("damaged", "文件已损坏，无法打开，请重新导出后再上传。") from error
        raise


def _inspect_entries(entries: list[zipfile.ZipInfo], size: int) -> None:
    if len(entries) > MAX_ENTRIES:
        raise RefusedError("entries", "工作簿内部文件过多，疑似异常文件，已拒绝。")
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MAX_UNPACKED or unpacked > MAX_RATIO * max(size, 64 * 1024):
        raise RefusedError("unpacked", "工作簿解压后过大，疑似异常文件，已拒绝。")
    for entry in entries:
        name = entry.filename.lower()
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise RefusedError(
                "damaged", "文件的压缩方式不受支持，请在 Excel 或 WPS 中另存后再上传。"
            )
        if entry.flag_bits & 0x1:
            raise RefusedError("encrypted", "工作簿已加密，请去除密码后再上传。")
        if any(part in name for part in _BAD_PARTS):
            raise RefusedError("active", "工作簿含有宏、外部链接或嵌入对象，请另存为普通 .xlsx。")
        if name.endswith((".zip", ".xlsx", ".xlsm")):
            raise RefusedError("nested", "工作簿内含压缩包，已拒绝。")


def _inspect_contents(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> None:
    """What the file is, told by its contents and not by any name."""
    names = [entry.filename for entry in entries]
    if len({name.lower() for name in names}) != len(names):
        # Two parts of one name: what is looked at here need not be what the parser reads.
        raise RefusedError("twice", "工作簿内部文件重名，疑似异常文件，已拒绝。")
    if any(name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", name) for name in names):
        raise RefusedError("path", "工作簿内部路径异常，疑似恶意文件，已拒绝。")
    types = _first_bytes(archive, _TYPES, 1024 * 1024) if _TYPES in names else b""
    if any(active in types for active in _ACTIVE_TYPES):
        raise RefusedError("active", "工作簿含有宏、外部链接或嵌入对象，请另存为普通 .xlsx。")
    if _WORKBOOK not in types:
        raise RefusedError(
            "format", "不是 XLSX 工作簿。请在 Excel 或 WPS 中另存为 .xlsx 后再上传。"
        )
    for name in names:
        if not name.endswith("/") and _first_bytes(archive, name, 8).startswith(_FOREIGN):
            raise RefusedError("nested", "工作簿内含压缩包或其他文件，已拒绝。")


def _first_bytes(archive: zipfile.ZipFile, name: str, count: int) -> bytes:
    with archive.open(name) as part:
        return part.read(count)


def inspect_xml(path: Path, *, alive: Callable[[], None] = lambda: None) -> None:
    """Stream through every XML part: no DTD, rows and columns within limits.

    `alive` is called about once per 16 MB, so that a caller can show progress or stop.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if entry.filename.lower().endswith((".xml", ".rels", ".vml")):
                    _inspect_part(archive, entry, alive)
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError) as error:
        raise RefusedError("damaged", "文件已损坏，无法打开，请重新导出后再上传。") from error
    except Exception as error:
        if type(error).__module__ == "zlib":
            raise RefusedError("damaged", "文件已损坏，无法打开，请重新导出后再上传。") from error
        raise


def _inspect_part(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, alive: Callable[[], None]
) -> None:
    is_sheet = "worksheets/" in entry.filename.lower()
    tail = b""
    seen = 0
    with archive.open(entry) as part:
        while chunk := part.read(16 * 1024 * 1024):
            seen += len(chunk)
            if seen > entry.file_size:
                raise RefusedError("unpacked", "工作簿解压后过大，疑似异常文件，已拒绝。")
            block = tail + chunk
            if b"<!DOCTYPE" in block or b"<!ENTITY" in block:
                raise RefusedError("dtd", "工作簿内含文档类型声明，疑似恶意文件，已拒绝。")
            if is_sheet:
                _inspect_cells(block)
            tail = block[-256:]
            alive()


def _inspect_cells(block: bytes) -> None:
    last = None
    # Rows ascend in a sound file, but only the largest matters and a forged one may stand anywhere.
    for last in _ROW.finditer(block):
        if len(last[1]) > 7 or int(last[1]) > MAX_ROWS + 10:
            raise RefusedError("rows", f"行数超过 {MAX_ROWS:,} 行，请按县拆分后分别导入。")
    for far in _FAR_COLUMN.finditer(block):
        if _column(far[1]) > MAX_COLUMNS or int(far[2]) > MAX_ROWS + 10:
            raise RefusedError("columns", f"列数超过 {MAX_COLUMNS} 列，请删去多余的列。")


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
