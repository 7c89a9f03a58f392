"""Members come, go and pass on; whatever happens, stocks and flows of every village agree."""

import random
from datetime import date
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import Sum

from core.acting import acting
from core.history import images
from households.enums import JOINS, LEAVES, POOR
from households.models import (
    Household,
    HouseholdYear,
    MembershipEvent,
    Partition,
    PersonYear,
    StatusEvent,
)
from households.services import members
from households.services.members import UnfitError
from households.services.movements import post_movements
from tests.factories.households import household, id_no

HERE, THERE = "410324100203", "410324100204"
ON = date(2018, 6, 1)


def poor(village: str, year: int) -> int:
    stock = HouseholdYear.objects.filter(village_code=village, partition_id=year)
    return PersonYear.objects.filter(
        partition_id=year,
        household__in=stock.filter(exit_status__in=POOR).values("household"),
    ).count()


def unexplained(village: str, year: int = 2018) -> int:
    """年初 + 新识别 + 返贫 + 自然增加 − 脱贫 − 自然减少 − 清退 − 年末 of a village."""
    where = {"village_code": village, "partition_id": year}
    status = StatusEvent.objects.filter(**where, is_opening=False)
    flows = dict(status.values_list("kind").annotate(Sum("persons")))
    natural = MembershipEvent.objects.filter(**where, is_poor=True)

    def came(kinds: Any) -> int:
        return natural.filter(kind__in=kinds).aggregate(n=Sum("persons"))["n"] or 0

    return (
        poor(village, year - 1) + flows.get("IDENTIFY", 0) + flows.get("RELAPSE", 0) + came(JOINS)
        - flows.get("EXIT", 0) - came(LEAVES) - flows.get("CLEAR_OUT", 0) - poor(village, year)
    )  # fmt: skip


def moves(year: int = 2018) -> dict[str, int]:
    rows = MembershipEvent.objects.filter(partition_id=year)
    return {
        kind: n for kind, n in rows.values_list("kind").annotate(Sum("persons")).order_by() if n
    }


def events(year: int = 2018) -> dict[str, tuple[int, int]]:
    rows = StatusEvent.objects.filter(partition_id=year, is_opening=False).values_list("kind")
    told = rows.annotate(h=Sum("households"), p=Sum("persons")).order_by()
    return {kind: (h, p) for kind, h, p in told if h or p}


def both_years(*traits: str, size: int = 3, code: str = HERE, was: str = "0") -> HouseholdYear:
    """A household of 2017 and 2018, booked."""
    then = household(members=size, code=code, year=2017, exit_status=was)
    return household(*traits, members=size, code=code, year=2018, of=then.household)


def book() -> None:
    with acting(by=None):
        for year in (2017, 2018):
            post_movements(
                partition=year, households="SELECT id FROM households_household", by=None
            )


def roster(row: HouseholdYear) -> list[PersonYear]:
    return list(
        PersonYear.objects.filter(household=row.household_id, partition_id=row.partition_id)
        .select_related("person")
        .order_by("pk")
    )


def add(row: HouseholdYear, number: int = 900, **person: Any) -> PersonYear:
    facts = {"name": "何新", "sex": "01", "birth_date": "2018-03-01", "id_no": id_no(number)}
    return members.add_member(
        household_year=row, person=facts | person, year={"relation_to_head": "03"},
        kind="BIRTH", reason="出生医学证明", by=None,
    )  # fmt: skip


def remove(member: PersonYear, kind: str = "DEATH") -> None:
    members.remove_member(person_year=member, kind=kind, on=ON, reason="死亡证明", by=None)


def fresh(row: HouseholdYear) -> HouseholdYear:
    return HouseholdYear.objects.get(pk=row.pk)


@pytest.mark.django_db
def test_a_birth_is_booked_with_its_kind_and_reason() -> None:
    row = both_years()
    book()
    joined = add(row)
    assert moves() == {"BIRTH": 1}
    assert MembershipEvent.objects.get().reason == "出生医学证明"
    assert fresh(row).member_count == 4
    assert joined.person.person_no.startswith("L410324")
    assert unexplained(HERE) == 0


@pytest.mark.django_db
def test_a_death_leaves_the_year_and_its_row_stays_in_the_history() -> None:
    row = both_years()
    book()
    gone = roster(row)[2]
    remove(gone)
    assert moves() == {"DEATH": 1}
    assert unexplained(HERE) == 0
    image = images(PersonYear, gone.pk)[0]
    assert (image["history_act"], image["history_reason"]) == ("D", "2018-06-01 死亡证明")
    # The years before and the person stay.
    assert PersonYear.objects.get(person=gone.person_id).partition_id == 2017
    assert fresh(row).member_count == 2


@pytest.mark.django_db
def test_a_member_of_an_exited_household_is_no_natural_change_of_the_poor() -> None:
    row = both_years("exited", was="1")
    book()
    remove(roster(row)[1])
    assert MembershipEvent.objects.get().is_poor is False
    assert unexplained(HERE) == 0


@pytest.mark.django_db
def test_a_death_after_the_exit_corrects_what_the_exit_moved() -> None:
    row = both_years("exited")
    book()
    assert events() == {"EXIT": (1, 3)}
    remove(roster(row)[1])
    assert events() == {"EXIT": (1, 2)}
    assert moves() == {"DEATH": 1}
    assert unexplained(HERE) == 0


@pytest.mark.django_db
def test_a_newly_identified_household_brings_its_members_by_identification() -> None:
    both_years()
    new = household(members=2, code=HERE, year=2018)
    book()
    add(new)
    assert events() == {"IDENTIFY": (1, 3)}
    assert moves() == {}
    assert unexplained(HERE) == 0


@pytest.mark.django_db
def test_the_last_one_ends_the_household_without_a_clear_out() -> None:
    row = both_years(size=1)
    book()
    remove(roster(row)[0])
    assert not HouseholdYear.objects.filter(pk=row.pk).exists()
    assert Household.objects.get(pk=row.household_id).ended_partition == 2018
    assert (events(), moves()) == ({}, {"DEATH": 1})
    assert unexplained(HERE) == 0


@pytest.mark.django_db
def test_who_was_removed_by_mistake_comes_back_and_the_booking_is_taken_back() -> None:
    row = both_years()
    book()
    gone = roster(row)[2]
    remove(gone)
    members.add_member(
        household_year=row, person={"person_no": gone.person.person_no}, year={},
        kind="JOIN_OTHER", reason="误减恢复", by=None,
    )  # fmt: skip
    assert moves() == {}
    assert unexplained(HERE) == 0


@pytest.mark.django_db
def test_moving_leaves_one_household_and_joins_the_other() -> None:
    one, other = both_years(code=HERE), both_years("exited", code=THERE, was="1")
    book()
    moved = members.move_member(
        person_year=roster(one)[1], to=other.household, kind="MARRIAGE_IN", reason="结婚", by=None
    )
    assert moves() == {"MARRIAGE_OUT": 1, "MARRIAGE_IN": 1}
    assert moved.village_code == THERE
    assert moved.person.household_id == other.household_id
    # A married daughter is no longer the former head's child.
    assert moved.relation_to_head == ""
    assert (unexplained(HERE), unexplained(THERE)) == (0, 0)


@pytest.mark.django_db
def test_a_split_is_neither_an_identification_nor_an_exit() -> None:
    row = both_years("exited", was="1", size=4)
    book()
    chosen = [one.person.person_no for one in roster(row)[2:]]
    new = members.split_household(
        household_year=row, person_nos=chosen, head_person_no=chosen[0], reason="分家", by=None
    )
    assert events() == {}
    assert moves() == {"MOVE_OUT": 2, "MOVE_IN": 2}
    year = HouseholdYear.objects.get(household=new)
    assert (year.exit_status, year.exit_year, year.member_count) == ("1", 2018, 2)
    assert year.head_name == roster(year)[0].person.name
    assert year.income_total is None
    assert unexplained(HERE) == 0


@pytest.mark.django_db
def test_a_merge_ends_one_household_and_nothing_is_cleared_out() -> None:
    one, other = both_years(code=HERE), both_years(code=THERE)
    book()
    members.merge_households(source=one, target=other, reason="合并赡养", by=None)
    assert (events(), moves()) == ({}, {"MOVE_OUT": 3, "MOVE_IN": 3})
    ended = Household.objects.get(pk=one.household_id)
    assert (ended.merged_into_id, ended.ended_partition) == (other.household_id, 2018)
    assert len(roster(other)) == 6
    assert (unexplained(HERE), unexplained(THERE)) == (0, 0)


@pytest.mark.django_db
def test_the_next_year_follows_a_late_change() -> None:
    row = both_years()
    household(members=3, code=HERE, year=2019, of=row.household)
    book()
    remove(roster(row)[2])
    # Still there in 2019, so that year gets them back.
    assert moves(2019) == {"JOIN_OTHER": 1}
    assert unexplained(HERE, 2019) == 0


@pytest.mark.django_db
def test_a_new_head_is_named_on_the_household() -> None:
    row = both_years()
    head, heir, _ = (one.person for one in roster(row))
    members.change_head(
        household_year=row, person_no=heir.person_no, relations={head.person_no: "11"},
        reason="原户主外出", by=None,
    )  # fmt: skip
    assert [one.relation_to_head for one in roster(row)] == ["11", "01", ""]
    now = fresh(row)
    assert (now.head_name, now.head_person_no, now.head_id_no) == (
        heir.name, heir.person_no, heir.id_no,
    )  # fmt: skip
    assert moves() == {}


@pytest.mark.django_db
def test_what_cannot_be_is_refused_and_leaves_nothing() -> None:
    row, other = both_years(), both_years()
    book()
    head = roster(row)[0]
    with pytest.raises(UnfitError, match="户主"):
        remove(head)
    with pytest.raises(UnfitError, match="晚于"):
        members.remove_member(
            person_year=roster(row)[1], kind="DEATH", on=date(2019, 1, 1), reason="x", by=None
        )
    with pytest.raises(UnfitError, match="代码表"):
        remove(roster(row)[1], kind="BIRTH")
    with pytest.raises(UnfitError, match="已在册"):
        add(row, person_no=roster(other)[1].person.person_no)
    with pytest.raises(UnfitError, match="户主"):
        members.move_member(
            person_year=head, to=other.household, kind="MOVE_IN", reason="x", by=None
        )
    with pytest.raises(UnfitError, match="同一年度"):
        members.merge_households(source=row, target=row, reason="x", by=None)
    number = roster(other)[1].person.person_no
    with pytest.raises(UnfitError, match="不在本户"):
        members.split_household(
            household_year=row, person_nos=[number], head_person_no=number, reason="x", by=None
        )
    assert (moves(), len(roster(row)), len(roster(other))) == ({}, 3, 3)


@pytest.mark.django_db
def test_a_closed_year_refuses_in_the_service_and_in_the_database() -> None:
    row = both_years()
    book()
    Partition.objects.filter(year=2018).update(closed_at="2019-01-01T00:00:00Z")
    with pytest.raises(UnfitError, match="已关闭"):
        remove(roster(row)[1])
    with (
        pytest.raises(DatabaseError, match="closed"),
        transaction.atomic(),
        acting(by=None, reason="x"),
    ):
        _leave(row, None)


@pytest.mark.django_db
def test_nothing_leaves_a_year_without_a_reason() -> None:
    row = both_years()
    with (
        pytest.raises(DatabaseError, match="without a reason"),
        transaction.atomic(),
        acting(by=None),
    ):
        _leave(row, None)


def _leave(row: HouseholdYear, persons: list[int] | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT households_leave_year(%s, %s, %s)",
            [row.partition_id, row.household_id, persons],
        )


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(12))
def test_whatever_happens_the_villages_add_up(seed: int) -> None:
    chance = random.Random(seed)
    for code in (HERE, THERE):
        both_years(code=code, size=4)
        both_years("exited", code=code, size=3)
        both_years("relapsed", code=code, size=2, was="1")
        household(members=3, code=code, year=2018)
    book()
    done = 0
    for step in range(25):
        try:
            _something(chance, 100 + step)
            done += 1
        except UnfitError:
            continue
        assert (unexplained(HERE), unexplained(THERE)) == (0, 0)
    assert done > 5
    # Posting the year again, as the next import does, finds nothing to correct.
    before = StatusEvent.objects.count(), MembershipEvent.objects.count()
    book()
    assert before == (StatusEvent.objects.count(), MembershipEvent.objects.count())


def _something(chance: random.Random, number: int) -> None:
    row, other = chance.sample(list(HouseholdYear.objects.in_year(2018).order_by("pk")), 2)
    people = roster(row)
    one = chance.choice(people)
    act = chance.choice(["add", "remove", "move", "split", "merge", "head", "head", "remove"])
    if act == "add":
        add(row, number)
    elif act == "remove":
        remove(one, chance.choice(["DEATH", "MOVE_OUT", "LEAVE_OTHER"]))
    elif act == "move":
        members.move_member(
            person_year=one, to=other.household, kind="MOVE_IN", reason="迁", by=None
        )
    elif act == "split":
        chosen = [member.person.person_no for member in people[1:3]]
        members.split_household(
            household_year=row, person_nos=chosen, head_person_no=(chosen or [""])[0],
            reason="分", by=None,
        )  # fmt: skip
    elif act == "merge":
        members.merge_households(source=row, target=other, reason="并", by=None)
    else:
        members.change_head(
            household_year=row, person_no=one.person.person_no, relations={}, reason="换", by=None
        )
