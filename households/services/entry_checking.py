"""Checking an entry: the pure checks over what it would leave, and what only the register can tell."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from time import monotonic
from typing import Any

from django.db import connection

from core.scope import Actor, covers
from households.checks import (
    Finding,
    Findings,
    Stated,
    StatedMember,
    of_household,
    of_members,
)
from households.checks.words import error, query
from households.enums import FEMALE, MALE
from households.models import CodeEntry, HouseholdYear, Person
from households.queries.places import NOWHERE, Place, places_on, year_end
from households.services.changing import EDIT
from households.services.entry_acts import of_acts
from households.services.entry_edit import VILLAGE, Edit
from households.services.entry_reading import Reading, Set, key_of, read
from households.services.entry_state import Base, base_of, stated_of

_SEXES = {"M": MALE, "F": FEMALE}
# What two households should not share, and the rule that says so.
_SHARED = {"year.phone": "IDN16", "year.bank_account": "IDN18"}


def check(edit: Edit, actor: Actor) -> Findings:
    """Everything wrong with an edit that the edit brings in. Raises UnfitError where none can be made.

    What was so before, and is not touched, is `known`: it blocks nobody who corrects something else.
    """
    base = base_of(edit)
    return checked(edit, base, read(edit, base), actor)


def check_fields(edit: Edit, wheres: Iterable[str], actor: Actor) -> dict[str, list[Finding]]:
    """What is wrong with each of these fields, errors first; the register is asked about no others."""
    base = base_of(edit)
    reading = read(edit, base)
    found: dict[str, list[Finding]] = {where: [] for where in wheres}
    only = {whose: one for whose, one in reading.sets.items() if one.where in found}
    every = checked(edit, base, reading, actor, asked=only)
    for one in (*every.errors, *every.queries):
        if one.where in found:
            found[one.where].append(one)
    return found


def checked(
    edit: Edit,
    base: Base,
    reading: Reading,
    actor: Actor,
    *,
    asked: Mapping[str, Set] | None = None,
) -> Findings:
    """The same for an edit that was read; `asked` are the fields the register is asked about."""
    sexes = _sexes(int(monotonic() // 60))
    after = stated_after(edit, base, reading)
    found = [*reading.faults, *of_acts(edit, base, actor), *_placed(edit, base, reading, actor)]
    if not _ends(edit):
        found += [*of_household(after), *of_members(after, sexes)]
    found += _elsewhere(edit, base, reading.sets if asked is None else asked, actor)
    before = stated_of(base)
    old = () if before.is_new else (*of_household(before), *of_members(before, sexes))
    return sorted_out(found, old, edit.confirmed)


def sorted_out(
    found: Iterable[Finding], old: Iterable[Finding], confirmed: Mapping[str, str]
) -> Findings:
    """Findings by what is to be done about them; one per field and code."""
    stood = {(one.code, one.whose, one.message) for one in old}
    result, seen = Findings(), set()
    for one in found:
        if (one.code, one.where) in seen:
            continue
        seen.add((one.code, one.where))
        if (one.code, one.whose, one.message) in stood:
            result.known.append(one)
        elif one.is_query:
            result.queries.append(one)
            if not confirmed.get(one.key, "").strip():
                result.open.append(one)
        else:
            result.errors.append(one)
    return result


@lru_cache(maxsize=1)
def _sexes(_minute: int) -> dict[str, str]:
    """Relation → the sex it means, by the code list's own facts."""
    rows = CodeEntry.objects.filter(table="relation_to_head", facts__expected_sex__in=list(_SEXES))
    return {row.code: _SEXES[row.facts["expected_sex"]] for row in rows}


# --- as the edit would leave it ----------------------------------------------------------------


def stated_after(edit: Edit, base: Base, reading: Reading) -> Stated:
    """The household as the edit would leave it; what cannot be read counts as before."""
    before = stated_of(base)
    leaving = {edit.members[at]["person_no"] for at in reading.left} | _passing(edit)
    named = {told["person_no"]: at for at, told in enumerate(edit.members) if told["person_no"]}
    members = [
        _member(one, str(named.get(one.key, "")), reading)
        for one in before.members
        if one.key not in leaving
    ]
    for at in reading.joined:
        key = key_of(at, edit.members[at])
        members.append(_member(StatedMember(str(at), key, {}, {}, True), str(at), reading))
    year = {**before.year, **reading.of("year")}
    if _follows(before, reading) and year.get("member_count") is not None:
        year["member_count"] = len(members)
    household = {**before.household, **reading.of("household")}
    return replace(before, household=household, year=year, members=_with_head(members, edit.acts))


def _member(one: StatedMember, at: str, reading: Reading) -> StatedMember:
    return replace(
        one,
        at=at,
        person={**one.person, **reading.of(f"members.{one.key}.person")},
        year={**one.year, **reading.of(f"members.{one.key}.year")},
    )


def _follows(before: Stated, reading: Reading) -> bool:
    """Whether the declared size goes with the members: it did, and the edit does not state it."""
    agreed = before.year.get("member_count") == len(before.members)
    return agreed and "year.member_count" not in reading.sets


def _passing(edit: Edit) -> set[str]:
    """Who passes to another household."""
    found: set[str] = set()
    for act in edit.acts:
        if act["act"] == "move":
            found.add(str(act["person_no"]))
        if act["act"] == "split":
            found.update(act["person_nos"])
    return found


def _with_head(
    members: list[StatedMember], acts: Iterable[Mapping[str, Any]]
) -> list[StatedMember]:
    """The relations as a change of head states them."""
    for act in acts:
        if act["act"] == "change_head":
            told = {**act["relations"], act["person_no"]: "01"}
            members = [
                replace(one, year={**one.year, "relation_to_head": told.get(one.key, "")})
                for one in members
            ]
    return members


def _ends(edit: Edit) -> bool:
    return any(act["act"] == "merge" for act in edit.acts)


# --- what only the register can tell -------------------------------------------------------------


def _placed(edit: Edit, base: Base, reading: Reading, actor: Actor) -> Iterator[Finding]:
    """Who somebody is says where they live now; a new household lies in a village of the actor's."""
    if edit.is_new:
        code = str(edit.household.get(VILLAGE, ""))
        if not code or not covers(actor, code, EDIT):
            yield error("IMP21", f"household.{VILLAGE}", "所在村")
        return
    homes = {
        f"members.{one.person.person_no}.person": one.person.village_code for one in base.members
    }
    homes["household"] = base.household.village_code if base.household else ""
    for whose, one in reading.sets.items():
        home = homes.get(whose.rpartition(".")[0])
        if home and not covers(actor, home, EDIT):
            yield error("ENT11", one.where, whose=whose)


def _elsewhere(edit: Edit, base: Base, asked: Mapping[str, Set], actor: Actor) -> Iterator[Finding]:
    numbers = [one for whose, one in asked.items() if whose.endswith(".person.id_no")]
    if numbers:
        yield from _held(edit, base, numbers, actor)
    for whose, code in _SHARED.items():
        if whose in asked and asked[whose].after and _is_shared(edit, base, asked[whose]):
            yield query(code, whose, "本村另有一户使用")


def _held(edit: Edit, base: Base, numbers: list[Set], actor: Actor) -> Iterator[Finding]:
    """Numbers that another person has, with the village and nothing else: wherever it lies.

    Somebody who stands in no household of the year may join, if the register here knows them.
    """
    field: Any = Person._meta.get_field("id_index")
    told_of = {field.of(one.after): one for one in numbers}
    by_index = {index: one for index, one in told_of.items() if index}
    held = _villages(list(by_index), edit.partition, base)
    places = places_on(year_end(edit.partition), [code for _, code, _ in held]) if held else {}
    for number, code, is_of_year in held:
        told = by_index[number]
        if told.before is None and not is_of_year and _is_near(code, actor):
            continue
        place = places.get(code, NOWHERE)
        home = base.row.village_code if base.row else str(edit.household.get(VILLAGE, ""))
        rule = "DUP01" if code[:6] == home[:6] else "DUP02"
        yield error(rule, told.where, f"已登记在{_words(place)}", told.whose)


def _is_near(code: str, actor: Actor) -> bool:
    return any(code.startswith(prefix) for prefix in actor.region_prefixes)


def _words(place: Place) -> str:
    return f"{place.county}{place.town}{place.village}"


def _villages(indexes: list[bytes], partition: int, base: Base) -> list[tuple[bytes, str, bool]]:
    own = [one.person.person_no for one in base.members]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id_index, village_code, is_of_year"
            " FROM public.documents_held(%s::bytea[], %s, %s::text[])",
            [indexes, partition, own],
        )
        return [(bytes(index), code, is_of_year) for index, code, is_of_year in cursor.fetchall()]


def _is_shared(edit: Edit, base: Base, told: Set) -> bool:
    """Whether another household of the village has it. Equal sealed texts are equal bytes."""
    home = base.row.village_code if base.row else str(edit.household.get(VILLAGE, ""))
    others = HouseholdYear.objects.in_year(edit.partition).filter(
        village_code=home, **{told.fact.name: told.after}
    )
    if base.row is not None:
        others = others.exclude(pk=base.row.pk)
    return others.exists()


__all__ = ["check", "check_fields", "checked", "stated_after"]
