"""Do first visits and re-interviews agree? Per item of each questionnaire, the least reliable first."""

from collections import defaultdict
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from core.web import actor_of
from inspections.enums import Purpose
from inspections.formulas import agreement
from inspections.models import Answer, Questionnaire
from inspections.views.rounds import seen


@require_GET
def agreement_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Of the households that were asked twice with the same questionnaire."""
    found = seen(request, pk)
    rows: Any = Answer.objects.visible_to(actor_of(request)).filter(
        round=found, purpose__in=(Purpose.FIRST, Purpose.REINTERVIEW)
    )
    twice: dict[tuple[int, int], dict[str, dict[str, str]]] = defaultdict(dict)
    for row in rows.only("sample_id", "questionnaire_id", "purpose", "answers").order_by("pk"):
        twice[row.questionnaire_id, row.sample_id][row.purpose] = row.answers
    pairs: dict[int, list[tuple[dict[str, str], dict[str, str]]]] = defaultdict(list)
    for (asked, _), told in twice.items():
        if len(told) > 1:
            pairs[asked].append((told[Purpose.FIRST], told[Purpose.REINTERVIEW]))
    shown = Questionnaire.objects.filter(pk__in=list(pairs)).order_by("code", "-version")
    context = {"round": found, "tables": [_table(one, pairs[one.pk]) for one in shown]}
    return render(request, "inspections/agreement.html", context)


def _table(
    asked: Questionnaire, pairs: list[tuple[dict[str, str], dict[str, str]]]
) -> dict[str, Any]:
    items = {
        item["code"]: item["label"]
        for item in asked.schema
        # What is written in one's own words never agrees to the letter; what is sealed is not here.
        if item["kind"] != "text" and not item.get("sensitive")
    }
    found = agreement.by_item(
        {code: [(one.get(code), other.get(code)) for one, other in pairs] for code in items}
    )
    return {
        "title": asked.title,
        "households": len(pairs),
        "rows": [
            {
                "label": items[code],
                "found": one,
                "kappa": "—" if one.kappa is None else f"{float(one.kappa):.2f}",
            }
            for code, one in found.items()
        ],
    }
