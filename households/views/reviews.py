"""Pages of changes under review: the queue, one change, a village's batch, a county's chain."""

from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, Min, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.scope import covers
from core.web import actor_of, require
from households.catalog import label
from households.models import Change, ChangeState, ReviewChain
from households.models.change import CHAIN, COUNTY, LEVELS
from households.queries import work as queries
from households.services import changing
from households.views.review_forms import ChainForm, DecisionForm, VillageDecisionForm
from villages.models import Region

PER_PAGE = 50
# One click decides about as many as a person can look through on one page.
BATCH = 100
TONES = {
    ChangeState.PENDING: "info",
    ChangeState.RETURNED: "warn",
    ChangeState.APPLIED: "good",
    ChangeState.WITHDRAWN: "neutral",
}


def shown(found: "QuerySet[Change]") -> list[Any]:
    """Changes as lists show them, with their village; two statements."""
    rows: list[Any] = list(found.select_related("created_by", "household").defer("payload"))
    names = place_names(row.village_code for row in rows)
    for row in rows:
        dress(row, names)
    return rows


def place_names(codes: Iterable[str]) -> dict[str, str]:
    """Names of villages by code."""
    wanted = set(codes)
    if not wanted:
        return {}
    return dict(Region.objects.filter(code__in=wanted).values_list("code", "name"))


def dress(row: Any, names: dict[str, str]) -> Any:
    row.place = names.get(row.village_code, row.village_code)
    row.tone = TONES[row.state]
    row.waits_at = LEVELS.get(row.level, "")
    row.title = f"{row.head_name}户" if row.head_name else "新增户"
    row.words = [one["label"] for one in row.summary]
    return row


def _may_review(request: HttpRequest) -> None:
    if not any(request.user.has_perm(one) for one in (queries.REVIEW, queries.MANAGE)):
        raise PermissionDenied


@require_GET
def queue(request: HttpRequest) -> HttpResponse:
    """What waits at the own level, village by village, oldest first."""
    _may_review(request)
    waiting = queries.waiting_for(actor_of(request))
    villages = list(
        waiting.order_by()
        .values("village_code")
        .annotate(changes=Count("pk"), since=Min("created_at"))
        .order_by("since")
    )
    page = Paginator(waiting, PER_PAGE).get_page(request.GET.get("page"))
    rows = shown(page.object_list)  # type: ignore[arg-type]
    names = place_names(one["village_code"] for one in villages)
    context = {
        "total": page.paginator.count,
        "previous": f"page={page.number - 1}" if page.has_previous() else "",
        "next": f"page={page.number + 1}" if page.has_next() else "",
        "rows": rows,
        "villages": [{**one, "name": names.get(one["village_code"], "")} for one in villages],
        "may_set": request.user.has_perm(queries.MANAGE),
    }
    return render(request, "households/changes.html", context)


@require_GET
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """One change with before and after, its way so far, and what this person may do about it."""
    return _page(request, _found(request, pk))


def _found(request: HttpRequest, pk: int) -> Change:
    require(request, "households.view_register")
    rows = Change.objects.visible_to(actor_of(request)).select_related("created_by", "household")
    return get_object_or_404(rows, pk=pk)


def _page(
    request: HttpRequest, found: Change, form: DecisionForm | None = None, status: int = 200
) -> HttpResponse:
    row = dress(found, place_names([found.village_code]))
    mine = found.created_by_id == request.user.pk
    steps: list[Any] = list(found.steps.select_related("created_by"))
    for step in steps:
        step.where = LEVELS.get(step.level, "")
        step.papers = _papers(step.evidence)
    context = {
        "change": row,
        "steps": steps,
        "papers": _papers(found.evidence),
        "chain": [(level, LEVELS[level]) for level in found.levels],
        "form": form or DecisionForm(),
        "may_decide": queries.may_decide(found, actor_of(request)),
        "edit_url": _edit_url(found),
        "may_correct": mine and found.state == ChangeState.RETURNED,
        "may_withdraw": mine and found.state in (ChangeState.PENDING, ChangeState.RETURNED),
    }
    return render(request, "households/change.html", context, status=status)


def _edit_url(found: Change) -> str:
    """The form filled with what was submitted; a new household has no number yet."""
    if found.household is None:
        page = reverse("households:new")
    else:
        page = reverse("households:edit", args=[found.household.household_no])
    return f"{page}?year={found.partition_id}&change={found.pk}"


def _papers(codes: Iterable[str]) -> list[str]:
    return [label(changing.EVIDENCE, code) for code in codes]


@require_POST
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Approve, or return with a reason."""
    _may_review(request)
    found, actor = _found(request, pk), actor_of(request)
    if not any(covers(actor, found.village_code, one) for one in (queries.REVIEW, queries.MANAGE)):
        raise Http404
    form = DecisionForm(request.POST)
    if not form.is_valid():
        return _page(request, found, form, 422)
    try:
        done = changing.decide(
            change=found,
            approve=form.cleaned_data["decision"] == DecisionForm.APPROVE,
            reason=form.cleaned_data["reason"],
            by=request.user,
        )
        messages.success(request, _told([done]))
    except changing.UnfitError as unfit:
        messages.warning(request, str(unfit))
    return redirect("households:change", pk=pk)


@require_POST
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Take one's own change back; somebody else's is not there."""
    require(request, queries.EDIT)
    mine = Change.objects.visible_to(actor_of(request)).of_submitter(request.user)
    found = get_object_or_404(mine, pk=pk)
    try:
        changing.withdraw(change=found, by=request.user)
        messages.success(request, "已撤回。")
    except changing.UnfitError as unfit:
        messages.warning(request, str(unfit))
    return redirect("households:change", pk=pk)


@require_http_methods(["GET", "POST"])
def village(request: HttpRequest, code: str) -> HttpResponse:
    """All that waits in one village at the own level, decided with one act."""
    _may_review(request)
    actor = actor_of(request)
    waiting = queries.waiting_for(actor).filter(village_code=code)
    place = Region.objects.filter(code=code).order_by("-valid_from").first()
    within = any(code.startswith(one) for one in actor.region_prefixes)
    if place is None or len(code) != 12 or not within:
        raise Http404
    form = VillageDecisionForm(request.POST or None)
    status = 200
    if request.method == "POST":
        if form.is_valid():
            return _decided(request, waiting, form)
        status = 422
    rows = shown(waiting[:BATCH])
    context = {
        "place": place,
        "rows": rows,
        "form": form,
        "total": len(rows) if len(rows) < BATCH else waiting.count(),
        "chosen": set(request.POST.getlist("change")) if request.method == "POST" else None,
    }
    return render(request, "households/changes_village.html", context, status=status)


def _decided(
    request: HttpRequest, waiting: "QuerySet[Change]", form: VillageDecisionForm
) -> HttpResponse:
    wanted = set(form.cleaned_data["change"])
    rows = list(waiting.filter(pk__in=wanted))
    if len(rows) != len(wanted):
        # Somebody was quicker with one of them: better to look again than to decide about the rest.
        messages.warning(request, "所选变更中有的状态已变化，没有办理，请重新选择。")
        return redirect(request.path)
    try:
        done = changing.decide_many(
            changes=rows,
            approve=form.cleaned_data["decision"] == DecisionForm.APPROVE,
            reason=form.cleaned_data["reason"],
            by=request.user,
        )
        messages.success(request, _told(done))
    except changing.UnfitError as unfit:
        messages.warning(request, f"没有办理：{unfit}")
    return redirect(request.path)


def _told(done: list[Change]) -> str:
    words = (
        (ChangeState.APPLIED, "{} 项已生效"),
        (ChangeState.PENDING, "{} 项已转下一级审核"),
        (ChangeState.RETURNED, "{} 项已退回提交人"),
    )
    numbers = [(text, sum(one.state == state for one in done)) for state, text in words]
    return "，".join(text.format(number) for text, number in numbers if number) + "。"


@require_http_methods(["GET", "POST"])
def chain(request: HttpRequest) -> HttpResponse:
    """Which levels review the changes of a county, from which day on."""
    require(request, queries.MANAGE)
    prefixes = actor_of(request).prefixes_for(queries.MANAGE)
    counties = [
        one
        for one in Region.objects.filter(code__endswith="000000", valid_to__isnull=True)
        if one.code[4:6] != "00" and any(one.code.startswith(prefix) for prefix in prefixes)
    ]
    choices = [(one.code[:COUNTY], one.name) for one in counties]
    form = ChainForm(request.POST or None, counties=choices)
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            changing.set_chain(by=request.user, **form.cleaned_data)
            messages.success(request, "审核环节已设置。")
            return redirect("households:review-chain")
        except changing.UnfitError as unfit:
            form.add_error(None, str(unfit))
    if request.method == "POST":
        status = 422
    context = {"form": form, "counties": _chains(choices), "levels": [LEVELS[one] for one in CHAIN]}
    return render(request, "households/review_chain.html", context, status=status)


def _chains(counties: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """Each county with the chain of today and those to come; one statement."""
    today = timezone.localdate()
    kept: dict[str, list[ReviewChain]] = {code: [] for code, _ in counties}
    rows = ReviewChain.objects.filter(region_code__in=kept).select_related("created_by")
    for row in rows:
        kept[row.region_code].append(row)
    found = []
    for code, name in counties:
        now = next((one for one in kept[code] if one.valid_from <= today), None)
        later = [one for one in kept[code] if one.valid_from > today]
        levels = list(CHAIN) if now is None else now.levels
        found.append(
            {
                "name": name,
                "now": _chain_words(levels),
                "setting": now,
                "later": [(one, _chain_words(one.levels)) for one in reversed(later)],
            }
        )
    return found


def _chain_words(levels: Iterable[int]) -> str:
    words = [LEVELS[level] for level in CHAIN if level in levels]
    return " → ".join(words) or "不审核，提交即生效"
