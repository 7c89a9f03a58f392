"""The tab of a household that tells which items of the standards are met, and takes checks of them."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from core.scope import covers
from exits.enums import Evidence, Outcome, SubjectLevel
from exits.forms import CheckForm
from exits.models import Attestation, HouseholdReadiness, Standard, StandardItem
from exits.queries.obstacles import duties
from exits.queries.readiness import verdict_of
from exits.queries.standards import items_of, standards_at
from exits.services.standards import StandardRefusedError, attest
from exits.views.common import EDIT, TONES, VERDICT_TONES, VERDICT_WORDS
from households.views.frame import Frame, frame


@require_http_methods(["GET", "POST"])
def household(request: HttpRequest, household_no: str) -> HttpResponse:
    """The items of every standard, and what was found on the spot."""
    found = frame(request, household_no, "readiness")
    if isinstance(found, HttpResponse):
        return found
    row = found.row
    may_check = covers(found.actor, row.village_code, EDIT)
    standards = standards_at(row.village_code, row.partition_id)
    items = items_of(standards)
    own = {one.pk: items[one.pk, SubjectLevel.HOUSEHOLD] for one in standards}
    checkable = {
        item.code: item.label
        for one in own.values()
        for item in one.values()
        if item.evidence == Evidence.CHECK
    }
    if request.method == "POST" and not may_check:
        raise Http404
    form = CheckForm(request.POST or None, items=checkable)
    if request.method == "POST" and form.is_valid():
        _attest(request, found, form)
        return redirect(
            f"{reverse('exits:household', args=[household_no])}?year={row.partition_id}"
        )
    checks = list(
        Attestation.objects.visible_to(found.actor)
        .filter(household_id=row.household_id, partition=row.partition_id)
        .select_related("checked_by")
        .order_by("-pk")
    )
    labels = {code: item.label for one in own.values() for code, item in one.items()}
    for one in checks:
        one.label = labels.get(one.item, one.item)  # type: ignore[attr-defined]
    context = found.context | {
        "sides": _sides(found, standards, own),
        "duty": duties([row.household_id], found.actor)[row.household_id],
        "checks": checks,
        "form": form,
        "may_check": may_check and bool(checkable),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "exits/household.html", context, status=status)


def _attest(request: HttpRequest, found: Frame, form: CheckForm) -> None:
    row = found.row
    try:
        attest(
            region=row.village, household=row.household, partition=row.partition_id,
            today=timezone.localdate(), by=request.user, **form.cleaned_data,
        )  # fmt: skip
        messages.success(request, "已登记现场核实结果，几秒内重新判定。")
    except StandardRefusedError as refusal:
        messages.warning(request, str(refusal))


def _sides(
    found: Frame, standards: list[Standard], own: dict[int, dict[str, StandardItem]]
) -> list[dict[str, Any]]:
    rows = {
        one.standard_id: one
        for one in HouseholdReadiness.objects.visible_to(found.actor).filter(
            household_id=found.row.household_id, partition=found.row.partition_id
        )
    }
    shown = []
    for standard in standards:
        judged = rows.get(standard.pk)
        items = [(item, _outcome(item.code, judged)) for item in own[standard.pk].values()]
        verdict = verdict_of(outcome for item, outcome in items if item.is_veto)
        shown.append(
            {
                "standard": standard,
                "as_of": judged.computed_at if judged else None,
                "word": VERDICT_WORDS[verdict],
                "tone": VERDICT_TONES[verdict],
                "items": [
                    {"item": item, "word": outcome.label, "tone": TONES[outcome]}
                    for item, outcome in items
                ],
            }
        )
    return shown


def _outcome(code: str, judged: HouseholdReadiness | None) -> Outcome:
    if judged is None or code in judged.missing:
        return Outcome.MISSING
    return Outcome.NOT_MET if code in judged.not_met else Outcome.MET
