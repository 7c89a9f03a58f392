"""Acts on a complaint."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST

from core.web import actor_of
from inspections.services.common import UnfitError
from inspections.views.complaints.acts import KEYS, offered
from inspections.views.complaints.common import page, require_complaints, seen


@sensitive_post_parameters()
@sensitive_variables()
@require_POST
def complaint_act(request: HttpRequest, pk: int) -> HttpResponse:
    """Carry out one act of the page; it comes back with the reason when it does not fit."""
    require_complaints(request)
    one = seen(request, pk)
    key = request.POST.get("act", "")
    if key not in KEYS:
        messages.warning(request, "没有选择办理事项，请在“办理”中选择。")
        return page(request, one, status=422)
    chosen = next((act for act in offered(one, actor_of(request)) if act.key == key), None)
    if chosen is None:
        raise PermissionDenied
    form = chosen.make(one, request.POST)
    if form.is_valid():
        try:
            chosen.do(one, form.cleaned_data, request.user)
        except UnfitError as unfit:
            form.add_error(None, str(unfit))
        else:
            messages.success(request, "已办理。")
            return redirect("complaints:complaint", pk=pk)
    return page(request, one, status=422, act=(key, form))
