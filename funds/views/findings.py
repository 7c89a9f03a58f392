"""What the rules on money found: the list, and one finding with what it follows from."""

from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_GET

from core.history import images
from core.templatetags.show import money, percent, thousands
from core.web import actor_of, require
from funds.checks.kinds import DAYS, KINDS, SHARE, YUAN
from funds.enums import FindingState, FindingSubject
from funds.models import FundFinding, FundRule
from funds.queries import findings as queries
from funds.queries.findings import Matter
from funds.tabs import panels

READ = "households.view_register"
TONES = {FindingState.VIOLATED: "bad", FindingState.SUSPECTED: "warn", FindingState.UNKNOWN: ""}
STANDING = ((queries.OPEN, "未消除"), (queries.CLOSED, "已消除"), (queries.ALL, "全部"))
_ASKED = ("rule", "year", "region", "state", "subject", "standing")
# Where the subject of a finding is looked at.
_PAGES = {
    FindingSubject.PROJECT: "projects:project",
    FindingSubject.VOUCHER: "funds:voucher",
    FindingSubject.ACCOUNT: "funds:account",
    FindingSubject.HOUSEHOLD: "households:detail",
    FindingSubject.REGION: "villages:village",
}


@require_GET
def finding_list(request: HttpRequest) -> HttpResponse:
    """Findings in one's places, by rule, year, place and conclusion; those that hold unless asked."""
    require(request, READ)
    asked = {name: request.GET.get(name, "")[:40] for name in _ASKED}
    given = {name: value for name, value in asked.items() if value}
    actor = actor_of(request)
    found = queries.narrowed(queries.visible(actor), given)
    page = queries.page(found, request.GET.get("after", ""))
    matters = queries.matters(page.rows, actor)
    many = queries.by_state(found)
    context = {
        "rows": [_row(one, matters.get((one.subject, one.subject_id))) for one in page.rows],
        "states": [
            (state, label, many.get(state, 0), urlencode(given | {"state": state}))
            for state, label in FindingState.choices
        ],
        "total": sum(many.values()),
        "rules": [rule for rule in queries.rules() if not KINDS[rule.check_kind].is_held],
        "subjects": FindingSubject.choices,
        "standing": STANDING,
        "asked": asked,
        "previous": None,
        "next": urlencode(given | {"after": page.after}) if page.after else None,
    }
    return render(request, "funds/findings.html", context)


def _row(one: FundFinding, matter: Matter | None) -> dict[str, Any]:
    return {
        "one": one,
        "tone": TONES[FindingState(one.state)] if one.closed_on is None else "",
        "matter": matter.label if matter else f"{one.get_subject_display()} {one.subject_id}",
        "href": _href(one.subject, matter),
        "measured": measured(one.rule, one.numerator, one.denominator),
        "standard": standard(one.rule, one.threshold),
    }


def _href(subject: str, matter: Matter | None) -> str:
    if matter is None:
        return ""
    try:
        return reverse(_PAGES[FindingSubject(subject)], args=[matter.key])
    except NoReverseMatch:
        return ""


def measured(rule: FundRule, numerator: Decimal | None, denominator: Decimal | None) -> str:
    """What was measured, in the unit of the rule; a share is worked out only here."""
    unit = KINDS[rule.check_kind].unit
    if numerator is None:
        return "—"
    if unit == SHARE:
        return _share(numerator, denominator)
    if unit == YUAN:
        each = numerator if not denominator else (numerator / denominator).quantize(Decimal("0.01"))
        return f"{money(each)} 元"
    if unit == DAYS:
        return f"{thousands(int(numerator))} 天"
    return "—"


def _share(numerator: Decimal, denominator: Decimal | None) -> str:
    if not denominator:
        return "—"
    # Fen, so that both are whole numbers.
    return str(percent(int(numerator * 100), int(denominator * 100)))


def standard(rule: FundRule, threshold: Decimal | None) -> str:
    """The threshold in the unit of the rule."""
    unit = KINDS[rule.check_kind].unit
    if threshold is None:
        return "—" if not unit else "未设置"
    if unit == SHARE:
        return f"{(threshold * 100).normalize():f}%"
    if unit == YUAN:
        return f"{money(threshold)} 元"
    return f"{threshold.normalize():f} 天"


@require_GET
def finding(request: HttpRequest, pk: int) -> HttpResponse:
    """One finding: against which rule, by which source, what was measured, and how it went on."""
    require(request, READ)
    actor = actor_of(request)
    one = get_object_or_404(queries.visible(actor).select_related("rule", "region"), pk=pk)
    matter = queries.matters([one], actor).get((one.subject, one.subject_id))
    former = [
        image | {"label": FindingState(image["state"]).label}
        for image in images(FundFinding, one.pk)[:20]
    ]
    context = _row(one, matter) | {
        "former": former, "linked": _linked(one), "panels": panels(one, actor)
    }  # fmt: skip
    return render(request, "funds/finding.html", context)


def _linked(one: FundFinding) -> list[tuple[str, str]]:
    """The rows that the finding follows from, by name and address."""
    found = []
    for name, subject in (("vouchers", "VOUCHER"), ("projects", "PROJECT")):
        for key in _flat(one.evidence.get(name, [])):
            label = f"{FindingSubject(subject).label} {key}"
            found.append((label, _href(subject, Matter(label, str(key)))))
    return found[:50]


def _flat(keys: Any) -> list[int]:
    if not isinstance(keys, list):
        return [keys]
    return [inner for one in keys for inner in _flat(one)]
