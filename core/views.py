"""Health and error pages."""

import logging
import sys
import traceback

from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.http import require_GET

from core.acting import request_id

logger = logging.getLogger(__name__)


@login_not_required
@require_GET
def healthz(request: HttpRequest) -> HttpResponse:
    """Answers while the database does; says nothing else."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("ok", content_type="text/plain")


def _error(request: HttpRequest, status: int, page: str = "") -> HttpResponse:
    if request.path.startswith("/api/"):
        words = {
            400: "请求有误。",
            403: "没有权限。",
            404: "没有这个对象，或不在您的管辖范围内。",
            500: "系统出错，已记录。",
        }
        return JsonResponse({"detail": words[status], "errors": {}}, status=status)
    # What was asked may be somebody's number, and the menu's links would repeat it.
    request.GET = QueryDict()
    if page or status in (400, 500):
        # Whoever asks and the database behind the menus may be what failed.
        return HttpResponse(render_to_string(page or f"{status}.html"), status=status)
    return render(request, f"{status}.html", status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error(request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error(request, 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error(request, 404)


def stale_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without a valid token: sent from elsewhere, or opened before the last sign-in."""
    return _error(request, 403, "403_csrf.html")


def server_error(request: HttpRequest) -> HttpResponse:
    """The log learns the class and the place: address and message may quote somebody's number."""
    kind, _, trace = sys.exc_info()
    match = getattr(request, "resolver_match", None)
    logger.error(
        "request %s (%s) failed with %s at %s",
        request_id.get(),
        getattr(match, "view_name", "") or "no route",
        kind.__name__ if kind else "no exception",
        "".join(traceback.format_tb(trace)),
    )
    response = _error(request, 500)
    # Django would write the address and the message.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response
