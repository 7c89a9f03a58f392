"""One household and year as a form tells it: what was typed, before anything is read into values."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from households.catalog import facts_of
from households.enums import HEAD
from households.models import Household, HouseholdYear, Person, PersonYear
from households.services.changing import UnfitError

# A list of members, a text, and a version that no household has.
MOST_MEMBERS, LONGEST, LONGEST_VERSION = 60, 2_000, 100_000
# Written by the register itself: numbers, and what repeats the head's row.
_OWN = {"household_no", "person_no", "head_person_no", "head_id_no"}
VILLAGE = "village_code"
ACTS = {
    "change_head": ("person_no", "relations"),
    "move": ("person_no", "to", "kind"),
    "split": ("person_nos", "head_person_no"),
    "merge": ("into",),
}
_ODD = "提交的内容不完整，请刷新页面后重试。"

Value = str | list[str]


def names(model: Any) -> list[str]:
    """The fields of a model that an edit may name."""
    return [fact.name for fact in facts_of(model) if fact.name not in _OWN]


@dataclass(frozen=True)
class Edit:
    """What a form tells of one household and year: values as typed, "" for not stated.

    A field that is absent is left as it is, so is a member. `household_no` "" is a household that is
    entered for the first time, in the village `household["village_code"]`. `version` says what was
    seen when the form was opened; `confirmed` has the reason for each query, by `Finding.key`.
    """

    household_no: str = ""
    partition: int = 0
    version: str = ""
    household: dict[str, Value] = field(default_factory=dict)
    year: dict[str, Value] = field(default_factory=dict)
    members: list[dict[str, Any]] = field(default_factory=list)
    acts: list[dict[str, Any]] = field(default_factory=list)
    confirmed: dict[str, str] = field(default_factory=dict)
    reason: str = ""

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> "Edit":
        """An edit out of JSON. Raises UnfitError for what is none."""
        try:
            return cls(
                household_no=_text(told.get("household_no")),
                partition=int(told["partition"]),
                version=_text(told.get("version"), LONGEST_VERSION),
                household=_fields(told.get("household"), [*names(Household), VILLAGE]),
                year=_year(told),
                members=[_member(one) for one in _list(told.get("members"), MOST_MEMBERS)],
                acts=[_act(one) for one in _list(told.get("acts"), MOST_MEMBERS)],
                confirmed=_words(told.get("confirmed")),
                reason=_text(told.get("reason")),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise UnfitError(_ODD) from error

    def told(self) -> dict[str, Any]:
        """The edit as JSON."""
        return asdict(self)

    def written(self) -> str:
        """The same as text, to be sealed."""
        return json.dumps(self.told(), ensure_ascii=False)

    @property
    def is_new(self) -> bool:
        return not self.household_no


def _text(value: Any, longest: int = LONGEST) -> str:
    if value is None:
        return ""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise TypeError
    text = str(value)
    if len(text) > longest:
        raise ValueError
    return text


def _value(value: Any) -> Value:
    return [_text(one) for one in value] if isinstance(value, list) else _text(value)


def _list(value: Any, most: int) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > most:
        raise TypeError
    return value


def _fields(value: Any, known: Iterable[str]) -> dict[str, Value]:
    found = {name: _value(one) for name, one in dict(value or {}).items()}
    if found.keys() - set(known):
        raise KeyError
    return found


def _words(value: Any) -> dict[str, str]:
    return {_text(name): _text(one) for name, one in dict(value or {}).items()}


def _year(told: Mapping[str, Any]) -> dict[str, Value]:
    """The year's fields; the head's name follows the member who is head."""
    year = _fields(told.get("year"), names(HouseholdYear))
    for one in told.get("members") or []:
        is_head = (one.get("year") or {}).get("relation_to_head") == HEAD
        name = (one.get("person") or {}).get("name")
        if is_head and name and not one.get("left"):
            year["head_name"] = _text(name)
    return year


def _member(told: Mapping[str, Any]) -> dict[str, Any]:
    member: dict[str, Any] = {
        "person_no": _text(told.get("person_no")),
        "person": _fields(told.get("person"), names(Person)),
        "year": _fields(told.get("year"), names(PersonYear)),
    }
    if told.get("joined"):
        member["joined"] = {name: _text(told["joined"].get(name)) for name in ("kind", "on")}
    if told.get("left"):
        member["left"] = {name: _text(told["left"].get(name)) for name in ("kind", "on", "reason")}
    return member


def _act(told: Mapping[str, Any]) -> dict[str, Any]:
    act = _text(told["act"])
    found: dict[str, Any] = {"act": act}
    for name in ACTS[act]:
        value = told.get(name)
        found[name] = _words(value) if name == "relations" else _value(value)
    return found
