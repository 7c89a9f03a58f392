"""Every address of the product, discovered: nothing is readable without signing in."""

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

# Addresses that answer strangers, each with its reason. A stale entry fails.
OPEN = {
    "healthz": "asked by the supervisor and the proxy, says nothing",
    "accounts/login/": "where strangers become known",
    "accounts/link/": "sets the password that a one-time link was given for; without one, nothing",
}
SAMPLES = {
    "<int:pk>": "1", "<str:household_no>": "86300000000001", "<str:code>": "410324000000",
    "<str:person_no>": "86310000000001", "<path:path>": "x", "<int:id>": "1", "<day:day>": "2018-12-31",
    "<slug:table>": "sex", "<slug:code>": "IDN04", "<str:step>": "VILLAGE_NOTICE",
    "<slug:standard>": "henan", "<slug:item>": "headcount", "<int:objection>": "1", "<int:case>": "1", "<int:sample>": "1", "<int:item>": "1",
    "<slug:act>": "targets", "<slug:kind>": "projects",
    "<slug:rate>": "approval_rate", "<int:event>": "1", "<slug:what>": "vouchers", "<slug:metric>": "paid", "<slug:part>": "paid", "<slug:which>": "unpaid",
    "<int:extension>": "1", "<int:paper>": "1",
}  # fmt: skip
NAMED = {
    "household_no": "86300000000001",
    "person_no": "86310000000001",
    "code": "410324",
    "id": "1",
}


def addresses(resolver: URLResolver, before: str = "") -> Iterator[str]:
    for entry in resolver.url_patterns:
        path = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from addresses(entry, path)
        elif isinstance(entry, URLPattern):
            yield path


ALL = sorted(set(addresses(get_resolver())))


def filled(pattern: str) -> str:
    for hole, value in SAMPLES.items():
        pattern = pattern.replace(hole, value)
    for hole, value in NAMED.items():
        pattern = re.sub(rf"\(\?P<{hole}>[^)]*\)", value, pattern)
    return "/" + pattern.replace("^", "").replace("$", "").replace("\\Z", "")


@pytest.mark.django_db
@pytest.mark.parametrize("pattern", [one for one in ALL if one not in OPEN])
@pytest.mark.parametrize("method", ["get", "post"])
def test_stranger_gets_nothing(pattern: str, method: str) -> None:
    address = filled(pattern)
    assert "<" not in address, f"no sample for {pattern}"
    answer = getattr(Client(), method)(address)
    if address.startswith("/api/v1/"):
        assert answer.status_code in (401, 405)
    else:
        assert answer.status_code == 302
        assert answer.url.startswith("/accounts/login/")


@pytest.mark.django_db
@pytest.mark.parametrize("pattern", OPEN)
def test_open_addresses_exist_and_answer(pattern: str) -> None:
    assert pattern in ALL
    gone = pattern.startswith("accounts/link/")
    assert Client().get(filled(pattern)).status_code == (410 if gone else 200)


@pytest.mark.django_db
@pytest.mark.parametrize("pattern", [one for one in ALL if one not in OPEN])
def test_signed_in_without_a_grant_reads_no_register(pattern: str, stranger: object) -> None:
    client = Client()
    client.force_login(stranger)  # type: ignore[arg-type]
    address = filled(pattern)
    answer = client.get(address)
    if answer.status_code == 200:
        assert address.startswith(
            ("/jobs/", "/villages/", "/api/docs", "/api/schema", "/accounts/", "/exports/")
        ), address
