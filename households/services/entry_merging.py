"""What others changed since a form was opened, and both together; in words, numbers masked."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model

from core.history import images_of
from core.scope import Actor
from households.catalog import FieldFact
from households.models import Household, HouseholdYear, Person, PersonYear
from households.services.changing import UnfitError
from households.services.entry_diff import HERE, FieldChange, label_of, words
from households.services.entry_edit import Edit
from households.services.entry_reading import read
from households.services.entry_state import (
    Base,
    Version,
    base_of,
    editable,
    is_shown,
    member_told,
    shown,
)

_GONE, _CAME = "已不在本户", "已加入本户"
# It follows the head's own row.
_FOLLOWS = "year.head_name"


class StaleError(Exception):
    """Others changed the household since the form was opened; `changes` names it field by field."""

    def __init__(self, changes: "list[FieldChange]") -> None:
        super().__init__("stale")
        self.changes = changes


@dataclass(frozen=True)
class Merge:
    """One field that others changed: as it was, as the clerk has it, as it is now.

    `clashes` says that the clerk changed it too; the others' value is taken over otherwise. `who` wrote
    what is there now, and when, as far as the old images tell.
    """

    where: str
    label: str
    base: str
    mine: str
    theirs: str
    clashes: bool
    who: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class _Was:
    """A value as it stood when the form was opened, and the image that was kept as it was replaced."""

    value: Any
    image: dict[str, Any]


@dataclass(frozen=True)
class _Theirs:
    """A field that no longer says what the edit's version says."""

    where: str
    whose: str
    fact: FieldFact
    now: Any


def require_fresh(edit: Edit, base: Base | None = None) -> None:
    """Raises StaleError when the household is not what it was when the form was opened.

    Raises UnfitError for an edit that does not say what it is an edit of.
    """
    if edit.is_new:
        return
    if not edit.version:
        raise UnfitError("提交的内容不完整，请刷新页面后重试。")
    base = base_of(edit) if base is None else base
    version = Version.read(edit.version)
    theirs, came, gone = _theirs(edit, base, version)
    if theirs or came or gone:
        past = _past(base, version) if theirs else {}
        raise StaleError(
            [
                *(
                    FieldChange(
                        one.where, label_of(one.whose, one.fact, edit, base),
                        _words_of(one, past), words(one.fact, one.now),
                    )
                    for one in theirs
                ),
                *(FieldChange("members", f"成员 {one.person.name}", "", _CAME) for one in came),
                *(FieldChange(f"members.{at}", f"成员 {name}", HERE, _GONE) for at, name in gone),
            ]
        )  # fmt: skip


def _theirs(
    edit: Edit, base: Base, version: Version
) -> tuple[list[_Theirs], list[PersonYear], list[tuple[int, str]]]:
    """Fields that changed, members who came, and those who are gone by position and name."""
    positions = {told["person_no"]: at for at, told in enumerate(edit.members)}
    came = [
        one
        for one in base.members
        if version.has(f"members.{one.person.person_no}.person.name", "")
    ]
    new = tuple(f"members.{one.person.person_no}." for one in came)
    found = []
    for whose, fact, value in base.values():
        is_new = bool(new) and whose.startswith(new)
        if whose != _FOLLOWS and not is_new and not version.has(whose, shown(value)):
            found.append(_Theirs(_where(whose, positions), whose, fact, value))
    here = {one.person.person_no for one in base.members}
    gone = [
        (at, str(told["person"].get("name", "")))
        for at, told in enumerate(edit.members)
        if told["person_no"]
        and told["person_no"] not in here
        and not version.has(f"members.{told['person_no']}.person.name", "")
    ]
    return found, came, gone


def _where(whose: str, positions: dict[str, int]) -> str:
    """The place as the edit names it; of a member whom it does not name, the list as a whole."""
    if not whose.startswith("members."):
        return whose
    _, number, rest = whose.split(".", 2)
    return f"members.{positions[number]}.{rest}" if number in positions else "members"


def _words_of(one: _Theirs, past: "dict[str, _Was]") -> str:
    return words(one.fact, past[one.whose].value) if one.whose in past else ""


def _past(base: Base, version: Version) -> dict[str, _Was]:
    """What stood there when the form was opened, out of the rows' old images, as far as they tell."""
    if base.household is None or base.row is None:
        return {}
    found = _earlier("household", Household, base.household.pk, version, {})
    found = _earlier("year", HouseholdYear, base.row.pk, version, found)
    persons = images_of(Person, [one.person_id for one in base.members])
    years = images_of(PersonYear, [one.pk for one in base.members])
    for one in base.members:
        whose = f"members.{one.person.person_no}"
        _matching(f"{whose}.person", Person, persons[one.person_id], version, found)
        _matching(f"{whose}.year", PersonYear, years[one.pk], version, found)
    return found


def _earlier(
    prefix: str, model: Any, pk: int, version: Version, found: dict[str, _Was]
) -> dict[str, _Was]:
    _matching(prefix, model, images_of(model, [pk])[pk], version, found)
    return found


def _matching(
    prefix: str, model: Any, images: list[dict[str, Any]], version: Version, found: dict[str, _Was]
) -> None:
    """Of each fact the value in the images that is the version's, the youngest one."""
    for name, fact in editable(model).items():
        whose = f"{prefix}.{name}"
        for image in images:
            value = fact.opened(image[name])
            if version.has(whose, shown(value)):
                found.setdefault(whose, _Was(value, image))
                break


# --- both together -------------------------------------------------------------------------------


def three_way(base: Edit, mine: Edit, actor: Actor) -> tuple[list[Merge], Edit]:
    """What others changed beside what the clerk typed, and both in one edit of the present version.

    Fields that only the others changed are taken over; where both did, the clerk's stays until the
    clerk chooses. `base` is the edit as the form was opened with, for its words.
    """
    del actor
    now = base_of(mine)
    version = Version.read(mine.version)
    theirs, came, gone = _theirs(mine, now, version)
    reading, past = read(mine, now), _past(now, version)
    names = _names({one.whose: past[one.whose].image for one in theirs if one.whose in past})
    told = _copied(mine)
    merges = []
    for one in theirs:
        own = reading.sets.get(one.whose)
        is_typed = own is not None or any(f.where == one.where for f in reading.faults)
        was = past.get(one.whose)
        text = words(one.fact, own.after) if own else ""
        name = label_of(one.whose, one.fact, mine, now)
        before = _words_of(one, past) if was else _seen(base, one.where)
        merges.append(
            Merge(
                one.where, name, before, text if is_typed else before, words(one.fact, one.now),
                is_typed, names.get(one.whose, ""), was.image["history_at"] if was else None,
            )
        )  # fmt: skip
        if not is_typed:
            _take(told, one)
    merges += [Merge("members", f"成员 {one.person.name}", "", "", _CAME, False) for one in came]
    merges += [
        Merge(f"members.{at}", f"成员 {name}", HERE, HERE, _GONE, False) for at, name in gone
    ]
    away = {at for at, _ in gone}
    told["members"] = [one for at, one in enumerate(told["members"]) if at not in away]
    told["members"] += [member_told(one) for one in came]
    return merges, replace(Edit.read(told), version=Version.of(now).written())


def _names(images: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Who replaced what: a person, a machine client by its name, or the register's own work."""
    actors = {image["history_actor"] for image in images.values() if image["history_actor"]}
    people = get_user_model()._default_manager.in_bulk(actors)
    return {
        whose: str(people.get(image["history_actor"], ""))
        or str(image["history_client"] or "").partition(" ")[2]
        or "系统"
        for whose, image in images.items()
    }


def _copied(edit: Edit) -> dict[str, Any]:
    return Edit.read(edit.told()).told()


def _seen(base: Edit, where: str) -> str:
    """What the form was opened with."""
    found: Any = base.told()
    for part in where.split("."):
        if isinstance(found, list):
            found = found[int(part)] if part.isdecimal() and int(part) < len(found) else ""
        else:
            found = found.get(part, "") if isinstance(found, dict) else ""
    return "、".join(found) if isinstance(found, list) else str(found or "")


def _take(told: dict[str, Any], one: _Theirs) -> None:
    """The others' value into the edit; what a form is not given stays absent."""
    *path, name = one.where.split(".")
    place: Any = told
    for part in path:
        place = place[int(part)] if isinstance(place, list) else place.get(part, {})
    if not isinstance(place, dict) or one.where == "members":
        return
    if is_shown(one.fact):
        place[name] = shown(one.now)
    else:
        place.pop(name, None)
