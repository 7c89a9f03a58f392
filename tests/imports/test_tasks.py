"""The job that writes a batch: what a person confirmed is what is written."""

from collections.abc import Callable

import pytest
from django.utils import timezone

from core.jobs.models import Job, JobState
from core.jobs.services import cancel, claim
from core.jobs.tasks import carry_out
from core.workbooks.refusal import refused
from households.models import Partition, Person
from imports import services
from imports.enums import BatchState
from imports.models import Batch, PoisonedFile
from imports.services import staging
from imports.services.receiving import ClosedPartitionError, WrongStateError, drop_stage
from imports.services.staging import UnmappedError
from imports.workbooks import layout_of
from tests.workbooks import family, member
from villages.models import VillageYear

Stage = Callable[..., Batch]


def apply_by_job(batch: Batch) -> Batch:
    job = services.request_apply(batch=batch, by=None)
    run = claim(job.pk)
    assert run is not None
    carry_out(run)
    job.refresh_from_db()
    assert job.state == JobState.DONE, job.error
    batch.refresh_from_db()
    return batch


def test_register_that_changed_after_the_preview_asks_again(stage: Stage) -> None:
    first, second = stage(family(1)), stage(family(1))
    assert apply_by_job(first).state == BatchState.APPLIED
    again = apply_by_job(second)
    assert again.state == BatchState.STAGED
    assert again.counts("persons") == {"created": 0, "updated": 0, "unchanged": 2, "rejected": 0}
    assert apply_by_job(again).state == BatchState.APPLIED
    assert Person.objects.count() == 2


def test_write_committed_behind_the_judgement_asks_again(stage: Stage) -> None:
    """The register's counter looks unchanged, yet the rows are there: a broken key, not a crash."""
    first, second = stage(family(1)), stage(family(1))
    apply_by_job(first)
    Batch.objects.filter(pk=second.pk).update(register_version=services.staging.register_version())
    second.refresh_from_db()
    again = apply_by_job(second)
    assert (again.state, again.persons_unchanged) == (BatchState.STAGED, 2)
    assert Person.objects.count() == 2


# --- what comes between asking and writing -------------------------------------------------------


def asked(batch: Batch) -> Job:
    job = services.request_apply(batch=batch, by=None)
    batch.refresh_from_db()
    assert batch.state == BatchState.APPLYING
    return job


def refused_by(job: Job, batch: Batch) -> str:
    run = claim(job.pk)
    assert run is not None
    carry_out(run)
    job.refresh_from_db()
    batch.refresh_from_db()
    assert job.state == JobState.FAILED, (job.state, job.error)
    return job.error


def close(year: int = 2018) -> None:
    Partition.objects.filter(pk=year).update(closed_at=timezone.now())


def test_year_closed_after_the_preview_is_said_at_once(stage: Stage) -> None:
    batch = stage(family(1))
    close()
    with pytest.raises(ClosedPartitionError):
        services.request_apply(batch=batch, by=None)
    batch.refresh_from_db()
    assert (batch.state, Job.objects.count()) == (BatchState.STAGED, 0)


def test_year_closed_after_the_confirmation_writes_nothing(stage: Stage) -> None:
    batch = stage(family(1))
    job = asked(batch)
    close()
    assert refused_by(job, batch) == "2018 年度已关闭，没有写入任何数据。"
    assert (batch.state, Person.objects.count()) == (BatchState.STAGED, 0)
    services.discard(batch=batch, by=None)


def test_villages_of_a_closed_year_are_not_written(load_rows: Stage, stage: Stage) -> None:
    headers = [name for name in layout_of("V2023").headers if name != "行政村代码"]
    row = {"县": "栾川县", "乡": "城关镇", "村": "陈家门村", "总户数": "321"}
    batch = stage([row], headers=headers)
    job = asked(batch)
    close()
    before = list(VillageYear.objects.order_by("pk").values())
    assert "已关闭" in refused_by(job, batch)
    assert batch.state == BatchState.STAGED
    assert list(VillageYear.objects.order_by("pk").values()) == before


@pytest.mark.parametrize("state", ["CANCELLED", "FAILED", "QUARANTINED"])
@pytest.mark.parametrize("then", ["apply", "discard", "accept"])
def test_batch_whose_job_is_over_is_not_stuck(stage: Stage, state: str, then: str) -> None:
    batch = stage(family(1))
    job = asked(batch)
    with pytest.raises(WrongStateError):
        services.discard(batch=batch, by=None)
    if state == "CANCELLED":
        cancel(job=job, by=None)
    else:
        Job.objects.filter(pk=job.pk).update(state=state)
    if then == "apply":
        assert apply_by_job(batch).state == BatchState.APPLIED
    elif then == "discard":
        services.discard(batch=batch, by=None)
        assert Batch.objects.get().state == BatchState.DISCARDED
    else:
        services.request_acceptance(batch=batch, acceptance="HOUSEHOLDS", by=None)
        assert Batch.objects.get().state == BatchState.STAGED


def test_file_that_is_gone_is_said(stage: Stage) -> None:
    batch = stage(family(1))
    job = asked(batch)
    drop_stage(batch)
    batch.path.unlink()
    assert "已不在" in refused_by(job, batch)
    assert batch.state == BatchState.REFUSED
    assert "已不在" in batch.refusal


@pytest.mark.parametrize("ask", ["apply", "accept"])
def test_file_that_kills_the_parser_now_is_refused_and_counted(
    stage: Stage, ask: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = stage(family(1))
    if ask == "apply":
        job = asked(batch)
    else:
        job = services.request_acceptance(batch=batch, acceptance="HOUSEHOLDS", by=None)
    drop_stage(batch)

    def die(*_: object) -> None:
        raise refused("parser", is_death=True)

    monkeypatch.setattr(staging, "_load", die)
    assert refused_by(job, batch)
    assert (batch.state, batch.refusal_code) == (BatchState.REFUSED, "parser")
    assert PoisonedFile.objects.get(pk=batch.sha256).deaths == 1


def test_file_whose_heads_are_known_no_more_asks_for_its_columns(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = stage(family(1))
    job = asked(batch)
    drop_stage(batch)

    def forget(*_: object) -> None:
        raise UnmappedError([["户编号"]])

    monkeypatch.setattr(staging, "_load", forget)
    assert "重新对应列" in refused_by(job, batch)
    assert (batch.state, batch.stage) == (BatchState.MAPPING, "")
    assert batch.head == '[["户编号"]]'


@pytest.mark.parametrize("lost", [False, True])
def test_choice_that_was_never_judged_writes_nothing_of_its_own(stage: Stage, lost: bool) -> None:
    """Its job was cancelled: rows are written as they were shown, under the choice shown."""
    batch = stage([*family(1), *family(2), member(9, 2, 与户主关系="外星人")])
    shown = batch.counts("persons")
    job = services.request_acceptance(batch=batch, acceptance="HOUSEHOLDS", by=None)
    if lost:
        drop_stage(batch)
    cancel(job=job, by=None)
    batch.refresh_from_db()
    assert (batch.acceptance, batch.counts("persons")) == ("ROWS", shown)
    assert apply_by_job(batch).state == BatchState.APPLIED
    assert (batch.acceptance, Person.objects.count()) == ("ROWS", 4)
