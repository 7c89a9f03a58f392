"""The checklist of a village's exit: each item met, not met, or not known.

Items and their sources are data (`data/exit_indicators.csv`); the list of the longest fitting prefix
counts. What nobody stated is missing and never met. An item for which no published source gives a
figure has no threshold, shows the value and is not judged; one that no yearly fact tells is missing.
"""

import csv
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from core.scope import Actor
from villages.models import VillageYear
from villages.queries.yearly import MISSING as UNSTATED
from villages.queries.yearly import written

DATA = Path(__file__).parent.parent / "data" / "exit_indicators.csv"

MET, NOT_MET, MISSING, UNJUDGED = "met", "not_met", "missing", "unjudged"
WORDS = {MET: "达标", NOT_MET: "未达标", MISSING: "缺数据", UNJUDGED: "不作判定"}
TONES = {MET: "good", NOT_MET: "bad", MISSING: "warn", UNJUDGED: "neutral"}
REQUIRED = "required"
HEADCOUNT = "headcount"


@dataclass(frozen=True, slots=True)
class Indicator:
    key: str
    name: str
    is_required: bool
    requirement: str
    measures: tuple[str, ...]
    comparator: str
    threshold: Decimal | None
    source: str


@dataclass(frozen=True, slots=True)
class Measured:
    """What an app above this one knows of a village: in words, and whether that meets the standard."""

    text: str
    is_met: bool | None


@dataclass(frozen=True, slots=True)
class Result:
    indicator: Indicator
    text: str
    verdict: str

    @property
    def word(self) -> str:
        return WORDS[self.verdict]

    @property
    def tone(self) -> str:
        return TONES[self.verdict]


Source = Callable[[Collection[str], int, Actor], Mapping[str, Measured]]
_headcounts: Source | None = None


def headcounts_from(source: Source | None) -> None:
    """Whoever computes the headcount rate tells it: (village codes, year, actor) → by code."""
    global _headcounts  # noqa: PLW0603
    _headcounts = source


@cache
def _lists() -> dict[str, list[Indicator]]:
    found: dict[str, list[tuple[int, Indicator]]] = {}
    with DATA.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            one = Indicator(
                key=row["key"],
                name=row["name"],
                is_required=row["kind"] == REQUIRED,
                requirement=row["requirement"],
                measures=tuple(filter(None, row["measure"].split("&"))),
                comparator=row["comparator"],
                threshold=Decimal(row["threshold"]) if row["threshold"] else None,
                source=row["source"],
            )
            found.setdefault(row["prefix"], []).append((int(row["position"]), one))
    return {prefix: [one for _, one in sorted(some, key=_first)] for prefix, some in found.items()}


def _first(pair: tuple[int, Indicator]) -> int:
    return pair[0]


def indicators_of(code: str) -> list[Indicator]:
    """The checklist that counts at a place."""
    lists = _lists()
    return lists[max((prefix for prefix in lists if code.startswith(prefix)), key=len)]


def checklist(code: str, year: int, row: VillageYear | None, actor: Actor) -> list[Result]:
    """Every item of a village in a year; `row` are its yearly facts, if any."""
    known = _headcounts([code], year, actor) if _headcounts else {}
    return [judged(one, row, known.get(code)) for one in indicators_of(code)]


@dataclass(frozen=True, slots=True)
class Count:
    """How many villages meet one item, do not, or cannot be told."""

    indicator: Indicator
    met: int
    not_met: int
    missing: int


def counts(
    prefix: str, villages: Mapping[str, VillageYear | None], year: int, actor: Actor
) -> list[Count]:
    """The items over many villages (code → yearly facts, None for none); unjudged ones left out."""
    known = _headcounts(list(villages), year, actor) if _headcounts and villages else {}
    told = []
    for one in indicators_of(prefix):
        verdicts = [judged(one, row, known.get(code)).verdict for code, row in villages.items()]
        if one.is_required:
            told.append(
                Count(one, verdicts.count(MET), verdicts.count(NOT_MET), verdicts.count(MISSING))
            )
    return told


def judged(one: Indicator, row: VillageYear | None, headcount: Measured | None = None) -> Result:
    """What one item says of a village."""
    if one.measures == (HEADCOUNT,):
        if headcount is None or headcount.is_met is None:
            return Result(one, headcount.text if headcount else "没有算出的贫困发生率", MISSING)
        return Result(one, headcount.text, MET if headcount.is_met else NOT_MET)
    if not one.measures:
        return Result(one, "年度数据没有这一项", MISSING if one.is_required else UNJUDGED)
    values = [getattr(row, name, None) for name in one.measures]
    text = "，".join(_told(name, value) for name, value in zip(one.measures, values, strict=True))
    if one.comparator != "yes" and one.threshold is None:
        return Result(one, f"{text}（没有公布的量化标准）", UNJUDGED)
    return Result(one, text, _verdict(one, values))


def _told(name: str, value: Any) -> str:
    field = VillageYear._meta.get_field(name)
    words = written(field, value) if value is not None else UNSTATED
    return f"{field.verbose_name}：{words}"  # type: ignore[union-attr]


def _verdict(one: Indicator, values: Iterable[Any]) -> str:
    """One value that fails is enough; all must be known and fit for the item to be met."""
    fits = [None if value is None else _fits(one, value) for value in values]
    if False in fits:
        return NOT_MET
    return MISSING if None in fits else MET


def _fits(one: Indicator, value: Any) -> bool:
    if one.comparator == "yes":
        return bool(value)
    limit = one.threshold or Decimal(0)
    return bool(value >= limit if one.comparator == ">=" else value <= limit)
