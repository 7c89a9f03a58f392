"""The rules as they hold in one year in one city: the catalogue with the city's changes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from imports.checks.catalogue import RULES
from imports.checks.rule import Rule
from imports.enums import Effect


class Change(Protocol):
    """What a city changed about a rule; `imports.models.RuleSetting` is one."""

    code: str
    is_enabled: bool
    effect: str
    parameters: Any
    first_year: int | None
    last_year: int | None


@dataclass(frozen=True)
class Active:
    """A rule that is asked, with its effect and parameters."""

    rule: Rule
    effect: Effect
    parameters: Mapping[str, Any]


def effective(partition: int, changes: Iterable[Change] = ()) -> dict[str, Active]:
    """The rules that hold in the year, by code, with what the city changed.

    Rules that wait for data never hold; structural ones hold whatever the city says, and an effect
    that a rule cannot have is not taken over.
    """
    changed = {change.code: change for change in changes}
    found = {}
    for code, rule in RULES.items():
        active = _merged(rule, changed.get(code), partition)
        if active is not None:
            found[code] = active
    return found


def _merged(rule: Rule, change: Change | None, partition: int) -> Active | None:
    if rule.waits_for:
        return None
    if change is None or rule.is_structural:
        holds = _within(partition, rule.first_year, rule.last_year)
        # Parameters of structural rules may change, whether they hold may not.
        parameters = dict(rule.parameters) | _known(rule, change)
        return Active(rule, rule.effect, parameters) if holds else None
    first = rule.first_year if change.first_year is None else change.first_year
    last = rule.last_year if change.last_year is None else change.last_year
    if not change.is_enabled or not _within(partition, first, last):
        return None
    wanted = Effect(change.effect) if change.effect else rule.effect
    effect = wanted if wanted in rule.effects else rule.effect
    return Active(rule, effect, dict(rule.parameters) | _known(rule, change))


def _within(year: int, first: int | None, last: int | None) -> bool:
    return (first is None or year >= first) and (last is None or year <= last)


def _known(rule: Rule, change: Change | None) -> dict[str, Any]:
    if change is None:
        return {}
    return {name: value for name, value in change.parameters.items() if name in rule.parameters}


def complaints(rule: Rule, change: Change) -> list[str]:
    """Why a change cannot be made, in words for an administrator; empty when it can."""
    found = []
    if rule.is_structural and (not change.is_enabled or change.first_year or change.last_year):
        found.append("该规则保证数据库的完整，不能停用，也不能限定年度。")
    if change.effect and change.effect not in rule.effects:
        allowed = "、".join(effect.label for effect in rule.effects)
        found.append(f"该规则的处理方式只能是：{allowed}。")
    if change.first_year and change.last_year and change.first_year > change.last_year:
        found.append("起始年度晚于截止年度。")
    for name, value in change.parameters.items():
        if name not in rule.parameters:
            found.append(f"该规则没有参数“{name}”。")
        elif not _is_like(value, rule.parameters[name]):
            found.append(f"参数“{name}”的写法不对，应与“{rule.parameters[name]}”同类。")
    return found


def _is_like(value: Any, default: Any) -> bool:
    """Whether a value could stand where the default stands."""
    if isinstance(default, list | tuple):
        return isinstance(value, list) and all(_is_like(one, default[0]) for one in value)
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    if isinstance(default, int | float):
        return isinstance(value, int | float) and value >= 0
    return isinstance(value, str)
