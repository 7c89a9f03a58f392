"""Many accounts from a workbook: template, preview, creation, links handed back."""

import tempfile
from pathlib import Path
from typing import Any, cast

from django.conf import settings
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import queries, services, workbooks
from accounts.forms import BulkForm
from accounts.models import User
from accounts.roles import MANAGE_USERS
from accounts.services.bulk import Line, judge
from core.limits import limited
from core.web import require
from core.workbooks.guard import RefusedError
from core.workbooks.writing import XLSX

# What was previewed comes back from the browser, signed for this administrator and for so long.
SECONDS = 3600


def _salt(request: HttpRequest, what: str) -> str:
    return f"accounts.bulk.{what}.{request.user.pk}"


@require_http_methods(["GET", "POST"])
@limited("upload", methods=("POST",))
def upload(request: HttpRequest) -> HttpResponse:
    require(request, MANAGE_USERS)
    form = BulkForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            lines = _read(form.cleaned_data["file"])
        except RefusedError as refusal:
            form.add_error("file", str(refusal))
        else:
            if lines:
                return _preview(request, lines)
            form.add_error("file", "表内没有数据行。")
    status = 422 if request.method == "POST" else 200
    return render(request, "accounts/bulk.html", {"form": form}, status=status)


def _read(file: Any) -> list[Line]:
    folder = Path(settings.UPLOAD_DIR)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".part") as kept:
        for chunk in file.chunks():
            kept.write(chunk)
        kept.flush()
        return workbooks.read(Path(kept.name))


def _preview(request: HttpRequest, lines: list[Line], status: int = 200) -> HttpResponse:
    by = cast(User, request.user)
    applicants, faults = judge(lines, by)
    places = queries.place_names({one.home_prefix for one in applicants})
    sealed = signing.dumps(
        [[line.row_no, line.cells] for line in lines], salt=_salt(request, "lines"), compress=True
    )
    context = {
        "rows": [{"applicant": one, "home": places[one.home_prefix]} for one in applicants],
        "faults": faults,
        "total": len(lines),
        "sealed": sealed if not faults else "",
    }
    return render(request, "accounts/bulk_preview.html", context, status=status)


@require_POST
def create(request: HttpRequest) -> HttpResponse:
    """Create what was previewed, judged again: somebody may have taken a name meanwhile."""
    require(request, MANAGE_USERS)
    by = cast(User, request.user)
    lines = [Line(row_no, cells) for row_no, cells in _open(request, "lines")]
    applicants, faults = judge(lines, by)
    if faults:
        return _preview(request, lines, 422)
    try:
        made = services.bulk_create(applicants=applicants, by=by)
    except services.ActRefusedError:
        return _preview(request, lines, 422)
    rows = [
        [
            user.display_name,
            user.username,
            user.office,
            request.build_absolute_uri(services.address_of(token)),
        ]
        for user, token in made
    ]
    context = {
        "rows": rows,
        "hours": settings.PASSWORD_LINK_HOURS,
        "sealed": signing.dumps(rows, salt=_salt(request, "links"), compress=True),
    }
    return render(request, "accounts/bulk_made.html", context)


@require_POST
def links(request: HttpRequest) -> HttpResponse:
    """The links of the page before as a workbook; nothing of it is kept here."""
    require(request, MANAGE_USERS)
    rows = _open(request, "links")
    return _file(workbooks.links([tuple(row) for row in rows]), "links")


@require_GET
def template(request: HttpRequest) -> HttpResponse:
    require(request, MANAGE_USERS)
    return _file(workbooks.form_to_fill_in(), "accounts")


def _open(request: HttpRequest, what: str) -> list[Any]:
    try:
        found: list[Any] = signing.loads(
            request.POST.get("sealed", ""), salt=_salt(request, what), max_age=SECONDS
        )
    except signing.BadSignature as error:
        raise PermissionDenied from error
    return found


def _file(content: bytes, stem: str) -> HttpResponse:
    name = f"{stem}-{timezone.localdate():%Y%m%d}.xlsx"
    return HttpResponse(
        content,
        content_type=XLSX,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
