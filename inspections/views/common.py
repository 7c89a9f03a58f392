"""How the pages of assessments put a result into words."""

from fractions import Fraction
from typing import Any

from core.scope import Actor
from exits.enums import Comparator, Verdict
from inspections.enums import Rate
from inspections.formulas import verdicts
from inspections.models import Result, Round
from inspections.queries import results

TONES = {
    Verdict.MET: "good",
    Verdict.NOT_MET: "bad",
    Verdict.TO_RECTIFY: "info",
    Verdict.WEAK_EVIDENCE: "warn",
    Verdict.NOT_COMPUTABLE: "neutral",
    Verdict.NONE: "plain",
}
_ABOVE = (Comparator.GE, Comparator.GT)
# The more the better, judged or not.
_GOOD = (Rate.APPROVAL, Rate.ENTRY_ACCURACY, Rate.EXIT_ACCURACY)


def shown(one: Result) -> dict[str, Any]:
    """A result in words: value, standard, the limit that could be against it, verdict and why."""
    standard = one.standard
    is_lower = standard.comparator in _ABOVE or one.rate in _GOOD
    limit = one.lower if is_lower else one.upper
    named = Comparator(one.comparator).label if one.comparator else ""
    share = "" if one.threshold is None else f"{(one.threshold * 100).normalize():f}%"
    return {
        "one": one,
        "label": Rate(one.rate).label,
        "value": one.shown or "—",
        "standard": f"{named} {share}" if share else "—",
        "side": "下限" if is_lower else "上限",
        "limit": "—" if limit is None else verdicts.percent(Fraction(limit), standard, 2),
        "tone": TONES[Verdict(one.verdict)],
        "verdict": one.get_verdict_display(),
    }


def of_round(round: Round, actor: Actor) -> list[dict[str, Any]]:
    return [shown(one) for one in results.results_of(round, actor)]
