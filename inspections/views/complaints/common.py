"""Who gets to the pages of complaints, and one complaint with what its page shows."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone

from core.web import actor_of
from inspections.enums.complaints import FIND, OWED, PETITION, UNSEEN, State
from inspections.models import Complaint, Finding
from inspections.queries import complaints
from inspections.services.complaints.common import may_handle, may_receive
from inspections.services.complaints.revealing import masked
from inspections.views.complaints.acts import offered
from inspections.views.complaints.forms import FindingForm, RevealForm

_TONES = {State.CLOSED: "good", State.TRANSFERRED: "plain", State.RETURNED: "warn"}


def require_complaints(request: HttpRequest) -> None:
    """Whoever receives complaints, and whoever handles what is passed on; nobody else."""
    if not (request.user.has_perm(PETITION) or request.user.has_perm(FIND)):
        raise PermissionDenied


def seen(request: HttpRequest, pk: int) -> Complaint:
    found = complaints.visible(actor_of(request)).select_related("region", "entered_by")
    one: Complaint = get_object_or_404(found, pk=pk)
    return one


def shown(one: Complaint) -> dict[str, Any]:
    is_late = bool(one.state in OWED and one.due_on and one.due_on < timezone.localdate())
    return {"one": one, "tone": _TONES.get(State(one.state), "info"), "is_late": is_late}


def page(request: HttpRequest, one: Complaint, *, status: int = 200, **forms: Any) -> HttpResponse:
    """The page, with forms that come back where they did not fit: `act`, `reveal`, `finding`."""
    actor = actor_of(request)
    receives, handles = may_receive(actor, one), may_handle(actor, one)
    key, form = forms.get("act", ("", None))
    acts: list[dict[str, Any]] = [
        {"act": act, "form": form if act.key == key else act.make(one, None)}
        for act in offered(one, actor)
    ]
    for act in acts:
        act["form"].auto_id = f"id_{act['act'].key}_%s"
    context = shown(one) | {
        "receives": receives,
        "steps": one.steps.select_related("created_by").order_by("position"),
        "findings": Finding.objects.visible_to(actor)
        .filter(complaints__complaint=one)
        .order_by("number"),
        "acts": acts,
        "masked": masked(one, actor),
        "reveal_form": (forms.get("reveal") or RevealForm(auto_id="id_reveal_%s"))
        if receives
        else None,
        "revealed": forms.get("revealed"),
        "purpose": forms.get("purpose", ""),
        "finding_form": (forms.get("finding") or FindingForm(auto_id="id_finding_%s"))
        if handles and one.state not in UNSEEN
        else None,
    }
    answer = render(request, "complaints/complaint.html", context, status=status)
    answer["Cache-Control"] = "no-store"
    return answer
