from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from core.history import images
from tests.villages.lists import CITY, DATES, HERE, listed, load, load_file, renamed, without
from villages import workbooks
from villages.models import (
    CountyYear,
    PopulationBase,
    Region,
    RegionList,
    RegionSuccession,
    VillageYear,
)
from villages.services import (
    ListRefusedError,
    RowsRefusedError,
    Upserted,
    load_divisions,
    load_population,
    load_region_facts,
)
from villages.services import lists as services

DAYS = workbooks.snapshot_dates()
# The whole file lies beside the checkout where there is one; the slice is always there.
FILES = [
    (path, below_luoyang)
    for path, below_luoyang in (
        (
            HERE / "mengjin.csv",
            {2017: [2, 14, 272], 2018: [2, 14, 272], 2020: [2, 14, 272], 2023: [1, 14, 270]},
        ),
        (
            Path(settings.BASE_DIR).parent / "shared" / "data" / "divisions.csv",
            {
                2017: [16, 193, 3232],
                2018: [16, 193, 3228],
                2020: [16, 194, 3238],
                2023: [15, 194, 3244],
            },
        ),
    )
    if path.exists()
]
JOINED = date(2021, 3, 18)

GetRegion = Callable[[str], Region]


def state() -> set[tuple[Any, ...]]:
    return set(Region.objects.values_list("code", "name", "parent__code", "valid_from", "valid_to"))


def change(old: str, new: str, kind: str = "recoded", years: tuple[int, int] = (2017, 2018)) -> Any:
    cells = {"change": kind, "old_code": old, "new_code": new}
    return (2, cells | {"from_year": str(years[0]), "to_year": str(years[1])})


@pytest.mark.parametrize(("path", "below_luoyang"), FILES)
@pytest.mark.django_db
def test_load_divisions_counts_equal_the_files(
    path: Path, below_luoyang: dict[int, list[int]]
) -> None:
    wanted = Counter(
        (int(cells["year"]), cells["level"])
        for _, cells in workbooks.read_rows(path, workbooks.DIVISIONS)
    )
    for one in load_file(path):
        for level, counts in one.counts.items():
            in_database = Region.objects.valid_on(one.as_of).filter(level=level).count()
            assert (*counts, in_database) == (wanted[one.year, level],) * 3
    assert {day.year: counts_below_luoyang(day) for day in DAYS.values()} == below_luoyang
    before = state()
    assert {one.already_known for one in load_file(path)} == {True}
    assert state() == before


def counts_below_luoyang(day: date) -> list[int]:
    regions = Region.objects.valid_on(day).below("4103")
    return [regions.filter(level=level).count() for level in ("county", "town", "village")]


@pytest.mark.django_db
def test_load_divisions_year_by_year_is_the_same_as_at_once() -> None:
    load_file(HERE / "mengjin.csv")
    at_once = state()
    with connection.cursor() as cursor:
        # Keys checked at commit would keep the tables busy until then.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("TRUNCATE villages_region, villages_regionlist CASCADE")
    for year in (2017, 2018, 2020, 2023):
        load_file(HERE / "mengjin.csv", year=year)
    assert state() == at_once


def test_load_divisions_uses_the_announced_day(mengjin: object) -> None:
    old = Region.objects.get(code="410322000000")
    new = Region.objects.get(code="410308000000")
    assert (old.name, old.valid_from, old.valid_to) == ("孟津县", None, JOINED)
    assert (new.name, new.valid_from, new.valid_to) == ("孟津区", JOINED, None)
    below = Region.objects.below("410322").exclude(pk=old.pk)
    assert set(below.filter(valid_to__gt=date(2020, 6, 30)).values_list("valid_to", flat=True)) == {
        JOINED
    }


def test_load_divisions_links_a_merged_county_to_both_origins(mengjin: object) -> None:
    links = RegionSuccession.objects.filter(new__code="410308000000")
    assert set(links.values_list("old__name", "kind", "effective_on")) == {
        ("孟津县", "recoded_renamed", JOINED),
        ("吉利区", "merged", JOINED),
    }
    assert all("大河网" in source for source in links.values_list("source", flat=True))


def test_load_divisions_keeps_what_a_report_on_2018_prints(mengjin: object) -> None:
    names = Region.objects.valid_in_year(2018).filter(level="county")
    assert set(names.values_list("name", flat=True)) == {"孟津县", "吉利区"}


@pytest.mark.django_db
def test_load_divisions_opens_the_first_list_since_ever() -> None:
    load(CITY)
    assert set(Region.objects.values_list("valid_from", "valid_to")) == {(None, None)}
    assert Region.objects.get(code="410324100203").parent.code == "410324100000"


@pytest.mark.django_db
def test_load_divisions_keeps_an_unchanged_row() -> None:
    load(CITY)
    before = set(Region.objects.values_list("pk", "code"))
    (done,) = load(CITY, 2018)
    assert (done.opened, done.closed, done.updated, done.already_known) == (0, 0, 0, False)
    assert set(Region.objects.values_list("pk", "code")) == before


def test_load_divisions_renames_by_a_new_row(city: GetRegion) -> None:
    village = city("410324200201")
    load(renamed("410324200000", "耕莘镇"), 2018)
    old, new = Region.objects.filter(code="410324200000").order_by("pk")
    assert (old.name, old.valid_to) == ("栾川乡", date(2018, 10, 31))
    assert (new.name, new.valid_from) == ("耕莘镇", date(2018, 10, 31))
    assert list(RegionSuccession.objects.values_list("old", "new", "kind")) == [
        (old.pk, new.pk, "renamed")
    ]
    # The village goes on and now lies in the town's new version.
    village.refresh_from_db()
    assert (village.parent_id, village.valid_to) == (new.pk, None)


def test_load_divisions_closes_and_opens(city: GetRegion) -> None:
    new = ("410324100009", "新社区居民委员会", "village", "410324100000")
    (done,) = load([*without("410324100203"), new], 2018)
    assert (done.opened, done.closed, done.successions) == (1, 1, {})
    assert city("410324100203").valid_to == city("410324100009").valid_from == date(2018, 10, 31)


def test_load_divisions_follows_the_change_list(city: GetRegion) -> None:
    new = ("410324100009", "陈家门社区居民委员会", "village", "410324100000")
    changes = [
        change("410324100203", "410324100009", "recoded_renamed"),
        change("410324100203", "410324100999"),
    ]
    (done,) = load([*without("410324100203"), new], 2018, changes=changes)
    assert (done.successions, done.pairs_unused) == ({"recoded_renamed": 1}, 1)
    link = RegionSuccession.objects.get()
    assert (link.old.code, link.new.code) == ("410324100203", "410324100009")


def test_load_divisions_does_not_call_a_reused_code_renamed(city: GetRegion) -> None:
    entries = [*renamed("410324100203", "别的村村民委员会"), (
        "410324100204", "陈家门村村民委员会", "village", "410324100000"
    )]  # fmt: skip
    load(entries, 2018, changes=[change("410324100203", "410324100204")])
    links = RegionSuccession.objects.values_list("old__name", "new__name", "kind")
    assert list(links) == [("陈家门村村民委员会", "陈家门村村民委员会", "recoded")]


def test_load_divisions_gives_a_pair_across_the_border_one_day(city: GetRegion) -> None:
    new = ("410325100202", "陈家门二村村民委员会", "village", "410325100000")
    day = date(2018, 3, 1)
    load(
        [*without("410324100203"), new],
        2018,
        changes=[change("410324100203", "410325100202", "recoded_renamed")],
        effective=[(day, "410324", "公告")],
    )
    assert city("410324100203").valid_to == city("410325100202").valid_from == day
    assert RegionSuccession.objects.get().source == "公告"


def test_load_divisions_closes_what_lay_in_a_vanished_town(city: GetRegion) -> None:
    load(without("410324200000", "410324200201"), 2018)
    assert city("410324200201").valid_to == city("410324200000").valid_to == date(2018, 10, 31)


@pytest.mark.django_db
def test_load_divisions_takes_the_counties_of_a_vanished_city_along() -> None:
    city = [
        ("410000000000", "河南省", "province", ""),
        *[(f"410{n}00000000", f"{n}市", "city", "410000000000") for n in (3, 4, 5)],
        *[(f"410{n}0{m}000000", f"{m}县", "county", f"410{n}00000000") for n in (3, 4, 5) for m in (2, 3)],
    ]  # fmt: skip
    load(city)
    load([entry for entry in city if not entry[0].startswith("4105")], 2018)
    closed = Region.objects.filter(valid_to=date(2018, 10, 31))
    assert set(closed.values_list("code", flat=True)) == {
        "410500000000", "410502000000", "410503000000",
    }  # fmt: skip


def test_load_divisions_updates_kind_and_flag_in_place(city: GetRegion) -> None:
    rows = listed(CITY, 2018, unit_kind="", statistical_only="0")
    rows[-1][1].update(unit_kind="村委会", statistical_only="1")
    (done,) = load_divisions(rows=rows, dates={2018: date(2018, 10, 31)}, by=None)
    region = city("410325100201")
    assert (done.updated, region.unit_kind, region.statistical_only) == (1, "村委会", True)
    assert [image["unit_kind"] for image in images(Region, region.pk)] == [""]


def test_load_divisions_leaves_other_cities_alone(city: GetRegion) -> None:
    county = [
        ("610000000000", "陕西省", "province", ""),
        ("610900000000", "安康市", "city", "610000000000"),
        ("610922000000", "石泉县", "county", "610900000000"),
    ]
    load(county, 2018)
    assert not Region.objects.filter(valid_to__isnull=False).exists()
    assert city("610922").valid_from is None


def test_load_divisions_lets_a_county_file_change_that_county_only(city: GetRegion) -> None:
    (done,) = load(without("410325000000", "410325100000", "410325100201", "410324100001"), 2018)
    assert (done.opened, done.closed) == (0, 1)
    assert city("410324100001").valid_to == date(2018, 10, 31)
    assert city("410325").valid_to is None


def test_load_divisions_refuses_an_older_list(city: GetRegion) -> None:
    load(without("410324100001"), 2020)
    before = state()
    with pytest.raises(ListRefusedError, match="先 2018-10-31，后 2020-06-30"):
        load(CITY, 2018)
    assert state() == before


def test_load_divisions_refuses_another_list_of_the_same_day(city: GetRegion) -> None:
    with pytest.raises(ListRefusedError, match="内容与本文件不同"):
        load(without("410324100001"))


@pytest.mark.django_db
def test_load_divisions_refuses_a_fragment() -> None:
    more = [(f"4103{n}000000", f"{n}县", "county", "410300000000") for n in range(26, 30)]
    load([*CITY, *more])
    with pytest.raises(ListRefusedError, match="不完整"):
        load(CITY, 2018)
    assert RegionList.objects.filter(as_of=date(2018, 10, 31)).count() == 0


@pytest.mark.django_db
def test_load_divisions_refuses_an_undated_year() -> None:
    with pytest.raises(ListRefusedError, match="--as-of"):
        load(CITY, 2019)


@pytest.mark.django_db
def test_load_divisions_refuses_an_absent_year_and_an_empty_file() -> None:
    with pytest.raises(ListRefusedError, match="没有 2018 年"):
        load_divisions(rows=listed(CITY), dates=DATES, year=2018, by=None)
    with pytest.raises(ListRefusedError, match="没有任何区划"):
        load([])


@pytest.mark.django_db
def test_load_divisions_writes_nothing_when_a_row_is_bad() -> None:
    with pytest.raises(RowsRefusedError) as caught:
        load([*CITY, ("41032510020", "某村", "village", "410325100000")], changes=[change("", "")])
    assert [problem.row for problem in caught.value.problems] == [13, 2, 2]
    assert state() == set()


@pytest.mark.django_db
def test_load_divisions_writes_nothing_when_a_later_list_fails() -> None:
    fragment = without("410324100001", "410324100203", "410324200201")
    rows = [*listed(CITY), *listed(fragment, 2018)]
    with pytest.raises(ListRefusedError):
        load_divisions(rows=rows, dates=DATES, by=None)
    assert state() == set()


@pytest.mark.django_db
def test_load_divisions_writes_nothing_when_the_counts_disagree(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(services, "regions_at", lambda parts, day: [])
    with pytest.raises(ListRefusedError, match="村 清单 4、有效 0"):
        load(CITY)
    assert state() == set()


def test_load_divisions_refuses_what_conflicts_with_known_dates(city: GetRegion) -> None:
    # A later version of the code is known from elsewhere; an open row would overlap it.
    Region.objects.create(
        code="410326000000",
        name="汝阳县",
        level="county",
        valid_from=date(2019, 1, 1),
        source="他处",
    )
    with pytest.raises(ListRefusedError, match="冲突"):
        load([*CITY, ("410326000000", "汝阳县", "county", "410300000000")], 2018)
    assert not RegionList.objects.filter(as_of=date(2018, 10, 31)).exists()


def test_succession_is_append_only(mengjin: object) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        RegionSuccession.objects.update(kind="split")


def test_facts_follow_a_recoded_division(city: GetRegion) -> None:
    load_population(rows=[population()], by=None)
    Region.objects.filter(code="410324000000").update(code="410307000000")
    assert PopulationBase.objects.get().region_code == "410307000000"
    with pytest.raises(DatabaseError), transaction.atomic():
        PopulationBase.objects.update(region_code="410325000000")


def population(row: int = 2, **changed: str) -> tuple[int, dict[str, str]]:
    cells = {"code": "410324", "year": "2018", "basis": "农业户籍人口", "persons": "300120"}
    return row, cells | {"source": "统计局"} | changed


def test_load_population_creates_updates_and_leaves(city: GetRegion) -> None:
    rows = [population(), population(3, code="410325")]
    assert load_population(rows=rows, by=None) == Upserted(2, 0, 0)
    assert load_population(rows=rows, by=None) == Upserted(0, 0, 2)
    rows = [population(persons="300121"), population(3, code="410325")]
    assert load_population(rows=rows, by=None) == Upserted(0, 1, 1)
    base = PopulationBase.objects.get(region=city("410324"))
    assert (base.region_code, base.persons) == ("410324000000", 300121)
    assert [image["persons"] for image in images(PopulationBase, base.pk)] == [300120]


def test_load_population_refuses_all_when_one_row_is_bad(city: GetRegion) -> None:
    rows = [population(), population(3, persons="x"), population(4, code="410399")]
    with pytest.raises(RowsRefusedError) as caught:
        load_population(rows=rows, by=None)
    assert [problem.row for problem in caught.value.problems] == [3, 4]
    assert not PopulationBase.objects.exists()


def test_load_population_asks_for_the_code_of_that_year(mengjin: object) -> None:
    assert load_population(rows=[population(code="410322")], by=None).created == 1
    with pytest.raises(RowsRefusedError, match="1 处"):
        load_population(rows=[population(code="410322", year="2021")], by=None)
    assert load_population(rows=[population(code="410308", year="2021")], by=None).created == 1


def county(row: int = 2, **changed: str) -> tuple[int, dict[str, str]]:
    cells = {"code": "410324", "year": "2018", "poverty_level": "国家级贫困县", "area": "中部地区"}
    return row, cells | {"planned_exit_year": "2019", "source": "省扶贫办"} | changed


def village(row: int = 3, **changed: str) -> tuple[int, dict[str, str]]:
    cells = {"code": "410324100203", "year": "2018", "is_poor_village": "是"}
    return row, cells | {"source": "县扶贫办"} | changed


def test_load_region_facts_of_county_and_village(city: GetRegion) -> None:
    done = load_region_facts(rows=[county(), village(village_exited_year="2017")], by=None)
    assert done == {"county": Upserted(1, 0, 0), "village": Upserted(1, 0, 0)}
    assert CountyYear.objects.values_list("planned_exit_year", "exited_year").get() == (2019, None)
    assert VillageYear.objects.values_list("region_code", "exited_year").get() == (
        "410324100203",
        2017,
    )
    again = load_region_facts(rows=[county(), village(village_exited_year="2018")], by=None)
    assert again == {"county": Upserted(0, 0, 1), "village": Upserted(0, 1, 0)}


def test_load_region_facts_refuses_a_town(city: GetRegion) -> None:
    with pytest.raises(RowsRefusedError) as caught:
        load_region_facts(rows=[county(), village(code="410324100")], by=None)
    assert [str(problem) for problem in caught.value.problems] == [
        "第 3 行「code」＝「410324100000」：城关镇是乡镇级，不是县或村。请只填县和村的代码。"
    ]
    assert not CountyYear.objects.exists()
