"""The cast: who acts in the tests, and the servers the integration tests really run."""

import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.conf import settings
from django.db import connection
from django.test import Client, override_settings
from django.utils import timezone

from accounts.clients import services
from accounts.enums import Role
from accounts.management.commands.issue_api_key import USUAL_GROUPS
from accounts.models import ClientKey, Grant, MachineClient, User, key_digest
from accounts.models.client import MOST_REQUESTS, MOST_ROWS
from core import papers
from core.cache import ForgivingRedisCache
from core.sharing import PERSONAL, WRITABLE, Access, Resource
from households.queries.years import forget_years
from tests.leaks import nothing_leaks, watch_stands  # noqa: F401 - look over the whole suite
from tests.signing_in import sign_in_verified

ROOT = Path(__file__).resolve().parent.parent
LONG_AGO = date(2016, 1, 1)
# A request's scope inside a test's transaction: savepoint, old scope read, set, restored, release.
OF_THE_SCOPE = 5
# What waits for somebody who edits or reviews, counted in the menu of every page.
OF_THE_MENU = 1

# Whitenoise wants it to exist, as early as a test module makes the application.
Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)


@pytest.fixture(scope="session", autouse=True)
def places_to_write(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Uploads of the run go where it ends."""
    settings.UPLOAD_DIR = tmp_path_factory.mktemp("uploads")
    # Tests of the limits switch them on; other tests ask as often as they like.
    settings.RATELIMIT_ENABLE = False


@pytest.fixture(scope="session", autouse=True)
def cache_to_count_on() -> Iterator[None]:
    """Tests that empty the cache empty their own, and a busy machine is waited for.

    In the product a cache that does not answer in time is done without, and counts start anew.
    """
    own = {
        **settings.CACHES["default"],
        "LOCATION": _redis_of(_worker_number() + 8),
        "OPTIONS": {"socket_connect_timeout": 60, "socket_timeout": 60},
    }
    with override_settings(CACHES={"default": own}):
        yield


@pytest.fixture(autouse=True)
def unhurried(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The keeper of leases has a connection of its own, which sees nothing of a test's transaction.

    On a slow day it would take every job of such a test for lost. Nor does a test do without the
    cache because an earlier one took it away.
    """
    ForgivingRedisCache._closed_until = 0.0
    mark = request.node.get_closest_marker("django_db")
    is_real = "transactional_db" in request.fixturenames or (
        mark is not None and mark.kwargs.get("transaction", False)
    )
    if not is_real:
        monkeypatch.setattr("core.jobs.tasks._NEWS", 600)


@pytest.fixture(autouse=True)
def nothing_remembered(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process remembers for a few seconds belongs to the test before.

    Years are asked for again every five seconds and labels every minute: not between two requests
    that a test compares. Where other processes open years, the clock goes on.
    """
    forget_years()
    mark = request.node.get_closest_marker("django_db")
    commits = "transactional_db" in request.fixturenames or (
        mark and mark.kwargs.get("transaction")
    )
    if not commits:
        begun = time.monotonic()
        for module in ("queries.years", "catalog", "services.entry_checking"):
            monkeypatch.setattr(f"households.{module}.monotonic", lambda: begun)


def person(username: str, role: Role, *regions: str) -> User:
    user = User(username=username, display_name=username)
    user.set_unusable_password()
    user.save()
    for region in regions:
        Grant.objects.create(user=user, role=role, region_prefix=region, valid_from=LONG_AGO)
    return user


@pytest.fixture
def luanchuan_clerk(db: None) -> User:
    """Loads workbooks and reads in 栾川县 (410324)."""
    return person("luanchuan", Role.COUNTY_CLERK, "410324")


@pytest.fixture
def songxian_clerk(db: None) -> User:
    """The neighbour: the same rights in 嵩县 (410325)."""
    return person("songxian", Role.COUNTY_CLERK, "410325")


@pytest.fixture
def city_leader(db: None) -> User:
    """Reads the whole city, changes nothing."""
    return person("leader", Role.LEADER, "4103")


@pytest.fixture
def city_admin(db: None) -> User:
    return person("admin", Role.CITY_OFFICE, "4103")


@pytest.fixture
def stranger(db: None) -> User:
    """Signs in, but holds no grant."""
    return person("stranger", Role.LEADER)


@pytest.fixture
def as_user() -> Callable[[User], Client]:
    """A browser in which this person is signed in."""

    def sign_in(user: User) -> Client:
        client = Client()
        sign_in_verified(client, user)
        return client

    return sign_in


@pytest.fixture
def api_key(db: None) -> Callable[..., str]:
    """A machine client's key for a region; `changes` are those of the key."""

    def issue(region: str = "4103", **changes: Any) -> str:
        client = services.register(
            name=f"系统 {region} {MachineClient.objects.count()}",
            purpose="测试",
            region_prefix=region,
            any_network=True,
            requests_per_minute=MOST_REQUESTS,
            rows_per_hour=MOST_ROWS,
            by=None,
        )
        groups = frozenset(USUAL_GROUPS)
        services.set_scopes(
            client=client,
            wishes={
                one: services.Wish(
                    region,
                    groups if one in PERSONAL else frozenset(),
                    Access.WRITE if one in WRITABLE else Access.READ,
                )
                for one in Resource
            },
            by=None,
        )
        key = secrets.token_urlsafe(32)
        times = {"valid_from": timezone.now() - timedelta(days=30)}
        times |= {"expires_at": timezone.now() + timedelta(days=30)}
        ClientKey.objects.create(
            client=client,
            slot=1,
            start=key[:8],
            digest=key_digest(key),
            **times | changes,
        )
        return key

    return issue


def _worker_number() -> int:
    return int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or 0)


def _redis_of(number: int) -> str:
    """The address of one of the server's numbered databases."""
    redis = str(settings.REDIS_URL)
    if "virtual_host=" in redis:
        return re.sub(r"virtual_host=\d+", f"virtual_host={number}", redis)
    return re.sub(r"(://[^/]+)/?\d*$", rf"\1/{number}", redis)


def server_environment() -> dict[str, str]:
    """What a product process needs to work on this test's database and a Redis of its own."""
    url = os.environ.get("WORKER_DATABASE_URL") or os.environ["DATABASE_URL"]
    database = url.rpartition("/")[0]
    return os.environ | {
        "WORKER_DATABASE_URL": f"{database}/{connection.settings_dict['NAME']}",
        "REDIS_URL": _redis_of(_worker_number() + 1),
        "JOB_LEASE_SECONDS": "3",
        "UPLOAD_DIR": str(settings.UPLOAD_DIR),
        "DB_STATEMENT_TIMEOUT_MS": "60000",
        "POVERTYOPS_ROLE": "worker",
    }


class Worker:
    """A real Celery worker with two prefork children, and beat, on the test's database."""

    def __init__(self, folder: Path) -> None:
        self.log = (folder / "worker.log").open("w")
        name = f"test{os.getpid()}@local"
        queues = "interactive,imports,metrics,exports"
        self.process = self._start("worker", "-c", "2", "-Q", queues, "-n", name)
        self.beat = self._start("beat", "--pidfile", "", "--schedule", str(folder / "beat"))

    def _start(self, *words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "povertyops", *words, "-l", "INFO"],
            cwd=ROOT,
            env=server_environment(),
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()

    def stop(self) -> None:
        for child in self.children():
            child.kill()
        for process in (self.process, self.beat):
            process.kill()
            process.wait()
        self.log.close()


@pytest.fixture
def worker(transactional_db: None, tmp_path: Path) -> Iterator[Worker]:
    running = Worker(tmp_path)
    yield running
    running.stop()


def eventually(condition: Callable[[], Any], seconds: float = 60, what: str = "") -> Any:
    """Wait for something that another process does."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError(f"不曾发生：{what or condition}")


@pytest.fixture
def laid_out(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The papers that were laid out in the test."""
    found: list[Any] = []
    original = papers.document

    def looking(*args: Any) -> Any:
        found.append(original(*args))
        return found[-1]

    monkeypatch.setattr(papers, "document", looking)
    return found
