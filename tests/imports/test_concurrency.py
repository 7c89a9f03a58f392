"""Several people and jobs at once on one region: one clear outcome each, nothing half-written.

Real threads with connections of their own on real PostgreSQL. `Stops` holds a thread at a failpoint
of the product until the test lets it go on.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.test import Client

from accounts.enums import Role
from accounts.models import User
from core import failpoints
from core.acting import acting
from core.jobs.models import Job, JobState
from core.jobs.services import claim
from core.jobs.tasks import carry_out
from exits.models import Snapshot
from exits.services.requests import request_dirty, request_recompute
from households.models import Household, HouseholdYear, Person, PersonYear, StatusEvent
from imports import services
from imports.enums import BatchState
from imports.models import Batch
from imports.services.undoing import request_undo
from tests.conftest import person
from tests.villages.lists import CITY, load
from tests.workbooks import build, family

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

COUNTY = "410324"
SECONDS = 30
CHANGED = "登记数据在预览之后有变动，这次没有写入任何数据"
MEANWHILE = "批次状态已变化，请看页面上的最新状态。"


class Stops(dict[str, str]):
    """Failpoints where whoever comes first stands still; the others pass."""

    def __init__(self) -> None:
        super().__init__()
        self._places: dict[str, tuple[threading.Event, threading.Event]] = {}

    def get(self, place: str, default: str | None = None) -> str | None:  # type: ignore[override]
        found = self._places.pop(place, None)
        if found:
            arrived, released = found
            arrived.set()
            assert released.wait(SECONDS)
        return default

    def at(self, place: str) -> tuple[threading.Event, threading.Event]:
        """Events: somebody arrived there; let them go on."""
        self._places[place] = (threading.Event(), threading.Event())
        return self._places[place]


@pytest.fixture
def stops(monkeypatch: pytest.MonkeyPatch) -> Stops:
    made = Stops()
    monkeypatch.setattr(failpoints, "_armed", made)
    return made


@pytest.fixture
def together() -> Iterator[Callable[..., Future[Any]]]:
    """Begin something in a thread with a database connection of its own."""
    with ThreadPoolExecutor(4) as pool:

        def begin(work: Callable[..., Any], *args: Any, **more: Any) -> Future[Any]:
            def run() -> Any:
                try:
                    return work(*args, **more)
                finally:
                    connections.close_all()

            return pool.submit(run)

        yield begin


@pytest.fixture
def clerk(transactional_db: None, settings: Any, tmp_path: Path) -> User:
    settings.UPLOAD_DIR = tmp_path / "uploads"
    load(CITY)
    return person("luanchuan", Role.COUNTY_CLERK, COUNTY)


Begin = Callable[..., Future[Any]]


def upload(families: range, income: str = "3219.50") -> Batch:
    rows = [row for number in families for row in family(number, 人均纯收入=income)]
    return services.receive(
        chunks=[build(rows)], file_name="a.xlsx", partition=2018, region_prefix=COUNTY, by=None
    )


def work(job: Job) -> Job:
    """Do a job as a worker would."""
    run = claim(job.pk)
    assert run is not None
    carry_out(run)
    return Job.objects.get(pk=job.pk)


def previewed(families: range, income: str = "3219.50") -> Batch:
    batch = upload(families, income)
    assert work(services.request_stage(batch=batch, by=None)).state == JobState.DONE
    return Batch.objects.get(pk=batch.pk)


def written(families: range, income: str = "3219.50") -> Batch:
    batch = previewed(families, income)
    assert work(services.request_apply(batch=batch, by=None)).state == JobState.DONE
    return Batch.objects.get(pk=batch.pk)


def incomes() -> dict[str, int]:
    found = HouseholdYear.objects.values_list("household__household_no", "net_income_per_capita")
    return {no[-2:].lstrip("0"): int(income) for no, income in found}


def edit(number: int, income: int) -> None:
    with acting(by=None, reason="入户核实"):
        changed = HouseholdYear.objects.filter(
            household__household_no=f"8630000000{number:04d}"
        ).update(net_income_per_capita=income)
    assert changed == 1


def staged_tables() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'staging' ORDER BY 1")
        return [name for (name,) in cursor.fetchall()]


def whole(families: int) -> None:
    """So many families, each with both persons, both years and one booking: nothing half."""
    assert Household.objects.count() == HouseholdYear.objects.count() == families
    assert Person.objects.count() == PersonYear.objects.count() == 2 * families
    assert StatusEvent.objects.count() == families


def page(client: Client, batch: Batch) -> str:
    answer = client.get(f"/imports/{batch.pk}/")
    assert answer.status_code == 200
    return answer.content.decode()


# --- two imports ---------------------------------------------------------------------------------


def test_two_imports_into_one_region(
    clerk: User, stops: Stops, together: Begin, as_user: Callable[[User], Client]
) -> None:
    """The second one is not written on what its clerk never saw, but shown again."""
    first, second = previewed(range(1, 11), "3000"), previewed(range(6, 16), "4000")
    assert (first.households_created, second.households_created) == (10, 10)
    jobs = [services.request_apply(batch=one, by=None) for one in (first, second)]
    arrived, release = stops.at("imports.apply.households")
    one = together(work, jobs[0])
    assert arrived.wait(SECONDS)
    other = together(work, jobs[1])
    assert Household.objects.count() == 0
    release.set()
    assert one.result(SECONDS).state == JobState.DONE
    assert other.result(SECONDS).result == {"changed_since_preview": True}
    whole(10)
    second.refresh_from_db()
    assert second.state == BatchState.STAGED
    assert second.counts("households") == {
        "created": 5, "updated": 5, "unchanged": 0, "rejected": 0,
    }  # fmt: skip
    assert CHANGED in page(as_user(clerk), second)
    assert work(services.request_apply(batch=second, by=None)).state == JobState.DONE
    whole(15)
    assert incomes() == {str(n): 3000 if n < 6 else 4000 for n in range(1, 16)}
    assert CHANGED not in page(as_user(clerk), second)


def test_same_file_twice_at_once(clerk: User, together: Begin, settings: Any) -> None:
    """One file on disk, two batches, everybody registered once; the second has nothing to write."""
    received = [together(upload, range(1, 6)) for _ in range(2)]
    batches = [future.result(SECONDS) for future in received]
    assert batches[0].sha256 == batches[1].sha256
    assert len([f for f in Path(settings.UPLOAD_DIR).rglob("*") if f.is_file()]) == 1
    staged = [services.request_stage(batch=batch, by=None) for batch in batches]
    for future in [together(work, job) for job in staged]:
        assert future.result(SECONDS).state == JobState.DONE
    applied = [
        services.request_apply(batch=Batch.objects.get(pk=batch.pk), by=None) for batch in batches
    ]
    ended = [future.result(SECONDS) for future in [together(work, job) for job in applied]]
    assert sorted(str(job.result) for job in ended) == ["{'changed_since_preview': True}", "{}"]
    whole(5)
    again = Batch.objects.get(pk__in=[b.pk for b in batches], state=BatchState.STAGED)
    assert again.households_unchanged == 5
    assert work(services.request_apply(batch=again, by=None)).state == JobState.DONE
    whole(5)
    assert staged_tables() == []


def test_apply_pressed_twice(
    clerk: User, together: Begin, as_user: Callable[[User], Client]
) -> None:
    batch = previewed(range(1, 4))
    clients = [as_user(clerk) for _ in range(2)]

    def press(client: Client) -> str:
        return client.post(f"/imports/{batch.pk}/apply/", follow=True).content.decode()

    answers = [future.result(SECONDS) for future in [together(press, one) for one in clients]]
    assert sorted(MEANWHILE in answer for answer in answers) == [False, True]
    (job,) = Job.objects.filter(kind="imports.apply")
    assert work(job).state == JobState.DONE
    assert claim(job.pk) is None
    whole(3)


# --- an edit meanwhile ---------------------------------------------------------------------------


def test_edit_between_preview_and_apply(clerk: User, as_user: Callable[[User], Client]) -> None:
    """An edit that makes other rows change sends the clerk back to the preview; confirmed, the file wins."""
    written(range(1, 6), "3000")
    batch = previewed(range(1, 6), "3000")
    assert batch.households_unchanged == 5
    edit(3, 9999)
    job = work(services.request_apply(batch=batch, by=None))
    assert (job.state, job.result) == (JobState.DONE, {"changed_since_preview": True})
    assert incomes()["3"] == 9999
    batch.refresh_from_db()
    assert (batch.state, batch.households_updated, batch.households_unchanged) == (
        BatchState.STAGED, 1, 4,
    )  # fmt: skip
    assert CHANGED in page(as_user(clerk), batch)
    work(services.request_apply(batch=batch, by=None))
    assert incomes()["3"] == 3000
    whole(5)


def test_edit_during_apply_waits_and_stands(clerk: User, stops: Stops, together: Begin) -> None:
    """Of a row the import has written: the edit comes after it, on top of it, and is kept."""
    written(range(1, 6), "3000")
    batch = previewed(range(1, 6), "3500")
    job = services.request_apply(batch=batch, by=None)
    arrived, release = stops.at("imports.apply.household_years")
    applying = together(work, job)
    assert arrived.wait(SECONDS)
    editing = together(edit, 3, 9999)
    assert not editing.done()
    assert incomes()["3"] == 3000
    release.set()
    assert applying.result(SECONDS).state == JobState.DONE
    editing.result(SECONDS)
    assert incomes() == {"1": 3500, "2": 3500, "3": 9999, "4": 3500, "5": 3500}
    whole(5)


def test_edit_that_is_not_committed_when_the_rows_are_judged(
    clerk: User, stops: Stops, together: Begin
) -> None:
    """The import waits for it and writes what its clerk confirmed; the edit stays in the history."""
    written(range(1, 6), "3000")
    batch = previewed(range(1, 6), "3500")
    job = services.request_apply(batch=batch, by=None)
    saved, commit = threading.Event(), threading.Event()

    def slow_edit() -> None:
        with transaction.atomic():
            edit(3, 9999)
            saved.set()
            assert commit.wait(SECONDS)

    editing = together(slow_edit)
    assert saved.wait(SECONDS)
    arrived, release = stops.at("imports.apply.households")
    applying = together(work, job)
    if not arrived.wait(2):
        # Judged anew because the mark of the edit counts before its commit, with the same counts.
        assert not applying.done()
    release.set()
    commit.set()
    editing.result(SECONDS)
    assert applying.result(SECONDS).state == JobState.DONE
    whole(5)
    assert set(incomes().values()) == {3500}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT history_reason FROM households_householdyear_history"
            " WHERE net_income_per_capita IN (3000, 9999) AND id = (SELECT y.id FROM"
            " households_householdyear y JOIN households_household h ON h.id = y.household_id"
            " WHERE h.household_no = '86300000000003') ORDER BY history_id"
        )
        reasons = [reason for (reason,) in cursor.fetchall()]
    assert reasons == ["入户核实", f"导入工作簿 批次{batch.pk}"]


# --- discard, undo -------------------------------------------------------------------------------


def test_discard_during_apply(
    clerk: User, stops: Stops, together: Begin, as_user: Callable[[User], Client]
) -> None:
    batch = previewed(range(1, 4))
    arrived, release = stops.at("imports.apply.persons")
    applying = together(work, services.request_apply(batch=batch, by=None))
    assert arrived.wait(SECONDS)
    client = as_user(clerk)
    answer = client.post(f"/imports/{batch.pk}/discard/", follow=True).content.decode()
    assert MEANWHILE in answer
    release.set()
    assert applying.result(SECONDS).state == JobState.DONE
    batch.refresh_from_db()
    assert batch.state == BatchState.APPLIED
    whole(3)


@pytest.mark.parametrize("place", ["imports.stage.judged", "imports.stage.committed"])
def test_discard_during_staging_stays_discarded(
    clerk: User, stops: Stops, together: Begin, place: str
) -> None:
    batch = upload(range(1, 4))
    job = services.request_stage(batch=batch, by=None)
    arrived, release = stops.at(place)
    staging = together(work, job)
    assert arrived.wait(SECONDS)
    services.discard(batch=batch, by=None)
    release.set()
    ended = staging.result(SECONDS)
    assert (ended.state, ended.error) == (JobState.FAILED, "批次状态已变化，不再处理。")
    batch.refresh_from_db()
    assert (batch.state, batch.stage) == (BatchState.DISCARDED, "")
    assert staged_tables() == []


def test_worker_that_lost_its_lease_leaves_no_tables(
    clerk: User, stops: Stops, together: Begin
) -> None:
    batch = upload(range(1, 4))
    job = services.request_stage(batch=batch, by=None)
    arrived, release = stops.at("imports.stage.judged")
    stale = together(work, job)
    assert arrived.wait(SECONDS)
    Job.objects.filter(pk=job.pk).update(state=JobState.QUEUED, lease_until=None)
    # The stale one holds nothing that the next one needs but its own tables.
    release.set()
    stale.result(SECONDS)
    assert staged_tables() == []
    assert work(job).state == JobState.DONE
    batch.refresh_from_db()
    assert batch.state == BatchState.STAGED
    assert {name.rsplit("_", 1)[0] for name in staged_tables()} == {batch.stage}


def test_worker_that_lost_its_lease_refuses_nothing(clerk: User) -> None:
    """What it found wrong with the file is not written over what another made of it."""
    batch = services.receive(
        chunks=[build([{"甲": "1"}], headers=["甲", "乙"])],
        file_name="a.xlsx", partition=2018, region_prefix=COUNTY, by=None,
    )  # fmt: skip
    job = services.request_stage(batch=batch, by=None)
    run = claim(job.pk)
    assert run is not None
    Job.objects.filter(pk=job.pk).update(token=run.token + 1)
    carry_out(run)
    batch.refresh_from_db()
    assert (batch.state, batch.refusal) == (BatchState.UPLOADED, "")


def test_undo_while_another_import_writes_the_same_rows(
    clerk: User, stops: Stops, together: Begin
) -> None:
    """Whoever comes second finds the newer change and is told whose it is."""
    first = written(range(1, 6), "3000")
    second = previewed(range(1, 6), "3500")
    arrived, release = stops.at("imports.apply.household_years")
    applying = together(work, services.request_apply(batch=second, by=None))
    assert arrived.wait(SECONDS)
    undoing = together(work, request_undo(batch=first, by=None))
    release.set()
    assert applying.result(SECONDS).state == JobState.DONE
    refused = undoing.result(SECONDS)
    assert refused.state == JobState.FAILED
    assert "此后又有改动" in refused.error
    first.refresh_from_db()
    assert first.state == BatchState.APPLIED
    assert set(incomes().values()) == {3500}
    whole(5)


def test_undo_of_what_is_being_written(
    clerk: User, stops: Stops, together: Begin, as_user: Callable[[User], Client]
) -> None:
    batch = previewed(range(1, 4))
    arrived, release = stops.at("imports.apply.persons")
    applying = together(work, services.request_apply(batch=batch, by=None))
    assert arrived.wait(SECONDS)
    answer = as_user(clerk).post(f"/imports/{batch.pk}/undo/", follow=True).content.decode()
    assert MEANWHILE in answer
    release.set()
    assert applying.result(SECONDS).state == JobState.DONE
    whole(3)


# --- figures -------------------------------------------------------------------------------------


def registered() -> int | None:
    figures = Snapshot.objects.filter(region_code="410324000000", metric="registered")
    return figures.values_list("numerator", flat=True).first()


def test_recompute_during_import(clerk: User, stops: Stops, together: Begin) -> None:
    """Neither waits for the other: figures of before, then the marks bring those of after."""
    written(range(1, 6))
    for job in request_recompute(prefix=COUNTY, partition=2018):
        work(job)
    assert registered() == 10
    batch = previewed(range(1, 9))
    arrived, release = stops.at("imports.apply.saved")
    applying = together(work, services.request_apply(batch=batch, by=None))
    assert arrived.wait(SECONDS)
    (job,) = request_recompute(prefix=COUNTY, partition=2018)
    assert together(work, job).result(SECONDS).state == JobState.DONE
    assert registered() == 10
    assert not applying.done()
    release.set()
    assert applying.result(SECONDS).state == JobState.DONE
    request_dirty()
    for job in Job.objects.open().filter(kind="exits.recompute"):
        work(job)
    assert registered() == 16
    whole(8)
