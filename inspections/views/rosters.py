"""Rosters of rural households that are not registered: without them omission cannot be measured."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_http_methods

from core.scope import within
from core.web import actor_of, partition_of, require
from core.workbooks import guard
from core.workbooks.refusal import RefusedError
from core.workbooks.writing import XLSX
from inspections import workbooks
from inspections.forms import RosterForm
from inspections.models import RuralHousehold
from inspections.services import roster as service
from inspections.services.common import UnfitError
from villages.models import Region

LOAD = service.LOAD
# As many faults as a page shows; the rest is told by their number.
_SHOWN = 300


@require_GET
def roster_form(request: HttpRequest) -> HttpResponse:
    """An empty workbook with the heads."""
    require(request, LOAD)
    response = HttpResponse(workbooks.form_to_fill_in(), content_type=XLSX)
    response["Content-Disposition"] = content_disposition_header(
        as_attachment=True, filename="农户花名册模板.xlsx"
    )
    return response


@require_http_methods(["GET", "POST"])
def rosters(request: HttpRequest) -> HttpResponse:
    """How many households each county's rosters hold, and a workbook that brings more."""
    require(request, LOAD)
    year = partition_of(request)
    counties = _counties(request, year)
    is_sent = request.method == "POST"
    form = RosterForm(
        request.POST if is_sent else None, request.FILES if is_sent else None,
        counties=[(one.code, one.name) for one in counties],
    )  # fmt: skip
    done = None
    if is_sent and year is not None and form.is_valid():
        try:
            lines = _read(form.cleaned_data["file"])
            done = service.load_roster(
                lines=lines, county=form.cleaned_data["county"], partition=year, by=request.user
            )
        except RefusedError as refusal:
            form.add_error("file", str(refusal))
        except UnfitError as unfit:
            form.add_error(None, str(unfit))
        else:
            if not done.faults:
                messages.success(
                    request, f"已导入 {done.read} 户：新增 {done.new}，变更 {done.changed}。"
                )
                return redirect("inspections:rosters")
    held: Any = (
        RuralHousehold.objects.visible_to(actor_of(request))
        .filter(partition=year or 0, is_current=True)
        .values("village_code")
        .annotate(n=Count("pk"))
        .order_by("village_code")
    )
    context = {
        "form": form,
        "year": year,
        "done": done,
        "faults": done.faults[:_SHOWN] if done else [],
        "more": max(0, len(done.faults) - _SHOWN) if done else 0,
        "villages": len(held),
        "households": sum(row["n"] for row in held),
    }
    status = 422 if form.errors else 200
    return render(request, "inspections/rosters.html", context, status=status)


def _read(file: UploadedFile) -> list[service.RosterLine]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "roster"
        with path.open("wb") as opened:
            for chunk in file.chunks():
                opened.write(chunk)
        return workbooks.read_roster(path, guard.tell_format(path))


def _counties(request: HttpRequest, year: int | None) -> list[Region]:
    """The counties that lie in, or around, what the person may load into."""
    if year is None:
        return []
    prefixes = [one[:6] for one in actor_of(request).prefixes_for(LOAD)]
    found = Region.objects.valid_in_year(year).filter(within(prefixes, "code"), level="county")
    return list(found.order_by("code"))
