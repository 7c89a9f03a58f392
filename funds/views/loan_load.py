"""Small loans by workbook: the blank form, and what is handed in."""

import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_http_methods

from core.limits import limited
from core.web import require
from core.workbooks import guard
from core.workbooks.writing import XLSX
from funds.services import lending_rows, lending_workbook
from funds.services.common import EDIT, UnfitError
from funds.views.loan_rows import LoanLoadForm, judged
from projects.services.loading import Line, Loaded

_SHOWN = 200


@require_GET
def loan_blank(request: HttpRequest) -> HttpResponse:
    """The heads of the workbook to fill in."""
    require(request, EDIT)
    return _file(lending_workbook.form_to_fill_in(), "loans.xlsx")


def _file(body: bytes, name: str) -> HttpResponse:
    response = HttpResponse(body, content_type=XLSX)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_http_methods(["GET", "POST"])
@limited("upload", methods=("POST",))
def loan_load(request: HttpRequest) -> HttpResponse:
    """Take in a workbook: good rows are written, bad ones are told, or come back as a file."""
    require(request, EDIT)
    form = LoanLoadForm(*((request.POST, request.FILES) if request.method == "POST" else ()))
    done: Loaded | None = None
    if request.method == "POST" and form.is_valid():
        try:
            lines = _lines(form.cleaned_data["file"])
            told = Loaded(read=len(lines))
            lending_rows.take(rows=judged(lines, told), done=told, by=request.user)
        except (guard.RefusedError, UnfitError) as refusal:
            form.add_error("file", str(refusal))
        else:
            done = told
            if done.faults and request.POST.get("answer") == "file":
                return _file(lending_workbook.returned(lines, done), "loans-returned.xlsx")
    context = {"form": form, "done": done, "faults": done.faults[:_SHOWN] if done else []}
    status = 422 if request.method == "POST" and done is None else 200
    return render(request, "funds/loan_load.html", context, status=status)


def _lines(file: Any) -> list[Line]:
    """The upload on disk for the parser, and gone at the end."""
    Path(settings.UPLOAD_DIR).mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=settings.UPLOAD_DIR, suffix=".part") as target:
        for chunk in file.chunks():
            target.write(chunk)
        target.flush()
        path = Path(target.name)
        return lending_workbook.read(path, guard.tell_format(path))
