"""What the entry page asks while somebody types: is this field right, keep what is there."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from core.limits import limited
from core.web import actor_of, partition_of, require
from households.models import Draft
from households.services import drafting, editing
from households.views import entry_posted as posted
from households.views.entry_summary import summary_of
from households.views.frame import NUMBER

# Characters of a place, and as many places as a page says something about at once.
_ASKED, _MOST_TOLD = 80, 40


@require_POST
@limited("type")
def check(request: HttpRequest) -> HttpResponse:
    """What is wrong with a field, `where`, and with those that said something before, `told`.

    JSON: `findings` by field (message, key, is_query), `summary` as `entry_summary` has it. Members
    bear the numbers of the page, whatever rows are missing between them.
    """
    edit, rows = _edit(request)
    actor = actor_of(request)
    wheres = [*request.POST.getlist("where")[:1], *request.POST.getlist("told")[:_MOST_TOLD]]
    places = {_inward(where[:_ASKED], rows): where[:_ASKED] for where in wheres}
    try:
        found = editing.check_fields(edit, places, actor)
        summary = summary_of(edit, actor)
    except editing.UnfitError as error:
        return JsonResponse({"message": str(error)}, status=422)
    summary["people"] = {rows[int(at)]: text for at, text in summary["people"].items()}
    told = {
        places[place]: [
            {"message": one.message, "key": one.key, "is_query": one.is_query} for one in findings
        ]
        for place, findings in found.items()
    }
    return JsonResponse({"findings": told, "summary": summary})


@require_POST
@limited("type")
def keep(request: HttpRequest) -> HttpResponse:
    """Keep the entry as it is typed. JSON: `saved` (time of day), or `message` with 409."""
    edit, _ = _edit(request)
    try:
        draft = drafting.keep(
            key=_key(request), edit=edit.told(), seq=_seq(request), by=request.user
        )
    except editing.UnfitError as error:
        return JsonResponse({"message": str(error)}, status=409)
    saved = timezone.localtime(draft.changed_at)
    return JsonResponse({"saved": f"{saved:%H:%M:%S}", "seq": draft.seq})


@require_POST
def drop(request: HttpRequest) -> HttpResponse:
    """Give a draft up and begin again from the register."""
    require(request, editing_right())
    key = _key(request)
    own = Draft.objects.filter(key=key, owner_id=request.user.pk).select_related("household")
    found = own.first()
    drafting.drop(key=key, by=request.user)
    messages.info(request, "草稿已放弃。")
    if found is None:
        return _from_the_register(request)
    if found.household is None:
        page = reverse("households:new")
        return redirect(f"{page}?year={found.partition_id}&village={found.village_code}")
    page = reverse("households:edit", args=[found.household.household_no])
    return redirect(f"{page}?year={found.partition_id}")


def _from_the_register(request: HttpRequest) -> HttpResponse:
    """Where no draft was kept yet: the household's form, if the page was about one."""
    number = request.POST.get("household_no", "")
    if not NUMBER.fullmatch(number):
        return redirect("households:work")
    return redirect(f"{reverse('households:edit', args=[number])}?year={partition_of(request)}")


def editing_right() -> str:
    return drafting.EDIT


def _edit(request: HttpRequest) -> tuple[Any, list[int]]:
    """The edit as sent, and the page's number of each member. 404 for what is no edit."""
    require(request, editing_right())
    year = partition_of(request)
    if year is None:
        raise Http404
    try:
        edit = editing.Edit.read(posted.read(request.POST, partition=year))
        rows = [number for number, _ in posted.members(request.POST)]
    except editing.UnfitError as error:
        raise Http404 from error
    return edit, rows


def _inward(where: str, rows: list[int]) -> str:
    """The place with the member's position in the edit in place of their number on the page."""
    part, _, rest = where.partition(".")
    number, _, name = rest.partition(".")
    if part != "members" or not number.isdecimal() or int(number) not in rows:
        return where
    return f"members.{rows.index(int(number))}.{name}"


def _key(request: HttpRequest) -> UUID:
    try:
        return UUID(request.POST.get("key", ""))
    except ValueError as error:
        raise Http404 from error


def _seq(request: HttpRequest) -> int:
    text = request.POST.get("seq", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 0
