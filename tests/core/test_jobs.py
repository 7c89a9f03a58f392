"""Job rows: claimed once, fenced by a token, retried, quarantined, never doubled."""

from collections.abc import Callable, Iterator

import pytest
from django.db import connection
from django.test import Client

from accounts.enums import Role
from accounts.models import Grant, User
from core.jobs import services
from core.jobs.models import Job, JobState
from core.jobs.services import JobFailedError, LostLeaseError, Run, handles
from core.jobs.tasks import carry_out
from tests.conftest import LONG_AGO, person

AsUser = Callable[[User], Client]


@pytest.fixture
def kind(db: None) -> Iterator[str]:
    @handles("test.count", queue="interactive", label="试验任务", max_attempts=2)
    def count(run: Run) -> None:
        if run.params.get("fail") == "refuse":
            raise JobFailedError("文件不对。")
        if run.params.get("fail") == "crash":
            raise ZeroDivisionError
        with run.effect(reason="试验"):
            Job.objects.filter(pk=run.job_id).update(subject="effect")

    yield "test.count"
    del services._kinds["test.count"]


def expire(job: Job) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE core_job SET lease_until = clock_timestamp() - interval '1 s' WHERE id = %s",
            [job.pk],
        )


def test_effect_and_done_are_one(kind: str) -> None:
    job = services.enqueue(kind)
    run = services.claim(job.pk)
    assert run is not None
    carry_out(run)
    job.refresh_from_db()
    assert (job.state, job.subject, job.attempts) == (JobState.DONE, "effect", 1)


def test_claimed_job_is_not_to_be_had(kind: str) -> None:
    job = services.enqueue(kind)
    assert services.claim(job.pk) is not None
    assert services.claim(job.pk) is None


def test_frozen_worker_cannot_store_after_its_lease(kind: str) -> None:
    job = services.enqueue(kind)
    frozen = services.claim(job.pk)
    expire(job)
    second = services.claim(job.pk)
    assert frozen is not None
    assert second is not None
    with pytest.raises(LostLeaseError), frozen.effect():
        Job.objects.filter(pk=job.pk).update(subject="ghost")
    with second.effect():
        Job.objects.filter(pk=job.pk).update(subject="effect")
    job.refresh_from_db()
    assert (job.state, job.subject) == (JobState.DONE, "effect")


def test_token_that_goes_stale_during_the_effect_takes_it_back(kind: str) -> None:
    job = services.enqueue(kind)
    run = services.claim(job.pk)
    assert run is not None
    with pytest.raises(LostLeaseError), run.effect():
        Job.objects.filter(pk=job.pk).update(subject="ghost", token=99)
    job.refresh_from_db()
    assert job.subject == ""


def test_crash_goes_back_to_the_queue_then_to_quarantine(kind: str) -> None:
    job = services.enqueue(kind, params={"fail": "crash"})
    for expected in (JobState.QUEUED, JobState.QUARANTINED):
        run = services.claim(job.pk)
        assert run is not None
        carry_out(run)
        job.refresh_from_db()
        assert job.state == expected
    assert services.claim(job.pk) is None


def test_refusal_is_shown_and_not_retried(kind: str) -> None:
    job = services.enqueue(kind, params={"fail": "refuse"})
    run = services.claim(job.pk)
    assert run is not None
    carry_out(run)
    job.refresh_from_db()
    assert (job.state, job.error, job.attempts) == (JobState.FAILED, "文件不对。", 1)


def test_sweeper_brings_back_what_a_dead_worker_left(kind: str) -> None:
    job = services.enqueue(kind)
    services.claim(job.pk)
    expire(job)
    services.sweep()
    job.refresh_from_db()
    assert job.state == JobState.QUEUED
    assert services.claim(job.pk) is not None
    expire(job)
    services.sweep()
    job.refresh_from_db()
    assert (job.state, job.attempts) == (JobState.QUARANTINED, 2)


def test_same_key_is_asked_once(kind: str) -> None:
    first = services.enqueue(kind, key="county:410324")
    assert services.enqueue(kind, key="county:410324") == first
    run = services.claim(first.pk)
    assert run is not None
    carry_out(run)
    assert services.enqueue(kind, key="county:410324") != first


def test_cancelled_worker_stores_nothing(kind: str) -> None:
    job = services.enqueue(kind)
    run = services.claim(job.pk)
    services.cancel(job=job, by=None)
    assert run is not None
    carry_out(run)
    job.refresh_from_db()
    assert (job.state, job.subject) == (JobState.CANCELLED, "")


# --- the page ------------------------------------------------------------------------------------


@pytest.fixture
def luanchuan_job(kind: str) -> Job:
    return services.enqueue(kind, subject="栾川", scope="410324", params={"fail": "refuse"})


def test_list_shows_own_region_only(
    as_user: AsUser, luanchuan_job: Job, luanchuan_clerk: User, songxian_clerk: User
) -> None:
    assert "栾川" in as_user(luanchuan_clerk).get("/jobs/").content.decode()
    other = as_user(songxian_clerk).get("/jobs/")
    assert (other.status_code, list(other.context["jobs"])) == (200, [])


def test_detail_of_the_neighbour_is_404(
    as_user: AsUser, luanchuan_job: Job, luanchuan_clerk: User, songxian_clerk: User
) -> None:
    assert as_user(luanchuan_clerk).get(f"/jobs/{luanchuan_job.pk}/").status_code == 200
    assert as_user(songxian_clerk).get(f"/jobs/{luanchuan_job.pk}/").status_code == 404
    assert as_user(luanchuan_clerk).get("/jobs/999999999/").status_code == 404


def test_retry_by_an_administrator(
    as_user: AsUser, luanchuan_job: Job, city_admin: User, luanchuan_clerk: User
) -> None:
    run = services.claim(luanchuan_job.pk)
    assert run is not None
    carry_out(run)
    address = f"/jobs/{luanchuan_job.pk}/retry/"
    assert as_user(luanchuan_clerk).post(address).status_code == 403
    assert as_user(city_admin).get(address).status_code == 405
    assert as_user(city_admin).post(address).status_code == 302
    luanchuan_job.refresh_from_db()
    assert luanchuan_job.state == JobState.QUEUED


@pytest.mark.parametrize("act", ["retry", "cancel"])
def test_managing_jobs_in_one_place_manages_none_of_another(
    as_user: AsUser, luanchuan_job: Job, act: str
) -> None:
    reader = person("nextdoor", Role.LEADER, "410324")
    Grant.objects.create(
        user=reader, role=Role.CITY_OFFICE, region_prefix="4104", valid_from=LONG_AGO
    )
    own = services.enqueue(luanchuan_job.kind, scope="410402", key="own")
    if act == "retry":
        Job.objects.update(state=JobState.CANCELLED)
    before = Job.objects.get(pk=luanchuan_job.pk).state
    client = as_user(reader)
    page = client.get("/jobs/").content.decode()
    assert f"/jobs/{luanchuan_job.pk}/{act}/" not in page
    assert f"/jobs/{own.pk}/{act}/" in page
    assert client.post(f"/jobs/{luanchuan_job.pk}/{act}/").status_code == 404
    assert client.post(f"/jobs/{own.pk}/{act}/").status_code == 302
    states = dict(Job.objects.values_list("pk", "state"))
    assert (states[luanchuan_job.pk], states[own.pk]) == (
        before,
        JobState.QUEUED if act == "retry" else JobState.CANCELLED,
    )
