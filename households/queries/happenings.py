"""What happened to a household, one line each: changed facts, ledgers of movement, steps taken."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q

from core.scope import Actor, covers
from households.catalog import FieldFact, entry_facts, facts_of
from households.formulas import TEMPLATES
from households.models import (
    Assignment,
    ChangeStep,
    Household,
    HouseholdYear,
    MembershipEvent,
    Person,
    PersonYear,
    ProcedureStep,
    Publicity,
    StatusEvent,
    WorkSpell,
)
from households.queries.sheet import grouped
from households.queries.trail import Life, State, Trail
from households.queries.values import written

BASICS, MEMBERS, WORK, HANDLING = "基本情况", "成员", "务工", "审核、程序与分派"
STANDING = "识别与脱贫"
# An import of a county books what it wrote within this time.
_AN_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the timeline, and what says which act it belongs to.

    `moment` is the transaction's own time where the row carries it; `year` 0 is of no year.
    """

    at: datetime
    group: str
    year: int
    subject: str
    label: str
    before: str = ""
    after: str = ""
    user: int | None = None
    client: str = ""
    reason: str = ""
    request: str = ""
    job: int | None = None
    moment: datetime | None = None
    is_event: bool = False


def groups() -> list[str]:
    """The field groups a timeline can be narrowed to, in their order on the page."""
    cards = [title for title, _ in grouped(facts_of(HouseholdYear))]
    return [BASICS, *cards, MEMBERS, WORK, HANDLING]


def items(found: Trail, actor: Actor) -> list[Item]:
    """Everything that can be told, in no order."""
    household = found.household
    booked = list(_standing(household, actor))
    lines = [item for life in found.lives for item in _life(life, household)]
    lines += [_declared(life, booked) for life in found.of(HouseholdYear)]
    lines += [*booked, *_membership(found, actor)]
    if covers(actor, household.village_code):
        lines += _assignments(household, actor)
    return [*lines, *_reviews(household, actor), *_steps(household, actor)]


# --- changed facts -----------------------------------------------------------------------------


def _group_of() -> dict[str, str]:
    return {fact.name: title for title, facts in grouped(facts_of(HouseholdYear)) for fact in facts}


def _life(life: Life, household: Household) -> Iterable[Item]:
    """One row: every image that was replaced, by what followed it."""
    after = life.now
    for image in life.images:
        if _is_here(image, household):
            yield from _replaced(life, image, after, household)
        after = image


def _declared(life: Life, booked: Sequence[Item]) -> Item:
    """That a year was declared: by the act that booked the household's standing, if one did soon."""
    first: State = life.images[-1] if life.images else life.now or {}
    at = first["changed_at"]
    soon = [one for one in booked if one.year == life.year and at <= one.at <= at + _AN_HOUR]
    act = min(soon, key=lambda one: one.at, default=None)
    told = Item(
        at=at, group=STANDING, year=life.year, subject="", label=f"登记 {life.year} 年度信息",
        moment=at, is_event=True,
    )  # fmt: skip
    return replace(told, job=act.job, moment=act.moment, user=act.user) if act else told


def _is_here(state: State, household: Household) -> bool:
    """Persons' rows pass from one household to another."""
    return state.get("household_id", household.pk) == household.pk


def _replaced(
    life: Life, image: State, after: State | None, household: Household
) -> Iterable[Item]:
    told: dict[str, Any] = _act(image, after) | {"year": life.year, "subject": _subject(life)}
    if image["history_act"] == "D" or after is None:
        if image["history_act"] == "D":
            group = WORK if life.model is WorkSpell else MEMBERS
            yield Item(**told, group=group, label=f"移出 {life.year} 年度名单", is_event=True)
        return
    if not _is_here(after, household):
        yield Item(**told, group=MEMBERS, label="转往其他户", is_event=True)
        return
    by_name = _group_of() if life.model is HouseholdYear else {}
    for fact in _facts(life.model):
        old, new = image[fact.name], after[fact.name]
        if _plain(old) != _plain(new):
            group = by_name.get(fact.name) or _GROUPS[life.model]
            before, now = _both(fact, written(fact, old), written(fact, new))
            yield Item(**told, group=group, label=fact.label, before=before, after=now)
    # A member moves with the household, where it is told.
    if life.model in (Household, HouseholdYear) and image["village_code"] != after["village_code"]:
        yield Item(
            **told, group=BASICS, label="所在村", before=image["village_code"],
            after=after["village_code"],
        )  # fmt: skip


_GROUPS = {Household: BASICS, Person: MEMBERS, PersonYear: MEMBERS, WorkSpell: WORK}


def _facts(model: Any) -> list[FieldFact]:
    return list(entry_facts(model).values()) if model is WorkSpell else facts_of(model)


def _plain(value: Any) -> Any:
    """Nothing stated is the same however it is stored."""
    return None if value in ("", None, []) else value


def _subject(life: Life) -> str:
    whose = f"成员 {life.whose}" if life.whose else ""
    return "，".join(filter(None, [whose, f"{life.year} 年度" if life.year else ""]))


def _act(image: State, after: State | None) -> dict[str, Any]:
    """Who replaced the image, why and in which act."""
    then = after.get("changed_at") if after else None
    return {
        "at": image["history_at"],
        "user": image["history_actor"],
        "client": image["history_client"] or "",
        "reason": image["history_reason"] or "",
        "request": image["history_request"] or "",
        "job": image["history_job"],
        "moment": then if then and then != image.get("changed_at") else None,
    }


def _both(fact: FieldFact, old: str, new: str) -> tuple[str, str]:
    """Both values with the unit once; alike behind the mask, it is still told that they differ."""
    if old == new:
        return "", f"有修改（{new}）"
    unit = f" {fact.unit}" if fact.unit else ""
    if unit and old.endswith(unit) and new.endswith(unit):
        old = old.removesuffix(unit)
    return old, new


# --- ledgers and handling ----------------------------------------------------------------------


def _standing(household: Household, actor: Actor) -> Iterable[Item]:
    for row in StatusEvent.objects.visible_to(actor).filter(household=household):
        taken_back = "（冲销）" if row.households < 0 else ""
        year = f"{row.year} 年" if row.year and row.year != row.partition_id else ""
        told = [f"{abs(row.persons)} 人", year, "期初" if row.is_opening else ""]
        yield _event(
            row, STANDING, row.partition_id, f"{row.get_kind_display()}{taken_back}",
            "，".join(filter(None, told)),
        )  # fmt: skip


def _membership(found: Trail, actor: Actor) -> Iterable[Item]:
    rows = MembershipEvent.objects.visible_to(actor).filter(household=found.household)
    for row in rows.select_related("person"):
        taken_back = "" if row.persons > 0 else "（冲销）"
        yield _event(
            row,
            MEMBERS,
            row.partition_id,
            f"{row.get_kind_display()}：{row.person.name}{taken_back}",
        )


def _event(row: Any, group: str, year: int, label: str, after: str = "") -> Item:
    return Item(
        at=row.created_at, group=group, year=year, subject="", label=label, after=after,
        user=row.created_by_id, reason=getattr(row, "reason", ""), job=getattr(row, "job_id", None),
        moment=row.created_at, is_event=True,
    )  # fmt: skip


def _assignments(household: Household, actor: Actor) -> Iterable[Item]:
    rows = Assignment.objects.visible_to(actor).filter(household=household)
    for row in rows.select_related("user"):
        yield _event(row, HANDLING, 0, f"分派给 {row.user}")
        if row.ended_at is not None:
            yield Item(
                at=row.ended_at, group=HANDLING, year=0, subject="", moment=row.ended_at,
                label=f"结束分派：{row.user}", is_event=True,
            )  # fmt: skip


def _reviews(household: Household, actor: Actor) -> Iterable[Item]:
    rows = ChangeStep.objects.visible_to(actor).filter(change__household=household)
    for row in rows.select_related("change"):
        label = f"{row.change.get_kind_display()}：{row.get_act_display()}（第 {row.round} 次）"
        yield _event(row, HANDLING, row.change.partition_id, label)


def _steps(household: Household, actor: Actor) -> Iterable[Item]:
    """Decisions and notices of procedures, as long as the household stood on their lists."""
    case = Q(procedure__cases__household=household)
    listed = case & (
        Q(procedure__cases__dropped_on__isnull=True)
        | Q(procedure__cases__dropped_on__gte=F("created_at__date"))
    )
    for step in ProcedureStep.objects.visible_to(actor).filter(listed).select_related("procedure"):
        # The same code has another name in another kind: 农户申请, 提出退出.
        name = TEMPLATES[step.procedure.kind].steps[step.position].label
        label = f"{step.procedure.get_kind_display()}：{name}"
        yield _event(
            step, HANDLING, step.procedure.partition_id, label, step.get_decision_display()
        )
    for notice in Publicity.objects.visible_to(actor).filter(listed).select_related("procedure"):
        label = f"{notice.procedure.get_kind_display()}：张贴公示"
        told = f"{notice.place}，{notice.starts_on} 至 {notice.ends_on}"
        yield _event(notice, HANDLING, notice.procedure.partition_id, label, told)
