"""Members of a household come, go and pass on, and households split and merge.

Each act changes the open year it is told for and has the ledger posted (`movements`), so that
年初 + 新识别 + 返贫 + 自然增加 − 脱贫 − 自然减少 − 清退 = 年末 stays true in every place.

A year states how things stood on 31 December, and imports leave whoever left in a year out of it. So a
member who leaves has no row in the year of leaving from then on: the row goes into the history table
with the act's name and reason, the years before stay as they were, the person's identity lives for
ever. Keeping such a row with a mark would have every count, list, export and rate of the product ask
for the mark, and the first that forgets it is wrong.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from django.db import IntegrityError, connection, models, transaction
from django.db.models.functions import Now

from core.acting import acting, identity
from households.enums import HEAD, JOINS, LEAVES, MemberKind
from households.models import Household, HouseholdYear, Partition, Person, PersonYear
from households.services.movements import post_movements


class UnfitError(Exception):
    """The act cannot be done as told; the text says why."""


def new_number(village_code: str) -> str:
    """A number of the register's own for a household or person: L, county, twelve random digits.

    The national numbers are all digits, so the two never meet.
    """
    return f"L{village_code[:6]}{secrets.randbelow(10**12):012}"


def add_member(
    *,
    household_year: HouseholdYear,
    person: Mapping[str, Any],
    year: Mapping[str, Any],
    kind: str,
    reason: str,
    by: Any,
) -> PersonYear:
    """Somebody joins the household: `person` and `year` are values of their fields.

    A `person_no` that is known, or a document number, brings back a person who belongs to no
    household in this year. Raises UnfitError for a person who does.
    """
    _kind_among(kind, JOINS)
    with acting(by=by, reason=reason):
        row = _locked([household_year])[0]
        member = enrol(row=row, person=person, year=year)
        _count(row, +1)
        book([row], [(member.person_id, row.household_id, kind)], reason, by)
    return member


def enrol(*, row: HouseholdYear, person: Mapping[str, Any], year: Mapping[str, Any]) -> PersonYear:
    """Put a person on a household's list of the year; whoever calls this books it."""
    joined = _person(row, person)
    facts = _values(PersonYear, year)
    if facts.get("relation_to_head") == HEAD and _heads(row).exists():
        raise UnfitError("本户已有户主；更换户主请用“变更户主”。")
    try:
        with transaction.atomic():
            member = PersonYear.objects.create(
                partition_id=row.partition_id,
                household_id=row.household_id,
                village_code=row.village_code,
                person=joined,
                **facts,
            )
    except IntegrityError as error:
        raise UnfitError("该人员本年度已在册。") from error
    return member


def remove_member(*, person_year: PersonYear, kind: str, on: date, reason: str, by: Any) -> None:
    """Somebody left the household on a day of the year or before; the last one ends the household.

    Raises UnfitError for the head of others, and for a day after the year.
    """
    _kind_among(kind, LEAVES)
    why = f"{on:%Y-%m-%d} {reason}"
    with acting(by=by, reason=why):
        row, member = _locked_member(person_year)
        if on.year > row.partition_id:
            raise UnfitError("减少日期晚于本年度。")
        others = _members(row).exclude(pk=member.pk)
        is_last = not others.exists()
        if member.relation_to_head == HEAD and not is_last:
            raise UnfitError("减少的是户主，请先变更户主。")
        leave_year(row, None if is_last else [member.person_id])
        if is_last:
            _end(row)
        else:
            _count(row, -1)
        book([row], [(member.person_id, row.household_id, kind)], why, by)


def move_member(
    *, person_year: PersonYear, to: Household, kind: str, reason: str, by: Any
) -> PersonYear:
    """Somebody passes to another household of the same year; `kind` says how they join it."""
    _kind_among(kind, JOINS)
    with acting(by=by, reason=reason):
        # Both are locked in one order, so that two moves across each other cannot wait for ever.
        source, target = _locked([_year_of(person_year), _year_in(to, person_year.partition_id)])
        if source.pk == target.pk:
            raise UnfitError("该人员已在本户。")
        member = _still_there(person_year, source)
        if member.relation_to_head == HEAD and _members(source).exclude(pk=member.pk).exists():
            raise UnfitError("迁走的是户主，请先变更户主。")
        _pass(source, target, [member.person_id], "" if _heads(target).exists() else HEAD)
        leaves = MemberKind.MARRIAGE_OUT if kind == MemberKind.MARRIAGE_IN else MemberKind.MOVE_OUT
        if _members(source).exists():
            _count(source, -1)
        else:
            leave_year(source, None)
            _end(source, into=target.household_id)
        _count(target, +1)
        told = [
            (member.person_id, source.household_id, str(leaves)),
            (member.person_id, target.household_id, kind),
        ]
        book([source, target], told, reason, by)
    return PersonYear.objects.get(pk=member.pk)


def split_household(
    *,
    household_year: HouseholdYear,
    person_nos: Sequence[str],
    head_person_no: str,
    reason: str,
    by: Any,
) -> Household:
    """Some members become a household of their own, in the same village and standing.

    What is declared of the old one's income, land and house is not divided: that is to be stated anew.
    """
    with acting(by=by, reason=reason):
        row = _locked([household_year])[0]
        chosen = list(
            _members(row).filter(person__person_no__in=person_nos).select_related("person")
        )
        if len(chosen) != len(set(person_nos)) or head_person_no not in person_nos:
            raise UnfitError("所选人员不在本户，或没有从中选定新户的户主。")
        if any(member.relation_to_head == HEAD for member in chosen):
            raise UnfitError("原户主留在原户；要分出户主，请先变更户主。")
        old = row.household
        again = old.split_partition == row.partition_id
        new = Household.objects.create(
            household_no=new_number(row.village_code),
            village_id=row.village_id,
            village_code=row.village_code,
            natural_village_name=old.natural_village_name,
            address=old.address,
            first_identified_on=old.first_identified_on,
            # Split off twice in a year: the ledger goes by whoever stood there at its start.
            split_from_id=old.split_from_id if again else old.pk,
            split_partition=row.partition_id,
        )
        head = next(member for member in chosen if member.person.person_no == head_person_no)
        target = HouseholdYear.objects.create(
            partition_id=row.partition_id,
            household=new,
            village_id=row.village_id,
            village_code=row.village_code,
            member_count=0,
            **{name: getattr(row, name) for name in _STANDING},
        )
        persons = [member.person_id for member in chosen]
        _pass(row, target, persons, "")
        _members(target).filter(pk=head.pk).update(relation_to_head=HEAD, changed_at=Now())
        name_head(target, head.person)
        _count(row, -len(persons))
        _count(target, len(persons))
        book([row, target], _told(persons, row, target), reason, by)
    return new


_STANDING = (
    "identification_standard", "household_attribute", "exit_status", "exit_year", "identified_year",
    "main_cause", "other_causes", "relapse_cause", "household_type", "monitor_category",
)  # fmt: skip


def merge_households(*, source: HouseholdYear, target: HouseholdYear, reason: str, by: Any) -> None:
    """All members of one household pass to another; the first ends in this year.

    Raises UnfitError for households of different counties or years.
    """
    with acting(by=by, reason=reason):
        if source.pk == target.pk or source.partition_id != target.partition_id:
            raise UnfitError("并户须是同一年度的两户。")
        if source.village_code[:6] != target.village_code[:6]:
            raise UnfitError("只能在本县范围内并户。")
        source, target = _locked([source, target])
        persons = list(_members(source).values_list("person_id", flat=True))
        _pass(source, target, persons, "" if _heads(target).exists() else HEAD)
        _count(target, len(persons))
        leave_year(source, None)
        _end(source, into=target.household_id)
        book([source, target], _told(persons, source, target), reason, by)


def change_head(
    *,
    household_year: HouseholdYear,
    person_no: str,
    relations: Mapping[str, str],
    reason: str,
    by: Any,
) -> None:
    """Another member becomes the head; `relations` says how the others stand to them, by number.

    No persons move. Whoever is not named loses the relation stated to the former head.
    """
    with acting(by=by, reason=reason):
        row = _locked([household_year])[0]
        members = list(_members(row).select_related("person").select_for_update(of=("self",)))
        head = next((one for one in members if one.person.person_no == person_no), None)
        if head is None:
            raise UnfitError("新户主不在本户。")
        if HEAD in relations.values():
            raise UnfitError("一户只有一名户主。")
        if set(relations) - {one.person.person_no for one in members}:
            raise UnfitError("所列人员不在本户。")
        # The old head first: two heads at one moment are refused.
        for one in members:
            if one.pk != head.pk:
                one.relation_to_head = relations.get(one.person.person_no, "")
        rest = [one for one in members if one.pk != head.pk]
        PersonYear.objects.bulk_update(rest, ["relation_to_head"])
        _members(row).filter(pk=head.pk).update(relation_to_head=HEAD)
        _members(row).update(changed_at=Now())
        name_head(row, head.person)


def _kind_among(kind: str, kinds: Iterable[str]) -> None:
    if kind not in list(kinds):
        raise UnfitError("增减原因不在代码表中。")


def _locked(rows: Sequence[HouseholdYear]) -> list[HouseholdYear]:
    """The rows as they are now, locked in order of their keys and given back in the order told."""
    found = {
        row.pk: row
        for row in HouseholdYear.objects.filter(pk__in=[row.pk for row in rows])
        .select_related("household")
        .order_by("pk")
        .select_for_update(of=("self",))
    }
    if len(found) != len({row.pk for row in rows}):
        raise UnfitError("该户本年度的信息已不存在，请刷新后重试。")
    # Shared: a year that is being closed waits, and nobody else does.
    years = {row.partition_id for row in rows}
    if Partition.objects.filter(year__in=years, closed_at__isnull=False).exists():
        raise UnfitError("本年度已关闭，请提交更正申请。")
    return [found[row.pk] for row in rows]


def _year_in(household: Household, partition: int) -> HouseholdYear:
    found = HouseholdYear.objects.filter(household=household, partition_id=partition).first()
    if found is None:
        raise UnfitError("目标户没有本年度的信息。")
    return found


def _year_of(member: PersonYear) -> HouseholdYear:
    return HouseholdYear.objects.get(
        household_id=member.household_id, partition_id=member.partition_id
    )


def _locked_member(member: PersonYear) -> tuple[HouseholdYear, PersonYear]:
    row = _locked([_year_of(member)])[0]
    return row, _still_there(member, row)


def _still_there(member: PersonYear, row: HouseholdYear) -> PersonYear:
    found = _members(row).filter(pk=member.pk).select_for_update().first()
    if found is None:
        raise UnfitError("该人员已不在本户，请刷新后重试。")
    return found


def _members(row: HouseholdYear) -> "models.QuerySet[PersonYear]":
    return PersonYear.objects.filter(
        partition_id=row.partition_id, household_id=row.household_id
    ).order_by("pk")


def _heads(row: HouseholdYear) -> "models.QuerySet[PersonYear]":
    return _members(row).filter(relation_to_head=HEAD)


def _person(row: HouseholdYear, told: Mapping[str, Any]) -> Person:
    """The person who joins: one known by number, else a new one."""
    values = _values(Person, told)
    number = str(values.pop("person_no", "") or "")
    index = Person._meta.get_field("id_index").of(values.get("id_no") or "")
    known = Person.objects.none()
    if number:
        known = Person.objects.filter(person_no=number)
    elif index:
        known = Person.objects.filter(id_index=index)
    if found := known.select_for_update().first():
        if PersonYear.objects.filter(person=found, partition_id=row.partition_id).exists():
            raise UnfitError("该人员本年度已在册，请用“成员迁移”。")
        Person.objects.filter(pk=found.pk).update(
            household_id=row.household_id, village_code=row.village_code
        )
        return found
    try:
        with transaction.atomic():
            return Person.objects.create(
                person_no=number or new_number(row.village_code),
                household_id=row.household_id,
                village_code=row.village_code,
                **values,
            )
    except IntegrityError as error:
        raise UnfitError("该证件号码已登记在其他户。") from error


_PLACED = frozenset(
    {"household", "village_code", "partition", "person", "changed_at", "created_at"}
)


def _values(model: type[models.Model], told: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a model's own fields; an empty text means that a date, number or choice is missing."""
    values: dict[str, Any] = {}
    for name, value in told.items():
        if name in _PLACED:
            raise UnfitError(f"“{name}”由系统填写。")
        field = model._meta.get_field(name)
        is_missing = value == "" and field.null
        values[name] = None if is_missing else field.to_python(value)  # type: ignore[union-attr]
    return values


def _pass(source: HouseholdYear, target: HouseholdYear, persons: list[int], relation: str) -> None:
    """Persons, their year and their spells of work change the household.

    Relations to the former head mean nothing to the new one. `relation` is what the first one gets.
    """
    place = {"household_id": target.household_id, "village_code": target.village_code}
    members = _members(source).filter(person_id__in=persons)
    first = members.values_list("pk", flat=True).first() if relation else None
    keys = list(members.values_list("pk", flat=True))
    PersonYear.objects.filter(pk__in=keys).update(**place, relation_to_head="", changed_at=Now())
    if first:
        PersonYear.objects.filter(pk=first).update(relation_to_head=relation)
    spells = source.household.work_spells.filter(partition_id=source.partition_id)
    spells.filter(person_id__in=persons).update(**place)
    Person.objects.filter(pk__in=persons).update(**place)


def _told(
    persons: list[int], source: HouseholdYear, target: HouseholdYear
) -> list[tuple[int, int, str]]:
    leaving = [(one, source.household_id, str(MemberKind.MOVE_OUT)) for one in persons]
    return leaving + [(one, target.household_id, str(MemberKind.MOVE_IN)) for one in persons]


def name_head(row: HouseholdYear, person: Person) -> None:
    HouseholdYear.objects.filter(pk=row.pk).update(
        head_name=person.name,
        head_person_no=person.person_no,
        head_id_no=person.id_no,
        changed_at=Now(),
    )


def _count(row: HouseholdYear, difference: int) -> None:
    """The declared size follows, unless it had been declared otherwise than by the members."""
    now = _members(row).count()
    values: dict[str, Any] = {"changed_at": Now()}
    if row.member_count == now - difference:
        values["member_count"] = now
    HouseholdYear.objects.filter(pk=row.pk).update(**values)


def _end(row: HouseholdYear, into: int | None = None) -> None:
    """The household ends in this year; whoever had been merged into it follows to its heir."""
    partition = row.partition_id
    Household.objects.filter(pk=row.household_id).update(
        ended_partition=partition, merged_into_id=into
    )
    if into:
        Household.objects.filter(merged_into=row.household_id, ended_partition=partition).update(
            merged_into_id=into
        )


def leave_year(row: HouseholdYear, persons: list[int] | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT households_leave_year(%s, %s, %s::bigint[])",
            [row.partition_id, row.household_id, persons],
        )


def book(
    rows: Sequence[HouseholdYear],
    told: Sequence[tuple[int, int, str]],
    reason: str,
    by: Any,
    *,
    cleared: bool = False,
) -> None:
    """Post the year, and the one after it where that holds these households' members already.

    `cleared` says that those without a row in the year were cleared out.
    """
    ids = sorted({row.household_id for row in rows} | {household for _, household, _ in told})
    listed = " UNION ALL ".join(f"SELECT {pk:d}" for pk in ids)
    partition = rows[0].partition_id
    user = identity(by)[0]
    post_movements(
        partition=partition, households=listed, complete=cleared, told=told, reason=reason, by=user
    )
    after = PersonYear.objects.filter(partition_id=partition + 1, household_id__in=ids)
    if after.exists():
        post_movements(partition=partition + 1, households=listed, reason=reason, by=user)
