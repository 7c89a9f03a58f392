"""Problems are entered singly, put right until they are assigned, and split."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from core.limits import too_many, used_up
from core.scope import Actor, covers
from core.web import actor_of, partition_of, require
from households.queries.searching import Found, search
from inspections.enums.findings import FOLLOWS, State
from inspections.models import Campaign, Finding
from inspections.services.common import UnfitError
from inspections.services.findings import entering, stepping
from inspections.services.findings.common import FIND, may_find
from inspections.views.findings import acts, lookup
from inspections.views.findings.detail import seen
from inspections.views.findings.forms import PARTS, EnterForm, FactsForm, SplitForm

_CAMPAIGNS, _FOUND = 100, 8
_KEPT = ("campaign", "source", "level", "region")
_FACTS = ("told_as", "category", "severity", "found_on", "basis", "fact", "needs_watch")


def campaigns_of(actor: Actor) -> Any:
    """The youngest inspections whose problems the actor registers."""
    rows = Campaign.objects.visible_to(actor).order_by("-told_on", "-pk")
    keys = [
        one.pk for one in rows.only("pk", "region_code")[:_CAMPAIGNS]
        if covers(actor, one.region_code, FIND)
    ]  # fmt: skip
    return rows.filter(pk__in=keys)


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Enter one problem, then perhaps the next of the same inspection."""
    require(request, FIND)
    actor = actor_of(request)
    if request.method == "GET":
        start = {name: request.GET.get(name, "")[:20] for name in _KEPT}
        start = {name: value for name, value in start.items() if value}
        return _entry(request, EnterForm(initial=start, campaigns=campaigns_of(actor)))
    sent = request.POST.copy()
    if "find" in sent:
        return _found(request, sent)
    if picked := sent.get("pick"):
        # A household of the list that was found: back into the form, nothing saved yet.
        form = EnterForm(
            initial={**sent.dict(), "object_kind": "HOUSEHOLD", "key": picked},
            campaigns=campaigns_of(actor),
        )
        return _entry(request, form)
    form = EnterForm(sent, campaigns=campaigns_of(actor))
    made = _entered(form, request) if form.is_valid() else None
    if made is None:
        return _entry(request, form, status=422)
    messages.success(request, f"已登记，问题编号 {made.number}。")
    if "more" in sent:
        kept = {name: sent.get(name, "") for name in _KEPT if sent.get(name)}
        return redirect(f"{reverse('findings:new')}?{urlencode(kept)}")
    return redirect("findings:finding", pk=made.pk)


def _entry(
    request: HttpRequest, form: EnterForm, status: int = 200, found: Found | None = None
) -> HttpResponse:
    word = request.POST.get("word", "")
    context = {"form": form, "found": found, "word": word}
    return render(request, "findings/enter.html", context, status=status)


def _found(request: HttpRequest, sent: Any) -> HttpResponse:
    """Households that the name finds, beside the form as it was filled in so far."""
    if (seconds := used_up(request, "search")) is not None:
        return too_many(request, seconds)
    actor, year = actor_of(request), partition_of(request)
    form = EnterForm(initial=sent.dict(), campaigns=campaigns_of(actor))
    word = sent.get("word", "").replace("\x00", "").strip()[:60]
    if not word or year is None:
        messages.warning(request, "请填写要查找的户主姓名或户编号。")
        return _entry(request, form, status=422)
    return _entry(request, form, found=search(word, year, actor, shown=_FOUND))


def _entered(form: EnterForm, request: HttpRequest) -> Finding | None:
    """The problem; None with the reason at the field it belongs to."""
    told, actor = form.cleaned_data, actor_of(request)
    fields = {name: told[name] for name in _FACTS}
    try:
        named, code = lookup.about(told["object_kind"], told["key"], actor)
    except UnfitError as unfit:
        form.add_error("key", str(unfit))
        return None
    try:
        region = lookup.place(told["region"] or code, actor)
    except UnfitError as unfit:
        form.add_error("region", str(unfit))
        return None
    try:
        return entering.enter(
            region=region, fields=fields | named, campaign=told["campaign"],
            source=told["source"], level=told["level"], by=request.user,
        )  # fmt: skip
    except UnfitError as unfit:
        form.add_error(None, str(unfit))
        return None


def _own(request: HttpRequest, pk: int) -> Finding:
    """A problem that the actor registers; a foreign one is not there."""
    require(request, FIND)
    one = seen(request, pk)
    if not may_find(actor_of(request), one.region_code):
        raise Http404
    return one


@require_http_methods(["GET", "POST"])
def amend(request: HttpRequest, pk: int) -> HttpResponse:
    """Put right what was entered, until it is assigned."""
    one = _own(request, pk)
    if one.state != State.FOUND:
        messages.warning(request, "问题已经交办，不能再修改；可退回、并案或拆分。")
        return redirect("findings:finding", pk=pk)
    start = {name: getattr(one, name) for name in _FACTS} | {
        "object_kind": one.object_kind, "key": lookup.key_of(one, actor_of(request)),
    }  # fmt: skip
    form = FactsForm(request.POST if request.method == "POST" else None, initial=start)
    if request.method == "POST" and form.is_valid() and _amended(one, form, request):
        messages.success(request, "已保存。")
        return redirect("findings:finding", pk=pk)
    status = 422 if form.is_bound else 200
    return render(request, "findings/amend.html", {"one": one, "form": form}, status=status)


def _amended(one: Finding, form: FactsForm, request: HttpRequest) -> bool:
    told = form.cleaned_data
    fields = {name: told[name] for name in _FACTS}
    try:
        named, _ = lookup.about(told["object_kind"], told["key"], actor_of(request))
    except UnfitError as unfit:
        form.add_error("key", str(unfit))
        return False
    try:
        entering.amend(finding=one, fields=fields | named, by=request.user)
    except UnfitError as unfit:
        form.add_error(None, str(unfit))
        return False
    return True


@require_http_methods(["GET", "POST"])
def split(request: HttpRequest, pk: int) -> HttpResponse:
    """Several problems instead of one, each with a fact of its own and perhaps a place."""
    one = _own(request, pk)
    if State.SPLIT not in FOLLOWS[one.state]:
        messages.warning(request, f"问题现为“{one.get_state_display()}”，不能拆分。")
        return redirect("findings:finding", pk=pk)
    data = request.POST if request.method == "POST" else None
    form = SplitForm(data, severity=one.severity, initial={"seen": one.position})
    if request.method == "POST" and form.is_valid() and _split(one, form, request):
        messages.success(request, "已拆分，各问题分别交办。")
        return redirect("findings:finding", pk=pk)
    status = 422 if form.is_bound else 200
    return render(request, "findings/split.html", {"one": one, "form": form}, status=status)


def _split(one: Finding, form: SplitForm, request: HttpRequest) -> bool:
    parts = _parts(form, actor_of(request))
    if parts is None:
        return False

    def do(whole: Finding, told: dict[str, Any], by: Any) -> None:
        stepping.split(finding=whole, parts=parts, words=told["words"], on=told["on"], by=by)

    if wrong := acts.carried_out(one, form, do, request.user):
        form.add_error(None, wrong)
    return not wrong


def _parts(form: SplitForm, actor: Actor) -> list[dict[str, Any]] | None:
    """What each row names; None with the reason at the place that is not known."""
    parts: list[dict[str, Any]] = []
    told = form.cleaned_data
    for row in range(1, PARTS + 1):
        if not told[f"fact_{row}"]:
            continue
        part = {"fact": told[f"fact_{row}"]}
        if told[f"severity_{row}"]:
            part["severity"] = told[f"severity_{row}"]
        if told[f"region_{row}"]:
            try:
                part["region"] = lookup.place(told[f"region_{row}"], actor)
            except UnfitError as unfit:
                form.add_error(f"region_{row}", str(unfit))
                return None
        parts.append(part)
    return parts
