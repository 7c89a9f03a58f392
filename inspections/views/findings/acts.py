"""What can be done on a problem's page: each act with its form, when it is offered, and its service."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from inspections.enums.findings import DONE, OWED, State
from inspections.models import Extension, Finding
from inspections.queries.findings import about, listing
from inspections.services.common import UnfitError
from inspections.services.findings import deadlines, entering, extending, stepping
from inspections.services.findings.common import FIND, MEND, REFUSALS, locked, may_find, may_mend
from inspections.services.findings.stepping import Duty
from inspections.views.findings.forms import (
    AssignForm,
    DecideForm,
    ExtendForm,
    LookForm,
    MergeForm,
    PaperForm,
    StepForm,
    WatchForm,
)

# No paper is handed in any more, nor is it said whether the problem is to be watched.
_ENDED = (State.CLOSED, State.MERGED, State.SPLIT)
# Whoever has one of these may try an act at all.
RIGHTS = (FIND, MEND)


class MovedOnError(Exception):
    """Somebody took a step since the page was read; the text says who did what."""


@dataclass(frozen=True)
class Act:
    """A form on the page. `lacks` is what is missing for it: told instead of the form.

    `route` is where it is sent, `step` the state it brings about, if it is a step.
    """

    key: str
    title: str
    button: str
    route: str
    form: Any
    step: str = ""
    lacks: str = ""
    note: str = ""
    is_main: bool = False


@dataclass(frozen=True)
class Plain:
    """A step that takes a day and words: how its form is called and what the words are about."""

    title: str
    button: str
    words: str
    start: str = ""


PLAIN: dict[str, Plain] = {
    State.MEASURED: Plain("报整改措施", "报送措施", "整改措施"),
    State.CLAIMED: Plain("报整改完成", "报完成", "整改情况"),
    State.VERIFIED: Plain("核验", "核验属实", "核验意见"),
    State.CLOSED: Plain("销号", "销号", "销号意见"),
    State.WATCHED: Plain("转长期坚持", "转长期坚持", "意见"),
    State.RETURNED: Plain("退回整改", "退回", "退回理由"),
}
_NOTES: dict[str, str] = {
    State.CLOSED: "报完成的人不能销号。",
    State.VERIFIED: "报完成的人不能核验；请查看佐证材料，必要时到现场。",
    State.WATCHED: "计为已整改，此后每月复查一次。",
}


def plain_steps(one: Finding, by: Any) -> list[str]:
    """The steps with words alone that this person takes now; mended ones come back by a look only."""
    found = [state for state in stepping.next_steps(one, by) if state in PLAIN]
    if one.state in DONE:
        found = [state for state in found if state != State.RETURNED]
    if one.state == State.VERIFIED:
        unfit = State.CLOSED if one.needs_watch else State.WATCHED
        found = [state for state in found if state != unfit]
    return found


def lacking(one: Finding, state: str) -> str:
    """What the step still lacks, in words; told before somebody fills the form in."""
    if state == State.CLAIMED and not about.papers_that_prove(one):
        return REFUSALS["finding_needs_evidence"]
    return ""


def people(one: Finding) -> list[tuple[str, str]]:
    """Accounts that mend there, by name and unit."""
    return [
        (str(user.pk), f"{user}（{user.office or user.username}）")
        for user in about.menders(one.region_code)
    ]


def due_words(one: Finding) -> tuple[str, bool]:
    """What day the rule gives to what is assigned today, and whether there is one."""
    today = timezone.localdate()
    try:
        rule = deadlines.due(
            code=one.region_code, source=one.source, level=one.level, severity=one.severity,
            on=today,
        )  # fmt: skip
    except UnfitError as unfit:
        return f"按规定计算不出期限：{unfit}请填写整改期限和依据。", False
    if rule is None:
        return "没有适用的期限规定，请填写整改期限和依据。", False
    return f"期限不填的，按 {rule.source} 计算；今日交办的为 {rule.on:%Y-%m-%d}。", True


def wish_of(one: Finding) -> Extension | None:
    """The wish for more time that waits for its answer."""
    return (
        Extension.objects.filter(finding=one, is_granted__isnull=True)
        .select_related("asked_by")
        .first()
    )


def offered(one: Finding, by: Any, sent: tuple[str, Any] | None = None) -> list[Act]:
    """The acts of this person that fit the state, the next step first.

    `sent` is the key of a form that came back, and the form.
    """
    acts = [
        *_steps(one, by),
        *_assigning(one, by),
        *_papers(one, by),
        *_times(one, by),
        *_looks(one, by),
        *_rest(one, by),
    ]
    if sent is not None:
        key, form = sent
        acts = [_with(act, form) if act.key == key else act for act in acts]
    for act in acts:
        # Many forms stand on the page, each with its day and words.
        act.form.auto_id = f"id_{act.key}_%s"
    return acts


def _with(act: Act, form: Any) -> Act:
    return Act(act.key, act.title, act.button, act.route, form, act.step, "", act.note, act.is_main)


def _seen(one: Finding) -> dict[str, Any]:
    return {"seen": one.position}


def _steps(one: Finding, by: Any) -> list[Act]:
    return [
        Act(
            state.lower(), PLAIN[state].title, PLAIN[state].button, "findings:act",
            StepForm(initial=_seen(one), about=PLAIN[state].words), step=state,
            lacks=lacking(one, state), note=_NOTES.get(state, ""),
            is_main=state != State.RETURNED,
        )
        for state in sorted(plain_steps(one, by), key=lambda state: state == State.RETURNED)
    ]  # fmt: skip


def _assigning(one: Finding, by: Any) -> list[Act]:
    if State.ASSIGNED not in stepping.next_steps(one, by):
        return []
    start = _seen(one) | {
        "unit": one.lead_unit, "name": one.duty_name, "user": str(one.duty_user_id or ""),
    }  # fmt: skip
    title = "改派" if one.lead_unit else "交办"
    form = AssignForm(people=people(one), initial=start)
    words, _ = due_words(one)
    return [
        Act("assign", title, title, "findings:assign", form, note=words,
            is_main=one.state == State.FOUND)
    ]  # fmt: skip


def _papers(one: Finding, by: Any) -> list[Act]:
    if one.state in _ENDED or not (may_mend(by, one) or may_find(by, one.region_code)):
        return []
    note = "报完成前须上传整改后的照片或文件。" if one.state in OWED else ""
    main = one.state in (State.MEASURED, State.RETURNED) and not about.papers_that_prove(one)
    return [
        Act("papers", "上传佐证材料", "上传", "findings:papers", PaperForm(), note=note,
            is_main=main)
    ]  # fmt: skip


def _times(one: Finding, by: Any) -> list[Act]:
    """Asking for more time while none waits; answering what somebody else asked for."""
    wish = wish_of(one)
    if wish is None:
        if one.state in OWED and one.due_on and may_mend(by, one):
            asking = ExtendForm(initial=_seen(one), due=one.due_on)
            return [Act("extend", "申请延期", "提交申请", "findings:extend", asking)]
        return []
    if not may_find(by, one.region_code) or wish.asked_by_id == by.pk:
        return []
    note = f"{wish.asked_by} 申请延至 {wish.until:%Y-%m-%d}：{wish.reason}"
    answer = DecideForm(initial=_seen(one))
    return [
        Act(
            "decide", "批复延期申请", "批复", "findings:extension", answer, note=note, is_main=True
        )
    ]  # fmt: skip


def _looks(one: Finding, by: Any) -> list[Act]:
    if one.state not in DONE or not may_find(by, one.region_code):
        return []
    if one.claimed_by_id == by.pk:
        return []
    note = "已反弹的，退回责任单位重新整改。"
    return [
        Act("look", "复查", "登记复查", "findings:look", LookForm(initial=_seen(one)), note=note)
    ]


def _rest(one: Finding, by: Any) -> list[Act]:
    acts = []
    if State.MERGED in stepping.next_steps(one, by):
        form = MergeForm(initial=_seen(one))
        note = "同一问题已在台账上的，并入那一个继续办理。"
        acts.append(Act("merge", "并案", "并入", "findings:merge", form, note=note))
    if one.state not in (*_ENDED, State.WATCHED) and may_find(by, one.region_code):
        wanted = "0" if one.needs_watch else "1"
        title = "取消长期坚持" if one.needs_watch else "列为长期坚持"
        watch = WatchForm(initial=_seen(one) | {"needs_watch": wanted})
        note = "列为长期坚持的，核验后转入每月复查，不直接销号。"
        acts.append(Act("watch", title, title, "findings:watch", watch, note=note))
    return acts


# --- Carrying out ------------------------------------------------------------------------------


def unmoved(one: Finding, seen: int) -> Finding:
    """The problem, locked, as the writer saw it. Raises MovedOnError."""
    found = locked(one)
    if found.position != seen:
        taken = [
            f"{step.created_by} 已于 {step.on:%Y-%m-%d} 办理“{step.get_state_display()}”"
            for step in about.after_position(found, seen)
        ]
        told = "；".join(taken) or "页面上的步骤与台账不符"
        raise MovedOnError(f"您打开页面以后，{told}。请按现在的状态重新办理。")
    return found


Do = Callable[[Finding, dict[str, Any], Any], Any]


def take_step(state: str) -> Do:
    def do(one: Finding, told: dict[str, Any], by: Any) -> None:
        stepping.take(finding=one, state=state, words=told["words"], on=told["on"], by=by)

    return do


def assign(one: Finding, told: dict[str, Any], by: Any) -> None:
    user = None
    if told["user"]:
        user = next(
            person for person in about.menders(one.region_code) if str(person.pk) == told["user"]
        )
    duty = Duty(told["unit"], told["name"], user, told["due_on"], told["due_source"])
    stepping.assign(finding=one, duty=duty, on=told["on"], words=told["words"], by=by)


def extend(one: Finding, told: dict[str, Any], by: Any) -> None:
    extending.ask(finding=one, until=told["until"], reason=told["reason"], on=told["on"], by=by)


def merge(one: Finding, told: dict[str, Any], by: Any) -> None:
    number = told["into"].strip()
    into = listing.visible(by).filter(number=number).first()
    if into is None:
        raise UnfitError(f"没有编号为“{number}”的问题，或不在您的管辖范围内。")
    stepping.merge(finding=one, into=into, words=told["words"], on=told["on"], by=by)


def watch(one: Finding, told: dict[str, Any], by: Any) -> None:
    entering.watch(finding=one, needs_watch=told["needs_watch"] == "1", by=by)


def look(one: Finding, told: dict[str, Any], by: Any) -> None:
    stepping.look(finding=one, result=told["result"], words=told["words"], on=told["on"], by=by)


def carried_out(one: Finding, form: Any, do: Do, by: Any) -> str:
    """Carry a valid form out; "" or what is wrong. Nothing of a refused act remains."""
    try:
        with transaction.atomic():
            do(unmoved(one, form.cleaned_data["seen"]), form.cleaned_data, by)
    except (UnfitError, MovedOnError) as unfit:
        return str(unfit)
    return ""
