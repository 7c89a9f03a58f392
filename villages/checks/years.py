"""What one village's year must satisfy, as an official enters it: pure functions on plain values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

# A part and the whole it cannot exceed.
_PARTS_OF = (
    ("dangerous_house_households", "households_total"),
    ("households_unsafe_water", "households_total"),
    ("dibao_households", "households_total"),
    ("dibao_persons", "population_total"),
    ("tekun_persons", "population_total"),
    ("disabled_persons", "population_total"),
    ("resident_pension_participants", "population_total"),
    ("households_total", "population_total"),
)
# Totals of a village rarely change by more than this share within a year.
_LEAP_PERCENT = 20
_STEADY = ("households_total", "population_total")


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something about one fact: an error blocks, the rest is to be confirmed."""

    field: str
    message: str
    is_error: bool = True


def village_year(
    values: Mapping[str, Any], year: int, labels: Mapping[str, str], before: Mapping[str, Any]
) -> list[Doubt]:
    """What is wrong with a village's facts of a year, and what looks odd beside the year before."""
    return [*_exit_doubts(values, year), *_part_doubts(values, labels), *_leaps(values, before)]


def _exit_doubts(values: Mapping[str, Any], year: int) -> Iterable[Doubt]:
    exited, poor = values.get("exited_year"), values.get("is_poor_village")
    if exited is not None and exited > year:
        yield Doubt("exited_year", f"出列年度不能晚于 {year} 年。")
    if exited is not None and not poor:
        yield Doubt("exited_year", "不是贫困村，不应有出列年度。")
    if values.get("village_exited") and not poor:
        yield Doubt("village_exited", "不是贫困村，不应填“已出列”。")
    if exited is not None and values.get("village_exited") is False:
        yield Doubt("village_exited", "已填出列年度，“是否出列”不能为“否”。")
    if values.get("village_exited") and poor and exited is None:
        yield Doubt("exited_year", "已出列的村没有填出列年度。", is_error=False)


def _part_doubts(values: Mapping[str, Any], labels: Mapping[str, str]) -> Iterable[Doubt]:
    for part, whole in _PARTS_OF:
        some, everything = values.get(part), values.get(whole)
        if some is not None and everything is not None and some > everything:
            yield Doubt(part, f"{labels[part]}（{some}）大于{labels[whole]}（{everything}）。")


def _leaps(values: Mapping[str, Any], before: Mapping[str, Any]) -> Iterable[Doubt]:
    for name in _STEADY:
        now, then = values.get(name), before.get(name)
        if now is not None and then and abs(now - then) * 100 > then * _LEAP_PERCENT:
            yield Doubt(
                name, f"比上年（{then}）变化超过 {_LEAP_PERCENT}%，请核实。", is_error=False
            )
    if before and before.get("is_poor_village") != values.get("is_poor_village"):
        yield Doubt("is_poor_village", "与上年不同，请核实。", is_error=False)
