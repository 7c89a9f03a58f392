"""Households that stand in the way, as a list and a file, and what completing repairs would do."""

from collections.abc import Collection
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from core.exports.forms import ExportForm
from core.exports.services import AT_ONCE
from core.exports.views import answer
from core.limits import limited
from core.scope import trim
from exits.checks.tipping import Plan
from exits.checks.whatif import Effect, Gate, Home, Village
from exits.enums import Comparator
from exits.forms import BlockerForm
from exits.models import Standard
from exits.queries import blockers
from exits.queries.obstacles import State, state_of
from exits.views.common import TONES, Asked, asked, crumbs, gate_words
from exits.views.places import GATED
from exits.workbooks import BLOCKERS
from households.queries.keyset import HOUSEHOLDS, BadCursorError
from households.queries.rows import household_rows
from villages.enums import Level
from villages.formulas import short_name
from villages.models import Region

_PAGE = 50
# As many households as can be ticked one by one; the rest of a plan is ticked as a whole.
TICKABLE = 100
_LEVELS = (Level.CITY, Level.COUNTY, Level.TOWN, Level.VILLAGE)


def _asked(request: HttpRequest, code: str, *levels: str) -> tuple[Asked, Standard]:
    found = asked(request, code, *levels)
    if found.standard is None:
        raise Http404
    return found, found.standard


# --- the list ----------------------------------------------------------------------------------


def _terms(request: HttpRequest, found: Asked, standard: Standard) -> dict[str, Any]:
    """The search of the address; an invalid one is a 404. A plan is worked out here."""
    form = BlockerForm(request.GET, items=blockers.veto_items(standard))
    if not form.is_valid():
        raise Http404
    data = form.cleaned_data
    terms = {"year": found.year, "region": trim(found.region.code), "set": standard.code}
    terms |= {name: data[name] for name in ("item", "outcome", "status") if data[name]}
    if data["plan"] and found.region.level in GATED:
        state = state_of(found.region, found.year, standard, found.actor)
        plan = state.plan(found.region.level)
        terms["only"] = sorted(state.numbers[key] for key in plan.households)
    return terms


def _found(terms: dict[str, Any], found: Asked, standard: Standard) -> Any:
    narrowed = {
        name: terms[name] for name in ("item", "outcome", "status", "only") if name in terms
    }
    return blockers.blockers(str(terms["region"]), found.year, standard, found.actor, **narrowed)


@require_GET
@limited("search")
def blocker_list(request: HttpRequest, code: str) -> HttpResponse:
    """Which households stand in the way, with what is open in them, owner and day due."""
    found, standard = _asked(request, code, *_LEVELS)
    labels = blockers.veto_items(standard)
    terms = _terms(request, found, standard)
    rows = _found(terms, found, standard)
    cursors = {name: request.GET.get(name, "") for name in ("after", "before")}
    try:
        page = HOUSEHOLDS.page(rows, size=_PAGE, **cursors)
    except BadCursorError as error:
        raise Http404 from error
    query = {
        name: request.GET[name] for name in ("item", "outcome", "status", "plan")
        if request.GET.get(name)
    }  # fmt: skip
    query = {"year": str(found.year), "set": standard.code, **query}
    context = {
        "place": found,
        "breadcrumbs": crumbs(found, "退出阻断清单"),
        "form": BlockerForm(request.GET, items=labels),
        "is_narrowed": len(query) > 2,
        "total": rows.count(),
        "rows": [
            _line(one) for one in blockers.described(page.rows, found.year, labels, found.actor)
        ],
        "previous": urlencode({**query, "before": page.previous}) if page.previous else "",
        "next": urlencode({**query, "after": page.next}) if page.next else "",
        "export_href": f"{_address('export', found)}?{urlencode(query)}",
        "all_href": found.href("blockers"),
    }
    return render(request, "exits/blockers.html", context)


def _line(one: blockers.Blocker) -> dict[str, Any]:
    return {
        "row": one.row,
        "items": [(item.label, TONES[item.outcome], item.outcome.label) for item in one.items],
        "owner": one.owner,
        "due_on": one.due_on,
    }


def _address(name: str, found: Asked) -> str:
    return reverse(f"exits:{name}", args=[trim(found.region.code)])


@require_http_methods(["GET", "POST"])
@limited("export", methods=("POST",))
def export(request: HttpRequest, code: str) -> HttpResponse:
    """The list of the address as a file."""
    found, standard = _asked(request, code, *_LEVELS)
    terms = _terms(request, found, standard)
    form = ExportForm(request.POST or None, may_ask_full=False)
    total = _found(terms, found, standard).count()
    if request.method == "POST" and form.is_valid():
        place = str(terms["region"])
        done = answer(request, form, kind=BLOCKERS, terms=terms, place=place, rows=total)
        if done is not None:
            return done
    context = {
        "form": form,
        "place": found,
        "total": total,
        "at_once": total <= AT_ONCE,
        "back": f"{_address('blockers', found)}?{request.GET.urlencode()}",
    }
    status = 200 if request.method == "GET" else 422
    return render(request, "exits/export.html", context, status=status)


# --- what if -----------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
def what_if(request: HttpRequest, code: str) -> HttpResponse:
    """Tick repairs and see the gates move. Nothing is stored: what is ticked is only reckoned with.

    At first the smallest plan is ticked.
    """
    found, standard = _asked(request, code, *GATED)
    state = state_of(found.region, found.year, standard, found.actor)
    plan = state.plan(found.region.level)
    shown, rest = _shown(state, plan)
    villages = [one for one in state.villages if one.open and _may_tip(one, found, plan)]
    offered = {(one.key, item) for one in shown for item in one.open}
    offered |= {(one.code, item) for one in villages for item in one.open}
    of_rest = {(one.key, item) for one in rest for item in one.open}
    if request.method == "POST":
        ticked = {_tick(text) for text in request.POST.getlist("r")} & offered
        with_rest = bool(rest) and request.POST.get("rest") == "1"
    else:
        wanted = {*plan.households, *plan.villages}
        ticked = {(key, item) for key, item in offered if key in wanted}
        with_rest = bool(rest)
    done = ticked | (of_rest if with_rest else set())
    context = {
        "place": found,
        "breadcrumbs": crumbs(found, "试算"),
        "plan": plan,
        "ticked": len(done),
        "rest": len(rest),
        "with_rest": with_rest,
        "homes": _homes(shown, state, ticked, found),
        "villages": _villages(villages, state, ticked, found),
        **_moved(state, state.effect(()), state.effect(done), found),
    }
    return render(request, "exits/what_if.html", context)


def _tick(text: str) -> tuple[str, str]:
    key, _, item = text.partition(":")
    return key, item


def _may_tip(village: Village, found: Asked, plan: Plan) -> bool:
    """On a county's page only the villages of the plan are offered, and the poor ones still in."""
    if found.region.level == Level.VILLAGE or village.code in plan.villages:
        return True
    return village.is_poor and not village.has_exited


def _shown(state: State, plan: Plan) -> tuple[list[Home], list[Home]]:
    """Those offered one by one, the plan's first, then the cheapest; and the plan's others."""
    chosen = set(plan.households)
    able = [one for one in state.homes if one.open and one.can_leave]
    able.sort(key=lambda one: (one.key not in chosen, len(one.open) / max(one.persons, 1), one.key))
    return able[:TICKABLE], [one for one in able[TICKABLE:] if one.key in chosen]


def _homes(
    shown: list[Home], state: State, ticked: Collection[tuple[str, str]], found: Asked
) -> list[dict[str, Any]]:
    keys = [(one.village, state.numbers[one.key]) for one in shown]
    rows = {row.household_no: row for row in household_rows(keys, found.year)}
    return [
        {
            "row": rows[one.key],
            "persons": one.persons,
            "items": [
                (f"{one.key}:{item}", label, (one.key, item) in ticked)
                for item, label in state.labels.items()
                if item in one.open
            ],
        }
        for one in shown
        if one.key in rows
    ]


def _villages(
    shown: list[Village], state: State, ticked: Collection[tuple[str, str]], found: Asked
) -> list[dict[str, Any]]:
    shown = shown[:TICKABLE]
    names = dict(
        Region.objects.valid_in_year(found.year)
        .filter(code__in=[one.code for one in shown])
        .values_list("code", "name")
    )
    return [
        {
            "name": short_name(names.get(one.code, one.code)),
            "items": [
                (f"{one.code}:{item}", label, (one.code, item) in ticked)
                for item, label in state.labels.items()
                if item in one.open
            ],
        }
        for one in shown
    ]


def _moved(state: State, before: Effect, after: Effect, found: Asked) -> dict[str, Any]:
    """Every gate as it is and as it would be."""
    if found.region.level == Level.VILLAGE:
        village = state.villages[0]
        pairs = list(zip(village.gates, after.by_village[village.code], strict=True))
    else:
        county = state.county
        now = [*county.gates, *([county.villages] if county.villages else [])]
        pairs = list(zip(now, after.gates, strict=True))
    return {
        "gates": [_pair(state, one, then) for one, then in pairs],
        "persons": after.persons,
        "leaving": len(after.leaving),
        "leaving_now": len(before.leaving),
        "tipped": len(after.tipped),
        "is_tipped": found.region.code in after.tipped,
    }


def _pair(state: State, now: Gate, then: Gate) -> dict[str, Any]:
    label = state.labels.get(now.code)
    return {
        "label": label or "贫困发生率（登记部分）",
        "standard": f"{Comparator(now.comparator).label} {(now.threshold * 100).normalize():f}%",
        "now": gate_words(now),
        "now_word": now.outcome.label,
        "now_tone": TONES[now.outcome],
        "then": gate_words(then),
        "then_word": then.outcome.label,
        "then_tone": TONES[then.outcome],
        "has_moved": now.numerator != then.numerator,
    }
