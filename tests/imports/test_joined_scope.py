"""Supplements loaded by jobs in a county's own scope, below both walls."""

from collections.abc import Callable
from typing import Any

import pytest

from core import walls
from core.jobs.models import JobState
from core.jobs.services import claim
from core.jobs.tasks import carry_out
from core.scope import Maintenance
from households.models import HouseholdYear, PersonYear, WorkSpell
from imports import services
from imports.enums import BatchState, Target
from imports.models import Batch, Touch
from imports.workbooks import layout_of
from tests.workbooks import build, family
from villages.models import VillageYear

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
