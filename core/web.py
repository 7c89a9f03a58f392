"""What every request passes through: ids, headers, the site's own facts, one-line logs."""

import logging
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from core import ledger, walls
from core.acting import request_id
from core.scope import Actor

Handler = Callable[[HttpRequest], HttpResponse]


class RequestIdMiddleware:
    """Give each request an id that the history triggers and the logs share."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = request_id.set(uuid.uuid4().hex)
        try:
            response = self.get_response(request)
            response["X-Request-Id"] = request_id.get()
            return response
        finally:
            request_id.reset(token)


class PrivateResponseMiddleware:
    """Pages made for a signed-in person are not kept by any cache."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = "no-store"
        return response


class RefusalMiddleware:
    """A signed-in person who is refused a page or an object leaves a trace, found or not.

    Written after the request's own transaction, which a refusal has taken back.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        user = getattr(request, "user", None)
        found = request.resolver_match
        if response.status_code in _REFUSALS and found and user and user.is_authenticated:
            ledger.note(
                ledger.Act.REFUSED,
                request,
                user,
                outcome=ledger.Outcome.REFUSED,
                subject_kind="route",
                subject=found.view_name,
                detail={"status": response.status_code},
            )
        return response


_REFUSALS = (403, 404)


class ScopedTransactionMiddleware:
    """One transaction per request, in the scope of whoever is signed in.

    As a view hook and not around the handler: an upload has been received by then, so that a slow
    line holds no transaction open, and an exception of the view takes everything back. The API
    authenticates inside the view and assumes its client's scope there.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse:
        user = getattr(request, "user", None)
        actor = cast(Actor, user) if user is not None and user.is_authenticated else None
        with walls.scoped(actor):
            response = view(request, *args, **kwargs)
            # A lazy answer is written while the scope lasts.
            if hasattr(response, "render") and not getattr(response, "is_rendered", True):
                response = response.render()
        return cast(HttpResponse, response)


class OneLineFormatter(logging.Formatter):
    """Log records on one line each: a line break in a value cannot forge a second record."""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("\r", "\\r").replace("\n", "\\n")


def site_context(request: HttpRequest) -> dict[str, Any]:
    """What every template may show: the site's name, the chosen year, what this user may do."""
    user = getattr(request, "user", None)
    signed_in = bool(user and user.is_authenticated)
    return {
        "site": {
            "name": settings.SITE_NAME,
            "demo": settings.DEMO,
            "partitions": chosen_partitions() if signed_in else [],
            "partition": partition_of(request) if signed_in else None,
        },
        "may": {
            "load_workbooks": signed_in and user.has_perm("imports.load_workbook"),  # type: ignore[union-attr]
            "manage_jobs": signed_in and user.has_perm("core.manage_jobs"),  # type: ignore[union-attr]
            "view_ledger": signed_in and user.has_perm("core.view_ledger"),  # type: ignore[union-attr]
            "manage_clients": signed_in and user.has_perm("accounts.manage_clients"),  # type: ignore[union-attr]
            "read_register": signed_in and user.has_perm("households.view_register"),  # type: ignore[union-attr]
            "edit": signed_in and user.has_perm("households.edit"),  # type: ignore[union-attr]
            "survey": signed_in and user.has_perm("inspections.survey"),  # type: ignore[union-attr]
            "handle_complaints": signed_in
            and any(user.has_perm(f"inspections.{what}") for what in ("find", "petition")),  # type: ignore[union-attr]
            "work": signed_in
            and any(
                user.has_perm(f"households.{what}")  # type: ignore[union-attr]
                for what in ("edit", "review", "manage_review")
            ),
            "see_accounts": signed_in
            and any(user.has_perm(f"accounts.manage_{what}") for what in ("users", "grants")),  # type: ignore[union-attr]
        },
        # Called where it is shown: a part of a page asks for no number that only the menu has.
        "work_waiting": partial(_waiting, user),
    }


_work_source: Callable[[Actor], int] | None = None


def work_from(source: Callable[[Actor], int]) -> None:
    """The register tells the cellar how much work waits for somebody."""
    global _work_source  # noqa: PLW0603
    _work_source = source


def _waiting(user: Any) -> int:
    return _work_source(user) if _work_source else 0


_partition_source: Callable[[], list[int]] | None = None


def partitions_from(source: Callable[[], list[int]]) -> None:
    """The register tells the cellar which years exist; the cellar knows no register."""
    global _partition_source  # noqa: PLW0603
    _partition_source = source


def chosen_partitions() -> list[int]:
    """Years of the register, latest first."""
    return _partition_source() if _partition_source else []


def partition_of(request: HttpRequest) -> int | None:
    """The year a page is about: asked for in the address, else the one chosen last, else the latest."""
    years = chosen_partitions()
    for text in (request.GET.get("year"), request.session.get("partition")):
        if text and str(text).isdecimal() and len(str(text)) <= 4 and int(text) in years:
            if request.session.get("partition") != int(text):
                request.session["partition"] = int(text)
            return int(text)
    return years[0] if years else None


def actor_of(request: HttpRequest) -> Actor:
    """The signed-in person as `visible_to` wants them; the login wall lets nobody else through."""
    return cast(Actor, request.user)


def require(request: HttpRequest, permission: str) -> None:
    """Raise PermissionDenied (403) unless the signed-in user holds the permission."""
    if not request.user.has_perm(permission):
        raise PermissionDenied
