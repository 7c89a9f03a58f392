"""Every national layout: recognised, loaded, loaded again without a change; joined by number."""

import csv
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.acting import acting
from households.models import (
    HouseholdYear,
    MembershipEvent,
    Person,
    PersonYear,
    StatusEvent,
    WorkSpell,
)
from imports import services
from imports.catalog import UnrecognisedError, recognise
from imports.catalog.recognising import DATA
from imports.demo import load
from imports.demo.sheets import TextSheet
from imports.models import Batch
from imports.workbooks import demo_rows, layout_of, write_demo_workbook
from tests.workbooks import H2022F, build, family, id_number, member
from villages.models import Region, VillageYear

Load = Callable[..., Batch]

SMALL, YEAR = 0.003, 2018
CODES = [row["code"] for row in csv.DictReader((DATA / "layouts.csv").open(encoding="utf-8"))]
COUNTY = "410324"
COUNTS = ("created", "updated", "unchanged", "rejected")


def rules(batch: Batch) -> set[str]:
    return set(batch.problems.values_list("rule", flat=True))


def sent_back(batch: Batch) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for row_no, rule in batch.problems.filter(effect="BACK").values_list("row_no", "rule"):
        found.setdefault(row_no, set()).add(rule)
    return found


# --- recognising -------------------------------------------------------------------------------


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("code", CODES)
def test_layout_is_recognised_by_its_heads(code: str) -> None:
    layout = layout_of(code)
    head = [[title] for title in layout.titles] + [layout.headers, ["x"] * len(layout.headers)]
    found = recognise(head)
    assert (found.layout.code, found.header_row) == (code, len(layout.titles))
    written = [column.identifier for column in found.columns]
    told = dict(zip(layout.headers, layout.identifiers, strict=True))
    assert written == [told[header] for header in layout.headers]


def wide(text: str) -> str:
    return text.translate({ord("("): "（", ord(")"): "）", ord("0"): "０"})


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("code", CODES)
def test_layout_is_recognised_however_its_heads_are_written(code: str) -> None:
    """Blanks, line breaks, full-width brackets, another order, title rows with merged cells."""
    layout = layout_of(code)
    odd = [f" {wide(header[:2])}\n {wide(header[2:])}\u3000" for header in reversed(layout.headers)]
    found = recognise([["某县年度数据", "", ""], ["", "", ""], ["制表：扶贫办"], odd])
    assert (found.layout.code, found.header_row) == (code, 3)
    assert [column.identifier for column in found.columns] == layout.identifiers[::-1]


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(
    ("code", "dropped", "missing"),
    [
        ("P2018", "户编号", "户编号"),
        ("P2018", "人编号", "人编号"),
        ("P2018", "行政村", "行政村"),
        ("P2018", "证件号码", "证件号码"),
        ("H2022F", "户编号", "户编号"),
        ("H2023", "姓名", "姓名"),
        ("HV2023", "户编号", "户编号"),
        ("IM2016L", "户编号", "户编号"),
    ],
)
def test_missing_key_is_named(code: str, dropped: str, missing: str) -> None:
    layout = layout_of(code)
    with pytest.raises(UnrecognisedError, match=f"缺少必需的列：{missing}") as refused:
        recognise([[header for header in layout.headers if header != dropped]])
    assert refused.value.code == "IMP02"


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("code", ["MON2023", "PLAN2023", "WORK2023"])
def test_joined_persons_are_found_by_either_number(code: str) -> None:
    layout = layout_of(code)
    for dropped in ("人编号", "证件号码"):
        found = recognise([[header for header in layout.headers if header != dropped]])
        assert found.layout.code == code
    keyless = [header for header in layout.headers if header not in ("人编号", "证件号码")]
    with pytest.raises(UnrecognisedError, match="人编号或证件号码"):
        recognise([keyless])


@pytest.mark.usefixtures("db")
def test_columns_of_our_own_handing_back_are_not_unknown() -> None:
    found = recognise([[*layout_of("P2018").headers, "问题", "问题说明", "原行号", "网格员"]])
    assert found.unknown == ["网格员"]
    assert [column.identifier for column in found.columns[-4:]] == [""] * 4


@pytest.mark.usefixtures("db")
def test_title_of_the_export_decides_between_layouts_that_share_heads() -> None:
    heads = ["户编号", "人编号", "姓名", "证件号码", "是否计划务工", "是否已务工", "开始时间", "就业渠道", "务工所在县",
             "就业服务需求", "计划务工所在县", "所属行业"]  # fmt: skip
    assert recognise([["计划外出务工信息"], heads]).layout.code == "PLAN2023"
    work = recognise([heads], named=("（务工月监测）已外出务工信息20231031.xlsx",))
    assert work.layout.code == "WORK2023"


# --- loading: every layout, table driven -------------------------------------------------------


@pytest.fixture
def demo(db: None) -> None:
    load.make(scale=SMALL)


def run(path: Path, region: str = "4103", partition: int = YEAR) -> Batch:
    batch = services.receive(
        chunks=[path.read_bytes()], file_name=path.name, partition=partition,
        region_prefix=region, by=None,
    )  # fmt: skip
    services.stage(batch=batch, stage_name=f"b{batch.pk}_0")
    batch.save()
    with acting(by=None, reason="测试导入"):
        services.apply(batch=batch)
    return batch


def kinds(batch: Batch) -> Iterator[str]:
    for kind in ("households", "persons", "entries"):
        if getattr(batch, f"{kind}_read"):
            yield kind


def test_every_layout_is_written_loaded_and_then_changes_nothing(
    demo: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [
        "layout    rows  first: created updated unchanged back | again: changed unchanged back"
    ]
    for code in CODES:
        path = tmp_path / f"{code}.xlsx"
        written = write_demo_workbook(path, layout=layout_of(code), scale=SMALL)
        first, again = run(path), run(path)
        assert (first.layout_id, first.rows_read) == (code, written.rows)
        for kind in kinds(first):
            once, twice = first.counts(kind), again.counts(kind)
            assert once["rejected"] == twice["rejected"] == 0, (code, rules(first))
            assert twice["created"] == twice["updated"] == 0, (code, kind, again.changed_fields)
            assert twice["unchanged"] == getattr(first, f"{kind}_read"), (code, kind)
            told = " ".join(f"{once[name]:>7}" for name in COUNTS)
            rest = f"{twice['created'] + twice['updated']:>7} {twice['unchanged']:>9}"
            lines.append(
                f"{code:<9}{first.rows_read:>5}  {kind:<10}{told} | {rest} {twice['rejected']:>4}"
            )
        assert again.changed_fields == {}
        # The register of the demo city holds what the layouts up to 2022 say; nothing may move.
        if code in ("P2017", "P2018", "P2019", "P2021", "P2022F", "H2022F", "IM2016P"):
            assert first.changed_fields == {}, (code, first.changed_fields)
    with capsys.disabled():
        sys.stdout.write("\n" + "\n".join(lines) + "\n")


def county_file(path: Path, code: str, partition: int = YEAR) -> list[dict[str, str]]:
    """The demo county's rows of a layout, written as a workbook; also returned by identifier."""
    layout = layout_of(code)
    at = next(at for at, name in enumerate(layout.identifiers) if name == "county_code")
    rows = [row for row in demo_rows(layout, SMALL, partition) if row[at] == "栾川县"]
    with TextSheet(path, layout.code, layout.headers, layout.titles) as sheet:
        for row in rows:
            sheet.append(row)
    return [dict(zip(layout.identifiers, row, strict=True)) for row in rows]


def test_exports_of_one_county_are_joined_by_number(demo: None, tmp_path: Path) -> None:
    """Person, household, village and work exports load one after another onto the same rows."""
    told = {}
    for code in ("P2022F", "H2022F", "V2023", "WORK2023", "PLAN2023", "MON2023", "HV2023"):
        path = tmp_path / f"{code}.xlsx"
        told[code] = county_file(path, code)
        batch = run(path, COUNTY)
        for kind in kinds(batch):
            assert batch.counts(kind)["rejected"] == 0, (code, rules(batch))

    monitored = told["MON2023"][0]
    home = HouseholdYear.objects.select_related("household").get(
        household__household_no=monitored["household_no"], partition=YEAR
    )
    stated = next(row for row in told["H2022F"] if row["household_no"] == monitored["household_no"])
    assert home.net_income_per_capita == Decimal(stated["net_income_per_capita"])
    assert home.income_total == Decimal(stated["income_total"])
    assert home.compliant_self_paid_expense == Decimal(monitored["compliant_self_paid_expense"])
    assert (home.collector, home.collector_phone) == (
        monitored["collector"], monitored["collector_phone"],
    )  # fmt: skip
    hardened = next(
        row for row in told["HV2023"] if row["household_no"] == monitored["household_no"]
    )
    assert home.access_road_hardened is (hardened["access_road_hardened"] == "是")

    planned = told["PLAN2023"][0]
    year = PersonYear.objects.get(person__person_no=planned["person_no"], partition=YEAR)
    assert (year.service_need, year.planned_county) == (
        planned["service_need"], planned["planned_county"],
    )  # fmt: skip
    stated = next(row for row in told["P2022F"] if row["person_no"] == planned["person_no"])
    assert year.work_place == stated["work_place"]

    spells = [row for row in told["WORK2023"] if row["started_month"]]
    assert WorkSpell.objects.filter(village_code__startswith=COUNTY).count() == len(spells)
    worker = spells[0]["person_no"]
    own = [row for row in spells if row["person_no"] == worker]
    stored = WorkSpell.objects.filter(person__person_no=worker).order_by("started_month")
    assert [(one.monthly_income, one.industry, one.work_county) for one in stored] == [
        (Decimal(row["monthly_income"]), row["industry"], row["work_county"]) for row in own
    ]
    assert PersonYear.objects.get(person__person_no=worker, partition=YEAR).has_worked is True

    village = told["V2023"][0]
    fact = VillageYear.objects.get(region_code=village["region_code"], year=YEAR)
    assert fact.population_total == int(village["population_total"])
    assert fact.collective_income_10k == Decimal(village["collective_income_10k"])


def test_workbook_of_a_neighbour_county_joins_nothing(demo: None, tmp_path: Path) -> None:
    path = tmp_path / "MON2023.xlsx"
    rows = county_file(path, "MON2023")
    batch = run(path, "410325")
    assert batch.counts("persons")["rejected"] == len(rows)
    assert not HouseholdYear.objects.exclude(collector="").exists()


# --- one joined row at a time ------------------------------------------------------------------


def headed(code: str, **values: str) -> tuple[list[dict[str, str]], list[str]]:
    """One row of a joined layout by head, and the heads."""
    layout = layout_of(code)
    row = dict.fromkeys(layout.headers, "")
    return [row | values], layout.headers


def joined(load_rows: Load, code: str, *rows: dict[str, str], **more: Any) -> Batch:
    headers = layout_of(code).headers
    full = [dict.fromkeys(headers, "") | row for row in rows]
    return load_rows(full, headers=headers, **more)


def test_absent_columns_stay_and_names_only_confirm(load_rows: Load) -> None:
    load_rows(family(1))
    batch = joined(
        load_rows, "PLAN2023",
        {"人编号": "86310000000001", "姓名": "另有其人", "县": "嵩县", "乡": "城关镇", "村": "陈家门村",
         "证件号码": "", "是否计划务工": "是", "计划务工所在县": "伊川县"},
    )  # fmt: skip
    assert batch.counts("persons") == {"created": 0, "updated": 1, "unchanged": 0, "rejected": 0}
    year = PersonYear.objects.select_related("person").get(person__person_no="86310000000001")
    assert (year.plans_to_work, year.planned_county, year.work_area) == (True, "伊川县", "03")
    assert (year.person.name, year.person.id_no) == ("何梅德", id_number(1))
    assert "IMP23" in rules(batch)


def test_row_is_found_by_the_document_number_alone(load_rows: Load) -> None:
    load_rows(family(1))
    headers = [name for name in layout_of("MON2023").headers if name != "人编号"]
    certificate = id_number(1) + "41"
    rows = [
        {"户编号": "86300000000001", "证件号码": certificate, "信息采集人": "测试员", "享受低保政策情况": "农村低保"},
        {"户编号": "86300000000001", "证件号码": id_number(2), "信息采集人": "测试员", "享受低保政策情况": "未享受"},
        {"户编号": "86300000000001", "证件号码": id_number(9), "信息采集人": "测试员"},
    ]  # fmt: skip
    batch = load_rows(rows, headers=headers)
    assert sent_back(batch) == {4: {"IMP22"}}
    assert Person.objects.count() == 2
    dibao = dict(PersonYear.objects.values_list("person__person_no", "has_dibao"))
    assert dibao == {"86310000000001": True, "86310000000002": False}
    assert HouseholdYear.objects.get().collector == "测试员"


@pytest.mark.parametrize(
    "changes",
    [
        {"户编号": "86300000000009"},
        {"户编号": "86300000000002"},
        {"人编号": "86310000000009"},
        {"人编号": ""},
    ],
)
def test_number_that_is_not_registered_comes_back(load_rows: Load, changes: Any) -> None:
    load_rows([*family(1), *family(2)])
    row = {"户编号": "86300000000001", "人编号": "86310000000001", "是否计划务工": "是"}
    batch = joined(load_rows, "PLAN2023", row | changes)
    assert "IMP22" in sent_back(batch)[2]
    assert not PersonYear.objects.filter(plans_to_work=True).exists()


def test_another_persons_document_number_comes_back(load_rows: Load) -> None:
    load_rows(family(1))
    row = {"人编号": "86310000000001", "证件号码": id_number(2), "是否计划务工": "是"}
    batch = joined(load_rows, "PLAN2023", row)
    assert sent_back(batch)[2] & {"IDN12", "DUP02"}


def test_row_of_another_year_is_not_registered(load_rows: Load) -> None:
    load_rows(family(1), partition=2017)
    batch = joined(load_rows, "HV2023", {"户编号": "86300000000001", "入户道路是否硬化": "是"})
    assert sent_back(batch) == {2: {"IMP22"}}


def test_household_supplement_writes_its_facts_alone(load_rows: Load) -> None:
    load_rows(family(1))
    headers = layout_of("IM2016L").headers
    row = dict.fromkeys(headers, "") | {
        "户编号": "86300000000001", "耕地": "3.5", "牛": "2", "猪": "4", "易地搬迁": "否", "饮水情况": "井水",
        "是否危房": "否", "生产用房": "40",
    }  # fmt: skip
    load_rows([row], headers=headers)
    year = HouseholdYear.objects.get()
    assert (year.farmland_mu, year.cattle, year.pigs, year.production_house_m2) == (
        Decimal("3.50"), 2, 4, Decimal("40.00"),
    )  # fmt: skip
    assert (year.is_relocation_household, year.drinking_source) == (False, "井水")
    assert (year.main_cause, year.net_income_per_capita) == ("01", Decimal("3219.50"))


# --- spells of work ----------------------------------------------------------------------------

WORK = {"户编号": "86300000000001", "人编号": "86310000000001", "是否已务工": "是"}


def test_a_person_has_several_spells(load_rows: Load) -> None:
    load_rows(family(1))
    spells = (
        WORK
        | {
            "开始时间": "2018年02月",
            "结束时间": "2018年05月",
            "就业渠道": "帮扶车间",
            "务工月收入": "2,800",
        },
        WORK | {"开始时间": "201807", "就业渠道": "外出务工", "是否点对点输送": "否"},
        WORK | {"人编号": "86310000000002", "是否已务工": "否"},
    )
    batch = joined(load_rows, "WORK2023", *spells)
    assert batch.counts("entries") == {"created": 2, "updated": 1, "unchanged": 0, "rejected": 0}
    found = WorkSpell.objects.order_by("started_month").values_list(
        "started_month", "ended_month", "employment_channel", "monthly_income", "point_to_point"
    )
    assert list(found) == [
        ("201802", "201805", "X3", Decimal("2800.00"), None),
        ("201807", "", "X1", None, False),
    ]
    worked = dict(PersonYear.objects.values_list("person__person_no", "has_worked"))
    assert worked == {"86310000000001": True, "86310000000002": False}

    changed = joined(load_rows, "WORK2023", *spells[:1], spells[1] | {"结束时间": "201812"})
    assert changed.counts("entries") == {"created": 0, "updated": 1, "unchanged": 1, "rejected": 0}
    assert changed.changed_fields == {"ended_month": 1}
    assert set(WorkSpell.objects.values_list("ended_month", flat=True)) == {"201805", "201812"}


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([{"开始时间": "201802"}, {"开始时间": "2018年2月"}], {2: {"IMP24"}, 3: {"IMP24"}}),
        ([{"开始时间": "201805", "结束时间": "201802"}], {2: {"IMP25"}}),
        ([{"开始时间": "春天"}], {2: {"IMP12"}}),
        ([{"就业渠道": "不知道"}], {2: {"IMP06"}}),
        ([{"人编号": "86310000000009"}], {2: {"IMP22"}}),
    ],
)
def test_spell_that_cannot_be_comes_back(
    load_rows: Load, rows: list[dict[str, str]], told: dict[int, set[str]]
) -> None:
    load_rows(family(1))
    batch = joined(load_rows, "WORK2023", *(WORK | row for row in rows))
    assert sent_back(batch) == told
    assert batch.counts("entries")["rejected"] == len(rows)
    assert not WorkSpell.objects.exists()


def test_spells_follow_a_household_that_moves(load_rows: Load) -> None:
    load_rows(family(1))
    joined(load_rows, "WORK2023", WORK | {"开始时间": "201802"})
    load_rows(family(1, 行政村="双堂村") if _exists("双堂村") else family(1))
    assert WorkSpell.objects.get().village_code == HouseholdYear.objects.get().village_code


def _exists(name: str) -> bool:
    return Region.objects.filter(name__startswith=name[:2], level="village").exists()


# --- villages ----------------------------------------------------------------------------------


def test_villages_are_found_by_code_or_by_name(load_rows: Load) -> None:
    headers = [name for name in layout_of("V2023").headers if name != "行政村代码"]
    named = {"县": "栾川县", "乡": "城关镇", "村": "陈家门村", "是否出列": "是", "总户数": "321"}
    batch = load_rows([named], headers=headers)
    assert batch.counts("entries") == {"created": 1, "updated": 0, "unchanged": 0, "rejected": 0}
    fact = VillageYear.objects.get(region_code="410324100203", year=2018)
    # Only a poor village can have exited.
    assert (fact.village_exited, fact.households_total, fact.is_poor_village) == (True, 321, True)

    coded = {"行政村代码": "410324100203", "总户数": "322", "村级集体经济收入（万元）": "12.5"}
    batch = joined(load_rows, "V2023", coded)
    assert batch.counts("entries") == {"created": 0, "updated": 1, "unchanged": 0, "rejected": 0}
    fact.refresh_from_db()
    assert (fact.households_total, fact.collective_income_10k) == (322, Decimal("12.50"))


def test_village_that_is_unknown_or_told_twice_comes_back(load_rows: Load) -> None:
    batch = joined(
        load_rows, "V2023",
        {"行政村代码": "410324100203", "总户数": "1"}, {"行政村代码": "410324100203", "总户数": "2"},
        {"行政村代码": "410324999999", "总户数": "3"},
    )  # fmt: skip
    assert sent_back(batch) == {2: {"IMP24"}, 3: {"IMP24"}, 4: {"IMP08"}}
    assert not VillageYear.objects.exists()


def test_village_keeps_what_was_known_the_year_before(load_rows: Load) -> None:
    region = Region.objects.get(code="410324100203", valid_to=None)
    VillageYear.objects.create(
        region=region, region_code=region.code, year=2017, is_poor_village=True,
        is_deep_poverty=True, exited_year=2016, source="测试",
    )  # fmt: skip
    joined(load_rows, "V2023", {"行政村代码": region.code, "总户数": "5"})
    fact = VillageYear.objects.get(year=2018)
    assert (fact.is_poor_village, fact.is_deep_poverty, fact.exited_year) == (True, True, 2016)


# --- heads alone, and registers that number nobody ----------------------------------------------


def head_row(serial: int, household: int, **changes: str) -> dict[str, str]:
    row = dict.fromkeys(layout_of("H2023").headers, "")
    return row | {
        "县": "栾川县", "乡": "城关镇", "村": "陈家门村", "户编号": f"8630000000{household:04d}",
        "人口编号": f"8631000000{serial:04d}", "姓名": "何梅德", "证件号码": id_number(serial),
        "与户主关系": "户主", "年度家庭人口数": "2", "当前家庭人口数": "3", "产业奖励": "500",
    } | changes  # fmt: skip


def test_file_of_heads_leaves_the_other_members_alone(load_rows: Load) -> None:
    load_rows(family(1), partition=2017)
    load_rows(family(1))
    headers = layout_of("H2023").headers
    batch = load_rows([head_row(1, 1)], headers=headers)
    assert batch.counts("persons") == {"created": 0, "updated": 0, "unchanged": 1, "rejected": 0}
    assert batch.counts("households")["updated"] == 1
    assert "IMP13" not in rules(batch)
    year = HouseholdYear.objects.get(partition=2018)
    assert (year.member_count_current, year.reward_industry) == (3, Decimal("500.00"))
    assert PersonYear.objects.filter(partition=2018).count() == 2


def test_file_of_heads_for_a_new_year_makes_nobody_leave(load_rows: Load) -> None:
    load_rows(family(1))
    load_rows([head_row(1, 1)], headers=layout_of("H2023").headers, partition=2019)
    assert PersonYear.objects.filter(partition=2019).count() == 1
    assert not MembershipEvent.objects.exists()
    load_rows([{**row} for row in family(1)], partition=2019)
    assert PersonYear.objects.filter(partition=2019).count() == 2
    assert not MembershipEvent.objects.exists()


BANNER = {"旗区": "栾川县", "苏木乡": "城关镇", "噶查村": "陈家门村", "家庭编号": "1503001"}


def banner_person(serial: int, **changes: str) -> dict[str, str]:
    row = dict.fromkeys(layout_of("IM2016P").headers, "") | BANNER
    return row | {
        "户主姓名": f"测试{'甲乙丙丁'[serial]}", "证件号码": id_number(serial), "性别": "男" if serial % 2 else "女",
        "与户主关系": "户主" if serial == 1 else "配偶", "健康状况": "长期慢性病" if serial == 1 else "健康",
    } | changes  # fmt: skip


def test_register_that_numbers_nobody_is_loaded(load_rows: Load) -> None:
    """Household by household, then person by person; the national numbers come years later."""
    home = dict.fromkeys(layout_of("IM2016H").headers, "") | BANNER
    home |= {
        "户主姓名": "测试乙",
        "证件号码": id_number(1),
        "贫困户属性": "低保贫困户",
        "致贫原因说明": "久病",
    }
    load_rows([home], headers=layout_of("IM2016H").headers, partition=2016)
    year = HouseholdYear.objects.get()
    assert (year.exit_status, year.head_id_no, year.cause_note) == ("0", id_number(1), "久病")

    headers = layout_of("IM2016P").headers
    rows = [banner_person(1), banner_person(2), banner_person(3, 证件号码="999999201601010010")]
    first = load_rows(rows, headers=headers, partition=2016)
    assert first.counts("persons") == {"created": 3, "updated": 0, "unchanged": 0, "rejected": 0}
    again = load_rows(rows[::-1], headers=headers, partition=2016)
    assert again.counts("persons") == {"created": 0, "updated": 0, "unchanged": 3, "rejected": 0}
    numbers = set(Person.objects.values_list("person_no", flat=True))
    assert len(numbers) == 3
    assert all(number.startswith("X") and len(number) == 20 for number in numbers)

    later = member(1, 1, 户编号="1503001", 姓名="测试乙", 人数="3", 行政村="陈家门村")
    load_rows([later])
    person = PersonYear.objects.get(partition=2018).person
    assert (person.person_no, person.id_no) == ("86310000000001", id_number(1))
    assert Person.objects.count() == 3
    assert StatusEvent.objects.filter(partition=2016).exists()


def test_household_export_without_status_needs_an_attribute(load_rows: Load) -> None:
    row = dict.fromkeys(H2022F, "") | {
        "县": "栾川县", "乡": "城关镇", "村": "陈家门村", "户编号": "86300000000001",
    }  # fmt: skip
    batch = load_rows([row], headers=H2022F)
    assert sent_back(batch) == {2: {"IMP21"}}


# --- columns that appear and vanish ------------------------------------------------------------


def test_columns_against_the_last_written_batch_are_reported(stage: Load, load_rows: Load) -> None:
    assert load_rows(family(1)).columns_appeared == []
    fewer = [{name: cell for name, cell in row.items() if name != "民族"} for row in family(1)]
    headers = [name for name in layout_of("P2018").headers if name != "民族"]
    for row in fewer:
        row["网格员"] = "测试"
    changed = stage(fewer, headers=headers)
    assert (changed.columns_appeared, changed.columns_vanished) == (["网格员"], ["民族"])
    # Of another region and of what was never written nothing is said.
    assert stage(fewer, headers=headers, region="410324").columns_vanished == []
    assert stage(family(1)).columns_appeared == []
    assert build(family(1))
