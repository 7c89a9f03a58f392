"""Recognising a workbook by its column heads; layouts and synonyms are data."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.text import header_key
from households.catalog import facts, readings
from imports.models import HeaderSynonym, Layout, LayoutHeader

DATA = Path(__file__).parent.parent / "data"

# Fewer known heads than this and a row is not the head (rule IMP01).
MIN_KNOWN = 4
REGION_COLUMNS = {"county_code": "county", "town_code": "town", "village_code": "village"}
# Read, but not stored: they only confirm what the batch already says.
CONFIRMING = {"province_code", "city_code", "partition"}


@dataclass(frozen=True)
class Column:
    """A column of the file: its index (from 0), its head, and the fact it carries ('' when none)."""

    index: int
    header: str
    identifier: str


@dataclass(frozen=True)
class Recognised:
    layout: Layout
    header_row: int
    columns: list[Column]

    @property
    def unknown(self) -> list[str]:
        return [column.header for column in self.columns if column.header and not column.identifier]


class UnrecognisedError(Exception):
    """No layout fits; the text tells the clerk what was missing."""


def recognise(head: list[list[str]]) -> Recognised:
    """Choose the head row and the layout by known heads, never by position.

    `head` is the first rows of the sheet as text. Raises UnrecognisedError (rules IMP01, IMP02,
    IMP04) in words for a clerk.
    """
    synonyms = {
        header_key(header): identifier
        for header, identifier in HeaderSynonym.objects.values_list("header", "identifier")
    }
    known = [sum(header_key(cell) in synonyms for cell in row) for row in head]
    if not known or max(known) < MIN_KNOWN:
        raise UnrecognisedError(
            "找不到表头行：前几行中没有足够的已知列名。请保留国家系统导出文件的原表头。"
        )
    header_row = known.index(max(known))
    headers = head[header_row]
    layout = _best_layout({header_key(cell) for cell in headers if cell.strip()})
    own = {
        header_key(header): identifier
        for header, identifier in layout.headers.values_list("header", "identifier")
    }
    columns = [
        Column(index, cell.strip(), own.get(header_key(cell)) or synonyms.get(header_key(cell), ""))
        for index, cell in enumerate(headers)
    ]
    _refuse_ambiguous(columns)
    _refuse_incomplete(columns, layout)
    return Recognised(layout, header_row, columns)


def _best_layout(headers: set[str]) -> Layout:
    """The layout whose heads and the file's overlap most, by share of their union."""
    wanted: dict[str, set[str]] = {}
    for code, header in LayoutHeader.objects.values_list("layout_id", "header"):
        wanted.setdefault(code, set()).add(header_key(header))
    scored = {code: len(own & headers) / len(own | headers) for code, own in wanted.items()}
    best = max(sorted(scored), key=lambda code: scored[code])
    layout = Layout.objects.get(pk=best)
    if not layout.is_loadable:
        raise UnrecognisedError(
            f"识别为“{layout.title}”，不是户或人的登记表，请到对应的业务页面导入。"
        )
    return layout


def _refuse_ambiguous(columns: list[Column]) -> None:
    seen: dict[str, str] = {}
    for column in columns:
        if not column.identifier:
            continue
        if column.identifier in seen:
            raise UnrecognisedError(
                f"“{seen[column.identifier]}”和“{column.header}”两列对应同一指标，请删去一列后重新上传。"
            )
        seen[column.identifier] = column.header


def _refuse_incomplete(columns: list[Column], layout: Layout) -> None:
    present = {column.identifier for column in columns}
    required = {"household_no": "户编号", "village_code": "行政村"}
    if layout.grain == "person":
        required |= {"person_no": "人编号", "name": "姓名", "id_no": "证件号码"}
    missing = [label for identifier, label in required.items() if identifier not in present]
    if missing:
        raise UnrecognisedError(f"缺少必需的列：{'、'.join(missing)}。请补齐后重新上传。")


def read_specs(columns: list[Column]) -> list[dict[str, Any]]:
    """How the parsing child reads each known column."""
    specs = []
    known = facts()
    for column in columns:
        if column.identifier in REGION_COLUMNS or column.identifier in CONFIRMING:
            specs.append({"index": column.index, "name": column.identifier, "kind": "text"})
        elif fact := known.get(column.identifier):
            options: dict[str, Any] = dict(fact.options)
            if fact.table:
                options["labels"] = readings(fact.table)
            specs.append(
                {
                    "index": column.index,
                    "name": fact.identifier,
                    "kind": fact.kind,
                    "options": options,
                }
            )
    return specs


def sync_layouts(**_: Any) -> None:
    """Insert shipped layouts and synonyms that are missing; what was added by hand stays."""
    Layout.objects.bulk_create(
        [Layout(**row) for row in _rows("layouts.csv")], ignore_conflicts=True
    )
    LayoutHeader.objects.bulk_create(
        [
            LayoutHeader(
                layout_id=row["layout"],
                position=row["position"] or None,
                header=row["header"],
                identifier=row["identifier"],
            )
            for row in _rows("layout_headers.csv")
        ],
        ignore_conflicts=True,
    )
    HeaderSynonym.objects.bulk_create(
        [HeaderSynonym(**row) for row in _rows("header_synonyms.csv")], ignore_conflicts=True
    )


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))
