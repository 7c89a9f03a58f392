"""Drafts: their owner's alone, late arrivals, one a household, gone once handed in."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.utils import timezone

from accounts.enums import Role
from accounts.models import User
from core import retention, walls
from core.scope import Maintenance
from households.models import Draft, HouseholdYear, ReviewChain
from households.services import changing, drafting, editing
from households.services.changing import UnfitError
from tests.conftest import person
from tests.factories.households import HOME, NEIGHBOUR, household
from tests.register import city

__all__ = ["city"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def clerk(db: None) -> User:
    return person("clerk", Role.TOWN_CLERK, HOME[:9])


@pytest.fixture
def row(city: None) -> HouseholdYear:
    return household(head="张三", code=HOME)


def edit(row: HouseholdYear, by: User, **year: str) -> dict[str, Any]:
    told = editing.load(household_no=row.household.household_no, partition=2018, actor=by).told()
    told["year"] |= year or {"cause_note": "因病"}
    return told


def blank(code: str = HOME) -> dict[str, Any]:
    return editing.blank(village_code=code, partition=2018).told()


def test_a_draft_is_kept_and_found_again(row: HouseholdYear, clerk: User) -> None:
    key = uuid4()
    told = edit(row, clerk, phone="13912345678")
    drafting.keep(key=key, edit=told, seq=1, by=clerk)
    found = drafting.draft_of(row.household.household_no, 2018, clerk)
    assert found is not None
    assert found.key == key
    assert found.edit["year"]["phone"] == "13912345678"
    assert found.version == told["version"]
    assert [one.pk for one in drafting.drafts(clerk)] == [found.pk]
    with connection.cursor() as cursor:
        cursor.execute("SELECT payload FROM households_draft")
        assert b"13912345678" not in bytes(cursor.fetchone()[0])
    with pytest.raises(IntegrityError), connection.cursor() as cursor:
        cursor.execute("UPDATE households_draft SET payload = %s", [b'{"phone": "13912345678"}'])


def test_a_request_that_was_held_up_is_too_late(row: HouseholdYear, clerk: User) -> None:
    key = uuid4()
    for seq, note in ((3, "三"), (2, "二"), (3, "又三"), (4, "四"), (1, "一")):
        drafting.keep(key=key, edit=edit(row, clerk, cause_note=note), seq=seq, by=clerk)
    kept = Draft.objects.get()
    assert (kept.seq, kept.edit["year"]["cause_note"]) == (4, "四")


def test_one_draft_a_household_and_several_new_ones(row: HouseholdYear, clerk: User) -> None:
    drafting.keep(key=uuid4(), edit=edit(row, clerk), seq=1, by=clerk)
    with pytest.raises(UnfitError, match="已有一份草稿"):
        drafting.keep(key=uuid4(), edit=edit(row, clerk), seq=1, by=clerk)
    first, second = uuid4(), uuid4()
    for key in (first, second):
        drafting.keep(key=key, edit=blank(), seq=1, by=clerk)
    newest = drafting.draft_of("", 2018, clerk)
    assert newest is not None
    assert newest.key == second
    assert len(drafting.drafts(clerk)) == 3
    with pytest.raises(UnfitError):
        drafting.keep(key=first, edit=edit(row, clerk), seq=9, by=clerk)


def test_others_neither_see_nor_drop_it(row: HouseholdYear, clerk: User) -> None:
    other = person("other", Role.TOWN_CLERK, HOME[:9])
    key = uuid4()
    drafting.keep(key=key, edit=edit(row, clerk), seq=1, by=clerk)
    assert drafting.drafts(other) == []
    assert drafting.draft_of(row.household.household_no, 2018, other) is None
    drafting.drop(key=key, by=other)
    assert Draft.objects.count() == 1
    with pytest.raises(UnfitError):
        drafting.keep(key=key, edit=edit(row, clerk), seq=9, by=other)
    drafting.keep(key=uuid4(), edit=edit(row, other), seq=1, by=other)
    drafting.drop(key=key, by=clerk)
    drafting.drop(key=key, by=clerk)
    assert [one.owner_id for one in Draft.objects.all()] == [other.pk]


def test_the_database_itself_shows_it_to_nobody_else(row: HouseholdYear, clerk: User) -> None:
    other = person("other", Role.COUNTY_OFFICE, HOME[:6])
    drafting.keep(key=uuid4(), edit=edit(row, clerk), seq=1, by=clerk)
    for who, seen in ((clerk, 1), (other, 0), (None, 0), (Maintenance("4103"), 1)):
        with walls.scoped(who):
            assert Draft.objects.count() == seen
    with (
        walls.scoped(other),
        pytest.raises(ProgrammingError, match="row-level security"),
        transaction.atomic(),
    ):
        Draft.objects.create(
            key=uuid4(), owner=clerk, village_code=HOME, partition_id=2018, payload="{}"
        )


def test_outside_the_own_villages_nothing_is_kept(row: HouseholdYear, clerk: User) -> None:
    far = person("far", Role.COUNTY_OFFICE, NEIGHBOUR[:6])
    reader = person("reader", Role.LEADER, HOME[:6])
    for who in (far, reader):
        with pytest.raises(UnfitError):
            drafting.keep(key=uuid4(), edit=edit(row, clerk), seq=1, by=who)
    with pytest.raises(UnfitError):
        drafting.keep(key=uuid4(), edit=blank(NEIGHBOUR), seq=1, by=clerk)
    with pytest.raises(UnfitError):
        drafting.keep(key=uuid4(), edit={"partition": 2018, "year": []}, seq=1, by=clerk)
    with pytest.raises(UnfitError):
        drafting.keep(key=uuid4(), edit=blank() | {"partition": 2031}, seq=1, by=clerk)
    assert not Draft.objects.exists()


@pytest.mark.parametrize("levels", [[], [12, 9, 6]])
def test_it_is_gone_once_handed_in_and_does_not_come_back(
    row: HouseholdYear, clerk: User, levels: list[int]
) -> None:
    ReviewChain.objects.create(
        region_code=HOME[:6], levels=levels, valid_from=timezone.localdate(), reason="测试",
        created_by=clerk,
    )  # fmt: skip
    key, told = uuid4(), edit(row, clerk)
    drafting.keep(key=key, edit=told, seq=1, by=clerk)
    changing.submit(edit=told, key=key, reason="核实", by=clerk)
    assert not Draft.objects.exists()
    with pytest.raises(UnfitError, match="已提交"):
        drafting.keep(key=key, edit=told, seq=2, by=clerk)
    assert not Draft.objects.exists()


def test_what_was_returned_is_a_draft_again(row: HouseholdYear, clerk: User) -> None:
    office = person("office", Role.COUNTY_OFFICE, HOME[:6])
    other = person("other", Role.TOWN_CLERK, HOME[:9])
    key, told = uuid4(), edit(row, clerk)
    change = changing.submit(edit=told, key=key, reason="核实", by=clerk)
    change = changing.decide(change=change, approve=False, reason="缺材料", by=other)
    drafting.keep(key=key, edit=told, seq=1, by=clerk)
    changing.resubmit(change=change, edit=told, reason="补材料", by=clerk)
    assert not Draft.objects.exists()
    for who in (other, office):
        change = changing.decide(change=change, approve=True, by=who)
    assert HouseholdYear.objects.get(pk=row.pk).cause_note == "因病"


def test_nobody_comes_back_to_old_ones(row: HouseholdYear, clerk: User) -> None:
    [rule] = [one for one in retention.rules() if one.name == "entry_drafts"]
    drafting.keep(key=uuid4(), edit=edit(row, clerk), seq=1, by=clerk)
    drafting.keep(key=uuid4(), edit=blank(), seq=1, by=clerk)
    Draft.objects.filter(household=None).update(changed_at=timezone.now() - timedelta(days=31))
    with walls.scoped(Maintenance("4103")):
        assert retention.apply(rule, dry_run=True).due == 1
        assert retention.apply(rule).removed == 1
    assert [one.household_id for one in Draft.objects.all()] == [row.household_id]


def test_what_is_kept_is_what_was_typed(row: HouseholdYear, clerk: User) -> None:
    told = edit(row, clerk, income_wage="约一万")
    kept = drafting.keep(key=uuid4(), edit=told, seq=1, by=clerk)
    assert json.loads(kept.payload)["year"]["income_wage"] == "约一万"
