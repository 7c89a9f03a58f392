"""A complaint is received."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from core.web import actor_of, require
from households.models import Household
from inspections.enums.complaints import PETITION
from inspections.models import Complaint
from inspections.services.common import UnfitError
from inspections.services.complaints import receiving
from inspections.services.complaints.common import office_of
from inspections.services.complaints.receiving import Person
from inspections.views.complaints.forms import ComplaintForm
from villages.models import Region


@sensitive_post_parameters()
@sensitive_variables()
@require_http_methods(["GET", "POST"])
def complaint_new(request: HttpRequest) -> HttpResponse:
    """Register a complaint with who complained, as far as that is known."""
    require(request, PETITION)
    form = ComplaintForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid() and (made := _made(request, form)) is not None:
        messages.success(request, f"已登记，信访编号 {made.number}。")
        return redirect("complaints:complaint", pk=made.pk)
    answer = render(
        request, "complaints/new.html", {"form": form}, status=422 if form.is_bound else 200
    )
    answer["Cache-Control"] = "no-store"
    return answer


@sensitive_variables()
def _made(request: HttpRequest, form: ComplaintForm) -> Complaint | None:
    told: dict[str, Any] = dict(form.cleaned_data)
    region = _region(told.pop("region"))
    actor = actor_of(request)
    if region is None or not office_of(actor, region.code):
        form.add_error("region", "没有这个区划，或您没有在该区划登记信访举报的权限。")
        return None
    number, household = told.pop("household_no").strip(), None
    if number:
        household = Household.objects.visible_to(actor).filter(household_no=number).first()
        if household is None:
            form.add_error("household_no", "没有找到这个户编号，请核对。")
            return None
    told.pop("is_anonymous")
    person = Person(**{one: told.pop(one) for one in ("name", "phone", "address", "id_no")})
    try:
        return receiving.receive(
            region=region, household=household, person=person, by=request.user, **told
        )
    except UnfitError as unfit:
        form.add_error(None, str(unfit))
        return None


def _region(code: str) -> Region | None:
    if not (code.isascii() and code.isdigit()):
        return None
    found = Region.objects.valid_on(timezone.localdate()).filter(code=code.ljust(12, "0"))
    return found.first()
