"""The job that writes a batch: what a person confirmed is what is written."""

from collections.abc import Callable

from core.jobs.models import JobState
from core.jobs.services import claim
from core.jobs.tasks import carry_out
from households.models import Person
from imports import services
from imports.enums import BatchState
from imports.models import Batch
from tests.workbooks import family

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
