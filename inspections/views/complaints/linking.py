"""A complaint and the ledger of problems."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from core.web import actor_of, require
from inspections.enums.complaints import FIND
from inspections.models import Complaint, Finding
from inspections.services.common import UnfitError
from inspections.services.complaints import linking
from inspections.views.complaints.common import page, seen
from inspections.views.complaints.forms import FindingForm


@require_POST
def complaint_finding(request: HttpRequest, pk: int) -> HttpResponse:
    """Raise a problem from the summary, or link one that is on the ledger."""
    require(request, FIND)
    one = seen(request, pk)
    form = FindingForm(request.POST, auto_id="id_finding_%s")
    if form.is_valid() and (finding := _found(request, one, form)) is not None:
        messages.success(request, f"已关联问题 {finding.number}。")
        return redirect("complaints:complaint", pk=pk)
    return page(request, one, status=422, finding=form)


def _found(request: HttpRequest, one: Complaint, form: FindingForm) -> Finding | None:
    told = form.cleaned_data
    try:
        if not told["number"]:
            return linking.raise_finding(
                complaint=one, level=told["level"], severity=told["severity"], by=request.user
            )
        known = Finding.objects.visible_to(actor_of(request)).filter(number=told["number"]).first()
        if known is None:
            form.add_error("number", "没有找到这个问题编号，请核对。")
            return None
        linking.link(complaint=one, finding=known, by=request.user)
    except UnfitError as unfit:
        form.add_error(None, str(unfit))
        return None
    return known
