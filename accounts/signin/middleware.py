"""What a signed-in session must satisfy before any page: not too old, password and second factor in order."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from accounts.signin import second_factor, sessions

# Reached without a second factor and with a password that is due: the way to mend both, and out.
ALWAYS = frozenset({"healthz", "accounts:login", "accounts:logout"})
FOR_SECOND_FACTOR = ALWAYS | {"accounts:second-factor", "accounts:second-factor-set-up"}
FOR_PASSWORD = FOR_SECOND_FACTOR | {"accounts:password"}

# Sent by pages that ask by themselves: a screen nobody looks at keeps no session alive.
POLL = "X-Poll"


class SignedInMiddleware:
    """After AuthenticationMiddleware. Ends sessions that are over and holds back unfinished ones."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated:
            return self.get_response(request)
        if reason := sessions.over(request):
            sessions.leave(request, reason)
            return _to_login(request, reason)
        if not request.headers.get(POLL):
            sessions.touch(request)
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        if not request.user.is_authenticated or request.resolver_match is None:
            return None
        page = request.resolver_match.view_name
        if page not in FOR_SECOND_FACTOR and second_factor.is_missing(request):
            return _send(request, reverse("accounts:second-factor"))
        if page not in FOR_PASSWORD and sessions.password_is_due(request):
            return _send(request, reverse("accounts:password"))
        return None


def _to_login(request: HttpRequest, reason: str) -> HttpResponse:
    words = {"ended": reason}
    if request.method == "GET":
        words["next"] = request.get_full_path()
        if request.headers.get("HX-Request"):
            # A part of a page leads back to the page it belongs to.
            page = urlsplit(request.headers.get("HX-Current-URL", ""))
            words["next"] = urlunsplit(("", "", page.path or "/", page.query, ""))
    return _send(request, f"{reverse('accounts:login')}?{urlencode(words, safe='/')}", back=False)


def _send(request: HttpRequest, address: str, *, back: bool = True) -> HttpResponse:
    if request.headers.get("HX-Request"):
        return HttpResponseClientRedirect(address)
    if back and request.method == "GET" and request.path != "/":
        address += f"?{urlencode({'next': request.get_full_path()}, safe='/')}"
    return redirect(address)
