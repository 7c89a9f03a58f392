"""Workbooks of projects: the list as a file, blank forms, and what is handed in."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from core.exports.forms import ExportForm
from core.exports.kinds import kind_of
from core.exports.services import AT_ONCE
from core.exports.views import answer
from core.limits import limited
from core.web import actor_of, require
from core.workbooks import guard
from core.workbooks.writing import XLSX
from projects import workbooks
from projects.forms import LoadForm
from projects.services import loading, loading_people
from projects.services.common import EDIT, UnfitError

READ = "households.view_register"
_ASKED = ("region", "year", "type", "state", "late")
_SHOWN = 200


@require_http_methods(["GET", "POST"])
@limited("export", methods=("POST",))
def export(request: HttpRequest) -> HttpResponse:
    """The list of the address as a file; its last columns beyond those of the form to fill in."""
    require(request, READ)
    terms = {name: value for name in _ASKED if (value := request.GET.get(name, ""))}
    what = request.GET.get("what", "")
    kind = what if what in workbooks.SHEETS else workbooks.PROJECTS
    form = ExportForm(request.POST if request.method == "POST" else None, may_ask_full=False)
    total = kind_of(kind).count(terms, actor_of(request), region="", full=False)
    if request.method == "POST" and form.is_valid():
        done = answer(
            request, form, kind=kind, terms=terms,
            place=terms.get("region", ""), rows=total,
        )  # fmt: skip
        if done is not None:
            return done
    context = {
        "form": form,
        "total": total,
        "label": kind_of(kind).label,
        "kinds": [
            (sheet.label, urlencode(terms | {"what": one}), one == kind)
            for one, sheet in workbooks.SHEETS.items()
        ],
        "at_once": total <= AT_ONCE,
        "back": f"{reverse('projects:list')}?{urlencode(terms)}",
    }
    status = 200 if request.method == "GET" else 422
    return render(request, "projects/export.html", context, status=status)


@require_GET
def blank(request: HttpRequest, kind: str) -> HttpResponse:
    """The heads of a workbook to fill in."""
    require(request, loading.LOAD)
    require(request, EDIT)
    if kind not in workbooks.SHEETS:
        raise Http404
    return _file(workbooks.form_to_fill_in(kind), f"{kind}.xlsx")


def _file(body: bytes, name: str) -> HttpResponse:
    response = HttpResponse(body, content_type=XLSX)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_http_methods(["GET", "POST"])
@limited("upload", methods=("POST",))
def load(request: HttpRequest) -> HttpResponse:
    """Take in a workbook: good rows are written, bad ones are told, or come back as a file."""
    require(request, loading.LOAD)
    require(request, EDIT)
    kinds = [(kind, sheet.label) for kind, sheet in workbooks.SHEETS.items()]
    form = LoadForm(
        *((request.POST, request.FILES) if request.method == "POST" else ()), kinds=kinds
    )
    done: loading.Loaded | None = None
    if request.method == "POST" and form.is_valid():
        kind = form.cleaned_data["kind"]
        try:
            lines = _lines(kind, form.cleaned_data["file"])
            done = _load(kind, lines, request.user)
        except (guard.RefusedError, UnfitError) as refusal:
            form.add_error("file", str(refusal))
        else:
            if done.faults and request.POST.get("answer") == "file":
                return _file(workbooks.returned(kind, lines, done), f"{kind}-returned.xlsx")
    context = {
        "form": form,
        "kinds": kinds,
        "done": done,
        "faults": done.faults[:_SHOWN] if done else [],
    }
    status = 422 if request.method == "POST" and done is None else 200
    return render(request, "projects/load.html", context, status=status)


def _load(kind: str, lines: list[loading.Line], by: Any) -> loading.Loaded:
    if kind == workbooks.PROJECTS:
        return loading.load_projects(lines=lines, on=timezone.localdate(), by=by)
    if kind == workbooks.PROGRESS:
        return loading.load_progress(lines=lines, by=by)
    return loading_people.load_beneficiaries(lines=lines, by=by)


def _lines(kind: str, file: Any) -> list[loading.Line]:
    with _kept(file) as path:
        return workbooks.read(kind, path, guard.tell_format(path))


@contextmanager
def _kept(file: Any) -> Iterator[Path]:
    """The upload on disk for the parser, and gone at the end."""
    Path(settings.UPLOAD_DIR).mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=settings.UPLOAD_DIR, suffix=".part") as target:
        for chunk in file.chunks():
            target.write(chunk)
        target.flush()
        yield Path(target.name)
