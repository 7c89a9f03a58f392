"""A draft is confirmed or dropped by a person; then it is received and answered."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from core.acting import acting
from core.ledger.services import without_numbers
from inspections.enums.letters import State
from inspections.models import Accountability, Letter
from inspections.services.common import UnfitError
from inspections.services.findings import deadlines
from inspections.services.findings.common import refused, require_find
from inspections.services.letters import templates


def _locked(letter: Letter, state: str, *others: str) -> Letter:
    found = Letter.objects.select_for_update(no_key=True).get(pk=letter.pk)
    if found.state not in (state, *others):
        raise UnfitError(f"这份文书{found.get_state_display()}，不能办理这一步。")
    return found


def write(*, letter: Letter, words: str, by: Any) -> Letter:
    """Change what the draft says besides the list of problems. Raises UnfitError."""
    require_find(letter.region_code, by)
    with acting(by=by, reason="修改文书"), refused():
        found = _locked(letter, State.PREPARED)
        found.words = without_numbers(words.strip())[:1000]
        found.save(update_fields=["words"])
    return found


def issue(*, letter: Letter, on: date, reply_due_on: date | None = None, by: Any) -> Letter:
    """Confirm a draft: it gets its number and is sent. Raises UnfitError.

    Without a day for the reply the rule of its problems says it, the shortest of theirs.
    """
    require_find(letter.region_code, by)
    with acting(by=by, reason="签发文书"), refused():
        found = _locked(letter, State.PREPARED)
        found.reply_due_on = reply_due_on or rule_day(found, on)
        if found.reply_due_on <= on:
            raise UnfitError("答复期限须晚于签发日期。")
        found.state, found.issued_on, found.issued_by = State.ISSUED, on, by
        found.save(update_fields=["state", "issued_on", "issued_by", "reply_due_on"])
        issued = Letter.objects.select_related("region", "issued_by").get(pk=letter.pk)
        templates.fix(issued)
    return issued


def issue_many(*, letters: Sequence[Letter], on: date, by: Any) -> int:
    """Confirm several drafts, each with the reply day its rule says; all or none. Raises UnfitError."""
    with acting(by=by, reason=f"批量签发 {len(letters)} 份文书"), refused():
        for letter in sorted(letters, key=lambda one: one.pk):
            try:
                issue(letter=letter, on=on, by=by)
            except UnfitError as unfit:
                raise UnfitError(
                    f"{letter.get_kind_display()}（{letter.unit}）：{unfit}"
                ) from unfit
    return len(letters)


def rule_day(letter: Letter, on: date) -> date:
    """Until when the rules of its problems want the answer. Raises UnfitError where none does."""
    days = set()
    for item in letter.items.select_related("finding"):
        finding = item.finding
        rule = deadlines.rule_for(
            code=finding.region_code, source=finding.source, level=finding.level,
            severity=finding.severity, on=on,
        )  # fmt: skip
        if rule is not None:
            days.add(rule.reply_days)
    if not days:
        raise UnfitError("没有适用的答复期限规定，请填写答复期限，或先在“期限设置”中设置。")
    return deadlines.after(on, min(days))


def drop(*, letter: Letter, why: str, by: Any) -> Letter:
    """Do not send a draft; its occasions are used up. Raises UnfitError."""
    require_find(letter.region_code, by)
    if not why.strip():
        raise UnfitError("请写明不予发出的理由。")
    with acting(by=by, reason="不予发出文书"), refused():
        found = _locked(letter, State.PREPARED)
        found.state, found.dropped_why = State.DROPPED, without_numbers(why.strip())[:300]
        found.save(update_fields=["state", "dropped_why"])
    return found


def receive(*, letter: Letter, on: date, name: str, by: Any) -> Letter:
    """Put down who took the letter and when, as the slip says (回执). Raises UnfitError."""
    require_find(letter.region_code, by)
    if not name.strip():
        raise UnfitError("请填写签收人。")
    with acting(by=by, reason="签收文书"), refused():
        found = _locked(letter, State.ISSUED)
        if on < (found.issued_on or on):
            raise UnfitError("签收日期早于签发日期。")
        found.state, found.received_on, found.received_by = State.RECEIVED, on, name.strip()[:60]
        found.save(update_fields=["state", "received_on", "received_by"])
    return found


def reply(*, letter: Letter, on: date, words: str, by: Any) -> Letter:
    """Put down what the unit answered. Raises UnfitError."""
    require_find(letter.region_code, by)
    if not words.strip():
        raise UnfitError("请填写答复内容。")
    with acting(by=by, reason="答复文书"), refused():
        found = _locked(letter, State.ISSUED, State.RECEIVED)
        if on < (found.received_on or found.issued_on or on):
            raise UnfitError("答复日期早于签发或签收日期。")
        found.state, found.replied_on = State.REPLIED, on
        found.reply = without_numbers(words.strip())[:1000]
        found.save(update_fields=["state", "replied_on", "reply"])
    return found


def conclude(
    *,
    record: Accountability,
    organ: str,
    outcome: str,
    persons: int,
    on: date,
    document: str = "",
    words: str,
    by: Any,
) -> Accountability:
    """What came of a third letter, once and for all. Raises UnfitError."""
    require_find(record.region_code, by)
    with acting(by=by, reason="登记责任追究结果"), refused():
        found = Accountability.objects.select_for_update(no_key=True).get(pk=record.pk)
        if found.outcome:
            raise UnfitError("处理结果已经登记。")
        found.organ, found.outcome, found.persons = organ.strip(), outcome, persons
        found.decided_on, found.document = on, document.strip()
        found.words, found.entered_by = without_numbers(words.strip())[:500], by
        found.save(
            update_fields=[
                "organ", "outcome", "persons", "decided_on", "document", "words", "entered_by",
            ]
        )  # fmt: skip
    return found
