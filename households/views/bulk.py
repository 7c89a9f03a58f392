"""Acts on many households: what is wanted, the preview, the act itself, its log, and taking it back."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from core.jobs.services import label_of
from core.jobs.views import TONES as JOB_TONES
from core.limits import limited
from core.scope import PREFIX_LENGTHS, Actor
from core.web import actor_of, partition_of, require
from households.filters import HouseholdYearFilter
from households.models import BulkAct, BulkKind, BulkState, HouseholdYear, Outcome
from households.queries import bulk as queries
from households.queries.rows import household_rows
from households.services import bulk
from households.services.bulk import RefusedError
from households.views.bulk_forms import FORMS, ActForm
from households.views.lists import chips_of, filled
from households.views.record import NUMBER, READ
from households.views.work import may_work
from households.workbooks import stored_terms, words

PER_PAGE = 50
# Households picked one by one: as many as the longest page of the list shows.
MOST_PICKED = 100
MOST_LETTERS = 4_000
_DEEPEST = ("village", "town", "county", "region")
_BY_NAME = "q"
TONES = {BulkState.WAITING: "info", BulkState.DONE: "good", BulkState.FAILED: "bad"}
_ALREADY = {
    BulkKind.ASSIGN: "已分派给该账号",
    BulkKind.MARK: "已标记待核查",
    BulkKind.TASK: "已在任务中",
}


def outcome_label(kind: str, outcome: str) -> str:
    """An outcome in words, for this kind of act."""
    if outcome == Outcome.ALREADY:
        return _ALREADY[BulkKind(kind)]
    return Outcome(outcome).label


@dataclass(frozen=True)
class Selection:
    """What the list's form says is chosen: a whole search, or some of its households."""

    filters: HouseholdYearFilter
    asked: QueryDict
    year: int
    # None for the whole search.
    numbers: list[str] | None

    @property
    def back(self) -> str:
        """The list it came from; what names a person stays out of the address."""
        query = filled(self.asked)
        query.pop(_BY_NAME, None)
        return f"{reverse('households:list')}?{query.urlencode()}"

    def place(self, actor: Actor) -> str:
        """The smallest division that the search names, or that holds all the picked ones."""
        if self.numbers is None:
            terms = self.filters.terms
            return next((terms[name] for name in _DEEPEST if terms.get(name)), "")
        rows = HouseholdYear.objects.visible_to(actor).in_year(self.year)
        found = rows.filter(household__household_no__in=self.numbers)
        codes = set(found.values_list("village_code", flat=True))
        for length in reversed(PREFIX_LENGTHS):
            if len(shared := {code[:length] for code in codes}) == 1:
                return str(shared.pop())
        return ""

    @property
    def stored(self) -> dict[str, Any] | None:
        """The search as it is kept with an act; None when it names a person."""
        terms = stored_terms({**self.filters.terms, "year": self.year})
        return None if _BY_NAME in terms and self.numbers is None else terms


def selection_of(request: HttpRequest) -> Selection | None:
    """What was chosen on the list; None when nothing was, or the search has errors."""
    asked = QueryDict(request.POST.get("filter", "")[:MOST_LETTERS], mutable=True)
    if not asked.get("year"):
        asked["year"] = str(partition_of(request) or "")
    filters = HouseholdYearFilter(asked, HouseholdYear.objects.none(), actor=actor_of(request))
    filters.refuse_foreign_places()
    numbers = [one for one in request.POST.getlist("household") if NUMBER.fullmatch(one)]
    is_all = request.POST.get("all") == "1"
    year = filters.chosen_year if filters.form.is_valid() else None
    if year is None or not (is_all or numbers):
        return None
    return Selection(filters, asked, year, None if is_all else numbers[:MOST_PICKED])


@require_POST
@limited("search")
def bulk_new(request: HttpRequest) -> HttpResponse:
    """Ask what is to be done with the chosen households; with the answer, preview it."""
    return _answer(request, is_confirmed=False)


@require_POST
@limited("search")
def bulk_confirm(request: HttpRequest) -> HttpResponse:
    """Do what was previewed, or show what became different."""
    return _answer(request, is_confirmed=True)


def _answer(request: HttpRequest, *, is_confirmed: bool) -> HttpResponse:
    may_work(request)
    require(request, READ)
    kind = request.POST.get("act", "")
    chosen = selection_of(request)
    if kind not in FORMS or chosen is None:
        messages.warning(request, "请先在清单中选择要办理的户，再选择办理事项。")
        return redirect("households:list")
    if not any(request.user.has_perm(right) for right in queries.RIGHTS[kind]):
        require(request, queries.RIGHTS[kind][0])
    actor = actor_of(request)
    try:
        region = queries.region_for(kind, chosen.place(actor), actor)
    except queries.RegionError as error:
        messages.warning(request, str(error))
        return redirect(chosen.back)
    form = FORMS[kind](
        request.POST if is_confirmed or "step" in request.POST else None,
        actor=request.user,
        region=region,
        tasks=queries.open_tasks(actor, chosen.year, region),
    )
    if not form.is_valid():
        return _page(request, chosen, form, status=422 if form.is_bound else 200)
    wish = _wish(chosen, form, region)
    if is_confirmed:
        try:
            act = bulk.carry_out(
                wish=wish,
                key=_key(request),
                digest=request.POST.get("digest", ""),
                stored=chosen.stored,
                new_task=form.new_task,
                by=request.user,
            )
        except RefusedError as refusal:
            return _page(request, chosen, form, wish, str(refusal), status=409)
        messages.success(request, _told(act))
        return redirect("households:bulk-act", pk=act.pk)
    return _page(request, chosen, form, wish)


def _wish(chosen: Selection, form: ActForm, region: str) -> queries.Wish:
    return queries.Wish(
        kind=form.kind,
        partition=chosen.year,
        region=region,
        terms=chosen.filters.terms,
        numbers=chosen.numbers,
        **form.told,
    )


def _key(request: HttpRequest) -> UUID:
    """The preview's own number; a broken one is as good as a new one: the digest decides."""
    try:
        return UUID(request.POST.get("key", ""))
    except ValueError:
        return uuid4()


def _page(
    request: HttpRequest,
    chosen: Selection,
    form: ActForm,
    wish: queries.Wish | None = None,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    found = bulk.preview(wish=wish, by=request.user) if wish else None
    many = found is not None and found.matched > bulk.AT_ONCE
    context: dict[str, Any] = {
        "form": form,
        "kind": form.kind,
        "title": BulkKind(form.kind).label,
        "chips": chips_of(chosen.filters, chosen.asked) if chosen.numbers is None else [],
        "numbers": chosen.numbers,
        "picked": len(chosen.numbers or ()),
        "filter": filled(chosen.asked).urlencode(),
        "year": chosen.year,
        "back": chosen.back,
        "found": found,
        "skipped": _skipped(form.kind, found.skipped) if found else [],
        "many": many,
        "too_many": many and chosen.stored is None,
        "at_once": bulk.AT_ONCE,
        "key": uuid4(),
        "refusal": refusal,
    }
    return render(request, "households/bulk_new.html", context, status=status)


def _skipped(kind: str, counts: dict[str, int]) -> list[tuple[str, str, int]]:
    """(outcome, words, households), the largest group first."""
    rows = [(name, outcome_label(kind, name), count) for name, count in counts.items()]
    return sorted(rows, key=lambda row: -row[2])


def _told(act: BulkAct) -> str:
    if act.state == BulkState.WAITING:
        return f"共 {act.matched:,} 户，正在后台办理，本页显示进度。"
    return f"已办理 {act.affected:,} 户。"


# --- the log -----------------------------------------------------------------------------------


@require_GET
def bulk_list(request: HttpRequest) -> HttpResponse:
    """Acts of the own office, latest first."""
    may_work(request)
    page = Paginator(queries.acts(actor_of(request)), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "rows": [_shown(act) for act in page],
        "total": page.paginator.count,
        "previous": f"page={page.number - 1}" if page.has_previous() else "",
        "next": f"page={page.number + 1}" if page.has_next() else "",
    }
    return render(request, "households/bulk_list.html", context)


def _shown(act: Any) -> Any:
    act.tone = TONES[act.state]
    act.title = f"撤销：{act.get_kind_display()}" if act.undoes_id else act.get_kind_display()
    act.left = act.matched - act.affected
    said = words(act.terms)
    if "picked" in act.terms:
        said = f"逐户选定 {act.terms['picked']} 户"
    elif "by_name" in act.terms:
        said = "按姓名、编号查找"
    act.words = said
    return act


@require_GET
def bulk_act(request: HttpRequest, pk: int) -> HttpResponse:
    """One act with its households by outcome, and whether it can be taken back."""
    return _act_page(request, _found(request, pk))


def _found(request: HttpRequest, pk: int) -> BulkAct:
    may_work(request)
    return get_object_or_404(queries.acts(actor_of(request)), pk=pk)


def _act_page(request: HttpRequest, act: BulkAct) -> HttpResponse:
    actor = actor_of(request)
    groups = [(Outcome.DONE.value, Outcome.DONE.label, act.affected)]
    groups += _skipped(act.kind, act.skipped)
    asked = request.GET.get("outcome", "")
    outcome = asked if asked in {name for name, _, _ in groups} else Outcome.DONE.value
    logged = act.rows.visible_to(actor).filter(outcome=outcome)
    keys = logged.order_by("village_code", "household_id").values_list(
        "village_code", "household_id"
    )
    page = Paginator(keys, PER_PAGE).get_page(request.GET.get("page"))
    may_undo = queries.may_undo(act, actor)
    if act.job is not None:
        act.job.label = label_of(act.job.kind)  # type: ignore[attr-defined]
        act.job.tone = JOB_TONES[act.job.state]  # type: ignore[attr-defined,index]
        act.job.may_act = False  # type: ignore[attr-defined]
    context = {
        "act": _shown(act),
        "groups": groups,
        "outcome": outcome,
        "rows": household_rows(list(page), act.partition_id),
        "previous": f"outcome={outcome}&page={page.number - 1}" if page.has_previous() else "",
        "next": f"outcome={outcome}&page={page.number + 1}" if page.has_next() else "",
        "waits": act.job is not None and act.job.is_open,
        "undoing": act.undoings.exclude(state=BulkState.FAILED).first(),
        "may_undo": may_undo,
        "undo": queries.counts(queries.undoable(act)) if may_undo else None,
        "key": uuid4(),
    }
    return render(request, "households/bulk_act.html", context)


@require_POST
@limited("search")
def bulk_undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Take an act back as far as its rows were not touched since."""
    act = _found(request, pk)
    try:
        undone = bulk.undo(act=act, key=_key(request), by=request.user)
        messages.success(request, _told(undone).replace("已办理", "已撤销"))
    except RefusedError as refusal:
        messages.warning(request, str(refusal))
        return redirect("households:bulk-act", pk=pk)
    return redirect("households:bulk-act", pk=undone.pk)
