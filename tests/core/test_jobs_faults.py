"""Faults that background work once did not survive, each shown alone. `tests/faults` mixes them."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.conf import settings as product
from django.db import OperationalError, connection

from core.jobs import pulse, services, tasks
from core.jobs.models import Job, JobState
from core.jobs.services import JobFailedError, LostLeaseError, Run, handles
from core.jobs.tasks import carry_out
from tests.conftest import server_environment

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def kind() -> Iterator[Callable[[Callable[[Run], None]], str]]:
    """Register what the test's job does."""

    def register(work: Callable[[Run], None]) -> str:
        handles("test.fault", queue="interactive", label="试验任务")(work)
        return "test.fault"

    yield register
    services._kinds.pop("test.fault", None)


def claimed(name: str) -> Run:
    run = services.claim(services.enqueue(name).pk)
    assert run is not None
    return run


# --- the broker ----------------------------------------------------------------------------------


@pytest.fixture
def deaf(tmp_path: Path) -> Iterator[Path]:
    """A broker that is stopped: the kernel still takes connections for it, nobody answers."""
    path = Path("/tmp") / f"deaf{os.getpid()}.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.fspath(path))
        server.listen(20)
        yield path
    path.unlink()


@pytest.mark.integration
def test_asking_for_work_does_not_hang_on_a_deaf_broker(deaf: Path) -> None:
    """A page asks for work after its commit; without a limit it never came back."""
    program = (
        "import time, django; django.setup(); import povertyops.celery\n"
        "from core.jobs.services import hint\n"
        "for _ in range(2):\n"
        "    began = time.monotonic(); hint(1, 'imports'); print(time.monotonic() - began)"
    )
    more = {
        "DJANGO_SETTINGS_MODULE": "povertyops.settings", "DEMO": "1",
        "REDIS_URL": f"redis+socket://{deaf}?virtual_host=0",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=PROJECT, env=os.environ | more, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    waits = [float(line) for line in done.stdout.split()]
    assert len(waits) == 2
    assert max(waits) < 5
    assert "waits for the sweeper" in done.stderr


@pytest.mark.integration
def test_asking_for_work_does_not_wait_for_a_dead_broker(tmp_path: Path) -> None:
    """The second refusal used to take six seconds: the client library slept between its tries."""
    program = (
        "import time, django; django.setup(); import povertyops.celery\n"
        "from core.jobs.services import hint\n"
        "began = time.monotonic(); hint(1, 'imports'); hint(2, 'imports')\n"
        "print(time.monotonic() - began)"
    )
    more = {
        "DJANGO_SETTINGS_MODULE": "povertyops.settings", "DEMO": "1",
        "REDIS_URL": f"redis+socket://{tmp_path}/nobody.sock?virtual_host=0",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=PROJECT, env=os.environ | more, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert float(done.stdout) < 1


def test_whatever_a_dying_broker_raises_is_no_failure(
    db: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def die(**_: Any) -> None:
        raise AttributeError("'NoneType' object has no attribute 'hostname'")

    monkeypatch.setattr(tasks.run_job, "apply_async", die)
    services.hint(1, "imports")
    assert "job 1 waits for the sweeper" in caplog.text


def test_nothing_of_the_broker_waits_for_ever() -> None:
    options = product.CELERY_BROKER_TRANSPORT_OPTIONS
    assert 1 < options["socket_timeout"] <= 5
    assert options["socket_connect_timeout"] <= 5
    assert options["max_retries"] == 0


# --- the lease -----------------------------------------------------------------------------------


@pytest.mark.unit
def test_lease_outlives_an_error_of_its_renewal(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One lost connection used to end the renewing thread, and the work was given to another."""
    settings.JOB_LEASE_SECONDS = 1
    monkeypatch.setattr(tasks, "_NEWS", 0.02)
    tried: list[float] = []

    def renew(run: Run) -> bool:
        tried.append(time.monotonic())
        if len(tried) <= 2:
            raise OperationalError("server closed the connection unexpectedly")
        stop.set()
        return True

    monkeypatch.setattr(services, "renew", renew)
    stop = threading.Event()
    keeper = threading.Thread(
        target=tasks._keep_lease, args=(Run(1, 1, "test.fault", {}, "", None), stop)
    )
    keeper.start()
    keeper.join(5)
    assert not keeper.is_alive()
    assert len(tried) == 3
    # At the next tick, not a quarter of a lease later.
    assert tried[2] - tried[0] < 0.2


@pytest.mark.integration
@pytest.mark.django_db(transaction=True)
def test_work_whose_connection_broke_goes_back_to_the_queue(
    kind: Callable[[Callable[[Run], None]], str],
) -> None:
    """The error was raised once more when the job was to be released, and it stood until its lease ended."""

    def work(run: Run) -> None:
        with run.effect(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    run = claimed(kind(work))
    carry_out(run)
    job = Job.objects.get(pk=run.job_id)
    assert (job.state, job.attempts) == (JobState.QUEUED, 1)
    assert job.error.startswith("程序错误")


@pytest.mark.unit
def test_nobody_to_be_told_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(1, 1, "test.fault", {}, "", None)
    monkeypatch.setattr(connection, "close", lambda: None)
    told: list[str] = []

    def gone(_run: Run, words: str) -> None:
        told.append(words)
        raise OperationalError

    tasks._hand_in(run, gone, "x")
    assert told == ["x", "x"]

    def taken(_run: Run, words: str) -> None:
        raise LostLeaseError(1)

    tasks._hand_in(run, taken, "x")


def test_refusal_of_a_worker_that_lost_its_job_is_not_heard(
    db: None, kind: Callable[[Callable[[Run], None]], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "_NEWS", 600)

    def work(run: Run) -> None:
        Job.objects.filter(pk=run.job_id).update(token=run.token + 1)
        raise JobFailedError("文件不对。")

    run = claimed(kind(work))
    carry_out(run)
    job = Job.objects.get(pk=run.job_id)
    assert (job.state, job.error) == (JobState.RUNNING, "")


def test_refusal_and_its_notes_are_one(
    db: None, kind: Callable[[Callable[[Run], None]], str]
) -> None:
    run = claimed(kind(lambda _run: None))
    with run.refusal("文件不对。"):
        Job.objects.filter(pk=run.job_id).update(subject="noted")
    job = Job.objects.get(pk=run.job_id)
    assert (job.state, job.error, job.subject) == (JobState.FAILED, "文件不对。", "noted")
    stale = claimed(kind(lambda _run: None))
    Job.objects.filter(pk=stale.job_id).update(token=stale.token + 1)
    with pytest.raises(LostLeaseError), stale.refusal("文件不对。"):
        Job.objects.filter(pk=stale.job_id).update(subject="noted")
    assert Job.objects.get(pk=stale.job_id).subject == ""


# --- a worker that lives and does nothing --------------------------------------------------------


def start(folder: Path, *words: str, **more: str) -> subprocess.Popen[bytes]:
    with (folder / f"{words[0]}.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "povertyops", *words, "-l", "WARNING"],
            cwd=PROJECT, env=server_environment() | more, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip


@pytest.mark.integration
@pytest.mark.xdist_group("redis")
def test_worker_without_pulse_ends_itself_and_its_children(
    transactional_db: None, tmp_path: Path
) -> None:
    """With pulses it lives on; without them it is no worker, whatever it looks like."""
    silence = 8
    beat = start(tmp_path, "beat", "--pidfile", "", "--schedule", str(tmp_path / "beat"))
    worker = start(
        tmp_path, "worker", "-c", "2", "-Q", "interactive", "-n", f"pulse{os.getpid()}@local",
        WORKER_SILENCE_SECONDS=str(silence),
    )  # fmt: skip
    try:
        time.sleep(2 * silence)
        assert worker.poll() is None, (tmp_path / "worker.log").read_text()
        hands = psutil.Process(worker.pid).children()
        assert len(hands) == 2
        beat.kill()
        assert worker.wait(3 * silence) == pulse.EXIT_CODE
        assert psutil.wait_procs(hands, timeout=3)[1] == []
        assert "nobody worked for" in (tmp_path / "worker.log").read_text()
    finally:
        for process in (beat, worker):
            process.kill()
            process.wait()


@pytest.mark.unit
def test_whoever_keeps_a_lease_signs(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long job on the only child lets no pulse through; it is a sign of work itself."""
    settings.JOB_LEASE_SECONDS = 1000
    monkeypatch.setattr(tasks, "_NEWS", 0.02)
    monkeypatch.setattr(pulse, "_signed", bytearray(8))
    assert pulse.silent_seconds() > 1
    stop = threading.Event()
    run = Run(1, 1, "test.fault", {}, "", None)
    keeper = threading.Thread(target=tasks._keep_lease, args=(run, stop))
    keeper.start()
    time.sleep(0.2)
    assert pulse.silent_seconds() < 0.2
    stop.set()
    keeper.join()


@pytest.mark.unit
def test_what_beat_sends_does_not_pile_up() -> None:
    """A queue that nobody read for ten minutes held hundreds of sweeps, which all ran then."""
    often = {
        name: entry for name, entry in product.CELERY_BEAT_SCHEDULE.items()
        if isinstance(entry["schedule"], float) and entry["schedule"] <= 60
    }  # fmt: skip
    assert {"sweep-jobs", "sweep-dirty-villages", "pulse-imports"} <= set(often)
    assert [
        name for name, entry in often.items() if "expires" not in entry.get("options", {})
    ] == []


# --- asking --------------------------------------------------------------------------------------


def test_key_whose_holder_ends_while_we_look(
    db: None, kind: Callable[[Callable[[Run], None]], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request failed with "does not exist" when the open job ended between two statements."""
    name = kind(lambda _run: None)
    first = services.enqueue(name, key="county:410324")
    queryset = type(Job.objects.all())
    unpatched = queryset.open

    def ends(self: Any) -> Any:
        monkeypatch.setattr(queryset, "open", unpatched)
        Job.objects.filter(pk=first.pk).update(state=JobState.DONE)
        return unpatched(self)

    monkeypatch.setattr(queryset, "open", ends)
    monkeypatch.setattr(Job.objects, "open", lambda: ends(Job.objects.all()), raising=False)
    second = services.enqueue(name, key="county:410324")
    assert second.pk != first.pk
    assert second.state == JobState.QUEUED


def test_pauses_are_shares_of_the_lease(
    db: None, kind: Callable[[Callable[[Run], None]], str], settings: Any
) -> None:
    name = kind(lambda _run: None)
    for lease, again in ((30, 15), (2, 1)):
        settings.JOB_LEASE_SECONDS = lease
        job = services.enqueue(name)
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE core_job SET due_at = clock_timestamp() - interval '2 s' WHERE id = %s",
                [job.pk],
            )
            assert (job.pk, "interactive") in services.sweep()
            cursor.execute(
                "SELECT extract(epoch FROM due_at - clock_timestamp()) FROM core_job WHERE id = %s",
                [job.pk],
            )
            assert again - 0.5 < cursor.fetchone()[0] <= again


# --- the database --------------------------------------------------------------------------------


def test_a_cut_network_ends_in_an_error() -> None:
    """The limits that were measured to end a query in eight seconds instead of never."""
    options = product.DATABASES["default"]["OPTIONS"]
    asked = {name: options[name] for name in (
        "connect_timeout", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout",
    )}  # fmt: skip
    assert asked == {
        "connect_timeout": 3, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3,
        "tcp_user_timeout": 8000,
    }  # fmt: skip


def test_statements_locks_and_idle_transactions_have_limits(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, setting::int FROM pg_settings WHERE name IN ('statement_timeout',"
            " 'lock_timeout', 'idle_in_transaction_session_timeout') ORDER BY name"
        )
        found = dict(cursor.fetchall())
    assert found["lock_timeout"] <= 3_000
    assert found["idle_in_transaction_session_timeout"] <= 60_000
    assert product.DB_JOB_STATEMENT_TIMEOUT_MS == 30 * 60 * 1000
