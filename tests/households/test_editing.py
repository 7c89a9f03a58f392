"""An entry from opening to writing: read, checked, compared, written once, merged with others'."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.enums import Role
from accounts.models import User
from core import walls
from core.acting import acting
from core.history import images
from households.catalog import label
from households.models import (
    Household,
    HouseholdYear,
    MembershipEvent,
    Partition,
    Person,
    PersonYear,
    StatusEvent,
    WrittenEdit,
)
from households.services import editing, entry_checking
from households.services.changing import UnfitError
from households.services.editing import Edit, StaleError
from households.services.entry_edit import MOST_MEMBERS
from households.services.entry_state import editable
from tests.conftest import person
from tests.factories.households import HOME, NEIGHBOUR, household, id_no
from tests.register import city

__all__ = ["city"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def clerk(db: None) -> User:
    return person("clerk", Role.TOWN_CLERK, HOME[:9])


@pytest.fixture
def row(city: None) -> HouseholdYear:
    made = household(head="张三", code=HOME)
    for at, one in enumerate(roster(made)):
        # Two men, as their rows say: odd by the number, born on a day that no other person is.
        one.person.id_no = id_no(941 + 2 * at, date(1970, 1, 2))
        one.person.save()
    return made


def opened(row: HouseholdYear, by: User) -> Edit:
    return editing.load(
        household_no=row.household.household_no, partition=row.partition_id, actor=by
    )


def member(edit: Edit, at: int, part: str = "year", **values: Any) -> Edit:
    """The edit with a member's values typed."""
    told = edit.told()
    told["members"][at][part] |= values
    return Edit.read(told)


def year(edit: Edit, **values: Any) -> Edit:
    return replace(edit, year={**edit.year, **values})


def newcomer(edit: Edit, number: int = 901, **more: Any) -> Edit:
    told = edit.told()
    told["members"].append(
        {
            "person_no": "",
            "person": {"name": "何新", "id_no": id_no(number, date(2018, 3, 1))} | more,
            "year": {"relation_to_head": "03"},
            "joined": {"kind": "BIRTH", "on": "2018-03-01"},
        }
    )
    return Edit.read(told)


def gone(edit: Edit, at: int, **more: str) -> Edit:
    told = edit.told()
    told["members"][at]["left"] = {"kind": "DEATH", "on": "2018.6.1", "reason": "死亡证明"} | more
    return Edit.read(told)


def write(edit: Edit, by: User, **more: Any) -> HouseholdYear:
    return editing.apply(edit=edit, key=more.get("key") or uuid4(), reason="核实", by=by)


def roster(row: HouseholdYear) -> list[PersonYear]:
    rows = PersonYear.objects.filter(household_id=row.household_id, partition=row.partition_id)
    return list(rows.select_related("person").order_by("pk"))


def told_of(edit: Edit, where: str, by: User) -> list[editing.Finding]:
    return editing.check_fields(edit, [where], by)[where]


def problems(edit: Edit, by: User) -> set[tuple[str, str]]:
    found = editing.check(edit, by)
    return {(one.code, one.where) for one in (*found.errors, *found.queries)}


# --- opening -------------------------------------------------------------------------------------


def test_what_is_opened_changes_nothing(row: HouseholdYear, clerk: User) -> None:
    edit = opened(row, clerk)
    assert Edit.read(edit.told()).year["head_name"] == "张三"
    assert editing.diff(edit) == []
    assert problems(edit, clerk) == set()
    assert Edit.read(edit.told()) == Edit.read(Edit.read(edit.told()).told())


def test_nothing_that_identifies_is_opened(row: HouseholdYear, clerk: User) -> None:
    edit, masked = opened(row, clerk), editing.masked(
        household_no=row.household.household_no, partition=2018, actor=clerk
    )  # fmt: skip
    text = str(edit.told())
    for one in roster(row):
        assert one.person.id_no not in text
    for hidden in ("13900001234", "1970-01-02", "['03']"):
        assert hidden not in text
    assert masked["year.phone"] == "139****1234"
    assert masked["members.0.person.birth_date"] == "1970 年"
    assert masked["members.1.year.health_status"] == "已脱敏"
    assert "*" in masked["members.0.person.id_no"]


@pytest.mark.parametrize("read", ["load", "masked"])
def test_a_neighbour_opens_nothing(row: HouseholdYear, read: str) -> None:
    far = person("far", Role.COUNTY_OFFICE, NEIGHBOUR[:6])
    reader = person("reader", Role.LEADER, HOME[:6])
    for who in (far, reader):
        with pytest.raises(UnfitError):
            getattr(editing, read)(
                household_no=row.household.household_no, partition=2018, actor=who
            )


def test_last_year_fills_what_is_empty(row: HouseholdYear, clerk: User) -> None:
    with pytest.raises(UnfitError):
        editing.from_last_year(opened(row, clerk), clerk)
    household(
        year=2017, of=row.household, head="张三", income_wage=Decimal("1200.50"),
        has_broadcast=True, main_cause="02",
    )  # fmt: skip
    PersonYear.objects.filter(partition_id=2017).update(education_level="03")
    filled = editing.from_last_year(opened(row, clerk), clerk)
    assert filled.year["income_wage"] == "1200.50"
    assert filled.year["has_broadcast"] == "是"
    assert filled.year["main_cause"] == "01"
    assert filled.members[1]["year"]["education_level"] == "03"
    assert "phone" not in filled.year


# --- reading -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ({"income_wage": "１，２００．５元"}, {"income_wage": Decimal("1200.50")}),
        ({"income_wage": "12,000"}, {"income_wage": Decimal("12000.00")}),
        ({"income_wage": "0"}, {"income_wage": Decimal(0)}),
        ({"identified_year": "２０１５年"}, {"identified_year": 2015}),
        ({"has_broadcast": "有"}, {"has_broadcast": True}),
        ({"has_broadcast": "否"}, {"has_broadcast": False}),
        ({"main_cause": "因病"}, {"main_cause": "01"}),
        ({"other_causes": ["02", "03"]}, {"other_causes": ["02", "03"]}),
        ({"other_causes": "02、03"}, {"other_causes": ["02", "03"]}),
        ({"identified_month": "2018年3月"}, {"identified_month": "201803"}),
        ({"phone": "１３９ ０００１ ９９９９"}, {"phone": "13900019999"}),
        ({"main_cause": ""}, {"main_cause": ""}),
        ({"net_income_per_capita": ""}, {"net_income_per_capita": None}),
        ({"cause_note": "多行\n说明"}, {"cause_note": "多行\n说明"}),
    ],
)
def test_fields_are_read_as_an_import_reads_them(
    row: HouseholdYear, clerk: User, typed: dict[str, Any], stored: dict[str, Any]
) -> None:
    write(year(opened(row, clerk), **typed), clerk)
    now = HouseholdYear.objects.get(pk=row.pk)
    assert {name: getattr(now, name) for name in stored} == stored


@pytest.mark.parametrize(
    "typed", ["2018-03-01", "20180301", "2018年3月1日", "2018/3/1", "2018.3.1"]
)
def test_days_in_every_written_form(row: HouseholdYear, clerk: User, typed: str) -> None:
    edit = opened(row, clerk)
    write(replace(edit, household={**edit.household, "first_identified_on": typed}), clerk)
    assert Household.objects.get(pk=row.household_id).first_identified_on == date(2018, 3, 1)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ({"income_wage": "约一万"}, "IMP14"),
        ({"income_wage": "9" * 14}, "IMP15"),
        ({"has_broadcast": "不知道"}, "IMP16"),
        ({"main_cause": "ZZ"}, "IMP06"),
        ({"identified_month": "去年"}, "IMP12"),
        ({"household_type": "长" * 31}, "IMP19"),
        ({"phone": "0379-6680"}, "IDN15"),
        ({"bank_account": "123"}, "IDN18"),
        ({"exit_status": ""}, "IMP21"),
    ],
)
def test_what_cannot_be_read_is_said_beside_the_field(
    row: HouseholdYear, clerk: User, typed: dict[str, Any], code: str
) -> None:
    [name] = typed
    edit = year(opened(row, clerk), **typed)
    assert (code, f"year.{name}") in problems(edit, clerk)
    assert code in {one.code for one in told_of(edit, f"year.{name}", clerk)}
    assert told_of(edit, "year.cause_note", clerk) == []


@pytest.mark.parametrize(
    "told",
    [
        {}, {"partition": "x"}, {"partition": 2018, "year": {"no_such_field": "1"}},
        {"partition": 2018, "year": {"head_id_no": "1"}}, {"partition": 2018, "members": "x"},
        {"partition": 2018, "members": [{}] * 61}, {"partition": 2018, "acts": [{"act": "burn"}]},
        {"partition": 2018, "year": {"phone": {"a": 1}}}, {"partition": 2018, "year": "x"},
        {"partition": 2018, "version": "§"}, {"partition": 2018, "members": [None]},
        {"partition": 2018, "reason": "x" * 2001},
    ],
)  # fmt: skip
def test_what_is_no_edit_is_refused(row: HouseholdYear, clerk: User, told: Any) -> None:
    def tried() -> None:
        edit = Edit.read(told)
        editing.check(replace(edit, household_no=row.household.household_no), clerk)

    with pytest.raises(UnfitError):
        tried()


def test_a_form_of_the_largest_household_is_received() -> None:
    """Every editable fact of everybody, and how somebody joined or left."""
    a_member = len(editable(Person)) + len(editable(PersonYear)) + 6
    of_all = len(editable(Household)) + len(editable(HouseholdYear)) + 50
    assert of_all + MOST_MEMBERS * a_member < settings.DATA_UPLOAD_MAX_NUMBER_FIELDS


# --- checking ------------------------------------------------------------------------------------


def test_a_number_brings_sex_and_birthday(row: HouseholdYear, clerk: User) -> None:
    number = id_no(722, date(1985, 5, 6))
    edit = member(opened(row, clerk), 1, relation_to_head="04")
    write(member(edit, 1, "person", id_no=number.lower()), clerk)
    now = roster(row)[1].person
    assert (now.id_no, now.birth_date, now.sex) == (number, date(1985, 5, 6), "02")
    index: Any = Person._meta.get_field("id_index")
    assert bytes(now.id_index) == index.of(number)


def test_a_wrong_number_is_an_error_and_another_sex_is_too(row: HouseholdYear, clerk: User) -> None:
    right = id_no(721, date(1985, 5, 6))
    wrong = right[:-1] + ("0" if right[-1] != "0" else "1")
    where = "members.1.person.id_no"
    assert ("IDN04", where) in problems(member(opened(row, clerk), 1, "person", id_no=wrong), clerk)
    edit = member(opened(row, clerk), 1, "person", id_no=right, sex="02")
    assert ("IDN09", "members.1.person.sex") in problems(edit, clerk)


def test_a_person_elsewhere_is_named_with_the_village_alone(
    row: HouseholdYear, clerk: User
) -> None:
    other = household(code=NEIGHBOUR)
    taken = roster(other)[0].person
    edit = newcomer(opened(row, clerk), id_no=taken.id_no)
    [found] = [one for one in editing.check(edit, clerk).errors if one.code.startswith("DUP")]
    assert (found.code, found.where) == ("DUP02", "members.2.person.id_no")
    assert "嵩县" in found.message
    for secret in (taken.name, taken.id_no, taken.person_no, other.household.household_no):
        assert secret not in found.message
    assert told_of(edit, "members.2.person.id_no", clerk) == [found]


def test_a_person_of_no_household_this_year_may_come_back(row: HouseholdYear, clerk: User) -> None:
    known = roster(row)[1].person
    write(gone(opened(row, clerk), 1, kind="MOVE_OUT"), clerk)
    edit = newcomer(opened(row, clerk), id_no=known.id_no, name=known.name)
    assert editing.check(edit, clerk).errors == []
    write(edit, clerk)
    assert known.pk in {one.person_id for one in roster(row)}


def test_what_stood_before_blocks_nobody(row: HouseholdYear, clerk: User) -> None:
    HouseholdYear.objects.filter(pk=row.pk).update(exit_status="1", member_count=9)
    PersonYear.objects.filter(household_id=row.household_id).update(relation_to_head="")
    edit = year(opened(row, clerk), cause_note="核实")
    found = editing.check(edit, clerk)
    assert found.errors == found.queries == []
    assert {"REQ26", "STR01", "STR04"} <= {one.code for one in found.known}
    assert write(edit, clerk).cause_note == "核实"


def test_a_query_wants_a_reason(row: HouseholdYear, clerk: User) -> None:
    edit = year(opened(row, clerk), member_count="5")
    [query] = editing.check(edit, clerk).queries
    assert editing.check(edit, clerk).open == [query]
    said = replace(edit, confirmed={query.key: "另有三人户口未迁"})
    assert editing.check(said, clerk).open == []
    assert write(said, clerk).member_count == 5


def test_a_telephone_of_another_household_of_the_village_is_asked_about(
    row: HouseholdYear, clerk: User
) -> None:
    household(code=HOME, phone="13911112222")
    assert ("IDN16", "year.phone") in problems(year(opened(row, clerk), phone="13911112222"), clerk)
    assert ("IDN16", "year.phone") not in problems(
        year(opened(row, clerk), phone="13911113333"), clerk
    )


# --- the difference --------------------------------------------------------------------------------


def test_the_difference_is_told_in_words_and_masked(row: HouseholdYear, clerk: User) -> None:
    edit = year(opened(row, clerk), main_cause="02", phone="13988887777", cause_note="因学")
    edit = member(edit, 1, "person", name="李四")
    found = {one.where: one for one in editing.diff(edit)}
    assert set(found) == {
        "year.main_cause", "year.phone", "year.cause_note", "members.1.person.name",
    }  # fmt: skip
    assert found["year.phone"].before == "139****1234"
    assert found["year.phone"].after == "139****7777"
    assert found["year.cause_note"].before == ""
    assert found["members.1.person.name"].label.endswith("·姓名")


# --- writing ---------------------------------------------------------------------------------------


def test_only_what_changed_is_written(row: HouseholdYear, clerk: User) -> None:
    first, second = roster(row)
    health = bytes_of(second)
    write(member(opened(row, clerk), 0, labour_capacity="01"), clerk)
    assert roster(row)[0].labour_capacity == "01"
    assert len(images(PersonYear, first.pk)) >= 1
    assert images(PersonYear, second.pk) == []
    assert bytes_of(second) == health
    assert roster(row)[0].health_status == ["03"]
    kept = images(PersonYear, first.pk)[0]
    assert (kept["history_actor"], kept["history_reason"]) == (clerk.pk, "核实")


def bytes_of(one: PersonYear) -> bytes:
    with connection.cursor() as cursor:
        cursor.execute("SELECT health_status FROM households_personyear WHERE id = %s", [one.pk])
        return bytes(cursor.fetchone()[0])


def test_a_fact_of_health_keeps_the_seal_of_its_person(row: HouseholdYear, clerk: User) -> None:
    write(member(opened(row, clerk), 0, health_status=["02"]), clerk)
    first = bytes_of(roster(row)[0])
    edit = member(opened(row, clerk), 0, education_level="03")
    write(member(edit, 1, health_status=["02"]), clerk)
    assert [one.health_status for one in roster(row)] == [["02"], ["02"]]
    assert bytes_of(roster(row)[0]) == first


def test_a_correction_of_the_head_reaches_the_household(row: HouseholdYear, clerk: User) -> None:
    number = id_no(733, date(1960, 2, 2))
    write(member(opened(row, clerk), 0, "person", name="张三丰", id_no=number), clerk)
    now = HouseholdYear.objects.get(pk=row.pk)
    assert (now.head_name, now.head_id_no) == ("张三丰", number)


def test_members_come_and_go_with_their_events(row: HouseholdYear, clerk: User) -> None:
    then = household(year=2017, of=row.household, head="张三")
    write(gone(newcomer(opened(row, clerk)), 1), clerk)
    names = [one.person.name for one in roster(row)]
    assert "何新" in names
    assert len(names) == 2
    assert set(MembershipEvent.objects.values_list("kind", flat=True)) >= {"BIRTH", "DEATH"}
    assert HouseholdYear.objects.get(pk=row.pk).member_count == 2
    assert len(roster(then)) == 2


def test_another_head_by_the_relations_alone(row: HouseholdYear, clerk: User) -> None:
    edit = member(opened(row, clerk), 0, relation_to_head="11")
    edit = member(edit, 1, relation_to_head="01")
    edit = replace(edit, confirmed={"STR10:members.0.year.relation_to_head": "继父"})
    written = write(edit, clerk)
    assert [one.relation_to_head for one in roster(row)] == ["11", "01"]
    assert written.head_name == roster(row)[1].person.name


def test_the_head_dies_and_the_newborn_is_entered_and_the_wife_is_head(
    row: HouseholdYear, clerk: User
) -> None:
    edit = gone(newcomer(opened(row, clerk)), 0)
    edit = member(edit, 1, relation_to_head="01")
    write(edit, clerk)
    assert [one.relation_to_head for one in roster(row)] == ["01", "03"]
    assert HouseholdYear.objects.get(pk=row.pk).head_name == roster(row)[0].person.name


def test_acts(row: HouseholdYear, clerk: User) -> None:
    target = household(head="王五", code=HOME)
    one, two = roster(row)
    edit = opened(row, clerk)
    head = {"act": "change_head", "person_no": two.person.person_no,
            "relations": {one.person.person_no: "11"}}  # fmt: skip
    labels = [one.label for one in editing.diff(replace(edit, acts=[head]))]
    assert "变更户主" in labels
    write(replace(edit, acts=[head]), clerk)
    assert [m.relation_to_head for m in roster(row)] == ["11", "01"]
    move = {"act": "move", "person_no": one.person.person_no, "kind": "MOVE_IN",
            "to": target.household.household_no}  # fmt: skip
    write(replace(opened(row, clerk), acts=[move]), clerk)
    assert (len(roster(row)), len(roster(target))) == (1, 3)
    merge = {"act": "merge", "into": target.household.household_no}
    ended = write(replace(opened(row, clerk), acts=[merge]), clerk)
    assert ended.household_id == row.household_id
    assert not HouseholdYear.objects.filter(pk=row.pk).exists()
    assert Household.objects.get(pk=row.household_id).merged_into_id == target.household_id


def test_acts_that_cannot_be_done_are_said_before_they_are_reviewed(
    row: HouseholdYear, clerk: User
) -> None:
    head, second = (one.person.person_no for one in roster(row))
    far = household(code=NEIGHBOUR)
    edit = opened(row, clerk)
    for act, found in (
        ({"act": "change_head", "person_no": "x", "relations": {}}, ("ENT10", "acts.0")),
        ({"act": "change_head", "person_no": second, "relations": {head: "ZZ"}},
         ("IMP06", "acts.0.relations")),
        ({"act": "change_head", "person_no": second, "relations": {head: "01"}},
         ("STR02", "members.1.year.relation_to_head")),
        ({"act": "move", "person_no": second, "to": far.household.household_no, "kind": "MOVE_IN"},
         ("ENT10", "acts.0.to")),
        ({"act": "move", "person_no": second, "to": "x", "kind": "FLY"}, ("ENT07", "acts.0.kind")),
        ({"act": "move", "person_no": head, "to": "x", "kind": "MOVE_IN"}, ("STR01", "members")),
        ({"act": "merge", "into": row.household.household_no}, ("ENT10", "acts.0.into")),
        ({"act": "split", "person_nos": [head], "head_person_no": head},
         ("ENT10", "acts.0.person_nos")),
        ({"act": "split", "person_nos": [second], "head_person_no": head},
         ("ENT10", "acts.0.head_person_no")),
    ):  # fmt: skip
        assert found in problems(replace(edit, acts=[act]), clerk)


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ({"left": {"kind": "FLY"}}, ("ENT07", "members.1.left.kind")),
        ({"left": {"kind": "DEATH", "on": "2018-06-01"}}, ("ENT07", "members.1.left.reason")),
        ({"left": {"kind": "DEATH", "on": "昨天"}}, ("IMP12", "members.1.left.on")),
        ({"left": {"kind": "DEATH", "on": "2019-01-01"}}, ("ENT08", "members.1.left.on")),
        ({"person_no": "8631", "joined": {"kind": "BIRTH", "on": "2018-01-01"}},
         ("ENT10", "members.1")),
        ({"person_no": "", "joined": {"kind": "BIRTH", "on": ""}}, ("ENT07", "members.1.joined.on")),
    ],
)  # fmt: skip
def test_comings_and_goings_are_told_in_full(
    row: HouseholdYear, clerk: User, told: dict[str, Any], found: tuple[str, str]
) -> None:
    edit = opened(row, clerk).told()
    edit["members"][1] |= told
    assert found in problems(Edit.read(edit), clerk)


def test_a_split(row: HouseholdYear, clerk: User) -> None:
    second = roster(row)[1].person.person_no
    split = {"act": "split", "person_nos": [second], "head_person_no": second}
    write(replace(opened(row, clerk), acts=[split]), clerk)
    assert len(roster(row)) == 1
    assert Household.objects.get(split_from=row.household).persons.count() == 1


def test_nobody_moves_to_a_household_that_the_clerk_may_not_edit(
    row: HouseholdYear, clerk: User
) -> None:
    far = household(code=NEIGHBOUR)
    move = {"act": "move", "person_no": roster(row)[1].person.person_no, "kind": "MOVE_IN",
            "to": far.household.household_no}  # fmt: skip
    with pytest.raises(UnfitError):
        write(replace(opened(row, clerk), acts=[move]), clerk)
    assert len(roster(row)) == 2


def new_edit(members: int = 2) -> Edit:
    told = editing.blank(village_code=HOME, partition=2018).told()
    told["household"]["address"] = "三组"
    told["year"] |= {"exit_status": "0", "main_cause": "01", "income_wage": "1,000"}
    head = told["members"][0]
    head["person"] |= {"name": "赵一", "id_no": id_no(811, date(1970, 1, 1))}
    for number in range(1, members):
        child = {"name": "赵儿", "id_no": id_no(811 + 2 * number, date(1995, 1, number))}
        told["members"].append(
            {"person_no": "", "person": child, "year": {"relation_to_head": "03"}}
        )
    return Edit.read(told)


def test_a_new_household(city: None, clerk: User) -> None:
    household(code=HOME)
    edit = new_edit()
    assert problems(edit, clerk) == set()
    assert edit.year["head_name"] == "赵一"
    written = write(edit, clerk)
    assert written.household.household_no.startswith("L410324")
    assert (written.head_name, written.member_count) == ("赵一", 2)
    assert written.income_wage == Decimal("1000.00")
    assert written.net_income is None
    first = roster(written)[0].person
    assert (first.birth_date, first.sex, first.id_type) == (date(1970, 1, 1), "01", "01")
    assert StatusEvent.objects.filter(household=written.household, kind="IDENTIFY").exists()


def test_a_new_household_without_what_it_needs(city: None, clerk: User) -> None:
    Partition.objects.get_or_create(year=2018)
    found = problems(editing.blank(village_code=HOME, partition=2018), clerk)
    assert {
        ("IMP21", "year.exit_status"), ("IMP21", "members.0.person.name"),
        ("IDN01", "members.0.person.id_no"),
    } <= found  # fmt: skip
    far = replace(new_edit(), household={"village_code": NEIGHBOUR})
    assert ("IMP21", "household.village_code") in problems(far, clerk)
    with pytest.raises(UnfitError):
        write(far, clerk)
    assert not Household.objects.exists()


def test_a_status_is_booked(row: HouseholdYear, clerk: User) -> None:
    household(year=2017, of=row.household)
    write(year(opened(row, clerk), exit_status="1", exit_year="2018"), clerk)
    assert StatusEvent.objects.filter(household=row.household, kind="EXIT").exists()


def test_errors_are_refused_and_nothing_is_written(row: HouseholdYear, clerk: User) -> None:
    edit = year(opened(row, clerk), cause_note="x", exit_status="1")
    with pytest.raises(UnfitError, match="脱贫年度"):
        write(edit, clerk)
    assert HouseholdYear.objects.get(pk=row.pk).cause_note == ""
    assert not WrittenEdit.objects.exists()


def test_a_neighbour_writes_nothing(row: HouseholdYear, clerk: User) -> None:
    edit = year(opened(row, clerk), cause_note="x")
    for who in (
        person("far", Role.COUNTY_OFFICE, NEIGHBOUR[:6]), person("reader", Role.LEADER, HOME[:6]),
    ):  # fmt: skip
        with pytest.raises(UnfitError):
            write(edit, who)
    assert HouseholdYear.objects.get(pk=row.pk).cause_note == ""


def test_the_identity_of_somebody_who_lives_elsewhere_by_now(
    row: HouseholdYear, clerk: User
) -> None:
    far = household(code=NEIGHBOUR, year=2019)
    moved = roster(row)[1].person
    with acting(by=None):
        Person.objects.filter(pk=moved.pk).update(household=far.household, village_code=NEIGHBOUR)
    edit = opened(row, clerk)
    renamed = member(edit, 1, "person", name="李四")
    assert ("ENT11", "members.1.person.name") in problems(renamed, clerk)
    assert write(member(edit, 1, education_level="03"), clerk)


def test_a_closed_year_takes_no_members(row: HouseholdYear, clerk: User) -> None:
    edit = opened(row, clerk)
    Partition.objects.filter(year=2018).update(closed_at=timezone.now())
    assert ("ENT09", "members") in problems(newcomer(edit), clerk)
    assert ("ENT09", "acts") in problems(replace(edit, acts=[{"act": "merge", "into": "x"}]), clerk)


# --- twice, at once, and stale -----------------------------------------------------------------------


def test_the_same_key_writes_once(row: HouseholdYear, clerk: User) -> None:
    key, edit = uuid4(), newcomer(opened(row, clerk))
    first = write(edit, clerk, key=key)
    again = write(edit, clerk, key=key)
    assert first.pk == again.pk
    assert len(roster(row)) == 3
    assert WrittenEdit.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_requests_with_one_key_at_one_moment(row: HouseholdYear, clerk: User) -> None:
    key, edit = uuid4(), newcomer(opened(row, clerk))

    def once(_: int) -> int:
        try:
            return int(write(edit, clerk, key=key).pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        written = list(pool.map(once, range(4)))
    assert set(written) == {row.pk}
    assert len(roster(row)) == 3
    assert WrittenEdit.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_clerks_at_one_moment_are_not_both_right(row: HouseholdYear, clerk: User) -> None:
    edit = opened(row, clerk)

    def once(text: str) -> str:
        try:
            return write(year(edit, cause_note=text), clerk).cause_note
        except StaleError as stale:
            return f"stale:{stale.changes[0].after}"
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        told = sorted(pool.map(once, ["甲", "乙"]))
    assert told in (["stale:甲", "甲"], ["stale:乙", "乙"])


def test_a_number_that_was_taken_after_the_check(
    row: HouseholdYear, clerk: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = roster(household(code=HOME))[0].person.id_no
    monkeypatch.setattr(entry_checking, "_villages", lambda *_: [])
    for edit in (
        newcomer(opened(row, clerk), id_no=taken),
        member(opened(row, clerk), 1, "person", id_no=taken, sex="", id_type="01"),
    ):
        told = editing.check(edit, clerk).errors
        if {one.code for one in told} - {"STR07"}:
            raise AssertionError(told)
        with pytest.raises(UnfitError):
            write(member(edit, -1, relation_to_head="99"), clerk)
    assert len(roster(row)) == 2


def test_stale_is_told_field_by_field(row: HouseholdYear, clerk: User) -> None:
    mine = year(opened(row, clerk), cause_note="我的")
    write(year(member(opened(row, clerk), 1, "person", name="李四"), main_cause="02",
               phone="13988887777"), clerk)  # fmt: skip
    with pytest.raises(StaleError) as stale:
        write(mine, clerk)
    found = {one.where: one for one in stale.value.changes}
    assert set(found) == {"year.main_cause", "year.phone", "members.1.person.name"}
    assert (found["year.phone"].before, found["year.phone"].after) == (
        "139****1234", "139****7777",
    )  # fmt: skip
    assert found["members.1.person.name"].after == "李四"
    assert "" not in (found["year.main_cause"].before, found["year.main_cause"].after)
    assert HouseholdYear.objects.get(pk=row.pk).cause_note == ""


def test_whoever_came_and_went_meanwhile_is_named(row: HouseholdYear, clerk: User) -> None:
    mine = year(opened(row, clerk), cause_note="我的")
    second = roster(row)[1].person.name
    write(gone(newcomer(opened(row, clerk)), 1), clerk)
    with pytest.raises(StaleError) as stale:
        write(mine, clerk)
    told = {(one.label, one.after) for one in stale.value.changes}
    assert {("成员 何新", "已加入本户"), (f"成员 {second}", "已不在本户")} <= told


def test_a_touch_that_changes_nothing_is_not_stale(row: HouseholdYear, clerk: User) -> None:
    mine = year(opened(row, clerk), cause_note="我的")
    with acting(by=None):
        HouseholdYear.objects.filter(pk=row.pk).update(main_cause="01", changed_at=timezone.now())
    assert write(mine, clerk).cause_note == "我的"


def test_two_clerks_merge(row: HouseholdYear, clerk: User) -> None:
    base = opened(row, clerk)
    mine = year(base, cause_note="我的", main_cause="03")
    mine = member(mine, 1, education_level="03")
    theirs = year(base, main_cause="02", income_wage="500", phone="13988887777")
    write(member(theirs, 1, labour_capacity="02"), clerk)
    merges, merged = editing.three_way(base, mine, clerk)
    found = {one.where: one for one in merges}
    assert {where for where, one in found.items() if one.clashes} == {"year.main_cause"}
    assert {"year.income_wage", "year.phone", "members.1.year.labour_capacity"} <= set(found)
    assert found["year.phone"].theirs == "139****7777"
    clash = found["year.main_cause"]
    assert len({clash.base, clash.mine, clash.theirs}) == 3
    assert merged.year["income_wage"] == "500.00"
    assert merged.year["main_cause"] == "03"
    written = write(merged, clerk)
    assert (written.cause_note, written.main_cause, written.income_wage, written.phone) == (
        "我的", "03", Decimal("500.00"), "13988887777",
    )  # fmt: skip
    second = roster(row)[1]
    assert (second.education_level, second.labour_capacity) == ("03", "02")


def test_the_same_in_other_words_is_no_change_and_no_clash(row: HouseholdYear, clerk: User) -> None:
    HouseholdYear.objects.filter(pk=row.pk).update(
        other_causes=["02", "03"], income_wage=Decimal(1200), phone="13900001234"
    )
    base = opened(row, clerk)
    words = {
        "main_cause": label("poverty_cause", "01"),
        "other_causes": "、".join(label("poverty_cause", code) for code in ("02", "03")),
        "income_wage": "１，２００元",
        "phone": "139 0000 1234",
    }
    mine = year(base, **words)
    assert editing.diff(mine) == []
    write(year(base, main_cause="04", other_causes=["05"], income_wage="7",
               phone="13988887777"), clerk)  # fmt: skip
    merges, merged = editing.three_way(base, year(mine, cause_note="我的"), clerk)
    assert [one.where for one in merges if one.clashes] == []
    assert len(merges) == len(words)
    written = write(merged, clerk)
    assert (written.main_cause, written.other_causes, written.income_wage, written.phone) == (
        "04", ["05"], Decimal(7), "13988887777",
    )  # fmt: skip


def test_merging_follows_members(row: HouseholdYear, clerk: User) -> None:
    base = opened(row, clerk)
    write(gone(newcomer(base), 1), clerk)
    merges, merged = editing.three_way(base, year(base, cause_note="我的"), clerk)
    assert [one["person"]["name"] for one in merged.members] == ["张三", "何新"]
    assert {one.theirs for one in merges} >= {"已加入本户", "已不在本户"}
    assert write(merged, clerk).cause_note == "我的"


def test_a_version_tells_nothing_of_a_number(row: HouseholdYear, clerk: User) -> None:
    one, two = opened(row, clerk), opened(row, clerk)
    assert one.version == two.version
    assert len(one.version) < 4_000
    assert roster(row)[0].person.id_no not in one.version


# --- inside the second wall ---------------------------------------------------------------------------


def test_a_clerk_does_it_all_inside_the_own_scope(row: HouseholdYear, clerk: User) -> None:
    target, far = household(code=HOME, head="王五"), household(code=NEIGHBOUR)
    taken = roster(far)[0].person.id_no
    village = person("cadre", Role.VILLAGE, HOME)
    with walls.scoped(village):
        edit = newcomer(opened(row, village), id_no=taken)
        assert "DUP02" in [one.code for one in editing.check(edit, village).errors]
        written = write(newcomer(opened(row, village)), village)
        assert len(roster(written)) == 3
        edit = year(member(opened(row, village), 1, "person", name="李四"), exit_status="2")
        write(gone(edit, 2), village)
        move = {"act": "move", "person_no": roster(row)[1].person.person_no, "kind": "MOVE_IN",
                "to": target.household.household_no}  # fmt: skip
        write(replace(opened(row, village), acts=[move]), village)
        assert write(new_edit(3), village).member_count == 3
        with pytest.raises(UnfitError):
            opened(far, village)
    assert len(roster(target)) == 3
    assert Person.objects.filter(name="李四").exists()


@pytest.mark.parametrize("village", [HOME, NEIGHBOUR])
def test_nobody_asks_for_more_than_the_village_of_a_number(
    row: HouseholdYear, clerk: User, village: str
) -> None:
    """The function beside the second wall gives three columns, none of which names anybody."""
    other = household(code=village)
    taken: Any = roster(other)[0].person
    with walls.scoped(clerk), connection.cursor() as cursor:
        cursor.execute(
            "SELECT * FROM documents_held(%s::bytea[], 2018, '{}')", [[bytes(taken.id_index)]]
        )
        assert [column.name for column in cursor.description] == [
            "id_index", "village_code", "is_of_year",
        ]  # fmt: skip
        [(index, code, is_of_year)] = cursor.fetchall()
    assert (bytes(index), code, is_of_year) == (bytes(taken.id_index), village, True)


# --- what it costs -----------------------------------------------------------------------------------


def test_queries_do_not_depend_on_the_number_of_members(city: None, clerk: User) -> None:
    small, large = household(members=2, code=HOME), household(members=9, code=HOME)

    def asked(row: HouseholdYear) -> list[int]:
        counts = []
        edit = opened(row, clerk)
        for at in range(len(edit.members)):
            edit = member(edit, at, education_level="03")
        edit = member(edit, 0, "person", name="王小二")
        for act in (opened, editing.check, write):
            with CaptureQueriesContext(connection) as captured:
                act(*((row, clerk) if act is opened else (edit, clerk)))
            counts.append(len(captured))
        return counts

    asked(household(code=HOME))
    few, many = asked(small), asked(large)
    assert few == many
    assert few[1] <= 6
