"""Workbooks in the national layouts, built row by row for one test."""

from io import BytesIO
from pathlib import Path
from typing import Any

from openpyxl import Workbook

from core.idnumbers import check_digit
from imports.catalog.recognising import _rows

P2018 = [row["header"] for row in _rows("layout_headers.csv") if row["layout"] == "P2018"]
P2017 = [row["header"] for row in _rows("layout_headers.csv") if row["layout"] == "P2017"]
H2022F = [row["header"] for row in _rows("layout_headers.csv") if row["layout"] == "H2022F"]


def id_number(serial: int, born: str = "19700101", region: str = "990324") -> str:
    """A number no person has: prefix 99, right check digit."""
    first17 = f"{region}{born}{serial:03d}"
    return first17 + check_digit(first17)


def member(serial: int, household: int = 1, **changes: Any) -> dict[str, Any]:
    """One row of a person export; `serial` makes the person, 1 is a head."""
    row = {
        "行政县": "栾川县",
        "乡镇": "城关镇",
        "行政村": "陈家门村",
        "户编号": f"8630000000{household:04d}",
        "人编号": f"8631000000{serial:04d}",
        "姓名": "何梅德",
        "证件号码": id_number(serial),
        "人数": "2",
        "与户主关系": "本人或户主" if serial % 2 else "配偶",
        "民族": "汉族",
        "文化程度": "初中",
        "健康状况": "健康",
        "劳动技能": "普通劳动力",
        "务工状况": "县外省内务工",
        "务工时间": "6",
        "参加大病医疗": "是",
        "脱贫属性": "未脱贫",
        "贫困户属性": "一般贫困户",
        "致贫原因": "因病",
        "危房户": "否",
        "是否解决安全饮用水": "是",
        "人均纯收入": "3219.50",
        "联系电话": "19900001111",
    }
    return row | changes


def family(household: int, **changes: Any) -> list[dict[str, Any]]:
    """A head and a spouse; persons of household n are 2n − 1 and 2n."""
    return [
        member(2 * household - 1, household, **changes),
        member(2 * household, household, **changes),
    ]


def build(
    rows: list[dict[str, Any]], headers: list[str] = P2018, titles: tuple[str, ...] = ()
) -> bytes:
    """The file's bytes; unknown keys of a row become further columns."""
    extra = [key for row in rows for key in row if key not in headers and key != "主要致贫原因"]
    columns = [*headers, *dict.fromkeys(extra)]
    book = Workbook()
    sheet = book.active
    for title in titles:
        sheet.append([title])
    sheet.append(columns)
    for row in rows:
        sheet.append([row.get(column) for column in columns])
    buffer = BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def save(folder: Path, rows: list[dict[str, Any]], **more: Any) -> Path:
    path = folder / "book.xlsx"
    path.write_bytes(build(rows, **more))
    return path
