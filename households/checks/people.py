"""Facts of members that contradict each other, their document number or the head's."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from core import idnumbers
from households.checks.findings import Finding, Stated, StatedMember
from households.checks.words import at, error, query
from households.enums import DISABILITY_ID, FEMALE, HEAD, MALE, RESIDENT_ID

SPOUSE = "02"
MAX_AGE, GROWN = 115, 16
# A generation apart: the relations it is asked of, years, whether they are younger than the head.
_GAPS = (
    ("STR09", ("03", "04"), 14, 1),
    ("STR10", ("11", "12"), 14, -1),
    ("STR11", ("07", "08", "09", "10"), 28, 1),
)
_OF_WIFE, _OF_HUSBAND = ("13", "14"), ("15", "16")
_ODD_NAME = re.compile(r"[0-9A-Za-z\s]")
MOST_MONTHS = 12
# 劳动技能 that can work, in full or in part; 在校生状况 that is no school.
ABLE = ("01", "02", "X05")
NOT_AT_SCHOOL = ("", "01")
_SEXES = {"STR07": MALE, "STR08": FEMALE}


def told_by_number(number: str) -> dict[str, Any]:
    """Sex, day of birth and kind of document as a number tells them; nothing for a wrong one.

    >>> sorted(told_by_number("990324197001010013"))
    []
    """
    read = idnumbers.read(number)
    if read.birth_date is None or read.fault not in ("", "upgraded"):
        return {}
    kind = DISABILITY_ID if read.is_certificate else RESIDENT_ID
    return {"sex": read.sex, "birth_date": read.birth_date, "id_type": kind}


def of_members(stated: Stated, sexes: Mapping[str, str]) -> list[Finding]:
    """Everything found in the members, errors and queries. `sexes`: relation → the sex it means."""
    found: list[Finding] = []
    for member in stated.members:
        found += _person(member, stated.partition)
        found += _relation(member, sexes)
        found += _months(member)
        found += _labour(member, stated.partition)
    found += _twice(stated.members)
    found += _heads(stated)
    return found


def _person(member: StatedMember, partition: int) -> Iterator[Finding]:
    person = member.person
    name, number = (str(person.get(one) or "") for one in ("name", "id_no"))
    born = person.get("birth_date")
    if not name:
        yield error("IMP21", *_named(member, "person.name", "姓名"))
    elif len(name) < 2 or _ODD_NAME.search(name):
        yield query("IDN13", *_named(member, "person.name"))
    if not number:
        yield error("IDN01", *_named(member, "person.id_no"))
    elif told := told_by_number(number):
        yield from _against_number(member, told, partition)
    if born and born.year > partition:
        yield error("ENT06", *_named(member, "person.birth_date"))


def _named(member: StatedMember, name: str, detail: str = "") -> tuple[str, str, str]:
    where, whose = at(member, name)
    return where, detail, whose


def _against_number(
    member: StatedMember, told: Mapping[str, Any], partition: int
) -> Iterator[Finding]:
    person = member.person
    born: date = told["birth_date"]
    if not partition - MAX_AGE <= born.year <= partition:
        yield error("IDN08", *_named(member, "person.id_no"))
    kind = person.get("id_type")
    if kind in (RESIDENT_ID, DISABILITY_ID) and kind != told["id_type"]:
        yield error("IDN06", *_named(member, "person.id_type"))
    if person.get("sex") and person["sex"] != told["sex"]:
        yield error("IDN09", *_named(member, "person.sex"))
    if person.get("birth_date") and person["birth_date"] != born:
        yield query("IDN10", *_named(member, "person.birth_date"))


def _relation(member: StatedMember, sexes: Mapping[str, str]) -> Iterator[Finding]:
    relation, sex = member.year.get("relation_to_head"), member.person.get("sex")
    if not relation:
        yield error("STR17", *_named(member, "year.relation_to_head"))
    for code, fitting in _SEXES.items():
        if sex and sex != fitting and sexes.get(str(relation)) == fitting:
            yield error(code, *_named(member, "year.relation_to_head"))


def _months(member: StatedMember) -> Iterator[Finding]:
    for name in ("work_months", "public_post_months"):
        value = member.year.get(name)
        if value is not None and not 0 <= value <= MOST_MONTHS:
            yield error("IMP15", *_named(member, f"year.{name}", "一年最多 12 个月"))


def _labour(member: StatedMember, partition: int) -> Iterator[Finding]:
    """Whoever is a child or at school is not counted as labour."""
    if member.year.get("labour_capacity") not in ABLE:
        return
    born = member.person.get("birth_date")
    if born and partition - born.year < GROWN:
        yield error("ENT13", *_named(member, "year.labour_capacity"))
    elif str(member.year.get("student_status") or "") not in NOT_AT_SCHOOL:
        yield query("ENT12", *_named(member, "year.labour_capacity"))


def _twice(members: Iterable[StatedMember]) -> Iterator[Finding]:
    """One person in two rows, by the first 18 characters of the number."""
    known: defaultdict[str, list[StatedMember]] = defaultdict(list)
    for member in members:
        if number := idnumbers.matched(str(member.person.get("id_no") or "")):
            known[number].append(member)
    for same in known.values():
        numbers = {one.person["id_no"] for one in same}
        for member in same[1:]:
            code = "DUP01" if len(numbers) == 1 else "DUP05"
            yield error(code, *_named(member, "person.id_no", "本户成员中出现两次"))


def _heads(stated: Stated) -> Iterator[Finding]:
    heads = [one for one in stated.members if one.year.get("relation_to_head") == HEAD]
    if stated.members and not heads:
        yield error("STR01", "members")
    for member in heads[1:]:
        yield error("STR02", *_named(member, "year.relation_to_head"))
    relations = Counter(one.year.get("relation_to_head") for one in stated.members)
    if relations[SPOUSE] > 1:
        yield error("STR05", "members")
    if len(heads) == 1:
        yield from _around(heads[0], stated)
    if stated.members and all(_is_child(one, stated.partition) for one in stated.members):
        yield query("STR14", "members")


def _is_child(member: StatedMember, partition: int) -> bool:
    born = member.person.get("birth_date")
    return born is not None and partition - born.year < GROWN


def _around(head: StatedMember, stated: Stated) -> Iterator[Finding]:
    """What the others' relations say about the head."""
    if _is_child(head, stated.partition):
        yield query("STR15", *_named(head, "year.relation_to_head"))
    for member in stated.members:
        if member is not head:
            yield from _sexes(member, head)
            yield from _ages(member, head)


def _sexes(member: StatedMember, head: StatedMember) -> Iterator[Finding]:
    relation, sex = member.year.get("relation_to_head"), member.person.get("sex")
    of_head = head.person.get("sex")
    if relation == SPOUSE and sex and sex == of_head:
        yield error("STR06", *_named(member, "year.relation_to_head"))
    if (relation in _OF_WIFE and of_head == FEMALE) or (
        relation in _OF_HUSBAND and of_head == MALE
    ):
        yield query("STR12", *_named(member, "year.relation_to_head"))


def _ages(member: StatedMember, head: StatedMember) -> Iterator[Finding]:
    born, of_head = member.person.get("birth_date"), head.person.get("birth_date")
    if not born or not of_head:
        return
    for code, relations, gap, sign in _GAPS:
        if member.year.get("relation_to_head") in relations:
            years = (born.year - of_head.year) * sign
            if years < gap:
                yield query(code, *_named(member, "year.relation_to_head"))
