"""What every answer of every address carries, and what no answer tells."""

import re
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from django.conf import settings as site
from django.core.checks import run_checks
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import include, path, reverse

from core import views
from tests.house.test_urls_guarded import ALL, filled

WANTED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Permitted-Cross-Domain-Policies": "none",
}
# The whole policy, so that no page can quietly get another.
POLICY = {
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:",
    "font-src 'self'", "connect-src 'self'", "form-action 'self'", "base-uri 'none'",
    "frame-ancestors 'none'",
}  # fmt: skip
FEATURES = ("camera", "geolocation", "microphone", "payment", "usb")


def check(answer: Any) -> None:
    for name, value in WANTED.items():
        assert answer.get(name) == value, name
    for feature in FEATURES:
        assert f"{feature}=()" in answer["Permissions-Policy"]
    policy = {part.strip() for part in answer["Content-Security-Policy"].split(";")}
    assert policy == POLICY
    assert re.fullmatch(r"[0-9a-f]{32}", answer["X-Request-Id"])
    assert "Server" not in answer
    assert "X-Powered-By" not in answer


@pytest.mark.django_db
@pytest.mark.parametrize("pattern", ALL)
def test_every_address_answers_with_all_headers(
    pattern: str, as_user: Any, city_admin: Any
) -> None:
    """To strangers and to somebody with many rights, whatever the status."""
    for client in (Client(), as_user(city_admin)):
        client.raise_request_exception = False
        for method in ("get", "post"):
            answer = getattr(client, method)(filled(pattern))
            check(answer)
            if not filled(pattern).startswith("/healthz"):
                assert (
                    "no-store" in answer["Cache-Control"] or "no-cache" in answer["Cache-Control"]
                )


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/nowhere/", "/api/nowhere/", "/static/nowhere.css"])
def test_addresses_that_lead_nowhere_too(address: str, as_user: Any, city_admin: Any) -> None:
    answer = as_user(city_admin).get(address)
    assert answer.status_code == 404
    check(answer)


# --- TLS ---------------------------------------------------------------------------------------


@pytest.fixture
def over_tls(settings: Any) -> Client:
    """As behind the proxy."""
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SECURE_HSTS_SECONDS = 31_536_000
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    settings.SECURE_HSTS_PRELOAD = True
    return Client()


@pytest.mark.django_db
def test_browsers_are_told_to_stay_with_tls(over_tls: Client) -> None:
    answer = over_tls.get("/accounts/login/", headers={"X-Forwarded-Proto": "https"})
    assert answer["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"
    plain = over_tls.get("/accounts/login/")
    assert (plain.status_code, plain.url) == (301, "https://testserver/accounts/login/")


# --- the name of the site ----------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "testserver.evil.example", "", "a b"]
)
def test_another_name_is_refused_and_not_repeated(host: str) -> None:
    answer = Client().get("/accounts/login/", headers={"Host": host}, HTTP_HOST=host)
    if host:
        assert answer.status_code == 400
        assert "evil" not in answer.content.decode()
        assert "请求有误" in answer.content.decode()


@pytest.mark.django_db
def test_a_forwarded_name_is_not_believed() -> None:
    answer = Client().get("/households/", headers={"X-Forwarded-Host": "evil.example"})
    assert "evil" not in answer.url


# --- redirects ---------------------------------------------------------------------------------

ELSEWHERE = [
    "https://evil.example/", "//evil.example/", "///evil.example", "/\\evil.example", "\\\\evil.example",
    "http:evil.example", "javascript:alert(1)", "data:text/html,x", "https:///evil.example",
    "//evil.example\\@testserver/", "https://testserver@evil.example/", "/\t/evil.example", "\t//evil.example",
    " https://evil.example", "https://testserver.evil.example/", "//evil%2eexample/", "％2f％2fevil.example",
]  # fmt: skip


def stays_here(url: str) -> bool:
    """Where a browser would go: it reads backslashes as slashes, skips tabs and outer blanks."""
    read = re.sub(r"[\t\r\n]", "", url.strip()).replace("\\", "/")
    if re.match(r"[a-z][a-z0-9+.-]*:(?!//[^/])|/{2,}", read, re.IGNORECASE):
        return False
    parts = urlsplit(urljoin("http://testserver/accounts/login/", read))
    return (parts.scheme, parts.netloc) == ("http", "testserver")


def test_the_judge_of_redirects_is_no_fool() -> None:
    assert all(stays_here(one) for one in ("/", "/a/?next=//x", "?a=1", "", "a/b"))
    assert [one for one in ELSEWHERE if stays_here(one)] == ["％2f％2fevil.example"]


@pytest.mark.django_db
@pytest.mark.parametrize("target", ELSEWHERE[:4])
def test_no_address_sends_anybody_elsewhere(
    target: str, as_user: Any, city_admin: Any, client: Client
) -> None:
    """Every address, asked with every usual word for "and then go to"."""
    words = dict.fromkeys(
        ("next", "url", "return", "return_to", "redirect", "back", "then"), target
    )
    signed_in = as_user(city_admin)
    signed_in.raise_request_exception = False
    for pattern in ALL:
        for browser in (client, signed_in):
            answer = browser.get(filled(pattern), words)
            if 300 <= answer.status_code < 400:
                assert stays_here(answer.url), (pattern, answer.url)
                # What the sign-in page gets handed is its own affair, tested below.


@pytest.mark.django_db
@pytest.mark.parametrize("target", ELSEWHERE)
def test_signing_in_and_out_lead_nowhere_else(target: str, city_admin: Any, as_user: Any) -> None:
    city_admin.set_password("Xq7!mnop-4411-zz")
    city_admin.save()
    browser = Client()
    answer = browser.post(
        "/accounts/login/?next=" + target,
        {"username": city_admin.username, "password": "Xq7!mnop-4411-zz", "next": target},
    )
    if 300 <= answer.status_code < 400:
        assert stays_here(answer.url), answer.url
        # The steps after the password are handed the address on: follow them as far as they go.
        for _ in range(3):
            step = browser.get(answer.url)
            if not 300 <= step.status_code < 400:
                break
            assert stays_here(step.url), step.url
            answer = step
    out = as_user(city_admin).post(reverse("accounts:logout"), {"next": target})
    if 300 <= out.status_code < 400:
        assert stays_here(out.url), out.url


@pytest.mark.django_db
def test_signing_out_leaves_nothing_in_the_browser(as_user: Any, luanchuan_clerk: Any) -> None:
    client = as_user(luanchuan_clerk)
    assert "Clear-Site-Data" not in client.get("/households/")
    answer = client.post(reverse("accounts:logout"))
    assert answer["Clear-Site-Data"] == '"cookies", "storage"'


# --- errors ------------------------------------------------------------------------------------

SECRET = "secret-990011"


def broken(request: HttpRequest) -> HttpResponse:
    local = SECRET  # noqa: F841 - would stand in a page with details
    raise RuntimeError(SECRET)


# This module as a URLconf.
urlpatterns = [
    path("broken/", broken),
    path("api/broken/", broken),
    path("", include("povertyops.urls")),
]
handler500 = views.server_error


@pytest.mark.django_db
@pytest.mark.urls(__name__)
@pytest.mark.parametrize("address", ["/broken/", "/api/broken/"])
def test_an_error_tells_its_number_and_nothing_else(
    address: str, as_user: Any, city_admin: Any
) -> None:
    client = as_user(city_admin)
    client.raise_request_exception = False
    answer = client.get(address)
    text = answer.content.decode()
    assert answer.status_code == 500
    check(answer)
    for words in (SECRET, "RuntimeError", "Traceback", "test_headers", "File &quot;"):
        assert words not in text
    if address == "/broken/":
        assert f"请求号：{answer['X-Request-Id']}" in text
        assert "系统出错" in text


@pytest.mark.django_db
def test_a_form_from_elsewhere_gets_a_page_of_ours(luanchuan_clerk: Any, as_user: Any) -> None:
    client = as_user(luanchuan_clerk)
    client.handler.enforce_csrf_checks = True
    answer = client.post(reverse("imports:upload"), {"x": "1"})
    text = answer.content.decode()
    assert answer.status_code == 403
    assert "页面已过期" in text
    assert "CSRF" not in text
    assert "<style" not in text
    check(answer)


def test_error_pages_need_no_database(settings: Any) -> None:
    """No fixture of the database here: whatever is asked of it raises."""
    for view in (views.bad_request, views.server_error, views.stale_form):
        answer = view(RequestFactory().get("/"))
        assert "请求号：—" in answer.content.decode()


def test_the_product_as_shipped_passes_djangos_own_check() -> None:
    """`check --deploy` runs in script/test with production settings; here, that nothing is silenced."""
    assert getattr(site, "SILENCED_SYSTEM_CHECKS", []) == []
    # pytest-django's own device for undefined variables is no text.
    assert [error for error in run_checks() if error.id != "templates.E002"] == []
