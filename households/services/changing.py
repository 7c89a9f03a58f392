"""Changes of the register through review: submitted, decided level by level, taken effect.

A county says which levels review (`ReviewChain`); the chain as it stands when a change is submitted
is kept with it. The last approval writes the register in its own transaction. A closed year is opened
for one household by two offices, county and city; the database checks their decisions.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from core.acting import acting
from core.ledger.services import without_numbers
from core.scope import covers
from households.catalog import labels
from households.models import (
    Change,
    ChangeAct,
    ChangeKind,
    ChangeState,
    ChangeStep,
    Household,
    Partition,
    ReviewChain,
)
from households.models.change import CHAIN, CORRECTION_CHAIN, LEVELS
from households.queries.work import chain_of, may_decide

EDIT = "households.edit"
MANAGE = "households.manage_review"
EVIDENCE = "evidence_document_type"
# Who a person is: an alteration says why. Names as an edit's `where` ends with.
IDENTITY = frozenset({"name", "id_no", "id_type", "sex", "birth_date", "relation_to_head"})
_NO_LONGER = "该变更的状态已变化，请看页面上的最新状态。"


class UnfitError(Exception):
    """The act does not fit the change, the person or the year; the text tells the user why."""


def submit(
    *,
    edit: dict[str, Any],
    key: UUID,
    reason: str,
    evidence: Sequence[str] = (),
    by: Any,
) -> Change:
    """Hand in an edit. It waits for the first level at or above the submitter, or takes effect.

    The same key again gives the same change. Raises UnfitError, and `editing.StaleError` when others
    changed the household meanwhile.
    """
    from households.services.entry_writing import one_at_a_time

    # A double click would else find the household changed by its own first half.
    one_at_a_time(key)
    found = Change.objects.filter(key=key).first()
    if found is not None:
        return _own(found, by)
    kind = _kind(edit)
    summary = _summary(edit, by)
    _grounds(kind, summary, reason, evidence)
    household, village_code = _place(edit, by)
    levels = _levels(kind, village_code, by)
    change = Change(
        key=key,
        kind=kind,
        levels=levels,
        state=ChangeState.PENDING,
        village_code=village_code,
        household=household,
        partition_id=int(edit["partition"]),
        created_by=by,
        **_content(edit, summary, reason, evidence),
    )
    change.level = levels[0] if levels else None
    try:
        with acting(by=by, reason=reason):
            if levels:
                change.save()
            else:
                written = _write(change, by)
                change.state = ChangeState.APPLIED
                change.household_id, change.village_code = written
                change.save()
            _step(change, ChangeAct.SUBMIT, by, reason=change.reason)
            _handed_in(change, by)
    except IntegrityError:
        # The same request a second time, at the same moment.
        found = Change.objects.filter(key=key).first()
        if found is None:
            raise
        return _own(found, by)
    return change


def resubmit(
    *,
    change: Change,
    edit: dict[str, Any],
    reason: str,
    evidence: Sequence[str] = (),
    by: Any,
) -> Change:
    """Hand in a corrected edit after it was returned: a new round from the first level on."""
    with acting(by=by, reason=reason):
        change = _own(_locked(change), by)
        if change.state != ChangeState.RETURNED:
            raise UnfitError(_NO_LONGER)
        if str(edit["household_no"]) != str(change.edit["household_no"]) or (
            int(edit["partition"]) != change.partition_id
        ):
            raise UnfitError("这是另一户或另一年度的变更，请另行提交。")
        summary = _summary(edit, by)
        _grounds(change.kind, summary, reason, evidence)
        for name, value in _content(edit, summary, reason, evidence).items():
            setattr(change, name, value)
        change.levels = _levels(change.kind, change.village_code, by)
        change.round += 1
        change.state, change.level = ChangeState.PENDING, next(iter(change.levels), None)
        if change.level is None:
            change.state = ChangeState.APPLIED
            change.household_id, change.village_code = _write(change, by)
        change.save()
        _step(change, ChangeAct.SUBMIT, by, reason=change.reason)
        _handed_in(change, by)
    return change


def withdraw(*, change: Change, by: Any) -> Change:
    """Take one's own change back before it takes effect."""
    with acting(by=by, reason="撤回变更"):
        change = _own(_locked(change), by)
        if change.state not in (ChangeState.PENDING, ChangeState.RETURNED):
            raise UnfitError(_NO_LONGER)
        _step(change, ChangeAct.WITHDRAW, by)
        _move(change, ChangeState.WITHDRAWN, None)
    return change


def decide(
    *, change: Change, approve: bool, reason: str = "", batch: UUID | None = None, by: Any
) -> Change:
    """Approve or return at the level whose turn it is. The last approval writes the register.

    A household that changed in between sends the change back with what changed, field by field.
    Raises UnfitError for whoever may not decide, and for what is no longer waiting.
    """
    reason = without_numbers(reason.strip())
    if not approve and not reason:
        raise UnfitError("退回时请写明原因。")
    with acting(by=by, reason=reason or "审核通过"):
        change = _locked(change)
        if change.state != ChangeState.PENDING:
            raise UnfitError(_NO_LONGER)
        if not may_decide(change, by):
            raise UnfitError("本人提交的变更、已审过的变更和不在本级的变更不能审核。")
        if not approve:
            _step(change, ChangeAct.RETURN, by, reason=reason, batch=batch)
            _move(change, ChangeState.RETURNED, None)
            return change
        from households.services import editing

        try:
            with transaction.atomic():
                _approve(change, reason, batch, by)
        except editing.StaleError as stale:
            words = "；".join(_words(one) for one in stale.changes) or "本户数据已变动"
            told = f"提交后数据已变动，请核对后重新提交：{words}"
            change = _locked(change)
            _step(change, ChangeAct.STALE, by, reason=told[:500], batch=batch)
            _move(change, ChangeState.RETURNED, None)
    return change


def decide_many(
    *, changes: Iterable[Change], approve: bool, reason: str = "", by: Any
) -> list[Change]:
    """One decision about several changes, in one transaction: all are decided or none is."""
    batch = uuid4()
    with acting(by=by, reason=reason or "批量审核通过"):
        return [
            decide(change=one, approve=approve, reason=reason, batch=batch, by=by)
            for one in sorted(changes, key=lambda one: one.pk)
        ]


def set_chain(
    *, region_code: str, levels: Iterable[int], valid_from: date, reason: str, by: Any
) -> ReviewChain:
    """From a day on these levels review the county's changes; none: they take effect at once.

    What was submitted before keeps the chain it began with.
    """
    if not covers(by, region_code, MANAGE) or len(region_code) != 6:
        raise UnfitError("您没有设置该县审核环节的权限。")
    if valid_from < timezone.localdate():
        raise UnfitError("起始日期不能早于今天。")
    wanted = set(levels)
    with acting(by=by, reason=reason):
        chain, _ = ReviewChain.objects.update_or_create(
            region_code=region_code,
            valid_from=valid_from,
            defaults={
                "levels": [level for level in CHAIN if level in wanted],
                "reason": reason,
                "created_by": by,
            },
        )
    return chain


def touches_identity(summary: Iterable[Mapping[str, Any]]) -> bool:
    """Whether an edit alters who somebody is: name, document, sex, birth date, head."""
    return any(
        str(one["where"]).rpartition(".")[2] in IDENTITY and one["before"] not in ("", "—", None)
        for one in summary
    )


def _own(change: Change, by: Any) -> Change:
    if change.created_by_id != by.pk:
        raise UnfitError("这是别人提交的变更。")
    return change


def _locked(change: Change) -> Change:
    return Change.objects.select_for_update().get(pk=change.pk)


def _kind(edit: Mapping[str, Any]) -> str:
    year = Partition.objects.filter(year=int(edit["partition"])).first()
    if year is None:
        raise UnfitError("没有这个年度。")
    return ChangeKind.CORRECTION if year.is_closed else ChangeKind.EDIT


def _place(edit: Mapping[str, Any], by: Any) -> tuple[Household | None, str]:
    """The household and its village, where the submitter may edit."""
    if edit["household_no"]:
        found = (
            Household.objects.visible_to(by)
            .filter(household_no=edit["household_no"], years__partition_id=int(edit["partition"]))
            .first()
        )
        code = found.village_code if found else ""
    else:
        found, code = None, str(edit["household"].get("village_code", ""))
    if not code or not covers(by, code, EDIT):
        raise UnfitError("您没有修改该户的权限，或该年度没有这一户。")
    return found, code


def _levels(kind: str, village_code: str, by: Any) -> list[int]:
    """The levels that review, from the submitter's own up."""
    if kind == ChangeKind.CORRECTION:
        return list(CORRECTION_CHAIN)
    covering = [one for one in by.prefixes_for(EDIT) if village_code.startswith(one)]
    own = min((len(one) for one in covering), default=0)
    return [level for level in chain_of(village_code) if level <= own]


def _grounds(
    kind: str, summary: list[dict[str, Any]], reason: str, evidence: Sequence[str]
) -> None:
    if not summary:
        raise UnfitError("没有任何变动。")
    if set(evidence) - labels(EVIDENCE).keys():
        raise UnfitError("佐证材料类型不在代码表中。")
    if kind == ChangeKind.CORRECTION and not (reason.strip() and evidence):
        raise UnfitError("该年度已关闭：更正须写明原因并选择佐证材料。")
    if touches_identity(summary) and not reason.strip():
        raise UnfitError("修改姓名、证件、性别、出生日期或户主须写明原因。")


def _content(
    edit: Mapping[str, Any], summary: list[dict[str, Any]], reason: str, evidence: Sequence[str]
) -> dict[str, Any]:
    return {
        "payload": json.dumps(edit, ensure_ascii=False),
        "summary": summary,
        "head_name": _head_name(edit),
        "reason": without_numbers(reason.strip()),
        "evidence": list(evidence),
    }


def _head_name(edit: Mapping[str, Any]) -> str:
    return str(edit.get("year", {}).get("head_name") or "")[:60]


def _approve(change: Change, reason: str, batch: UUID | None, by: Any) -> None:
    _step(change, ChangeAct.APPROVE, by, reason=reason, batch=batch)
    later = [level for level in change.levels if level < change.level]
    if later:
        _move(change, ChangeState.PENDING, later[0])
        return
    with _opened(change):
        household, _ = _write(change, by)
    change.household_id = household
    _move(change, ChangeState.APPLIED, None)


@contextmanager
def _opened(change: Change) -> Iterator[None]:
    """Name the correction to the trigger of closed years, until the register has been written.

    An error takes the savepoint back, and the name with it.
    """
    if change.kind != ChangeKind.CORRECTION:
        yield
        return
    _name(str(change.pk))
    yield
    _name("")


def _name(correction: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('povertyops.correction', %s, true)", [correction])


def _write(change: Change, by: Any) -> tuple[int, str]:
    """The edit takes effect; under the submitter's name, whoever approved last."""
    from households.services import editing

    row = editing.apply(
        edit=_edit(change.edit), key=change.key, reason=change.reason, by=change.created_by
    )
    return row.household_id, row.village_code


def _handed_in(change: Change, by: Any) -> None:
    """No draft is left of what was submitted."""
    from households.services import drafting

    drafting.handed_in(change=change, by=by)


def _edit(told: dict[str, Any]) -> Any:
    from households.services import editing

    return editing.Edit.read(told)


def _summary(edit: dict[str, Any], by: Any) -> list[dict[str, Any]]:
    """What a reviewer reads: where, label, before, after; refused for an edit with errors.

    Raises StaleError when the household is no longer what the submitter saw.
    """
    from households.services import editing

    told = _edit(edit)
    editing.require_fresh(told)
    found = editing.check(told, by)
    if found.errors:
        raise UnfitError("；".join(dict.fromkeys(str(one.message) for one in found.errors)))
    if found.open:
        words = "；".join(dict.fromkeys(str(one.message) for one in found.open))
        raise UnfitError(f"请核对并逐条说明：{words}")
    return [asdict(one) for one in editing.diff(told)]


def _words(one: Any) -> str:
    return f"{one.label}：{one.before or '空'} → {one.after or '空'}"


def _move(change: Change, state: str, level: int | None) -> None:
    change.state, change.level = state, level
    change.changed_at = Now()
    change.save(update_fields=["state", "level", "household", "changed_at"])


def _step(
    change: Change, act: ChangeAct, by: Any, *, reason: str = "", batch: UUID | None = None
) -> None:
    try:
        ChangeStep.objects.create(
            change=change,
            village_code=change.village_code,
            round=change.round,
            act=act,
            level=change.level if act != ChangeAct.SUBMIT else None,
            reason=reason,
            evidence=change.evidence if act == ChangeAct.SUBMIT else [],
            batch=batch,
            created_by=by,
        )
    except IntegrityError as error:
        raise UnfitError(_NO_LONGER) from error


__all__ = [
    "LEVELS", "UnfitError", "decide", "decide_many", "resubmit", "set_chain", "submit",
    "touches_identity", "withdraw",
]  # fmt: skip
