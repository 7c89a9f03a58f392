"""The readiness of a division: its gates by every standard, what stands in the way, what lies below."""

from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from core.scope import covers, trim
from exits.checks.tipping import Plan
from exits.enums import Evidence, Outcome, SubjectLevel
from exits.forms import CheckForm
from exits.models import Standard
from exits.queries import blockers
from exits.queries.obstacles import State, state_of
from exits.queries.readiness import (
    ItemShown,
    Side,
    below_place,
    open_by_item,
    sides,
    tally,
)
from exits.queries.standards import items_of
from exits.views.common import (
    EDIT,
    TONES,
    VERDICT_TONES,
    VERDICT_WORDS,
    Asked,
    asked,
    crumbs,
    evidence_words,
    standard_words,
    value_words,
)
from villages.enums import Level
from villages.formulas import short_name
from villages.models import Region, VillageYear

GATED = (Level.COUNTY, Level.VILLAGE)
_SHOWN = 8
_PAGE = 50


@require_GET
def place(request: HttpRequest, code: str) -> HttpResponse:
    """A county or village: gates, blockers and the divisions below; elsewhere only those below."""
    found = asked(request, code, Level.CITY, Level.COUNTY, Level.TOWN, Level.VILLAGE)
    context: dict[str, Any] = {
        "place": found,
        "breadcrumbs": crumbs(found),
        "sides": [],
        "verdict": None,
        "plan": None,
        "may_check": False,
    }
    if found.region.level in GATED:
        context |= _gated(found)
    if found.standard:
        context |= _households(found, found.standard)
    if found.region.level != Level.VILLAGE:
        context |= _below(request, found)
    return render(request, "exits/place.html", context)


def _gated(found: Asked) -> dict[str, Any]:
    shown = sides(found.region, found.year, found.actor)
    chosen = next((one for one in shown if one.standard == found.standard), None)
    context: dict[str, Any] = {
        "sides": [_side(one, found) for one in shown],
        "verdict": _verdict(chosen) if chosen else None,
        "as_of": max(
            (i.result.computed_at for one in shown for i in one.items if i.result), default=None
        ),
        "may_check": covers(found.actor, found.region.code, EDIT),
    }
    if context["may_check"]:
        context["check_form"] = CheckForm(items=checkable(found))
    if found.standard:
        state = state_of(found.region, found.year, found.standard, found.actor)
        context |= _way(found, state, state.plan(found.region.level))
    return context


def _verdict(side: Side) -> dict[str, Any]:
    """The whole in a word, and how many of its veto items stand where."""
    outcomes = [one.outcome for one in side.items if one.item.is_veto]
    return {
        "word": VERDICT_WORDS[side.verdict],
        "tone": VERDICT_TONES[side.verdict],
        "total": len(outcomes),
        "met": outcomes.count(Outcome.MET),
        "not_met": outcomes.count(Outcome.NOT_MET),
        "missing": outcomes.count(Outcome.MISSING),
        "failing": [
            one.item.label
            for one in side.items
            if one.item.is_veto and one.outcome == Outcome.NOT_MET
        ],
    }


def checkable(found: Asked) -> dict[str, str]:
    """Items of the place that a check on the spot may fill in, over all its standards."""
    level = SubjectLevel(found.region.level)
    items = items_of(found.standards)
    return {
        item.code: item.label
        for one in found.standards
        for item in items[one.pk, level].values()
        if item.evidence in (Evidence.CHECK, Evidence.FACTS)
    }


def _side(side: Side, found: Asked) -> dict[str, Any]:
    return {
        "standard": side.standard,
        "is_in_force": side.is_in_force,
        "is_chosen": side.standard == found.standard,
        "word": VERDICT_WORDS[side.verdict],
        "tone": VERDICT_TONES[side.verdict],
        "href": f"?{urlencode({'year': found.year, 'set': side.standard.code})}",
        "items": [shown_item(one, side, found) for one in side.items],
    }


def shown_item(shown: ItemShown, side: Side, found: Asked) -> dict[str, Any]:
    """An item with its result in words, and the way to its receipt."""
    numerator, denominator = shown.value
    receipt = reverse(
        "exits:gate", args=[trim(found.region.code), side.standard.code, shown.item.code]
    )
    return {
        "item": shown.item,
        "standard": standard_words(shown.item),
        "value": value_words(shown.item, numerator, denominator),
        "evidence": evidence_words(numerator, denominator),
        "outcome": shown.outcome.label,
        "tone": TONES[shown.outcome],
        "reason": shown.reason if shown.outcome == Outcome.MISSING else "",
        "href": f"{receipt}?{urlencode({'year': found.year})}",
    }


def _way(found: Asked, state: State, plan: Plan) -> dict[str, Any]:
    """What stands in the way: the fewest repairs, and the first households among them."""
    chosen = set(plan.households)
    homes = {one.key: one for one in state.homes if one.key in chosen}
    keys = [state.numbers[key] for key in plan.households[:_SHOWN]]
    labels = blockers.veto_items(state.standard)
    rows = blockers.blocked(found.region.code, found.year, state.standard, found.actor)
    first = rows.filter(household__in=keys).order_by("village_code", "household_id")
    villages = {one.code: one for one in state.villages}
    own = [(code, villages[code]) for code in plan.villages if villages[code].open]
    names = dict(
        Region.objects.valid_in_year(found.year)
        .filter(code__in=[code for code, _ in own[:_SHOWN]])
        .values_list("code", "name")
    )
    return {
        "plan": plan,
        "plan_persons": sum(one.persons for one in homes.values()),
        "plan_ready": sum(not one.open for one in homes.values()),
        "plan_rows": blockers.described(list(first), found.year, labels, found.actor),
        "plan_villages": [
            {
                "name": short_name(names.get(code, code)),
                "href": reverse("exits:place", args=[code]) + f"?{found.query}",
                "items": [state.labels[item] for item in sorted(village.open)],
            }
            for code, village in own[:_SHOWN]
        ],
        "beyond": [
            one.label
            for one in items_of([state.standard])[state.standard.pk, found.region.level].values()
            if one.is_veto and one.evidence in (Evidence.SAMPLE, Evidence.CHECK)
        ]
        if found.region.level == Level.COUNTY
        else [],
        "blockers_href": found.href("blockers"),
        "plan_href": f"{found.href('blockers')}&plan=1",
        "what_if_href": found.href("what-if"),
    }


def _households(found: Asked, standard: Standard) -> dict[str, Any]:
    """How many households are ready, and which items are open in those still poor."""
    labels = blockers.veto_items(standard)
    counted = open_by_item(found.region.code, found.year, standard, found.actor)
    link = found.href("blockers")
    rows = [
        {
            "label": label,
            "not_met": counted.get(code, (0, 0))[0],
            "missing": counted.get(code, (0, 0))[1],
            "not_met_href": f"{link}&item={code}&outcome=not_met",
            "missing_href": f"{link}&item={code}&outcome=missing",
        }
        for code, label in labels.items()
    ]
    return {
        "tally": tally(found.region.code, found.year, standard, found.actor, labels),
        "open_items": rows,
        "blockers_href": link,
        "exited_href": f"{link}&status=exited&outcome=not_met",
    }


def _below(request: HttpRequest, found: Asked) -> dict[str, Any]:
    """The counties of a city, the villages of a county or town: poor villages first."""
    if found.standard is None:
        return {"below": []}
    level = Level.COUNTY if found.region.level == Level.CITY else Level.VILLAGE
    within = Region.objects.visible_to(found.actor).valid_in_year(found.year)
    regions = list(within.below(found.region.code).filter(level=level, statistical_only=False))
    poor: dict[str, Any] = {}
    if level == Level.VILLAGE:
        facts: Any = VillageYear.objects.filter(
            year=found.year, is_poor_village=True, region_code__in=[one.code for one in regions]
        )
        poor = dict(facts.values_list("region_code", "exited_year"))
    regions.sort(key=lambda one: (one.code not in poor, bool(poor.get(one.code)), one.code))
    page = Paginator(regions, _PAGE).get_page(request.GET.get("page"))
    codes = [one.code for one in page]
    judged = {
        standard.pk: below_place(codes, found.year, standard, found.actor)
        for standard in found.standards
    }
    rows = [
        {
            "name": short_name(one.name),
            "href": f"{reverse('exits:place', args=[trim(one.code)])}?{found.query}",
            "is_poor": one.code in poor,
            "exited": poor.get(one.code),
            "sides": [
                {
                    "name": standard.name,
                    "tone": VERDICT_TONES[judged[standard.pk][one.code].verdict],
                    "word": VERDICT_WORDS[judged[standard.pk][one.code].verdict],
                    "counts": {
                        outcome.value: judged[standard.pk][one.code].outcomes.get(outcome, 0)
                        for outcome in Outcome
                    },
                }
                for standard in found.standards
            ],
        }
        for one in page
    ]
    turn = {
        name: urlencode({"year": found.year, "set": found.standard.code, "page": number})
        for name, is_there, number in (
            ("previous", page.has_previous(), page.number - 1),
            ("next", page.has_next(), page.number + 1),
        )
        if is_there
    }
    return {
        "below": rows,
        "total_below": len(regions),
        "previous": turn.get("previous", ""),
        "next": turn.get("next", ""),
    }
