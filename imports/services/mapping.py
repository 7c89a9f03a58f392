"""A table that no layout fits: a person says what its columns mean, once, and it is remembered.

What was said becomes a layout of the batch's region. It recognises the same heads exactly, and
heads that are mostly the same, in that region and in those inside it; never next door or for a
larger region. Said of a table that a shipped layout reads as well or better, it holds for the batch
alone (`imports.catalog.recognising`). Nothing but words is kept as heads (`imports.catalog.heads`).
"""

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from core import idnumbers
from core.acting import acting
from core.jobs.models import OPEN_STATES
from core.text import header_key
from households.catalog import FieldFact, entry_facts, facts_of
from households.models import Household, HouseholdYear, Person, PersonYear, WorkSpell
from imports.catalog import head_print, known_facts
from imports.catalog.columns import can_carry, is_ours, missing_keys
from imports.catalog.heads import LONGEST_HEAD, is_a_head, stands_below
from imports.enums import BatchState, Grain
from imports.models import Batch, HeaderSynonym, Layout, LayoutHeader
from imports.services.receiving import request_stage
from villages.models import VillageYear

SAMPLES = 3
LONGEST_TITLE = 100
LONGEST_SAMPLE = 20
_PLACES = (
    ("county_code", "县"), ("town_code", "乡镇"), ("village_code", "行政村"),
    ("region_code", "行政村代码（12 位）"), ("partition", "年度（仅核对）"),
    ("province_code", "省（仅核对）"), ("city_code", "市（仅核对）"),
)  # fmt: skip
_MODELS: tuple[type[models.Model], ...] = (Household, HouseholdYear, Person, PersonYear)
_DIGITS = re.compile(r"[0-9Xx]{6,}")


class MappingError(Exception):
    """What was said of the columns does not make a layout; the text tells the clerk why."""


@dataclass(frozen=True, slots=True)
class ProposedColumn:
    """A column as it stands in the file, and what it probably carries."""

    index: int
    header: str
    samples: list[str]
    identifier: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """The first rows of a file with a guess; `header_row` counts from 0 among `rows`."""

    header_row: int
    rows: list[list[str]]
    columns: list[ProposedColumn]
    grain: str
    title: str


# --- asking ------------------------------------------------------------------------------------


def suggest(batch: Batch, header_row: int | None = None) -> Proposal:
    """What the first rows look like, numbers and names masked; guesses from known heads."""
    head = _head(batch)
    known = _known_heads()
    if header_row is None or not 0 <= header_row < len(head):
        header_row = _probable_header(head, set(known))
    headers = head[header_row] if head else []
    below = head[header_row + 1 :]
    taken: Counter[str] = Counter()
    columns = []
    for index, header in enumerate(headers):
        identifier = "" if is_ours(header) else known.get(header_key(header), "")
        taken[identifier] += 1
        samples = [row[index] for row in below if index < len(row) and row[index].strip()]
        columns.append(
            ProposedColumn(
                index,
                # Whoever points at the wrong row must not be shown its numbers.
                idnumbers.mask_quoted(header.strip()),
                [masked(sample, identifier) for sample in samples[:SAMPLES]],
                identifier if taken[identifier] == 1 else "",
            )
        )
    names = [column.identifier for column in columns]
    rows = [
        [
            masked(cell, names[at] if number > header_row and at < len(names) else "")
            for at, cell in enumerate(row)
        ]
        for number, row in enumerate(head)
    ]
    return Proposal(header_row, rows, columns, _probable_grain(set(names)), _title_of(batch))


def choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """What a column may be said to carry: (table, [(identifier, label)]), for a list in groups."""
    grouped = {model: facts_of(model) for model in _MODELS}
    grouped |= {model: list(entry_facts(model).values()) for model in (WorkSpell, VillageYear)}
    return [
        ("区划与年度", list(_PLACES)),
        *((str(model._meta.verbose_name), _options(facts)) for model, facts in grouped.items()),
    ]


def grains() -> list[tuple[str, str]]:
    """What a row may be said to be."""
    return list(Grain.choices)


def masked(text: str, identifier: str = "") -> str:
    """A cell as a hint of what its column holds: long numbers and names are not shown in full."""
    text = idnumbers.mask_quoted(text.strip())
    if identifier in ("name", "head_name", "collector"):
        return text[:1] + "*" * len(text[1:3])
    text = _DIGITS.sub(lambda found: found[0][:4] + "*" * (len(found[0]) - 4), text)
    return text if len(text) <= LONGEST_SAMPLE else f"{text[:LONGEST_SAMPLE]}…"


def _options(facts: list[FieldFact]) -> list[tuple[str, str]]:
    return [
        (fact.identifier, f"{fact.label}（{fact.unit}）" if fact.unit else fact.label)
        for fact in facts
    ]


def _head(batch: Batch) -> list[list[str]]:
    rows: list[list[str]] = json.loads(batch.head) if batch.head else []
    return rows


def _known_heads() -> dict[str, str]:
    """Head → fact, from shipped layouts and synonyms; the synonym wins."""
    shipped = LayoutHeader.objects.filter(layout__region_prefix="").exclude(identifier="")
    known = {
        header_key(header): identifier
        for header, identifier in shipped.order_by("layout_id").values_list("header", "identifier")
    }
    for header, identifier in HeaderSynonym.objects.values_list("header", "identifier"):
        known[header_key(header)] = identifier
    return known


def _probable_header(head: list[list[str]], known: set[str]) -> int:
    """The row with the most known heads, else the one with the most different words."""

    def words(row: list[str]) -> set[str]:
        return {header_key(cell) for cell in row if cell.strip()} - {""}

    scores = [
        (len(words(row) & known), sum(not word.isdecimal() for word in words(row)), -at)
        for at, row in enumerate(head)
    ]
    return -max(scores)[2] if scores else 0


def _probable_grain(names: set[str]) -> str:
    if names & {"person_no", "relation_to_head"} or {"name", "id_no"} <= names:
        return Grain.PERSON if "village_code" in names else Grain.JOINED_PERSON
    if "household_no" in names:
        return Grain.HOUSEHOLD if "village_code" in names else Grain.JOINED_HOUSEHOLD
    return Grain.PERSON


def _title_of(batch: Batch) -> str:
    return batch.file_name.rsplit(".", 1)[0][:LONGEST_TITLE]


# --- remembering -------------------------------------------------------------------------------


def remember(
    *, batch: Batch, header_row: int, grain: str, title: str, columns: dict[int, str], by: Any
) -> Layout:
    """Keep what a person said of the columns as a layout of the region, and read the file again.

    `columns` is index → identifier, '' or absent for a column without a meaning; `header_row` counts
    from 0 among the first rows. Raises MappingError with a clerk's words. A layout said before of
    the same heads in the same region is retired.
    """
    head = _head(batch)
    if not 0 <= header_row < len(head):
        raise MappingError("请选择表头所在的行。")
    if grain not in Grain.values:
        raise MappingError("请选择每一行是什么。")
    title = title.strip()
    if not 0 < len(title) <= LONGEST_TITLE:
        raise MappingError("请填写版式名称，不超过 100 个字。")
    if idnumbers.mask_quoted(title) != title:
        raise MappingError("版式名称中不能有证件号码或电话号码。")
    headers = head[header_row]
    _refuse_values(headers, head[header_row + 1 :])
    said = {index: identifier for index, identifier in columns.items() if identifier}
    _refuse_mistaken(headers, grain, said)
    with acting(by=by, reason=f"说明列的含义 批次{batch.pk}"), transaction.atomic():
        # Also a preview may be mapped anew; an update knows no joins.
        open_to = Q(state=BatchState.MAPPING) | Q(state=BatchState.STAGED)
        quiet = Batch.objects.filter(open_to, pk=batch.pk).exclude(job__state__in=OPEN_STATES)
        waiting = Batch.objects.filter(pk__in=quiet.values("pk"))
        if waiting.update(state=BatchState.UPLOADED) != 1:
            raise MappingError("批次状态已变化，请刷新后再试。")
        layout = _stored(batch, headers, grain, title, said, by)
        batch.state = BatchState.UPLOADED
        request_stage(batch=batch, by=by)
    return layout


def _refuse_values(headers: list[str], below: list[list[str]]) -> None:
    """Heads are stored as they stand: a row with values of somebody's in it is none.

    The text quotes nothing.
    """
    for at, cell in enumerate(headers):
        if len(cell.strip()) > LONGEST_HEAD:
            raise MappingError(
                f"第 {at + 1} 列的表头超过 {LONGEST_HEAD} 个字，请在文件中缩短后重新上传。"
            )
        values = [row[at] for row in below if at < len(row)]
        if not is_a_head(cell) or (not is_ours(cell) and stands_below(cell, values)):
            raise MappingError(
                f"所选的表头行第 {at + 1} 列像是数据而不是列名，请选择列名所在的行。"
            )


def _refuse_mistaken(headers: list[str], grain: str, said: dict[int, str]) -> None:
    known = known_facts(grain)
    keys = Counter(header_key(header) for header in headers)
    for index, identifier in said.items():
        if not 0 <= index < len(headers) or not header_key(headers[index]):
            raise MappingError(f"第 {index + 1} 列没有表头，不能对应指标。")
        header = headers[index].strip()
        if keys[header_key(header)] > 1:
            raise MappingError(f"表头“{header}”出现两次，请在文件中改名后重新上传。")
        if not can_carry(identifier, grain):
            label = known[identifier].label if identifier in known else header
            raise MappingError(f"“{label}”不属于这种表，请改选其他指标或改选每一行是什么。")
    for identifier, times in Counter(said.values()).items():
        if times > 1:
            both = "、".join(
                f"“{headers[at].strip()}”" for at, one in said.items() if one == identifier
            )
            raise MappingError(f"{both}对应同一指标，只能保留一列。")
    if missing := missing_keys(set(said.values()), grain, set()):
        raise MappingError(f"还缺必需的列：{'、'.join(missing)}。")


def _stored(
    batch: Batch, headers: list[str], grain: str, title: str, said: dict[int, str], by: Any
) -> Layout:
    print_ = head_print(headers)
    former = Layout.objects.filter(
        region_prefix=batch.region_prefix, head_print=print_, retired_at__isnull=True
    )
    former.update(retired_at=timezone.now())
    taken = Layout.objects.filter(code__startswith=f"L{batch.pk}").count()
    layout = Layout.objects.create(
        code=f"L{batch.pk}-{taken + 1}",
        title=title,
        year=batch.partition,
        grain=grain,
        source=f"批次{batch.pk}",
        region_prefix=batch.region_prefix,
        head_print=print_,
        created_by=by,
    )
    seen: set[str] = set()
    rows = []
    for index, cell in enumerate(headers):
        header, key = cell.strip(), header_key(cell)
        if key and key not in seen:
            seen.add(key)
            rows.append(
                LayoutHeader(
                    layout=layout,
                    position=index + 1,
                    header=header,
                    identifier=said.get(index, ""),
                )
            )
    LayoutHeader.objects.bulk_create(rows)
    return layout
