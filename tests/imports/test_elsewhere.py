"""A county's file about households that another county has registered."""

from collections.abc import Callable
from typing import Any

import pytest

from core import walls
from core.jobs.models import JobState
from core.jobs.services import claim
from core.jobs.tasks import carry_out
from core.scope import Maintenance
from households.models import Household, Person
from imports import services
from imports.enums import BatchState
from imports.models import Batch
from tests.workbooks import build, family, member

NEIGHBOUR = {"行政县": "嵩县", "乡镇": "城关镇", "行政村": "陈家门村"}


def loaded_by(county: str, rows: list[dict[str, Any]], year: int = 2018) -> Batch:
    """Staged and, where possible, written by jobs in the county's scope."""
    batch = services.receive(
        chunks=[build(rows)],
        file_name="贫困人员.xlsx",
        partition=year,
        region_prefix=county,
        by=None,
    )
    for ask in (services.request_stage, services.request_apply):
        job = ask(batch=batch, by=None)
        run = claim(job.pk)
        assert run is not None
        carry_out(run)
        job.refresh_from_db()
        assert job.state == JobState.DONE, job.error
        batch.refresh_from_db()
    return batch


def rules(batch: Batch) -> set[tuple[str, str]]:
    return set(batch.problems.values_list("rule", "identifier"))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({}, "household_no"),
        ({"户编号": "86300000009999"}, "person_no"),
        ({"户编号": "86300000009999", "人编号": "86310000009999"}, "id_no"),
    ],
)
def test_what_the_neighbour_registered_is_refused_and_not_taken(
    load_rows: Callable[..., Batch], changes: dict[str, str], field: str
) -> None:
    load_rows([member(1)])
    batch = loaded_by("410325", [member(1, **NEIGHBOUR, **changes), *own()])
    assert ("DUP11", field) in rules(batch)
    assert batch.state == BatchState.APPLIED
    assert batch.persons_rejected == 1
    assert batch.persons_created == 2
    assert Household.objects.get(household_no="86300000000001").village_code.startswith("410324")
    assert Person.objects.filter(village_code__startswith="410324").count() == 1


def own() -> list[dict[str, Any]]:
    return family(5, **NEIGHBOUR)


def test_whole_city_may_move_a_household(load_rows: Callable[..., Batch]) -> None:
    load_rows([member(1)])
    batch = loaded_by("4103", [member(1, **NEIGHBOUR)])
    assert rules(batch) & {("DUP11", "household_no")} == set()
    assert Household.objects.get().village_code.startswith("410325")


def test_who_sees_all_is_not_partial(db: None) -> None:
    assert not walls.is_partial()
    for prefix, partial in (("4103", False), ("410324", True), ("410324100", True)):
        with walls.scoped(Maintenance(prefix)):
            assert walls.is_partial() == partial
