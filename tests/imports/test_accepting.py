"""How much of a batch with faults is written: rows, whole households, or all or nothing."""

from collections.abc import Callable
from typing import Any

import pytest

from core.jobs.models import Job, JobState
from core.jobs.services import claim
from core.jobs.tasks import carry_out
from households.models import Household, Person
from imports import services
from imports.enums import Acceptance, BatchState
from imports.models import Batch
from imports.services.accepting import RejectedRowsError
from imports.services.receiving import WrongStateError
from tests.workbooks import family, member

Stage = Callable[..., Batch]

# Household 1 is good; one of household 2's three rows is not; household 3 has no good row.
ROWS = [
    *family(1),
    *family(2),
    member(9, 2, 与户主关系="之子", 务工时间="十二"),
    member(11, 3, 证件号码="990324197001010010"),
]


def carried_out(job: Job, batch: Batch) -> Job:
    run = claim(job.pk)
    assert run is not None
    carry_out(run)
    job.refresh_from_db()
    batch.refresh_from_db()
    return job


def chosen(batch: Batch, acceptance: str) -> Batch:
    job = carried_out(
        services.request_acceptance(batch=batch, acceptance=acceptance, by=None), batch
    )
    assert job.state == JobState.DONE, job.error
    assert (batch.state, batch.acceptance) == (BatchState.STAGED, acceptance)
    return batch


def rejected(batch: Batch) -> tuple[int, int]:
    return batch.households_rejected, batch.persons_rejected


def rows_by_rule(batch: Batch, rule: str) -> list[int]:
    return list(
        batch.problems.filter(rule=rule).order_by("row_no").values_list("row_no", flat=True)
    )


def test_household_with_a_bad_row_goes_back_whole(stage: Stage) -> None:
    batch = stage(ROWS)
    assert rejected(batch) == (1, 2)
    chosen(batch, Acceptance.HOUSEHOLDS)
    assert rejected(batch) == (2, 4)
    assert rows_by_rule(batch, "IMP26") == [4, 5]
    assert set(batch.problems.filter(rule="IMP26").values_list("effect", "other_row")) == {
        ("BACK", 6)
    }
    seen = batch.counts("persons")
    job = carried_out(services.request_apply(batch=batch, by=None), batch)
    assert (job.state, batch.state) == (JobState.DONE, BatchState.APPLIED)
    assert batch.counts("persons") == seen
    assert set(Household.objects.values_list("household_no", flat=True)) == {"86300000000001"}
    assert Person.objects.count() == 2


def test_choice_can_be_taken_back(stage: Stage) -> None:
    batch = stage(ROWS)
    chosen(batch, Acceptance.HOUSEHOLDS)
    chosen(batch, Acceptance.ROWS)
    assert rejected(batch) == (1, 2)
    assert rows_by_rule(batch, "IMP26") == []


def test_all_or_nothing_refuses_while_rows_are_bad(stage: Stage) -> None:
    batch = chosen(stage(ROWS), Acceptance.ALL)
    with pytest.raises(RejectedRowsError, match=r"还有 2 行退回.*改选") as refused:
        services.request_apply(batch=batch, by=None)
    assert isinstance(refused.value, WrongStateError)
    batch.refresh_from_db()
    assert batch.state == BatchState.STAGED
    with pytest.raises(RejectedRowsError):
        services.apply(batch=batch)
    assert Household.objects.count() == 0


def test_all_or_nothing_writes_what_is_good(stage: Stage) -> None:
    batch = chosen(stage(family(1)), Acceptance.ALL)
    carried_out(services.request_apply(batch=batch, by=None), batch)
    assert batch.state == BatchState.APPLIED


def test_all_or_nothing_looks_again_when_the_register_changed(
    stage: Stage, load_rows: Stage
) -> None:
    """What was good in the preview is taken by another import meanwhile."""
    batch = chosen(stage([member(1, 1, 人编号="86310000000077"), member(2, 1)]), Acceptance.ALL)
    load_rows([member(1, 5), member(2, 5, 人编号="86310000000055", 证件号码="999999195001010018")])
    carried_out(services.request_apply(batch=batch, by=None), batch)
    assert batch.state == BatchState.STAGED
    assert batch.persons_rejected > 0
    with pytest.raises(RejectedRowsError):
        services.request_apply(batch=batch, by=None)


def test_household_file_is_taken_by_households_too(stage: Stage, load_rows: Stage) -> None:
    """Every row is a household: nothing goes along with it."""
    batch = chosen(stage([*family(1), *family(2)]), Acceptance.HOUSEHOLDS)
    assert rejected(batch) == (0, 0)


def test_nothing_is_written_while_it_is_judged(stage: Stage) -> None:
    batch = stage(ROWS)
    job = services.request_acceptance(batch=batch, acceptance="HOUSEHOLDS", by=None)
    for ask in (
        lambda: services.request_apply(batch=batch, by=None),
        lambda: services.request_acceptance(batch=batch, acceptance="ROWS", by=None),
    ):
        with pytest.raises(WrongStateError):
            ask()
    carried_out(job, batch)
    services.request_apply(batch=batch, by=None)
    with pytest.raises(WrongStateError):
        services.request_acceptance(batch=batch, acceptance="ROWS", by=None)


def test_word_that_is_none(stage: Stage) -> None:
    with pytest.raises(ValueError, match="SOME"):
        services.request_acceptance(batch=stage(family(1)), acceptance="SOME", by=None)


def test_lost_staging_is_read_again(stage: Stage) -> None:
    """A crash of the server empties unlogged tables."""
    from imports.services.receiving import drop_stage

    batch = stage(ROWS)
    drop_stage(batch)
    chosen(batch, Acceptance.HOUSEHOLDS)
    assert rejected(batch) == (2, 4)
    carried_out(services.request_apply(batch=batch, by=None), batch)
    assert batch.state == BatchState.APPLIED


def test_who_wrote_it_is_kept(stage: Stage) -> None:
    from tests.cast import cast

    office: Any = cast("county_office")
    batch = stage(family(1), region="410324")
    job = carried_out(services.request_apply(batch=batch, by=office), batch)
    assert (batch.applied_by, batch.applied_job) == (office, job)
    assert batch.applied_from < batch.applied_at
