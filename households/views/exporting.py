"""A list of the register as a file: the address says which rows, the form which columns and why."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from core.exports.services import AT_ONCE
from core.exports.views import answer
from core.limits import limited
from core.web import actor_of, partition_of, require
from households.filters import HouseholdYearFilter, PersonYearFilter, RegisterFilterSet
from households.forms import ListExportForm
from households.models import HouseholdYear, PersonYear
from households.queries.cells import household_columns, person_columns
from households.views.lists import asked_terms, chips_of, filled
from households.views.record import READ
from households.workbooks import REVEAL, stored_terms

_DEEPEST = ("village", "town", "county", "region")
_CHOSEN = (ListExportForm.CHOSEN, "自选各列")


@dataclass(frozen=True)
class _List:
    """A list that can be taken out: its kind of export, its page, and what it counts."""

    kind: str
    address: str
    title: str
    unit: str
    first_layout: tuple[str, str]


_HOUSEHOLDS = _List(
    "households", "households:list", "贫困户", "户", (ListExportForm.LIST, "清单各列")
)
_PERSONS = _List(
    "persons", "households:persons", "贫困人口", "人",
    (ListExportForm.NATIONAL, "国家系统人员导出各列（可重新导入）"),
)  # fmt: skip


@require_http_methods(["GET", "POST"])
@limited("export", methods=("POST",))
def export(request: HttpRequest) -> HttpResponse:
    """The households of a search as a file."""
    require(request, READ)
    rows = HouseholdYear.objects.visible_to(actor_of(request))
    return _export(request, _HOUSEHOLDS, HouseholdYearFilter, rows, household_columns())


@require_http_methods(["GET", "POST"])
@limited("export", methods=("POST",))
def export_persons(request: HttpRequest) -> HttpResponse:
    """The persons of a search as a file."""
    require(request, READ)
    rows = PersonYear.objects.visible_to(actor_of(request))
    return _export(request, _PERSONS, PersonYearFilter, rows, person_columns())


def _export(
    request: HttpRequest,
    of: _List,
    filter_class: type[RegisterFilterSet],
    visible: Any,
    columns: dict[str, str],
) -> HttpResponse:
    year = partition_of(request)
    asked = asked_terms(request, year)
    filters = filter_class(asked, visible, actor=actor_of(request))
    filters.refuse_foreign_places()
    back = f"{reverse(of.address)}?{filled(asked).urlencode()}"
    if year is None or not filters.form.is_valid():
        messages.warning(request, "筛选条件有误，请先改正再导出。")
        return redirect(back)
    form = ListExportForm(
        request.POST or None,
        may_ask_full=request.user.has_perm(REVEAL),
        columns=columns,
        layouts=[of.first_layout, _CHOSEN],
    )
    total = filters.qs.count()
    if request.method == "POST" and form.is_valid():
        terms = stored_terms({**filters.terms, "columns": form.chosen})
        place = next((terms[name] for name in _DEEPEST if name in terms), "")
        done = answer(request, form, kind=of.kind, terms=terms, place=place, rows=total)
        if done is not None:
            return done
    context = {
        "form": form,
        "list": of,
        "chips": chips_of(filters, asked),
        "total": total,
        "at_once": total <= AT_ONCE,
        "partition": year,
        "back": back,
    }
    status = 200 if request.method == "GET" else 422
    return render(request, "households/export.html", context, status=status)
