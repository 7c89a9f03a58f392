"""What the entry page sends, as an edit: names of inputs are the places of an edit."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.http import QueryDict

from households.models import Household, HouseholdYear, Person, PersonYear
from households.services.changing import UnfitError
from households.services.entry_edit import ACTS, MOST_MEMBERS, Edit
from households.services.entry_state import editable, is_shown

_MEMBER = re.compile(r"members\.(\d{1,3})\.(person_no|(?:person|year|joined|left)\.\w+)")
_CLEAR = "clear."


def read(posted: QueryDict, *, partition: int) -> dict[str, Any]:
    """The edit as JSON, with members in the order of the page.

    What a form is shown masked stays as it is when it is left empty, and is cleared only by its own
    tick. Rows of members in which nothing was typed are none.
    """
    told: dict[str, Any] = {
        "household_no": posted.get("household_no", ""),
        "partition": partition,
        "version": posted.get("version", ""),
        "household": _below(posted, "household."),
        "year": _below(posted, "year."),
        "members": [one for _, one in members(posted)],
        "acts": list(_acts(posted)),
        "confirmed": {
            key: reason for key, reason in _below(posted, "confirmed.").items() if reason.strip()
        },
        "reason": posted.get("reason", ""),
    }
    _keep_hidden(told, {name[len(_CLEAR) :] for name in posted if name.startswith(_CLEAR)})
    return told


def members(posted: QueryDict) -> list[tuple[int, dict[str, Any]]]:
    """Members by the number that their inputs bear."""
    rows: dict[int, dict[str, Any]] = {}
    for name, value in posted.items():
        found = _MEMBER.fullmatch(name)
        if not found:
            continue
        row = rows.setdefault(int(found[1]), {"person_no": "", "person": {}, "year": {}})
        part, _, field = found[2].partition(".")
        if field:
            row.setdefault(part, {})[field] = str(value)
        else:
            row["person_no"] = str(value)
    if len(rows) > MOST_MEMBERS:
        raise UnfitError("成员过多，请分户录入。")
    kept = [(number, _trimmed(row)) for number, row in sorted(rows.items())]
    return [(number, row) for number, row in kept if row["person_no"] or _is_typed(row)]


def _is_typed(row: Mapping[str, Any]) -> bool:
    return any(value.strip() for part in ("person", "year") for value in row[part].values())


def _trimmed(row: dict[str, Any]) -> dict[str, Any]:
    """Nobody leaves, and no known member joins, for whom nothing is said about it."""
    if not any(value.strip() for value in row.get("left", {}).values()):
        row.pop("left", None)
    if row["person_no"]:
        row.pop("joined", None)
    return row


def _below(posted: QueryDict, prefix: str) -> dict[str, str]:
    return {
        name[len(prefix) :]: str(value) for name, value in posted.items() if name.startswith(prefix)
    }


def _acts(posted: QueryDict) -> Iterable[dict[str, Any]]:
    """Acts of which the first thing that they want was said."""
    for act, names in ACTS.items():
        told: dict[str, Any] = {"act": act}
        for name in names:
            place = f"acts.{act}.{name}"
            if name == "relations":
                told[name] = _below(posted, f"{place}.")
            elif name == "person_nos":
                told[name] = posted.getlist(place)
            else:
                told[name] = posted.get(place, "").strip()
        if told[names[0]]:
            yield told


def _keep_hidden(told: dict[str, Any], cleared: set[str]) -> None:
    places = [("household", Household, told["household"]), ("year", HouseholdYear, told["year"])]
    for at, member in enumerate(told["members"]):
        places.append((f"members.{at}.person", Person, member["person"]))
        places.append((f"members.{at}.year", PersonYear, member["year"]))
    for prefix, model, values in places:
        for name, fact in editable(model).items():
            is_blank = not is_shown(fact) and values.get(name) == ""
            if is_blank and f"{prefix}.{name}" not in cleared:
                del values[name]


def flat(edit: Edit) -> Iterator[tuple[str, str]]:
    """The edit as the inputs of a form: what `read` reads back."""
    for part, told in (("household", edit.household), ("year", edit.year)):
        for name, value in told.items():
            yield f"{part}.{name}", _joined(value)
    for at, member in enumerate(edit.members):
        yield f"members.{at}.person_no", member["person_no"]
        for part in ("person", "year", "joined", "left"):
            for name, value in (member.get(part) or {}).items():
                yield f"members.{at}.{part}.{name}", _joined(value)
    for act in edit.acts:
        yield from _flat_act(act)
    for key, reason in edit.confirmed.items():
        yield f"confirmed.{key}", reason


def _flat_act(act: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in act.items():
        place = f"acts.{act['act']}.{name}"
        if isinstance(value, Mapping):
            yield from ((f"{place}.{key}", one) for key, one in value.items())
        elif name != "act":
            values: Sequence[str] = value if isinstance(value, list) else [value]
            yield from ((place, one) for one in values)


def _joined(value: Any) -> str:
    return "、".join(value) if isinstance(value, list) else str(value)
