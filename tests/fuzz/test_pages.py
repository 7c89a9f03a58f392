"""Every page with every parameter it knows, and every form, asked with words that break programs.

No answer is a 5xx, no page repeats a stranger's markup alive. Addresses come from the URLconf,
parameters from the forms, filters and sources of the product, fields from the pages themselves.
"""

import importlib
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django import forms
from django.conf import settings as site
from django.test import Client
from django.utils import timezone
from django_filters import FilterSet
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accounts.enums import Role
from accounts.models import User
from core.exports.models import ExportFile, ExportRelease
from core.jobs.models import Job
from households.models import Household
from imports.models import Batch
from tests.conftest import person
from tests.factories.households import household
from tests.factories.villages import VillageYearFactory
from tests.fuzz.words import WORDS, as_path, encoded, reflected
from tests.house.test_urls_guarded import ALL, NAMED, SAMPLES
from tests.register import city, load_rows, stage
from tests.workbooks import family

__all__ = ["city", "load_rows", "stage"]

pytestmark = [pytest.mark.django_db, pytest.mark.fuzz]

ROOT = Path(site.BASE_DIR)
HTML_PAGES = [pattern for pattern in ALL if not pattern.startswith("api/v1/")]
# Requests per address; together about a minute.
GETS, POSTS, PATHS = 8, 8, 5
URLENCODED = "application/x-www-form-urlencoded"
HOLE = re.compile(r"<(?:\w+:)?\w+>|\(\?P<\w+>[^)]*\)")
# Signing out would end the test's own session, healthz says nothing.
QUIET = {"accounts/logout/", "healthz"}

modest = settings(
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def product_classes(base: type) -> Iterator[type]:
    for app in sorted(ROOT.glob("*/apps.py")):
        for file in app.parent.rglob("*.py"):
            if file.stem in ("forms", "filters"):
                importlib.import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))
    waiting = [base]
    while waiting:
        one = waiting.pop()
        waiting += one.__subclasses__()
        if (ROOT / one.__module__.split(".")[0]).is_dir() and not one.__module__.startswith(
            "tests"
        ):
            yield one


def _read_in_sources(method: str) -> set[str]:
    pattern = re.compile(rf"\.{method}(?:\.get(?:list)?\(|\[)\"(\w+)\"")
    texts = (
        file.read_text(encoding="utf-8")
        for app in ROOT.glob("*/apps.py")
        for file in app.parent.rglob("*.py")
    )
    return {name for text in texts for name in pattern.findall(text)}


def fields_of_forms() -> set[str]:
    return {
        name
        for form in product_classes(forms.BaseForm)
        for name in getattr(form, "base_fields", ())
    }


def parameters() -> list[str]:
    filters = {
        name for one in product_classes(FilterSet) for name in getattr(one, "base_filters", ())
    }
    usual = {"page", "year", "after", "before", "next", "lang", "version", "script", "format"}
    return sorted(filters | usual | _read_in_sources("GET") | _read_in_sources("query_params"))


def fields() -> list[str]:
    return sorted(fields_of_forms() | _read_in_sources("POST"))


def test_there_is_something_to_ask() -> None:
    assert len(HTML_PAGES) > 25
    assert set(parameters()) >= {
        "county",
        "status",
        "q",
        "income_below",
        "missing",
        "region",
        "rule",
    }
    assert set(fields()) >= {"file", "partition", "region", "purpose", "remark"}


class World:
    """Objects to ask about, and people with all kinds of rights."""

    def __init__(self, stage: Callable[..., Batch], as_user: Callable[[User], Client]) -> None:
        VillageYearFactory(region=household(members=2).village)
        stage(family(1))
        office = person("fuzz-office", Role.CITY_OFFICE, "4103")
        common = {
            "kind": "households",
            "region_prefix": "4103",
            "file_format": "xlsx",
            "purpose": "核对",
        }
        ends = {"expires_at": timezone.now() + timedelta(days=1)}
        Job.objects.create(kind="x", queue="interactive", scope="4103")
        ExportFile.objects.create(**common, **ends, asked_by=office)
        ExportRelease.objects.create(**common, **ends, rows_estimated=1, asked_by=office)
        roles = (Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN)
        self.people = [office, *(person(f"fuzz-{role.lower()}", role, "4103") for role in roles)]
        self.as_user = as_user

    def address(self, pattern: str, word: str | None = None) -> str:
        """The address with objects that exist, or with a word in every hole."""
        first = {
            "imports/": Batch, "jobs/": Job, "exports/releases/": ExportRelease, "exports/": ExportFile,
            "accounts/users/": User,
        }  # fmt: skip
        model = next((one for prefix, one in first.items() if pattern.startswith(prefix)), None)
        key = str(model.objects.values_list("pk", flat=True).first()) if model else "1"
        if word is not None:
            pattern = HOLE.sub(lambda _: as_path(word), pattern)
        pattern = pattern.replace("<int:pk>", key)
        number = Household.objects.values_list("household_no", flat=True).first()
        pattern = pattern.replace("<str:household_no>", str(number))
        for hole, value in SAMPLES.items():
            pattern = pattern.replace(hole, value)
        for hole, value in NAMED.items():
            pattern = re.sub(rf"\(\?P<{hole}>[^)]*\)", value, pattern)
        return "/" + HOLE.sub("1", pattern).replace("^", "").replace("$", "").replace("\\Z", "")

    def client(self, address: str, method: str = "get") -> Client:
        """Somebody whom the address does not send away."""
        for one in self.people:
            client = self.as_user(one)
            if getattr(client, method)(address).status_code not in (302, 403):
                return client
        return self.as_user(self.people[0])


@pytest.fixture
def world(stage: Callable[..., Batch], as_user: Callable[[User], Client]) -> World:
    return World(stage, as_user)


def judged(answer: Any) -> int:
    status = int(answer.status_code)
    assert status < 500, status
    if not answer.streaming and "html" in answer.get("Content-Type", ""):
        alive = reflected(answer.content.decode("utf-8", "replace"))
        assert not alive, alive
    for name, value in answer.items():
        assert "zq-" not in value or name in ("Location", "HX-Redirect"), name
    return status


class Findings:
    """Failures at all addresses, told together at the end."""

    def __init__(self) -> None:
        self.seen: set[int] = set()
        self._failures: list[Exception] = []

    def ask(
        self, pattern: str, examples: int, words: st.SearchStrategy[Any], act: Callable[[Any], Any]
    ) -> None:
        """Act on that many words; what `act` returns is judged."""

        @given(words)
        @settings(modest, max_examples=examples)
        def once(word: Any) -> None:
            self.seen.add(judged(act(word)))

        try:
            once()
        except Exception as error:
            error.add_note(f"at {pattern}")
            self._failures.append(error)

    def tell(self) -> None:
        if self._failures:
            raise ExceptionGroup("5xx or live markup", self._failures)


@pytest.fixture
def findings() -> Iterator[Findings]:
    found = Findings()
    yield found
    found.tell()


def pairs(names: list[str], most: int) -> st.SearchStrategy[list[tuple[str, str]]]:
    return st.lists(st.tuples(st.sampled_from(names), WORDS), max_size=most)


@pytest.mark.may_show_numbers("a form shows again what was typed into it")
@pytest.mark.parametrize("part", range(4))
def test_pages_with_any_parameters(world: World, findings: Findings, part: int) -> None:
    names = parameters()
    for pattern in HTML_PAGES[part::4]:
        if pattern in QUIET:
            continue
        address = world.address(pattern)
        findings.ask(pattern, GETS, pairs(names, 4), getting(world.client(address), address))
    assert 200 in findings.seen


@pytest.mark.may_show_numbers("a form shows again what was typed into it")
@pytest.mark.parametrize("part", range(4))
def test_forms_with_any_input(world: World, findings: Findings, part: int) -> None:
    every = fields()
    for pattern in HTML_PAGES[part::4]:
        if pattern in QUIET:
            continue
        address = world.address(pattern)
        client = world.client(address, "post")
        names = sorted(own_fields(client, address)) or every
        words = st.tuples(pairs(names, 6), pairs(every, 2))
        findings.ask(pattern, POSTS, words, posting(client, address))
    assert findings.seen & {302, 422}


def getting(client: Client, address: str) -> Callable[[Any], Any]:
    return lambda words: client.get(f"{address}?{encoded(words)}")


def posting(client: Client, address: str) -> Callable[[Any], Any]:
    return lambda words: client.post(
        address, encoded([*words[0], *words[1]]), content_type=URLENCODED
    )


def reaching(client: Client, method: str, world: World, pattern: str) -> Callable[[Any], Any]:
    return lambda word: getattr(client, method)(world.address(pattern, word))


def own_fields(client: Client, address: str) -> set[str]:
    page = client.get(address)
    if page.streaming:
        return set()
    text = page.content.decode("utf-8", "replace")
    return set(re.findall(r'name="(\w+)"', text)) - {"csrfmiddlewaretoken", "viewport"}


@pytest.mark.may_show_numbers("a form shows again what was typed into it")
@pytest.mark.parametrize("method", ["get", "post"])
def test_addresses_with_any_words_in_their_holes(
    world: World, findings: Findings, method: str
) -> None:
    for pattern in ALL:
        if HOLE.search(pattern):
            client = world.client(world.address(pattern))
            findings.ask(pattern, PATHS, WORDS, reaching(client, method, world, pattern))


@pytest.mark.parametrize("pattern", [one for one in HTML_PAGES if one not in QUIET])
@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=", b"--\r\n"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\xff\x00.xlsx\"\r\n\r\nx\r\n--b--\r\n"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"../../x.xlsx\"\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!\r\n--b--\r\n"),
        ("application/json", b"[" * 2000),
        ("application/x-www-form-urlencoded; charset=utf-7", b"a=+AGE-"),
        ("application/x-www-form-urlencoded; charset=nonsense", b"a=%ff"),
        ("application/x-www-form-urlencoded", b"a=1&" * 1500),
        ("", b"\xff\xfe"),
    ],
    ids=["no-boundary", "empty-boundary", "nul-name", "base64", "json", "utf7", "charset", "many", "none"],
)  # fmt: skip
def test_forms_with_a_body_that_is_none(
    as_user: Any, city_admin: Any, pattern: str, content_type: str, body: bytes
) -> None:
    client = as_user(city_admin)
    address = "/" + HOLE.sub("1", pattern)
    judged(client.generic("POST", address, body, content_type=content_type))
