"""How often one person may do a thing, and what happens when nobody can count."""

import logging
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import get_resolver, reverse

from core.cache import ForgivingRedisCache, cache_address
from core.limits import limited, used_up

LIST = reverse("households:list")
# As the settings say; the suite itself is more patient.
OPTIONS_OF_THE_PRODUCT = dict(site.CACHES["default"]["OPTIONS"])


@pytest.fixture(autouse=True)
def counted(settings: Any, worker_id: str) -> Iterator[None]:
    """Limits are on, with counters of this test's own."""
    settings.RATELIMIT_ENABLE = True
    settings.RATELIMIT_CACHE_PREFIX = f"test:{worker_id}:{time.monotonic_ns()}:"
    ForgivingRedisCache._closed_until = 0.0
    yield
    ForgivingRedisCache._closed_until = 0.0


@pytest.fixture
def no_cache(settings: Any, tmp_path: Path) -> None:
    """The cache's server is gone."""
    settings.CACHES = {
        "default": {**site.CACHES["default"], "LOCATION": f"unix://{tmp_path}/gone.sock?db=0"}
    }


class Somebody:
    is_authenticated = True

    class _meta:  # noqa: N801
        label = "tests.Somebody"

    def __init__(self, pk: int) -> None:
        self.pk = pk


def ask(user: Any = None, address: str = "10.0.0.1", **more: str) -> HttpRequest:
    request = RequestFactory().get("/anywhere/", REMOTE_ADDR=address, **more)
    request.user = user or AnonymousUser()
    return request


def times(count: int, asking: Callable[[], HttpRequest], **more: Any) -> list[bool]:
    return [used_up(asking(), "test", **more) is None for _ in range(count)]


def test_each_person_has_uses_of_their_own() -> None:
    one, two = Somebody(1), Somebody(2)
    assert times(4, lambda: ask(one), rate="3/h") == [True, True, True, False]
    assert times(4, lambda: ask(two), rate="3/h") == [True, True, True, False]


def test_a_stranger_is_an_address_whatever_is_claimed(settings: Any) -> None:
    settings.SECURE = False
    claims = iter(["1.1.1.1", "2.2.2.2", "3.3.3.3"])

    def asking() -> HttpRequest:
        return ask(HTTP_X_FORWARDED_FOR=next(claims))

    assert times(3, asking, rate="2/h") == [True, True, False]


def test_behind_the_proxy_the_address_it_wrote_counts(settings: Any) -> None:
    settings.SECURE = True
    assert times(3, lambda: ask(HTTP_X_FORWARDED_FOR="10.1.1.1"), rate="2/h") == [True, True, False]
    assert times(1, lambda: ask(HTTP_X_FORWARDED_FOR="10.1.1.2"), rate="2/h") == [True]


def test_all_rates_of_a_line_hold() -> None:
    assert times(4, lambda: ask(Somebody(3)), rate="100/m,2/d") == [True, True, False, False]


def test_only_the_methods_named_are_counted() -> None:
    calls = []

    @limited("test", rate="1/h", methods=("POST",))
    def view(request: HttpRequest) -> HttpResponse:
        calls.append(request.method)
        return HttpResponse()

    for method in ("get", "get", "post"):
        request = getattr(RequestFactory(), method)("/")
        request.user = Somebody(4)
        assert view(request).status_code == 200
    assert calls == ["GET", "GET", "POST"]


def test_rates_of_the_product_are_readable() -> None:
    """A mistyped rate would show at the first request; here it shows in the suite."""
    for group in site.RATE_LIMITS:
        assert used_up(ask(Somebody(5)), group) is None


@pytest.mark.django_db
def test_one_search_too_many(as_user: Any, luanchuan_clerk: Any, settings: Any) -> None:
    settings.RATE_LIMITS = {**site.RATE_LIMITS, "search": "2/h"}
    client = as_user(luanchuan_clerk)
    assert [client.get(LIST).status_code for _ in range(3)] == [200, 200, 429]
    answer = client.get(LIST)
    text = answer.content.decode()
    assert "操作过于频繁" in text
    assert 1 <= int(answer["Retry-After"]) <= 3600
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.django_db
def test_one_upload_too_many(as_user: Any, luanchuan_clerk: Any, settings: Any) -> None:
    settings.RATE_LIMITS = {**site.RATE_LIMITS, "upload": "2/h"}
    client = as_user(luanchuan_clerk)
    address = reverse("imports:upload")
    assert [client.post(address).status_code for _ in range(3)] == [422, 422, 429]
    assert client.get(address).status_code == 200


@pytest.mark.django_db
def test_machines_are_told_in_json(settings: Any) -> None:
    @limited("test", rate="1/h")
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    def asking() -> HttpRequest:
        request = RequestFactory().get("/api/v1/x/")
        request.user = Somebody(6)
        return request

    assert view(asking()).status_code == 200
    answer = view(asking())
    assert (answer.status_code, answer["Content-Type"]) == (429, "application/json")
    assert answer["Retry-After"]


@pytest.mark.django_db
@pytest.mark.usefixtures("no_cache")
def test_without_the_cache_pages_answer_and_the_log_tells(
    as_user: Any, luanchuan_clerk: Any, settings: Any, caplog: Any
) -> None:
    settings.RATE_LIMITS = {**site.RATE_LIMITS, "search": "1/h"}
    client = as_user(luanchuan_clerk)
    with caplog.at_level(logging.WARNING, logger="core.cache"):
        assert [client.get(LIST).status_code for _ in range(3)] == [200, 200, 200]
    assert [record.levelname for record in caplog.records if record.name == "core.cache"] == [
        "WARNING"
    ]


@pytest.mark.usefixtures("no_cache")
def test_without_the_cache_nothing_raises() -> None:
    def again() -> None:
        ForgivingRedisCache._closed_until = 0.0

    again()
    assert cache.add("a", 1) is False
    again()
    assert cache.get("a", "nothing") == "nothing"
    for act in (
        lambda: cache.set("a", 1),
        lambda: cache.touch("a"),
        lambda: cache.delete("a"),
        lambda: cache.get_many(["a"]),
        lambda: cache.set_many({"a": 1}),
        lambda: cache.delete_many(["a"]),
        lambda: cache.has_key("a"),
        lambda: cache.incr("a"),
        cache.clear,
    ):
        again()
        act()


def test_a_server_that_does_not_answer_is_waited_for_once(
    settings: Any, tmp_path: Path, caplog: Any
) -> None:
    """Stopped, not gone: connections are taken but nothing comes back."""
    address = str(tmp_path / "mute.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as mute:
        mute.bind(address)
        mute.listen(8)
        own = {"LOCATION": f"unix://{address}?db=0", "OPTIONS": OPTIONS_OF_THE_PRODUCT}
        settings.CACHES = {"default": {**site.CACHES["default"], **own}}
        begun = time.monotonic()
        for _ in range(20):
            assert cache.get("a") is None
        assert time.monotonic() - begun < 4


def test_the_cache_comes_back() -> None:
    ForgivingRedisCache._closed_until = time.monotonic() + 0.2
    cache.set("test:back", 1, 5)
    assert cache.get("test:back") is None
    time.sleep(0.25)
    cache.set("test:back", 1, 5)
    assert cache.get("test:back") == 1


@pytest.mark.parametrize(
    ("broker", "address"),
    [
        ("redis+socket:///run/a%20b/redis.sock?virtual_host=3", "unix:///run/a b/redis.sock?db=3"),
        ("redis+socket:///run/redis.sock", "unix:///run/redis.sock?db=0"),
        ("redis://:secret@redis:6379/0", "redis://:secret@redis:6379/0"),
    ],
)
def test_the_brokers_address_in_the_words_of_the_cache(broker: str, address: str) -> None:
    assert cache_address(broker) == address


def test_what_has_to_be_limited_is() -> None:
    """Removing a decorator is noticed here."""
    limited_views = {"households:list", "households:persons", "imports:upload"}
    for name in limited_views:
        view = get_resolver().resolve(reverse(name)).func
        assert hasattr(view, "limited_groups"), name
