"""The demo city: published totals, consistent households, equal at every run."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction
from django.db.models import Count, F, Q

from core.idnumbers import check_digit
from core.workbooks.cells import make
from exits.models import PovertyLine, Target
from households.catalog import facts, readings
from households.enums import HEAD, JOINS, POOR
from households.models import (
    Household,
    HouseholdYear,
    MembershipEvent,
    Person,
    PersonYear,
    StatusEvent,
    WorkSpell,
)
from imports.demo import city, later, living, people, places
from imports.demo import published as p
from imports.demo.bulk import filling
from imports.demo.cells import EXITING, GROUPS, LEFT, Plan
from imports.demo.load import DemoRefusedError
from imports.demo.load import make as make_city
from imports.demo.names import Numbers
from imports.demo.plan import make_plan
from imports.demo.shares import apportion, evenly, heads_first, sizes
from imports.workbooks import (
    COLUMNS,
    LayoutUnusableError,
    demo_rows,
    layout_of,
    write_demo_workbook,
)
from villages.models import CountyYear, PopulationBase, Region, VillageYear

SMALL = 0.003
LAYOUTS = ("P2017", "P2018", "P2019", "P2021", "P2022F", "H2022F")


@pytest.fixture(scope="module")
def made(django_db_setup: None, django_db_blocker: Any) -> Iterator[Plan]:
    """A small demo city in the register, made once for all tests of this file."""
    with django_db_blocker.unblock(), transaction.atomic():
        make_city(scale=SMALL)
        yield make_plan(SMALL)
        transaction.set_rollback(True)


@pytest.fixture
def demo(made: Plan, db: None) -> Plan:
    """The small demo city; what a test changes in it is rolled back."""
    return made


def people_of(scale: float) -> list[city.Rows]:
    plan = make_plan(scale)
    settled = places.settle(plan)
    ids = city.Ids(1, 1, {})
    return [rows for c in p.COUNTIES for rows in city.households(plan, settled, c.code, ids)]


# Whole numbers


@pytest.mark.unit
@pytest.mark.parametrize(
    ("total", "weights", "low", "high", "parts"),
    [
        (10, [1, 1, 1], None, None, [4, 3, 3]),
        (10, [8, 1, 1], [0, 3, 0], None, [6, 3, 1]),
        (10, [8, 1, 1], None, [4, 9, 9], [4, 3, 3]),
        (0, [1, 2], None, None, [0, 0]),
        (5, [0, 0], [1, 1], [1, 2], [1, 2]),
    ],
)
def test_apportion_adds_up_within_bounds(
    total: int, weights: list[float], low: Any, high: Any, parts: list[int]
) -> None:
    assert apportion(total, weights, low, high) == parts


@pytest.mark.unit
@pytest.mark.parametrize(("homes", "persons"), [(1, 1), (10, 10), (10, 70), (1000, 2470), (7, 27)])
def test_sizes_add_up(homes: int, persons: int) -> None:
    found = sizes(homes, persons)

    assert (len(found), sum(found)) == (homes, persons)
    assert min(found) >= 1
    assert max(found) <= 7


@pytest.mark.unit
def test_heads_come_first_and_kinds_are_spread() -> None:
    assert heads_first(10, [1, 0, 3]) == [3, 0, 7]
    assert list(evenly([2, 1])) == [0, 1, 0]


# The published totals, on the plan alone


@pytest.fixture(scope="module")
def whole() -> Plan:
    return make_plan(1.0)


@pytest.mark.unit
def test_plan_meets_the_published_totals(whole: Plan) -> None:
    assert whole.count(2017, "PE") == (137_600, 493_100)
    assert whole.count(2017, "E") == (76_900, 300_100)
    assert whole.count(2017, "P") == (60_700, 193_000)
    assert whole.count(2017, "P", groups="N")[1] == 114_000
    assert whole.exits(2018) == 117_000
    assert [whole.villages(group) for group in GROUPS] == [329, 272, 127, 1_927]
    assert {c: whole.exits(2018, c) for c in ("410324", "410328", "410327", "410329")} == {
        "410324": 9_870, "410328": 13_616, "410327": 22_787, "410329": 20_595,
    }  # fmt: skip


@pytest.mark.unit
@pytest.mark.parametrize(
    ("county", "exits", "village_rate", "headcount"),
    [
        ("410324", 41, "97.6", "0.98"),
        ("410328", 71, "95.0", "1.20"),
        ("410327", 35, "95.5", "1.15"),
        ("410329", 17, "91.7", "1.15"),
    ],
)
def test_plan_meets_the_four_counties(
    whole: Plan, county: str, exits: int, village_rate: str, headcount: str
) -> None:
    villages = Decimal(whole.villages("AB", county)) / whole.villages("ABC", county) * 100
    rate = Decimal(whole.count(2018, "P", county)[1]) / whole.bases[county, 2018] * 100

    assert whole.villages(EXITING, county) == exits
    assert f"{villages:.1f}" == village_rate
    assert f"{rate:.2f}" == headcount
    assert rate < 2


@pytest.mark.unit
def test_plan_meets_the_figures_of_the_plan_for_2018_to_2020(whole: Plan) -> None:
    def rate(county: str, year: int) -> float:
        return whole.count(year, "P", county)[1] / whole.bases[county, year]

    assert f"{193_000 / whole.bases['4103', 2017]:.4f}" == "0.0384"
    assert rate("410326", 2017) > 0.05
    assert all(rate(c.code, 2017) < 0.05 for c in p.COUNTIES if c.code != "410326")
    for county in ("410322", "410323"):
        assert whole.count(2017, "P", county)[1] > 20_000
        assert rate(county, 2017) > 0.03
    assert rate("410325", 2018) > 0.022
    assert sum(whole.deep.values()) == 225
    assert sum(count for (_, group), count in whole.deep.items() if group in EXITING + LEFT) == 206


@pytest.mark.unit
@pytest.mark.parametrize("scale", [0.002, 0.01, 0.1, 1.0])
def test_plan_is_sound_at_any_scale(scale: float) -> None:
    plan = make_plan(scale)

    assert plan.count(2017, "PE")[0] == round(scale * 137_600)
    assert plan.count(2017, "P")[1] == round(scale * 193_000)
    assert plan.exits(2018) == round(scale * 117_000)
    assert all(cell.households <= cell.persons <= 7 * cell.households for cell in plan.cells)
    assert all(cell.place.villages for cell in plan.cells)
    assert {c.code for c in p.COUNTIES if c.level != "none" and plan.villages("ABC", c.code)} == {
        "410324", "410325", "410326", "410327", "410328", "410329",
    }  # fmt: skip
    for kind, year, total in (("persons", 2018, 106_500), ("persons", 2019, 60_000)):
        counties = [
            n for (c, y, k), n in plan.targets.items() if (y, k) == (year, kind) and c != "4103"
        ]
        assert sum(counties) == plan.targets["4103", year, kind] == round(scale * total)


# The people


@pytest.mark.unit
def test_same_scale_gives_the_same_city() -> None:
    assert people_of(SMALL) == people_of(SMALL)


@pytest.mark.unit
def test_numbers_have_prefix_sex_and_check_digit() -> None:
    numbers = Numbers("410324")
    made = [numbers.identity("19700101", sex) for sex in ("01", "02", "01")]

    assert made == sorted(set(made), key=made.index)
    assert [int(one[16]) % 2 for one in made] == [1, 0, 1]
    assert all(
        one.startswith("99032419700101") and one[17] == check_digit(one[:17]) for one in made
    )


def test_register_is_that_of_the_plan(demo: Plan) -> None:
    years = HouseholdYear.objects.filter(partition=2017)

    assert Household.objects.count() == demo.households
    assert Person.objects.count() == demo.people
    assert years.count() == round(SMALL * 137_600)
    assert PersonYear.objects.filter(partition=2017).count() == round(SMALL * 493_100)
    for county in p.COUNTIES:
        for year in p.YEARS:
            poor = HouseholdYear.objects.in_region(county.code).filter(partition=year).still_poor()
            members = PersonYear.objects.filter(
                partition=year, household__in=poor.values("household")
            )
            assert (poor.count(), members.count()) == demo.count(year, "P", county.code)
        leaving = (
            HouseholdYear.objects.in_region(county.code)
            .filter(partition=2018, exit_year=2018)
            .exited()
        )
        members = PersonYear.objects.filter(
            partition=2018, household__in=leaving.values("household")
        )
        assert members.count() == demo.exits(2018, county.code)


def test_every_household_has_one_head_in_every_year(demo: Plan) -> None:
    heads = PersonYear.objects.filter(relation_to_head=HEAD).values("partition", "household")

    assert heads.count() == heads.distinct().count() == HouseholdYear.objects.count()


def test_causes_rest_on_somebody(demo: Plan) -> None:
    members: dict[tuple[int, int], list[dict[str, Any]]] = defaultdict(list)
    for row in PersonYear.objects.values(
        "partition",
        "household",
        "health_status",
        "student_status",
        "labour_capacity",
        "person__id_type",
    ):
        members[row["partition"], row["household"]].append(row)
    needs = {
        "01": lambda home: any({"02", "03"} & set(one["health_status"]) for one in home),
        "02": lambda home: any(
            one["person__id_type"] == "09" and "04" in one["health_status"] for one in home
        ),
        "03": lambda home: any("04" <= one["student_status"] <= "16" for one in home),
        "08": lambda home: sum(one["labour_capacity"] in ("01", "02", "X05") for one in home) <= 1,
    }
    seen = Counter()
    for year, home, cause in HouseholdYear.objects.filter(main_cause__in=needs).values_list(
        "partition", "household", "main_cause"
    ):
        seen[cause] += 1
        assert needs[cause](members[year, home]), (year, home, cause)
    assert set(seen) == set(needs)


def test_documents_are_right_and_belong_to_nobody(demo: Plan) -> None:
    for person in Person.objects.all():
        if person.id_no.startswith("999999"):
            continue
        assert person.id_no.startswith("99" + person.village_code[2:6])
        assert person.id_no[17] == check_digit(person.id_no[:17])
        assert person.id_no[6:14] == f"{person.birth_date:%Y%m%d}"
        assert int(person.id_no[16]) % 2 == (person.sex == "01")
        assert (len(person.id_no) > 18) == (person.id_type == "09")


def test_genuine_faults_are_there(demo: Plan) -> None:
    """Faults that the database can hold and that checks have to find."""
    years = HouseholdYear.objects.annotate(members=Count("household__member_years", filter=Q(
        household__member_years__partition=F("partition"))))  # fmt: skip

    assert PersonYear.objects.filter(labour_capacity="").exists()
    assert years.exclude(member_count=F("members")).exists()
    assert years.filter(is_dangerous_house=True, dangerous_house_level__in="12").exists()
    assert years.filter(partition=2018, safe_water_solved=None).exists()
    phones = years.exclude(phone="").values_list("phone", flat=True)
    assert any(not re.fullmatch("1[3-9][0-9]{9}", phone) for phone in phones)


@pytest.mark.parametrize("digits", [6, 9, 12])
@pytest.mark.parametrize("year", [2017, 2018])
def test_stocks_and_flows_agree_in_every_division(demo: Plan, digits: int, year: int) -> None:
    def stock(at: int) -> Counter[str]:
        poor = HouseholdYear.objects.filter(partition=at, exit_status__in=POOR).values("household")
        found = PersonYear.objects.filter(partition=at, household__in=poor)
        return Counter(code[:digits] for code in found.values_list("village_code", flat=True))

    flows: Counter[str] = Counter()
    signs = {"IDENTIFY": 1, "RELAPSE": 1, "EXIT": -1, "CLEAR_OUT": -1}
    events = StatusEvent.objects.filter(partition=year, is_opening=False, kind__in=signs)
    for code, kind, persons in events.values_list("village_code", "kind", "persons"):
        flows[code[:digits]] += signs[kind] * persons
    moves = MembershipEvent.objects.filter(partition=year, is_poor=True)
    for code, kind, persons in moves.values_list("village_code", "kind", "persons"):
        flows[code[:digits]] += persons if kind in JOINS else -persons
    before, after = stock(year - 1), stock(year)

    assert set(events.values_list("kind", flat=True)) == set(signs)
    assert all(
        before[c] + flows[c] == after[c] for c in before.keys() | flows.keys() | after.keys()
    )


def test_places_have_their_facts(demo: Plan) -> None:
    villages = VillageYear.objects.filter(year=2018, is_poor_village=True)
    counties = CountyYear.objects.filter(year=2018)

    assert villages.count() == demo.villages("ABC")
    assert villages.filter(exited_year__isnull=False).count() == demo.villages("AB")
    assert villages.filter(region__unit_kind="村委会").count() == villages.count()
    assert Counter(counties.values_list("poverty_level", flat=True)) == {
        "national": 5,
        "provincial": 1,
        "none": 10,
    }
    assert not counties.filter(exited_year__isnull=False)
    assert Target.objects.get(region_code=p.CITY, year=2018, kind="counties").value == 4
    assert PovertyLine.objects.get(region_prefix="4103", year=2018).amount == Decimal("3208.00")


def test_population_adds_up_from_village_to_city(demo: Plan) -> None:
    for year in p.YEARS:
        persons = dict(PopulationBase.objects.filter(year=year).values_list("region", "persons"))
        below: Counter[int] = Counter()
        for region in Region.objects.filter(level__in=("county", "town", "village")):
            below[region.parent_id] += persons[region.pk]
        assert persons[Region.objects.get(code=p.CITY).pk] == round(SMALL * p.BASES[year])
        assert all(persons[parent] == total for parent, total in below.items())
        crowded = (
            PersonYear.objects.filter(partition=year)
            .values("village_code")
            .annotate(persons=Count("id"))
            .values_list("village_code", "persons")
        )
        bases = dict(PopulationBase.objects.filter(year=year).values_list("region_code", "persons"))
        assert all(count <= bases[code] for code, count in crowded)


def test_making_it_twice_is_refused_and_keys_go_on(demo: Plan) -> None:
    with pytest.raises(DemoRefusedError, match="已有贫困户"):
        make_city(scale=SMALL)
    out = StringIO()
    call_command("make_demo", "--if-empty", stdout=out)

    assert "不再造" in out.getvalue()
    assert Household.objects.count() == demo.households
    village = Region.objects.filter(level="village").first()
    home = Household.objects.create(household_no="1", village=village, village_code=village.code)
    assert home.pk > max(Household.objects.exclude(pk=home.pk).values_list("pk", flat=True))


DEFINED = """
SELECT conname, pg_get_constraintdef(oid), convalidated FROM pg_constraint
 WHERE conrelid = ANY(%s::regclass[])
UNION ALL
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid), indisvalid FROM pg_index
 WHERE indrelid = ANY(%s::regclass[])
"""


def test_keys_and_indexes_come_back_word_for_word(demo: Plan) -> None:
    filled = (*COLUMNS, StatusEvent, MembershipEvent, WorkSpell)
    tables = [model._meta.db_table for model in filled]
    with connection.cursor() as cursor:
        cursor.execute(DEFINED, [tables, tables])
        before = set(cursor.fetchall())
        with filling(cursor, filled):
            cursor.execute(DEFINED, [tables, tables])
            between = set(cursor.fetchall())
        cursor.execute(DEFINED, [tables, tables])
        after = set(cursor.fetchall())

    assert after == before
    assert len(between) < len(before)
    assert not any(text.startswith("FOREIGN KEY") for _, text, _ in between)


def test_command_makes_a_city_and_refuses_others(db: None) -> None:
    out = StringIO()
    with pytest.raises(CommandError, match="4103"):
        call_command("make_demo", "--city", "6201", stdout=out)
    with pytest.raises(CommandError, match="规模"):
        call_command("make_demo", "--scale", "2", stdout=out)


# The workbook


def stored(rows: city.Rows, year: int, by_person: bool) -> Iterator[dict[Any, dict[str, str]]]:
    """Model → values by column name, for every member of a household or its head alone."""
    identities = {line.split("\t")[0]: line for line in rows.persons}
    for member in rows.members[year]:
        values = member.split("\t")
        if by_person or values[people.PERSON_YEAR_COLUMNS.index("relation_to_head")] == HEAD:
            lines = (rows.household, rows.years[year], identities[values[3]], member)
            yield {
                model: dict(zip(columns, line.split("\t"), strict=True))
                for (model, columns), line in zip(COLUMNS.items(), lines, strict=True)
            }


@pytest.mark.parametrize("year", p.YEARS)
@pytest.mark.parametrize("code", LAYOUTS)
def test_workbook_reads_back_as_the_register(db: None, code: str, year: int) -> None:
    """What the import's own readers make of every cell is what the register holds."""
    layout = layout_of(code)
    readers = {}
    for identifier in layout.identifiers:
        if fact := facts().get(identifier):
            options: dict[str, Any] = dict(fact.options)
            if fact.table:
                options["labels"] = readings(fact.table)
            readers[identifier] = (fact, make(fact.kind, options)[0])
    written = demo_rows(layout, SMALL, year)
    for rows in people_of(SMALL):
        for register in stored(rows, year, layout.by_person) if year in rows.years else ():
            cells = dict(zip(layout.identifiers, next(written), strict=True))
            for identifier, (fact, read) in readers.items():
                value, fault = read(cells[identifier])
                expected = register[fact.model][fact.name]
                if fact.kind == "amount" and expected != living.NULL:
                    step = Decimal(1).scaleb(-dict(fact.options)["places"])
                    expected = str(Decimal(expected).quantize(step))
                if fact.kind == "id_number":
                    value = value.partition("\t")[0]
                assert value == expected, (identifier, cells)
                assert fault in ("", "no_number", "no_mobile"), (identifier, fault, cells)
    assert next(written, None) is None


def read_back(path: Path) -> list[list[Any]]:
    from python_calamine import CalamineWorkbook

    return CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()


@pytest.mark.unit
def test_workbook_holds_one_row_per_person_as_text(tmp_path: Path) -> None:
    written = write_demo_workbook(tmp_path / "a.xlsx", layout=layout_of("P2018"), scale=SMALL)
    write_demo_workbook(tmp_path / "b.xlsx", layout=layout_of("P2018"), scale=SMALL)
    rows = read_back(tmp_path / "a.xlsx")

    assert rows[0] == layout_of("P2018").headers
    assert len(rows) - 1 == written.rows == make_plan(SMALL).count(2018, "PE")[1]
    assert {type(cell) for row in rows for cell in row} == {str}
    assert rows[1:] == list(demo_rows(layout_of("P2018"), SMALL, 2018))
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


@pytest.mark.unit
def test_household_workbook_holds_one_row_per_household(tmp_path: Path) -> None:
    written = write_demo_workbook(
        tmp_path / "a.xlsx", layout=layout_of("H2022F"), scale=SMALL, partition=2017
    )

    assert written.rows == round(SMALL * 137_600)


@pytest.mark.unit
def test_mistakes_are_planted_and_counted(tmp_path: Path) -> None:
    layout = layout_of("P2018")
    written = write_demo_workbook(tmp_path / "a.xlsx", layout=layout, scale=SMALL, faults=0.2)
    rows = read_back(tmp_path / "a.xlsx")[1:]
    sound = list(demo_rows(layout, SMALL, 2018))
    column = {identifier: at for at, identifier in enumerate(layout.identifiers)}

    assert len(written.mistakes) == 9
    assert min(written.mistakes.values()) > 20
    assert len(rows) == len(sound) + written.mistakes["重复行"]
    assert (
        sum("E+13" in row[column["household_no"]] for row in rows)
        == written.mistakes["户编号变成科学计数"]
    )
    assert (
        sum(row[column["main_cause"]] == "因懒" for row in rows)
        == written.mistakes["致贫原因对不上"]
    )
    assert (
        sum(row[column["name"]].startswith("\u3000") for row in rows)
        == written.mistakes["姓名含空格"]
    )


@pytest.mark.unit
def test_layout_that_is_unknown_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LayoutUnusableError, match=r"没有版式 P2035，可用的有：.*HV2023"):
        layout_of("P2035")
    with pytest.raises(CommandError, match="P2035"):
        call_command("make_demo_workbook", str(tmp_path / "a.xlsx"), "--layout", "P2035")


@pytest.mark.unit
def test_custom_export_has_titles_above_and_keys_in_front(tmp_path: Path) -> None:
    layout = layout_of("HV2023")
    written = write_demo_workbook(tmp_path / "a.xlsx", layout=layout, scale=SMALL)
    rows = read_back(tmp_path / "a.xlsx")

    assert [row[0] for row in rows[:2]] == list(layout.titles)
    assert rows[2] == layout.headers
    assert layout.headers[:4] == ["县", "乡", "村", "户编号"]
    assert len(rows) - 3 == written.rows == make_plan(SMALL).count(2018, "PE")[0]


@pytest.mark.unit
def test_columns_are_fields_of_the_register() -> None:
    for model, columns in COLUMNS.items():
        names = {field.attname for field in model._meta.concrete_fields}
        assert set(columns) <= names
        assert len(set(columns)) == len(columns)
    # What only later exports say is not in the demo city's register.
    assert (
        set(people.PERSON_YEAR_COLUMNS)
        == {field.attname for field in PersonYear._meta.concrete_fields}
        - {"id", "changed_at"}
        - later.KNOWN
    )
    assert (
        set(living.HOUSEHOLD_YEAR_COLUMNS)
        == {field.attname for field in HouseholdYear._meta.concrete_fields}
        - {"id", "changed_at"}
        - later.KNOWN
    )
