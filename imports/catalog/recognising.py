"""Recognising a workbook by its column heads; layouts and synonyms are data.

Layouts are shipped with the product or remembered from what a person said of a table's columns
(`imports.services.mapping`). Which of them reads a file:

1. What was said of this very batch holds for it, whatever its heads are.
2. A remembered layout reads files of its region and of places inside it, never of a larger region:
   what one county said is not the city's.
3. A shipped layout goes before a remembered one where it knows every head of the file, or reads a
   fact of the register that the remembered one leaves out. So a national export is read alike for
   everybody, and what a person says of one holds for that batch alone.
"""

import csv
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from core.text import header_key
from imports.catalog.columns import (
    CONFIRMING,
    REGION_COLUMNS,
    Column,
    can_carry,
    is_ours,
    missing_keys,
    unknown_heads,
)
from imports.catalog.heads import kept_head
from imports.models import HeaderSynonym, Layout, LayoutHeader

DATA = Path(__file__).parent.parent / "data"

# Fewer known heads than this and a row is not the head (rule IMP01).
MIN_KNOWN = 4
# A remembered layout is recognised again by at least this share of heads in common.
ALIKE = 0.6
# A layout of which only some heads are known is recognised by so many of those.
PARTLY = 0.5
# What a layout's own title above the head, or in the file's name, counts for: more than any heads.
TITLED = 1.0
# What a column may carry that tells nothing of a household, a person or a village.
_NO_FACTS = {"", *CONFIRMING, *REGION_COLUMNS}
# How layouts shipped before named some facts.
RENAMED = {"measure.health": "measure_health", "measure.education": "measure_education"}


@dataclass(frozen=True)
class Recognised:
    layout: Layout
    header_row: int
    columns: list[Column]

    @property
    def unknown(self) -> list[str]:
        return unknown_heads([[column.header, column.identifier] for column in self.columns])


class UnrecognisedError(Exception):
    """No layout fits; the text tells the clerk what was missing, the code which rule said so."""

    def __init__(self, text: str, code: str = "IMP01") -> None:
        super().__init__(text)
        self.code = code


class UnmappedError(Exception):
    """A table, but none whose columns are known: a person can say what they mean."""

    def __init__(self, head: list[list[str]]) -> None:
        super().__init__("没有认出这张表的列，请说明各列的含义。")
        self.head = head


@dataclass(frozen=True)
class _Known:
    """A layout with its heads by key."""

    layout: Layout
    own: dict[str, str]
    is_partial: bool

    @property
    def is_remembered(self) -> bool:
        return bool(self.layout.region_prefix)

    @property
    def rank(self) -> tuple[int, float, str]:
        """Of two that fit alike: the nearer region, then the newer, then by code."""
        created = self.layout.created_at.timestamp() if self.is_remembered else 0.0
        return (-len(self.layout.region_prefix), -created, self.layout.code)


def recognise(
    head: list[list[str]],
    *,
    region_prefix: str = "",
    named: Sequence[str] = (),
    min_known: int = MIN_KNOWN,
    batch: int | None = None,
) -> Recognised:
    """Choose the head row and the layout by known heads, never by position.

    `head` is the first rows of the sheet as text; `region_prefix` says whose remembered layouts may
    be used; `named` are names of file and sheet; `batch` is the batch's number. Raises
    UnrecognisedError (rules IMP01, IMP02, IMP04) in words for a clerk, UnmappedError for a table
    that a person can describe.
    """
    layouts = _layouts(region_prefix)
    said = [known for known in layouts if known.layout.code.startswith(f"L{batch}-")]
    if again := _seen_before(head, said):
        known, at = again
        return _mapped(known, at, head[at], {})
    synonyms = {
        header_key(header): identifier
        for header, identifier in HeaderSynonym.objects.values_list("header", "identifier")
    }
    shipped = _Shipped(layouts, synonyms, named, min_known)
    if again := _seen_before(head, layouts):
        known, at = again
        return shipped.reads_better(known, head, at) or _mapped(known, at, head[at], {})
    header_row = _header_row(head, layouts, set(synonyms), min_known)
    if header_row is None:
        if _looks_like_a_table(head):
            raise UnmappedError(head)
        raise UnrecognisedError(
            "找不到表头行：前几行中没有足够的已知列名。请保留国家系统导出文件的原表头。"
        )
    titles = _titles(named, head, header_row)
    best = _best(layouts, _keys(head[header_row]), titles)
    if best.is_remembered and (better := shipped.reads_better(best, head, header_row)):
        return better
    return _mapped(best, header_row, head[header_row], synonyms)


def head_print(row: Iterable[str]) -> str:
    """Over the folded heads of a row in order, blanks at its end left out."""
    keys = [header_key(cell) for cell in row]
    while keys and not keys[-1]:
        keys.pop()
    return hashlib.sha256("\x1f".join(keys).encode()).hexdigest()


# --- candidates --------------------------------------------------------------------------------


def _layouts(region_prefix: str) -> list[_Known]:
    """Shipped layouts, and those remembered in this region or in one around it."""
    own: dict[str, dict[str, str]] = {}
    positioned: Counter[str] = Counter()
    listed = LayoutHeader.objects.values_list("layout_id", "header", "identifier", "position")
    for code, header, identifier, position in listed:
        own.setdefault(code, {})[header_key(header)] = identifier
        positioned[code] += position is not None
    return [
        _Known(layout, own.get(layout.code, {}), not positioned[layout.code])
        for layout in Layout.objects.filter(retired_at__isnull=True).order_by("code")
        if layout.is_loadable and _applies(layout.region_prefix, region_prefix)
    ]


def _applies(of_layout: str, of_batch: str) -> bool:
    """Whether the batch's region lies inside the layout's; a county's is neither its neighbour's
    nor the city's."""
    return of_batch.startswith(of_layout)


def _seen_before(head: list[list[str]], layouts: list[_Known]) -> tuple[_Known, int] | None:
    """A remembered layout whose heads stand in one of the first rows exactly."""
    by_print: dict[str, list[_Known]] = {}
    for known in layouts:
        if known.is_remembered and known.layout.head_print:
            by_print.setdefault(known.layout.head_print, []).append(known)
    for at, row in enumerate(head):
        if fitting := by_print.get(head_print(row)):
            return min(fitting, key=lambda known: known.rank), at
    return None


@dataclass(frozen=True)
class _Shipped:
    """What the shipped layouts make of a row that a remembered one fits."""

    layouts: list[_Known]
    synonyms: dict[str, str]
    named: Sequence[str]
    min_known: int

    def reads_better(self, remembered: _Known, head: list[list[str]], at: int) -> Recognised | None:
        """The row as the best shipped layout reads it, where that goes before the remembered one."""
        row, layouts = head[at], [one for one in self.layouts if not one.is_remembered]
        keys = {key for key in _keys(row) if not is_ours(key)}
        known = {key for one in layouts for key in one.own} | self.synonyms.keys()
        if len(keys & known) < self.min_known:
            return None
        best = _best(layouts, _keys(row), _titles(self.named, head, at))
        try:
            found = _mapped(best, at, row, self.synonyms)
        except UnrecognisedError:
            return None
        if keys <= best.own.keys() or _facts(found) - set(remembered.own.values()):
            return found
        return None


def _facts(found: Recognised) -> set[str]:
    return {column.identifier for column in found.columns} - _NO_FACTS


def _titles(named: Sequence[str], head: list[list[str]], header_row: int) -> list[str]:
    return [*named, *(cell for row in head[:header_row] for cell in row)]


def _header_row(
    head: list[list[str]], layouts: list[_Known], synonyms: set[str], min_known: int
) -> int | None:
    """The row with the most known heads, else one that is like a remembered layout's."""
    shipped = {key for known in layouts if not known.is_remembered for key in known.own} | synonyms
    counts = [len(_keys(row) & shipped) for row in head]
    if counts and max(counts) >= min_known:
        return counts.index(max(counts))
    remembered = [known for known in layouts if known.is_remembered]
    for at, row in enumerate(head):
        if any(_score(known, _keys(row), Counter()) for known in remembered):
            return at
    return None


def _keys(row: Iterable[str]) -> set[str]:
    return {header_key(cell) for cell in row if cell.strip()}


def _best(layouts: list[_Known], heads: set[str], titles: Iterable[str]) -> _Known:
    """The layout whose heads and the file's overlap most."""
    owners = Counter(key for known in layouts if not known.is_remembered for key in known.own)
    said = " ".join(header_key(title) for title in titles)
    scored = []
    for known in layouts:
        score = _score(known, heads, owners)
        if score and _title(known.layout) in said:
            score += TITLED
        if score or not known.is_remembered:
            scored.append((-score, known.rank, known))
    return min(scored, key=lambda each: each[:2])[2]


def _score(known: _Known, heads: set[str], owners: Counter[str]) -> float:
    """Share of the union for a layout known in full, share of its own heads for one known partly.

    One known partly must show a head that no other layout has; a remembered one must be alike.
    """
    shared = heads & known.own.keys()
    if not shared:
        return 0.0
    if known.is_partial:
        covered = len(shared) / len(known.own)
        is_its_own = any(owners[key] == 1 for key in shared)
        return covered if is_its_own and covered >= PARTLY else covered / 10
    score = len(shared) / len(heads | known.own.keys())
    return 0.0 if known.is_remembered and score < ALIKE else score


def _title(layout: Layout) -> str:
    """The title without the year or note in brackets behind it."""
    return header_key(layout.title).split("(2", 1)[0]


def _looks_like_a_table(head: list[list[str]]) -> bool:
    """Whether a row of three or more different words stands above a row with values."""
    return any(
        _are_heads([header_key(cell) for cell in row if cell.strip()])
        and sum(bool(cell.strip()) for cell in following) >= 2
        for row, following in pairwise(head)
    )


def _are_heads(words: list[str]) -> bool:
    return len(words) >= 3 and len(set(words)) == len(words) and not any(map(_is_number, words))


def _is_number(word: str) -> bool:
    return word.replace(".", "", 1).isdecimal()


# --- columns -----------------------------------------------------------------------------------


def _mapped(
    known: _Known, header_row: int, headers: list[str], synonyms: dict[str, str]
) -> Recognised:
    grain = known.layout.grain
    columns = []
    for index, cell in enumerate(headers):
        key = header_key(cell)
        # What a person left without a meaning stays so.
        is_settled = known.is_remembered and key in known.own
        identifier = known.own.get(key, "") or ("" if is_settled else synonyms.get(key, ""))
        carried = identifier if identifier and can_carry(identifier, grain) else ""
        columns.append(Column(index, kept_head(cell, index), carried))
    _refuse_ambiguous(columns)
    _refuse_incomplete(columns, grain, set(known.own.values()))
    return Recognised(known.layout, header_row, columns)


def _refuse_ambiguous(columns: list[Column]) -> None:
    seen: dict[str, str] = {}
    for column in columns:
        if not column.identifier:
            continue
        if column.identifier in seen:
            raise UnrecognisedError(
                f"“{seen[column.identifier]}”和“{column.header}”两列对应同一指标，请删去一列后重新上传。",
                "IMP04",
            )
        seen[column.identifier] = column.header


def _refuse_incomplete(columns: list[Column], grain: str, own: set[str]) -> None:
    present = {column.identifier for column in columns}
    missing = missing_keys(present, grain, own)
    if missing:
        raise UnrecognisedError(f"缺少必需的列：{'、'.join(missing)}。请补齐后重新上传。", "IMP02")


# --- what is shipped ---------------------------------------------------------------------------


def sync_layouts(**_: Any) -> None:
    """Insert shipped layouts and synonyms that are missing; what was added by hand stays."""
    shipped = [Layout(**row) for row in _rows("layouts.csv")]
    Layout.objects.bulk_create(shipped, ignore_conflicts=True)
    for layout in shipped:
        outdated = Layout.objects.filter(pk=layout.pk, region_prefix="")
        outdated.exclude(grain=layout.grain).update(grain=layout.grain)
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
    for former, identifier in RENAMED.items():
        LayoutHeader.objects.filter(identifier=former).update(identifier=identifier)
        HeaderSynonym.objects.filter(identifier=former).update(identifier=identifier)


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))
