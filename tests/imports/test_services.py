"""Importing person exports: what goes in, what comes back, and that the counts add up."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from core.acting import acting
from core.history import images
from core.jobs.services import JobFailedError
from households.models import Household, HouseholdYear, Partition, Person, PersonYear, StatusEvent
from imports import services
from imports.catalog.plan import Plan
from imports.enums import BatchState
from imports.models import Batch
from imports.services.receiving import ClosedPartitionError, WrongStateError
from imports.services.sealing import raw_rows
from tests.workbooks import H2022F, P2017, P2018, build, family, id_number, member

Load = Callable[..., Batch]


def rules(batch: Batch) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for row_no, rule in batch.problems.values_list("row_no", "rule"):
        found.setdefault(row_no, set()).add(rule)
    return found


def test_first_load_creates_everything(load_rows: Load) -> None:
    batch = load_rows(
        [
            *family(1),
            *family(2, 脱贫属性="已脱贫（享受政策）", 脱贫年度="2017", 贫困户属性="一般农户"),
        ]
    )
    assert batch.counts("households") == {"created": 2, "updated": 0, "unchanged": 0, "rejected": 0}
    assert batch.counts("persons") == {"created": 4, "updated": 0, "unchanged": 0, "rejected": 0}
    assert (batch.rows_read, batch.state) == (4, BatchState.APPLIED)
    head = PersonYear.objects.select_related("person").get(person__person_no="86310000000001")
    assert (head.person.sex, head.person.birth_date.isoformat()) == ("01", "1970-01-01")
    assert (head.village_code, head.health_status, head.work_months) == (
        "410324100203",
        ["01"],
        Decimal("6.0"),
    )
    year = HouseholdYear.objects.get(household__household_no="86300000000001")
    assert (year.net_income_per_capita, year.main_cause, year.safe_water_solved) == (
        Decimal("3219.50"),
        "01",
        True,
    )


def test_same_file_again_changes_nothing(load_rows: Load) -> None:
    load_rows([*family(1), *family(2)])
    before = list(HouseholdYear.objects.values_list("changed_at", flat=True))
    batch = load_rows([*family(1), *family(2)])
    assert batch.counts("persons") == {"created": 0, "updated": 0, "unchanged": 4, "rejected": 0}
    assert batch.counts("households") == {"created": 0, "updated": 0, "unchanged": 2, "rejected": 0}
    assert batch.changed_fields == {}
    assert list(HouseholdYear.objects.values_list("changed_at", flat=True)) == before
    assert StatusEvent.objects.count() == 2


def test_changed_cell_updates_one_row_and_keeps_the_old_image(load_rows: Load) -> None:
    load_rows(family(1))
    rows = family(1)
    for row in rows:
        row["人均纯收入"] = "3,500.00"
    rows[1]["姓名"] = "何梅兰"
    batch = load_rows(rows)
    assert batch.counts("households")["updated"] == 1
    assert batch.counts("persons") == {"created": 0, "updated": 1, "unchanged": 1, "rejected": 0}
    assert batch.changed_fields == {"net_income_per_capita": 1, "name": 1}
    year = HouseholdYear.objects.get()
    assert year.net_income_per_capita == Decimal("3500.00")
    old = images(HouseholdYear, year.pk)
    assert [image["net_income_per_capita"] for image in old] == [Decimal("3219.50")]
    assert old[0]["history_reason"] == "测试导入"


def test_column_missing_from_the_file_stays_as_it_was(load_rows: Load) -> None:
    load_rows(family(1))
    headers = [name for name in P2017 if name not in ("联系电话", "人均纯收入")]
    rows = [{**row, "主要致贫原因": row["致贫原因"]} for row in family(1)]
    for row in rows:
        for gone in ("致贫原因", "是否解决安全饮用水", "联系电话", "人均纯收入"):
            row.pop(gone)
    load_rows(rows, headers=headers)
    year = HouseholdYear.objects.get()
    assert (year.phone, year.net_income_per_capita) == ("19900001111", Decimal("3219.50"))
    assert year.safe_water_solved is True


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"证件号码": "99032419700101001"}, "IDN02"),
        ({"证件号码": "990324197001010010"}, "IDN04"),
        ({"证件号码": "4.10399E+17"}, "IMP05"),
        ({"证件号码": 9.9032419700101e17}, "IMP05"),
        ({"证件号码": ""}, "IDN01"),
        ({"户编号": "8.63E+13"}, "IMP05"),
        ({"户编号": ""}, "IMP21"),
        ({"姓名": " "}, "IMP21"),
        ({"行政村": "没有的村"}, "IMP08"),
        ({"致贫原因": "因懒"}, "IMP06"),
        ({"务工时间": "十二"}, "IMP14"),
        ({"务工时间": "13"}, "IMP15"),
        ({"危房户": "也许"}, "IMP16"),
        ({"脱贫属性": ""}, "IMP21"),
        ({"脱贫属性": "已脱贫", "脱贫年度": "2019"}, "EXT01"),
        ({"姓名": "何" * 61}, "IMP19"),
        ({"人编号": "86-31"}, "IMP20"),
    ],
)
def test_bad_row_comes_back_with_its_rule(
    load_rows: Load, changes: dict[str, Any], rule: str
) -> None:
    batch = load_rows([*family(1), member(3, 2, **changes)])
    assert rule in rules(batch)[4], rules(batch)
    assert batch.persons_rejected == 1
    assert batch.persons_created == 2
    assert Person.objects.count() == 2


def test_duplicates_in_the_file_all_come_back(load_rows: Load) -> None:
    batch = load_rows([*family(1), member(3, 2), member(3, 3, 人编号="86310000000099")])
    assert {rule for found in rules(batch).values() for rule in found} >= {"DUP01"}
    assert batch.counts("persons")["rejected"] == 2


def test_two_heads_come_back_but_the_family_stays(load_rows: Load) -> None:
    rows = family(1)
    rows[1]["与户主关系"] = "户主"
    batch = load_rows([*rows, member(4, 1)])
    assert rules(batch) == {2: {"STR02", "IMP13", "STR04"}, 3: {"STR02"}}
    assert batch.persons_created == 1


def test_person_registered_in_another_household_is_refused(load_rows: Load) -> None:
    load_rows(family(1))
    batch = load_rows([member(5, 3, 证件号码=id_number(1))])
    assert rules(batch) == {0: {"IMP10"}, 2: {"DUP01", "IMP13", "STR04"}}
    assert batch.households_rejected == 1
    assert Household.objects.count() == 1


def test_same_person_number_with_another_id_is_refused(load_rows: Load) -> None:
    load_rows(family(1))
    batch = load_rows([member(1, 1, 证件号码=id_number(77)), member(2, 1)])
    assert "IDN12" in rules(batch)[2]
    assert Person.objects.get(person_no="86310000000001").id_no == id_number(1)


def test_number_that_another_person_holds_is_refused(load_rows: Load) -> None:
    load_rows([member(1, 1, 证件号码="999999195001010018"), member(2, 1)])
    batch = load_rows([member(1, 1, 证件号码=id_number(2))])
    assert rules(batch)[2] >= {"DUP01"}


def test_rows_outside_the_region_come_back(load_rows: Load) -> None:
    batch = load_rows([*family(1), *family(2, 行政县="嵩县")], region="410324")
    assert {row for row, found in rules(batch).items() if "IMP17" in found} == {4, 5}
    assert batch.counts("persons") == {"created": 2, "updated": 0, "unchanged": 0, "rejected": 2}


def test_exact_numeric_cells_and_odd_writing_are_read(load_rows: Load) -> None:
    batch = load_rows(
        [
            member(1, 1, 联系电话=19900001111.0, 人均纯收入="３，２１９．５元", 健康状况="残疾、长期慢性病",
                   姓名="　何 梅德 ", 与户主关系="户主", 证件号码=" " + id_number(1).lower())
        ]
    )  # fmt: skip
    person = PersonYear.objects.select_related("person", "household").get()
    assert person.health_status == ["04", "02"]
    assert (person.person.name, person.person.id_no) == ("何 梅德", id_number(1))
    year = HouseholdYear.objects.get()
    assert (year.phone, year.net_income_per_capita) == ("19900001111", Decimal("3219.50"))
    assert "IMP07" in rules(batch)[2]


def test_title_rows_above_the_header_shift_the_row_numbers(load_rows: Load) -> None:
    batch = load_rows(
        [*family(1), member(3, 2, 危房户="不详")], titles=("贫困人员信息", "导出日期 2018")
    )
    assert batch.header_row == 3
    assert "IMP16" in rules(batch)[6]


def test_unknown_column_is_kept_with_the_raw_row(stage: Load) -> None:
    batch = stage([member(1, 1, 网格员="张三")])
    ((row_no, cells),) = raw_rows(Plan.of_batch(batch), {2})
    assert (row_no, cells[-1]) == (2, "张三")
    assert ["网格员", ""] in batch.header_map


def test_household_layout_loads_households(load_rows: Load) -> None:
    load_rows(family(1))
    row = {
        "省": "河南省", "市": "洛阳市", "县": "栾川县", "乡": "城关镇", "村": "陈家门村",
        "户编号": "86300000000001", "家庭人口数": "2", "年收入": "17385.00", "年度": "2018",
        "工资性收入": "6000", "转移性收入": "4205", "生产经营性支出": "1000", "耕地面积（亩）": "2.5",
        "是否危房户": "是", "危房级别": "C级", "主要致贫原因": "因病",
    }  # fmt: skip
    batch = load_rows([row], headers=H2022F)
    assert batch.layout_id == "H2022F"
    assert batch.counts("households") == {"created": 0, "updated": 1, "unchanged": 0, "rejected": 0}
    year = HouseholdYear.objects.get()
    assert (year.income_total, year.dangerous_house_level, year.exit_status) == (
        Decimal("17385.00"),
        "3",
        "0",
    )


def test_file_that_is_no_register_is_refused_in_words(stage: Load) -> None:
    with pytest.raises(JobFailedError, match="找不到表头行"):
        stage([{"甲": "1", "乙": "2"}], headers=["甲", "乙"])


def test_missing_column_is_named(stage: Load) -> None:
    rows = [{k: v for k, v in row.items() if k != "证件号码"} for row in family(1)]
    with pytest.raises(JobFailedError, match="证件号码"):
        stage(rows, headers=[h for h in P2018 if h != "证件号码"])


def test_closed_partition_refuses_the_file(city: None) -> None:
    Partition.objects.create(year=2018, closed_at="2019-01-31T00:00Z")
    with pytest.raises(ClosedPartitionError):
        services.receive(
            chunks=[build(family(1))],
            file_name="a.xlsx",
            partition=2018,
            region_prefix="4103",
            by=None,
        )


def test_moved_household_takes_its_persons_along(load_rows: Load) -> None:
    load_rows(family(1))
    load_rows(family(1, 乡镇="栾川乡", 行政村="养子沟村"))
    assert set(Person.objects.values_list("village_code", flat=True)) == {"410324200201"}
    assert set(PersonYear.objects.values_list("village_code", flat=True)) == {"410324200201"}


def test_older_year_does_not_overwrite_the_identity(load_rows: Load) -> None:
    load_rows(family(1, 姓名="新名"), partition=2018)
    load_rows(family(1, 姓名="旧名"), partition=2017)
    assert set(Person.objects.values_list("name", flat=True)) == {"新名"}
    assert PersonYear.objects.filter(partition_id=2017).count() == 2


def test_apply_judges_again_when_the_register_changed(stage: Load) -> None:
    first, second = stage(family(1)), stage(family(1))
    with acting(by=None):
        services.apply(batch=first)
    with acting(by=None):
        services.apply(batch=second)
    assert second.counts("persons") == {"created": 0, "updated": 0, "unchanged": 2, "rejected": 0}
    assert Person.objects.count() == 2


def test_discarded_batch_leaves_nothing(stage: Load) -> None:
    batch = stage(family(1))
    services.discard(batch=batch, by=None)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'staging' AND tablename LIKE %s",
            [f"b{batch.pk}_%"],
        )
        assert cursor.fetchone() == (0,)
    assert Household.objects.count() == 0
    batch.refresh_from_db()
    with pytest.raises(WrongStateError):
        services.discard(batch=batch, by=None)


def test_counts_that_do_not_add_up_are_impossible(load_rows: Load) -> None:
    batch = load_rows(family(1))
    with pytest.raises(IntegrityError, match="batch_persons_add_up"), transaction.atomic():
        Batch.objects.filter(pk=batch.pk).update(persons_created=9)
