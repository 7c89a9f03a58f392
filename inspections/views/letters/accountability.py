"""What came of third letters."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from core.web import actor_of, require
from inspections.queries import letters as queries
from inspections.services.common import UnfitError
from inspections.services.findings.common import FIND, may_find
from inspections.services.letters import sending, wording
from inspections.views.letters.forms import ConcludeForm
from inspections.views.letters.pages import READ

_MOST = 500


@require_GET
def records(request: HttpRequest) -> HttpResponse:
    """Third letters and what came of them; those that wait for an outcome first."""
    require(request, READ)
    found = queries.records(actor_of(request))
    if request.GET.get("open"):
        found = found.filter(outcome="")
    rows = list(found.order_by("outcome", "-pk")[:_MOST])
    context = {
        "rows": [{"one": one, "number": wording.number(one.letter)} for one in rows],
        "total": found.count(),
        "waiting": found.filter(outcome="").count(),
        "persons": queries.persons(found),
        "most": _MOST,
    }
    return render(request, "letters/records.html", context)


@require_http_methods(["GET", "POST"])
def conclude(request: HttpRequest, pk: int) -> HttpResponse:
    """One record: the letter it comes from, and its outcome, which is entered once."""
    require(request, FIND if request.method == "POST" else READ)
    record = get_object_or_404(queries.records(actor_of(request)), pk=pk)
    may = may_find(actor_of(request), record.region_code)
    if request.method == "POST" and not may:
        raise PermissionDenied
    form = ConcludeForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        try:
            sending.conclude(record=record, by=request.user, **told)
        except UnfitError as unfit:
            form.add_error(None, str(unfit))
        else:
            messages.success(request, "已登记处理结果。")
            return redirect("letters:conclude", pk=pk)
    context = {
        "one": record,
        "number": wording.number(record.letter),
        "form": form if may and not record.outcome else None,
    }
    status = 200 if request.method == "GET" else 422
    return render(request, "letters/record.html", context, status=status)
