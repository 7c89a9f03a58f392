"""Letters for chosen problems without waiting for the night: which are due, and why others are not."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from inspections.enums import letters
from inspections.enums.findings import OWED, State
from inspections.models import Finding, Letter, LetterItem
from inspections.services.findings.common import FIND, may_find
from inspections.services.letters import preparing

_LAST_RUNG = max(letters.RUNGS.values())


@dataclass
class Reminder:
    """The chosen problems that are due for a letter, the others with the reason, and the drafts."""

    due: list[Finding] = field(default_factory=list)
    others: list[tuple[Finding, str]] = field(default_factory=list)
    drafts: list[Letter] = field(default_factory=list)


@dataclass
class _Sent:
    """What was written about a problem so far."""

    in_draft: bool = False
    occasions: set[str] = field(default_factory=set)
    last: int = 0
    reply_due_on: date | None = None


def looked_over(*, findings: Sequence[Finding], today: date, by: Any) -> Reminder:
    """Which of them are due for their next letter, as `preparing.prepare` would find them."""
    told, sent = Reminder(), _sent(findings)
    for finding in findings:
        why = _against(finding, sent.get(finding.pk, _Sent()), today, by)
        if why:
            told.others.append((finding, why))
        else:
            told.due.append(finding)
    return told


def remind(*, findings: Sequence[Finding], today: date, by: Any) -> Reminder:
    """Draft the letters of those that are due; a person issues them. Raises UnfitError."""
    told = looked_over(findings=findings, today=today, by=by)
    for prefix in sorted(by.prefixes_for(FIND)):
        told.drafts += preparing.prepare(today=today, prefix=prefix, only=told.due, by=by)
    return told


def _sent(findings: Sequence[Finding]) -> dict[int, _Sent]:
    found: dict[int, _Sent] = {}
    items = LetterItem.objects.filter(finding__in=[one.pk for one in findings])
    for pk, occasion, state, letter, reply in items.order_by("letter_id").values_list(
        "finding_id", "occasion", "letter__state", "letter_id", "letter__reply_due_on"
    ):
        one = found.setdefault(pk, _Sent())
        one.occasions.add(occasion)
        one.in_draft = one.in_draft or state == letters.State.PREPARED
        if state in letters.SENT:
            one.last, one.reply_due_on = letter, reply
    return found


def _against(finding: Finding, sent: _Sent, today: date, by: Any) -> str:
    is_late = finding.due_on is not None and finding.due_on < today
    if not may_find(by, finding.region_code):
        return "不在您的权限范围内。"
    if finding.state not in OWED:
        return f"现为“{finding.get_state_display()}”，不需要文书。"
    if finding.rung >= _LAST_RUNG:
        return "三次文书都已发出，等待追责结果。"
    if not is_late and finding.state != State.RETURNED:
        return f"整改期限（{finding.due_on:%Y-%m-%d}）未到。"
    return _spent(finding, sent, today, is_late=is_late)


def _spent(finding: Finding, sent: _Sent, today: date, *, is_late: bool) -> str:
    """Why there is no occasion for a letter that was not written about yet; empty when there is."""
    if sent.in_draft:
        return "已在待签发的文书中。"
    occasions = []
    if finding.state == State.RETURNED:
        occasions.append(f"R{finding.position - 1}")
    is_over = sent.reply_due_on is not None and sent.reply_due_on < today
    if is_late and (not sent.last or is_over):
        occasions.append(f"D{finding.due_on:%Y-%m-%d}")
    if is_late and is_over:
        occasions.append(f"L{sent.last}")
    if not occasions:
        return f"上一份文书的答复期限（{sent.reply_due_on:%Y-%m-%d}）未到。"
    if set(occasions) <= sent.occasions:
        return "这一事由已经拟过文书。"
    return ""
