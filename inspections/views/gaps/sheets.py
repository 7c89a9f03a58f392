"""Lists of what is missing as workbooks, filled in and handed back."""

import tempfile
from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_http_methods

from core import ledger
from core.limits import limited
from core.web import actor_of, require
from core.workbooks import guard
from core.workbooks.refusal import RefusedError
from core.workbooks.writing import XLSX
from inspections.queries import gaps
from inspections.queries.gaps_shown import shown
from inspections.services import gaps as service
from inspections.services.common import UnfitError
from inspections.views.gaps.common import MEND, Wanted, of_place, of_self
from inspections.workbooks import gaps as workbooks
from projects.services.loading import Line

# Rows of each kind that the page shows; the rest is told by its number.
SHOWN = 200


class UploadForm(forms.Form):
    """A filled list."""

    file = forms.FileField(
        label="工作簿", help_text="从缺项清单下载的填报表（xlsx），填写最后三列后上传。"
    )


@require_GET
@limited("print")
def sheet(request: HttpRequest, code: str) -> HttpResponse:
    """The list of a place to be filled in."""
    wanted = of_place(request, code)
    return _sheet(request, wanted, wanted.name)


@require_GET
@limited("print")
def mine_sheet(request: HttpRequest) -> HttpResponse:
    """What the person who is signed in owes, to be filled in."""
    return _sheet(request, of_self(request), str(request.user))


def _sheet(request: HttpRequest, wanted: Wanted, name: str) -> HttpResponse:
    asked = wanted.asked
    rows = gaps.all_of(asked, service.MAX_ROWS + 1)
    if len(rows) > service.MAX_ROWS:
        messages.warning(
            request, f"一份最多 {service.MAX_ROWS:,} 项，请按乡镇、村、来源或责任人分别下载。"
        )
        return redirect(wanted.href("place"))
    body = workbooks.sheet(
        "缺项清单", shown(rows, asked.year, asked.day), service.tokens(rows, asked.year)
    )
    ledger.note(
        ledger.Act.PRINT, request, subject_kind="gaps", rows=len(rows), region=asked.place,
        detail={"year": asked.year, "source": asked.source, "format": "xlsx"},
    )  # fmt: skip
    return _file(body, f"{name}-缺项清单.xlsx")


def _file(body: bytes, name: str) -> HttpResponse:
    response = HttpResponse(body, content_type=XLSX)
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name)
    return response


@require_http_methods(["GET", "POST"])
@limited("upload", methods=("POST",))
def upload(request: HttpRequest) -> HttpResponse:
    """Hand in a filled list, see what each row would become, take it over, get wrong rows back."""
    require(request, MEND)
    if request.method == "POST" and request.POST.get("kept"):
        return _taken_over(request)
    form = UploadForm(*((request.POST, request.FILES) if request.method == "POST" else ()))
    if request.method == "POST" and form.is_valid():
        try:
            lines = service.filled(_lines(form.cleaned_data["file"]))
        except (RefusedError, UnfitError) as refusal:
            form.add_error("file", str(refusal))
        else:
            if lines:
                found = service.judged(lines=lines, today=timezone.localdate(), by=request.user)
                return _page(request, lines, found)
            form.add_error("file", "没有填写任何一行：请填写整改情况、完成日期、佐证说明后再上传。")
    status = 422 if request.method == "POST" else 200
    return render(request, "gaps/upload.html", {"form": form, "found": None}, status=status)


def _lines(file: Any) -> list[Line]:
    """The upload on disk for the parser, and gone at the end."""
    Path(settings.UPLOAD_DIR).mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=settings.UPLOAD_DIR, suffix=".part") as target:
        for chunk in file.chunks():
            target.write(chunk)
        target.flush()
        path = Path(target.name)
        return workbooks.read(path, guard.tell_format(path))


def _taken_over(request: HttpRequest) -> HttpResponse:
    """The second step: what was looked over comes back with the form, signed."""
    today = timezone.localdate()
    try:
        lines = service.given_back(request.POST["kept"], actor_of(request))
    except UnfitError as unfit:
        form = UploadForm()
        context = {"form": form, "found": None, "refusal": str(unfit)}
        return render(request, "gaps/upload.html", context, status=422)
    if request.POST.get("act") == "return":
        found = service.judged(lines=lines, today=today, by=request.user)
        return _file(workbooks.returned(lines, found.faults), "未办理的缺项.xlsx")
    done, found = service.take_over(lines=lines, today=today, by=request.user)
    if not found.faults:
        known = f"，此前已办理 {len(found.known):,} 行，未作改动" if found.known else ""
        messages.success(request, f"已办理 {done:,} 行{known}。")
        return redirect("gaps:upload")
    wrong = [line for line in lines if line.row_no in found.wrong]
    return _page(request, wrong, found, done=done)


def _page(
    request: HttpRequest, lines: list[Line], found: service.Judged, done: int | None = None
) -> HttpResponse:
    context = {
        "form": None,
        "found": found,
        "done": done,
        "wrong": len(found.wrong),
        "ready": found.ready[:SHOWN],
        "known": found.known[:SHOWN],
        "faults": found.faults[:SHOWN],
        "kept": service.kept(lines, actor_of(request)),
        "most": SHOWN,
    }
    return render(request, "gaps/upload.html", context)
