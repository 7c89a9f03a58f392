"""Supplements loaded by jobs in a county's own scope, below both walls."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, transaction
from django.utils import timezone

from core import walls
from core.jobs.models import JobState
from core.jobs.services import claim
from core.jobs.tasks import carry_out
from core.scope import Maintenance
from households.models import HouseholdYear, Partition, PersonYear, WorkSpell
from imports import services
from imports.catalog import known_facts
from imports.catalog.columns import can_carry
from imports.enums import BatchState, Grain, Target
from imports.models import Batch, Touch
from imports.queries import changes
from imports.workbooks import layout_of
from tests.workbooks import build, family
from villages.models import VillageYear
from villages.services import ListRefusedError, load_region_facts

Load = Callable[..., Batch]
COUNTY, NEIGHBOUR = "410324", "410325"


def carried_out(job: Any, batch: Batch) -> None:
    run = claim(job.pk)
    assert run is not None
    carry_out(run)
    job.refresh_from_db()
    assert job.state == JobState.DONE, job.error
    batch.refresh_from_db()


def staged(code: str, *rows: dict[str, str], county: str = COUNTY) -> Batch:
    headers = layout_of(code).headers
    content = build([dict.fromkeys(headers, "") | row for row in rows], headers)
    batch = services.receive(
        chunks=[content], file_name="补充.xlsx", partition=2018, region_prefix=county, by=None
    )
    carried_out(services.request_stage(batch=batch, by=None), batch)
    return batch


def applied(batch: Batch) -> Batch:
    carried_out(services.request_apply(batch=batch, by=None), batch)
    assert batch.state == BatchState.APPLIED
    return batch


def touched(batch: Batch) -> dict[str, int]:
    found: dict[str, int] = {}
    for target, verdict in Touch.objects.filter(batch=batch).values_list("target", "verdict"):
        found[f"{target}{verdict}"] = found.get(f"{target}{verdict}", 0) + 1
    return found


def test_every_kind_is_written_and_touched_in_the_scope_of_its_county(load_rows: Load) -> None:
    load_rows([*family(1), *family(2)])
    home, person = {"户编号": "86300000000001"}, {"人编号": "86310000000001"}
    monitored = applied(
        staged("MON2023", person | {"信息采集人": "测试员", "享受低保政策情况": "农村低保"})
    )
    assert touched(monitored) == {"HYU": 1, "PYU": 1}
    assert touched(applied(staged("HV2023", home | {"入户道路是否硬化": "是"}))) == {"HYU": 1}
    assert touched(applied(staged("PLAN2023", person | {"是否计划务工": "是"}))) == {"PYU": 1}
    work = applied(staged("WORK2023", person | {"是否已务工": "是", "开始时间": "201803"}))
    assert touched(work) == {"WSC": 1, "PYU": 1}
    village = applied(staged("V2023", {"行政村代码": "410324100203", "总户数": "9"}))
    assert touched(village) == {"VYC": 1}

    year = HouseholdYear.objects.get(household__household_no="86300000000001")
    assert (year.collector, year.access_road_hardened) == ("测试员", True)
    member = PersonYear.objects.get(person__person_no="86310000000001")
    assert (member.has_dibao, member.plans_to_work, member.has_worked) == (True, True, True)
    assert VillageYear.objects.get().households_total == 9
    assert dict(Target.choices)["WS"] == "务工记录"


@pytest.mark.parametrize("code", ["MON2023", "WORK2023", "HV2023"])
def test_the_neighbours_numbers_are_as_unknown_as_any(load_rows: Load, code: str) -> None:
    load_rows(family(1))
    row = {
        "户编号": "86300000000001",
        "信息采集人": "测试员",
        "入户道路是否硬化": "是",
        "是否已务工": "是",
    }
    if code != "HV2023":
        row["人编号"] = "86310000000001"
    batch = staged(
        code, {name: row[name] for name in row if name in layout_of(code).headers}, county=NEIGHBOUR
    )
    assert set(batch.problems.filter(effect="BACK").values_list("rule", flat=True)) == {"IMP22"}
    applied(batch)
    assert not WorkSpell.objects.exists()
    assert HouseholdYear.objects.get().collector == ""


def test_a_neighbours_village_is_not_written(load_rows: Load) -> None:
    load_rows(family(1))
    batch = staged("V2023", {"行政村代码": "410324100203", "总户数": "9"}, county=NEIGHBOUR)
    assert set(batch.problems.values_list("rule", flat=True)) >= {"IMP17"}
    applied(batch)
    assert not VillageYear.objects.exists()


def test_register_that_changed_meanwhile_is_asked_again(load_rows: Load) -> None:
    """What was unknown at the preview is known by now: the preview is shown again."""
    load_rows(family(1))
    batch = staged(
        "WORK2023", {"人编号": "86310000000003", "是否已务工": "是", "开始时间": "201803"}
    )
    assert batch.counts("entries")["rejected"] == 1
    load_rows(family(2))
    carried_out(services.request_apply(batch=batch, by=None), batch)
    assert (batch.state, batch.counts("entries")["created"]) == (BatchState.STAGED, 1)
    assert touched(applied(batch)) == {"WSC": 1, "PYU": 1}


def test_spells_are_seen_inside_their_county_alone(load_rows: Load) -> None:
    load_rows(family(1))
    applied(
        staged("WORK2023", {"人编号": "86310000000001", "是否已务工": "是", "开始时间": "201803"})
    )
    applied(staged("V2023", {"行政村代码": "410324100203", "总户数": "9"}))
    for county, count in ((COUNTY, 1), (NEIGHBOUR, 0)):
        with walls.scoped(Maintenance(county)):
            assert WorkSpell.objects.count() == count
            # Facts of places are public knowledge, but nobody changes a neighbour's.
            assert VillageYear.objects.get().households_total == 9
            assert VillageYear.objects.update(households_total=9) == count


def test_closed_year_takes_no_facts_of_villages(load_rows: Load) -> None:
    load_rows(family(1))
    applied(staged("V2023", {"行政村代码": "410324100203", "总户数": "9"}))
    village = VillageYear.objects.get()
    Partition.objects.filter(pk=2018).update(closed_at=timezone.now())
    for act in (
        lambda: VillageYear.objects.update(households_total=10),
        lambda: VillageYear.objects.update(year=2019),
        lambda: VillageYear.objects.all().delete(),
        lambda: VillageYear.objects.bulk_create(
            [VillageYear(region_id=village.region.parent_id, region_code="410324100000", year=2018,
                         source="测试")]
        ),
    ):  # fmt: skip
        with (
            pytest.raises(OperationalError, match="partition 2018 is closed"),
            transaction.atomic(),
        ):
            act()
    # Saying the same is no change, and other years are open.
    VillageYear.objects.update(households_total=9)
    with transaction.atomic():
        VillageYear.objects.bulk_create(
            [VillageYear(region_id=village.region_id, region_code="410324100203", year=2019,
                         source="测试")]
        )  # fmt: skip


def test_list_of_villages_of_a_closed_year_is_refused_in_words(city: None) -> None:
    Partition.objects.update_or_create(year=2018, defaults={"closed_at": timezone.now()})
    row = {"code": "410324100203", "year": "2018", "is_poor_village": "是", "source": "测试"}
    with pytest.raises(ListRefusedError, match="已封存"):
        load_region_facts(rows=[(2, row)], by=None)
    assert not VillageYear.objects.exists()


def test_closed_year_takes_no_spells(load_rows: Load) -> None:
    load_rows(family(1))
    applied(
        staged("WORK2023", {"人编号": "86310000000001", "是否已务工": "是", "开始时间": "201803"})
    )
    Partition.objects.filter(pk=2018).update(closed_at=timezone.now())
    with pytest.raises(OperationalError, match="partition 2018 is closed"), transaction.atomic():
        WorkSpell.objects.update(ended_month="201809")


# --- a blank tells nothing ---------------------------------------------------------------------


def monitored(serial: int, **told: str) -> dict[str, str]:
    return {"人编号": f"8631000000{serial:04d}", **told}


def test_blank_cells_of_a_joined_file_leave_what_is_known(load_rows: Load) -> None:
    load_rows(family(1))
    told = {
        "信息采集人": "甲", "信息采集人联系电话": "13800000001", "合规自付支出": "120.50",
        "享受低保政策情况": "农村低保", "整户无劳动能力兜底保障户": "是",
    }  # fmt: skip
    applied(staged("MON2023", monitored(1, **told)))
    again = staged("MON2023", monitored(1, 信息采集人="", 实施开发式帮扶措施情况="已实施"))
    assert again.changed_fields == {"development_measure_state": 1}
    with walls.scoped(Maintenance(COUNTY)):
        shown = [change.identifier for change in changes.every(again)]
    assert shown == ["development_measure_state"]
    applied(again)
    year = HouseholdYear.objects.get()
    assert (year.collector, year.collector_phone, str(year.compliant_self_paid_expense)) == (
        "甲", "13800000001", "120.50",
    )  # fmt: skip
    assert (year.whole_household_no_labour, year.development_measure_state) == (True, "已实施")
    assert PersonYear.objects.get(person__person_no="86310000000001").has_dibao is True
    same = staged("MON2023", monitored(1))
    assert (same.changed_fields, same.counts("households")["unchanged"]) == ({}, 1)


def test_household_is_told_by_whichever_row_tells_it(load_rows: Load) -> None:
    load_rows(family(1))
    batch = staged(
        "MON2023",
        monitored(1, 实施开发式帮扶措施情况="已实施"),
        monitored(2, 信息采集人="乙", 信息采集人联系电话="13800000002"),
    )
    assert set(batch.changed_fields) == {
        "collector", "collector_phone", "development_measure_state",
    }  # fmt: skip
    # Judged anew, the row is asked again what it told itself.
    with walls.scoped(Maintenance(COUNTY)):
        services.restage_judgement(batch)
    assert batch.counts("households")["updated"] == 1
    batch.save()
    applied(batch)
    year = HouseholdYear.objects.get()
    assert (year.collector, year.collector_phone, year.development_measure_state) == (
        "乙", "13800000002", "已实施",
    )  # fmt: skip


def test_what_only_a_refused_row_tells_is_not_written(load_rows: Load) -> None:
    load_rows(family(1))
    batch = staged(
        "MON2023",
        monitored(1),
        monitored(2, 信息采集人="乙", 合规自付支出="很多"),
    )
    assert batch.counts("persons")["rejected"] == 1
    applied(batch)
    assert HouseholdYear.objects.get().collector == ""


def test_blank_cells_of_a_spell_leave_what_is_known(load_rows: Load) -> None:
    load_rows(family(1))
    start = {"人编号": "86310000000001", "开始时间": "201803"}
    applied(staged("WORK2023", start | {"是否已务工": "是", "务工月收入": "3000"}))
    again = staged("WORK2023", start | {"结束时间": "201809"})
    assert again.changed_fields == {"ended_month": 1}
    applied(again)
    spell = WorkSpell.objects.get()
    assert (spell.ended_month, spell.monthly_income) == ("201809", 3000)
    assert PersonYear.objects.get(person__person_no="86310000000001").has_worked is True


@pytest.mark.parametrize("identifier", ["exit_status", "exit_year", "identified_year"])
@pytest.mark.parametrize("grain", [Grain.JOINED_HOUSEHOLD, Grain.JOINED_PERSON])
def test_joined_files_say_nothing_of_exit_and_identification(grain: str, identifier: str) -> None:
    assert not can_carry(identifier, grain)
    assert can_carry(identifier, Grain.PERSON) == (identifier in known_facts(Grain.PERSON))
