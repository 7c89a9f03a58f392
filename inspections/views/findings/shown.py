"""How one problem is put on its page: how late it is, what it is about, and all that happened to it."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from core import scans
from core.scope import Actor
from funds.models import FundFinding, Payment
from households.models import Household, Person
from inspections.enums.findings import GONE, OWED, Look, ObjectKind, State
from inspections.enums.letters import Kind
from inspections.enums.letters import State as LetterState
from inspections.models import Case, Finding, LetterItem
from projects.models import Project

TONES = {
    State.CLOSED: "good", State.WATCHED: "good", State.RETURNED: "bad", State.FOUND: "warn",
    State.CLAIMED: "info", State.VERIFIED: "info", State.MERGED: "neutral", State.SPLIT: "neutral",
}  # fmt: skip
SEVERITY_TONES = {"GRAVE": "bad", "SERIOUS": "warn"}
# What a problem waits for, told to whoever looks at it.
NEXT: dict[str, str] = {
    State.FOUND: "等待交办到责任单位和责任人。", State.ASSIGNED: "等待责任单位报整改措施。",
    State.MEASURED: "等待整改，上传佐证材料后报完成。", State.CLAIMED: "等待另一人核验。",
    State.VERIFIED: "等待销号或转长期坚持。", State.RETURNED: "等待责任单位重新整改、报完成。",
    State.WATCHED: "每月复查一次。",
}  # fmt: skip
_KILO = 1024


@dataclass(frozen=True)
class Event:
    """One line of what happened: `at` puts those of a day in order."""

    on: date
    at: datetime
    title: str
    words: str
    by: str = ""
    tone: str = ""
    href: str = ""
    link: str = ""


def days_late(one: Finding, day: date) -> int:
    """By how many days the mending is overdue; 0 when it is not, or is not owed any more."""
    if one.state not in OWED or one.due_on is None:
        return 0
    return max(0, (day - one.due_on).days)


def shown(one: Finding, day: date) -> dict[str, Any]:
    """A problem as lists and its page tell it."""
    return {
        "one": one,
        "tone": TONES.get(State(one.state), "neutral") if one.state else "neutral",
        "severity_tone": SEVERITY_TONES.get(one.severity, "neutral"),
        "late": days_late(one, day),
        "left": _days_left(one, day),
        "next_words": NEXT.get(one.state, ""),
        "is_gone": one.state in GONE,
    }


def _days_left(one: Finding, day: date) -> int | None:
    if one.state not in OWED or one.due_on is None or one.due_on < day:
        return None
    return (one.due_on - day).days


def _address(name: str, *keys: Any) -> str:
    """Where something is looked at; "" where no page of that name is."""
    try:
        return reverse(name, args=keys)
    except NoReverseMatch:
        return ""


def about(one: Finding, actor: Actor) -> list[tuple[str, str]]:
    """What the problem is about, by name and address; without address what the actor does not see."""
    kind = one.object_kind
    if kind == ObjectKind.CADRE:
        return [(one.cadre, "")]
    if kind == ObjectKind.PLACE:
        return [(one.region.short_name, _address("villages:village", one.region_code))]
    if kind == ObjectKind.PROJECT:
        return [_of_project(one, actor)]
    if kind == ObjectKind.PAYMENT:
        return [_of_payment(one, actor)]
    return _of_people(one, actor)


def _of_project(one: Finding, actor: Actor) -> tuple[str, str]:
    project = Project.objects.visible_to(actor).filter(pk=one.project_id or 0).first()
    if project is None:
        return "外地项目", ""
    return f"{project.name}（{project.number}）", _address("projects:project", project.pk)


def _of_payment(one: Finding, actor: Actor) -> tuple[str, str]:
    rows = Payment.objects.visible_to(actor).select_related("voucher")
    payment = rows.filter(pk=one.payment_id or 0).first()
    if payment is None:
        return "外地支付", ""
    number = payment.voucher.full_number or "未入账凭证"
    return f"{number} 付 {payment.payee}", _address("funds:voucher", payment.voucher_id)


def _of_people(one: Finding, actor: Actor) -> list[tuple[str, str]]:
    told = []
    home = Household.objects.visible_to(actor).filter(pk=one.household_id or 0).first()
    if one.person_id:
        person = Person.objects.visible_to(actor).filter(pk=one.person_id).first()
        name = f"{person.name}（{person.person_no}）" if person else "外地人员"
        told.append((name, _address("households:members", home.household_no) if home else ""))
    if home is None:
        return [*told, ("外地农户", "")]
    return [*told, (f"户 {home.household_no}", _address("households:detail", home.household_no))]


def origin(one: Finding, actor: Actor) -> tuple[str, str] | None:
    """The survey case or the rule on money that the problem was raised from."""
    if one.case_id and Case.objects.visible_to(actor).filter(pk=one.case_id).exists():
        return "评估问题", _address("inspections:case", one.case_id)
    seen = FundFinding.objects.visible_to(actor)
    if one.fund_finding_id and seen.filter(pk=one.fund_finding_id).exists():
        return "资金疑点", _address("funds:finding", one.fund_finding_id)
    return None


def papers(one: Finding) -> list[dict[str, Any]]:
    """The papers, youngest first: what kind of file, how large, by whom, at which step."""
    rows = one.papers.select_related("created_by").order_by("-pk")
    return [
        {
            "paper": paper,
            "is_picture": paper.media_type != scans.PDF,
            "type": scans.SUFFIXES[paper.media_type].upper(),
            "size": f"{-(-paper.size // _KILO):,} KB",
        }
        for paper in rows
    ]


def timeline(one: Finding, papers: list[dict[str, Any]], actor: Actor) -> list[Event]:
    """Steps, papers, wishes for time, looks and letters, in the order in which they happened."""
    told = [
        *_steps(one, actor),
        *(_paper(one, row["paper"]) for row in papers),
        *_wishes(one),
        *_looks(one),
        *_letters(one, actor),
    ]
    return sorted(told, key=lambda event: (event.on, event.at))


def _steps(one: Finding, actor: Actor) -> list[Event]:
    steps = list(one.steps.select_related("created_by", "duty_user").order_by("position"))
    into = {step.into_id for step in steps if step.into_id}
    numbers = dict(
        Finding.objects.visible_to(actor).filter(pk__in=into).values_list("pk", "number")
        if into
        else ()
    )
    return [_step(step, numbers) for step in steps]


def _step(step: Any, numbers: dict[int, str]) -> Event:
    words = step.words
    if step.state == State.ASSIGNED:
        account = f"（账号 {step.duty_user}）" if step.duty_user else ""
        words = (
            f"{words}；{step.lead_unit}，责任人 {step.duty_name}{account}，"
            f"期限 {step.due_on:%Y-%m-%d}（{step.due_source}）"
        )
    number = numbers.get(step.into_id or 0, "")
    return Event(
        step.on, step.created_at, step.get_state_display(), words, str(step.created_by),
        tone="bad" if step.state == State.RETURNED else "",
        href=_address("findings:finding", step.into_id) if number else "",
        link=number,
    )  # fmt: skip


def _paper(one: Finding, paper: Any) -> Event:
    on = paper.created_at
    return Event(
        _local(on), on, "上传材料", paper.note or "未写说明", str(paper.created_by),
        href=_address("findings:paper", one.pk, paper.pk), link="打开",
    )  # fmt: skip


def _local(at: datetime) -> date:
    return timezone.localtime(at).date()


def _wishes(one: Finding) -> list[Event]:
    told = []
    for wish in one.extensions.select_related("asked_by", "decided_by").order_by("pk"):
        told.append(
            Event(
                wish.asked_on, wish.created_at, "申请延期",
                f"延至 {wish.until:%Y-%m-%d}：{wish.reason}", str(wish.asked_by),
            )
        )  # fmt: skip
        if wish.is_granted is not None and wish.decided_on:
            title = "同意延期" if wish.is_granted else "不同意延期"
            told.append(
                Event(
                    wish.decided_on, wish.created_at, title,
                    f"延至 {wish.until:%Y-%m-%d}：{wish.decided_why}", str(wish.decided_by),
                )
            )  # fmt: skip
    return told


def _looks(one: Finding) -> list[Event]:
    return [
        Event(
            look.on, look.created_at, f"复查：{look.get_result_display()}", look.words,
            str(look.created_by), tone="bad" if look.result == Look.RELAPSED else "",
        )
        for look in one.looks.select_related("created_by").order_by("pk")
    ]  # fmt: skip


def _letters(one: Finding, actor: Actor) -> list[Event]:
    items = LetterItem.objects.visible_to(actor).filter(finding=one)
    told = []
    for item in items.select_related("letter__prepared_by", "letter__issued_by").order_by("pk"):
        letter = item.letter
        by = letter.issued_by or letter.prepared_by
        number = f"第 {letter.number} 号" if letter.number else "未编号"
        told.append(
            Event(
                letter.issued_on or letter.prepared_on, letter.created_at,
                f"{Kind(letter.kind).label}：{LetterState(letter.state).label}",
                f"发 {letter.unit}，{number}", str(by) if by else "每日任务拟稿",
                href=_address("letters:letter", letter.pk), link="查看文书",
            )
        )  # fmt: skip
    return told
