"""Passing households through a procedure: decisions, public notices, objections, and what follows.

Who may decide a step is told by the level of their grant (village, town, county), what must have
happened before by the database. The last decision changes the register and books the ledger in the
same transaction: a procedure that is done without effect, or the other way round, cannot be.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import IntegrityError
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from core.acting import acting
from core.scope import covers
from households import formulas
from households.enums import EXITED, HEAD, POOR, RELAPSED
from households.formulas import LEVELS, TEMPLATES, Step
from households.models import (
    Decision,
    Household,
    HouseholdYear,
    NoticeRule,
    Objection,
    Partition,
    Procedure,
    ProcedureCase,
    ProcedureState,
    ProcedureStep,
    Publicity,
)
from households.services import members
from households.services.members import UnfitError
from villages.models import Region

EDIT = "households.edit"
REVIEW = "households.review"
_HAS_EXITED = "1"
# The decisions before which the rule on newly identified households is asked again; a trigger of
# migration 0017 asks it too.
_BARRING = ("COUNTY_APPROVAL", "ANNOUNCE")
# As many households as a refusal names.
_MOST = 6
# 贫困户属性 while poor and after the exit, by the flags of the code table (低保, 五保).
_POOR_AGAIN = {"02": "04", "03": "06", "05": "01"}
_NO_LONGER_POOR = {poor: exited for exited, poor in _POOR_AGAIN.items()}


@dataclass(frozen=True)
class Applicant:
    """A household that is not registered: its head first, then the others, as values of fields."""

    group_name: str
    address: str
    people: Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class Minutes:
    """What a meeting leaves behind; numbers of persons."""

    present: int | None = None
    entitled: int | None = None
    text: str = ""


def start(
    *,
    village: Region,
    partition: int,
    kind: str,
    on: date,
    reason: str,
    rows: Sequence[HouseholdYear] = (),
    applicants: Sequence[Applicant] = (),
    by: Any,
) -> Procedure:
    """Open a procedure for households of one village; its first step is thereby taken.

    Raises UnfitError for a closed year, an empty list, and households whose standing does not fit.
    """
    template = TEMPLATES[kind]
    if not covers(by, village.code, EDIT):
        raise UnfitError("您没有在该村提出申请的权限。")
    if Partition.objects.filter(year=partition, closed_at__isnull=False).exists():
        raise UnfitError("本年度已关闭。")
    if not rows and not applicants:
        raise UnfitError("名单是空的。")
    with acting(by=by, reason=reason):
        procedure = Procedure.objects.create(
            village=village,
            village_code=village.code,
            partition_id=partition,
            kind=kind,
            step=template.steps[0].code,
            started_on=on,
            created_by=by,
        )
        _list(procedure, rows)
        for applicant in applicants:
            _apply(procedure, applicant)
        _record(procedure, template.steps[0], Decision.PASS, on, reason, Minutes(), "", by)
        _advance(procedure)
    return procedure


def add_applicant(*, procedure: Procedure, applicant: Applicant, by: Any) -> None:
    """One more household on the list, as long as nobody has appraised it."""
    with acting(by=by, reason="补充申请农户"):
        procedure = _locked(procedure)
        if procedure.kind != formulas.IDENTIFY or procedure.position != 1:
            raise UnfitError("评议以后不能再增加农户，请另行申请。")
        if not covers(by, procedure.village_code, EDIT):
            raise UnfitError("您没有在该村提出申请的权限。")
        _apply(procedure, applicant)


def _list(procedure: Procedure, rows: Sequence[HouseholdYear]) -> None:
    wanted = EXITED if procedure.kind == formulas.RELAPSE else POOR
    for row in rows:
        misplaced = (row.village_code, row.partition_id) != (
            procedure.village_code,
            procedure.partition_id,
        )
        if misplaced or row.exit_status not in wanted:
            raise UnfitError(f"{row.head_name}户的村、年度或脱贫状态不符。")
    busy = ProcedureCase.objects.filter(
        household__in=[row.household_id for row in rows],
        dropped_on__isnull=True,
        procedure__state=ProcedureState.OPEN,
    )
    if busy.exists():
        raise UnfitError("名单中有农户正在办理其他程序。")
    ProcedureCase.objects.bulk_create(
        ProcedureCase(
            procedure=procedure,
            village_code=procedure.village_code,
            household_id=row.household_id,
            head_name=row.head_name,
            group_name=row.household.natural_village_name,
            persons=row.member_count or 0,
        )
        for row in rows
    )
    if why := barred(procedure):
        raise UnfitError(why)


def barred(procedure: Procedure) -> str:
    """Who was identified this year does not exit where the county's rule says so; else empty.

    A household whose year of identification is missing is named as well: missing is never met.
    """
    if procedure.kind != formulas.EXIT:
        return ""
    rules = NoticeRule.objects.filter(
        region_code=procedure.village_code[:6].ljust(12, "0"), kind=formulas.EXIT, bars_new=True
    )
    long_known = HouseholdYear.objects.filter(
        partition=procedure.partition_id,
        household=OuterRef("household"),
        identified_year__lt=procedure.partition_id,
    )
    cases = ProcedureCase.objects.filter(
        Exists(rules), ~Exists(long_known), procedure=procedure, dropped_on__isnull=True
    )
    names = list(cases.order_by("pk").values_list("head_name", flat=True))
    if not names:
        return ""
    told = "、".join(f"{name}户" for name in names[:_MOST])
    more = f"等 {len(names)} 户" if len(names) > _MOST else ""
    return f"{told}{more}为本年度识别或识别年度不详，按规定本年度不得退出。"


def _apply(procedure: Procedure, applicant: Applicant) -> None:
    if not applicant.people:
        raise UnfitError("请填写户主。")
    told = {"address": applicant.address, "people": [dict(one) for one in applicant.people]}
    ProcedureCase.objects.create(
        procedure=procedure,
        village_code=procedure.village_code,
        head_name=applicant.people[0]["name"],
        group_name=applicant.group_name,
        persons=len(applicant.people),
        members=json.dumps(told, ensure_ascii=False),
    )


def drop_case(*, case: ProcedureCase, on: date, reason: str, by: Any) -> None:
    """Take one household off the list; it stays on record with the reason."""
    with acting(by=by, reason=reason):
        procedure = _locked(case.procedure)
        _may_decide(procedure, by)
        if not reason:
            raise UnfitError("请写明原因。")
        open_cases = ProcedureCase.objects.filter(pk=case.pk, dropped_on__isnull=True)
        if not open_cases.update(dropped_on=on, dropped_reason=reason):
            raise UnfitError("该户已不在名单中。")


def rule_of(procedure: Procedure, step: Step) -> tuple[int, str, NoticeRule | None, str] | None:
    """Days, kind of days, the county's rule and the source of a step's notice; None when unset.

    A county may ask for more days than the product's source, not for fewer.
    """
    own = NoticeRule.objects.filter(
        region_code=procedure.village_code[:6].ljust(12, "0"), kind=procedure.kind, step=step.code
    ).first()
    if own and own.min_days >= (step.min_days or 0):
        return own.min_days, own.day_kind, own, own.source
    if step.min_days:
        return step.min_days, formulas.CALENDAR, None, step.source
    return None


def post_notice(*, procedure: Procedure, place: str, on: date, by: Any) -> Publicity:
    """Post the list in public from a day on. Raises UnfitError where no days are set."""
    with acting(by=by, reason=f"公示：{place}"):
        procedure = _locked(procedure)
        step = _may_decide(procedure, by)
        if not step.has_notice:
            raise UnfitError("本步骤不需要公示。")
        rule = rule_of(procedure, step)
        if rule is None:
            raise UnfitError("本县没有设置这一步的公示天数和依据，请县扶贫办先行设置。")
        days, kind, own, source = rule
        try:
            ends_on = formulas.notice_end(
                on, days, kind, own.holidays if own else (), own.made_up if own else ()
            )
        except formulas.UnknownYearError as error:
            raise UnfitError(
                f"没有 {error.year} 年的节假日表，无法计算工作日，请先补充。"
            ) from error
        try:
            return Publicity.objects.create(
                procedure=procedure,
                village_code=procedure.village_code,
                step=step.code,
                place=place,
                starts_on=on,
                min_days=days,
                day_kind=kind,
                ends_on=ends_on,
                source=source,
                listed=[list(line) for line in notice_list(procedure)],
                list_digest=digest_of(procedure),
                created_by=by,
            )
        except IntegrityError as error:
            raise UnfitError("这一步已经公示。") from error


def digest_of(procedure: Procedure) -> str:
    """SHA-256 of the list of names and groups as it stands."""
    return _digest(notice_list(procedure))


def _digest(listed: Sequence[tuple[str, str]]) -> str:
    lines = [f"{group}\t{name}" for group, name in listed]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def posted_list(
    procedure: Procedure, notice: Publicity | None
) -> tuple[list[tuple[str, str]], bool]:
    """The list as it was posted, and whether it still has the digest of that day.

    Before it is posted, the list as it stands. Notices of before lists were kept show what stands now.
    """
    if notice is None:
        return notice_list(procedure), True
    listed = [(str(group), str(name)) for group, name in notice.listed]
    listed = listed or notice_list(procedure)
    return listed, _digest(listed) == notice.list_digest


def notice_list(procedure: Procedure) -> list[tuple[str, str]]:
    """Groups and heads' names of who is on the list: all that a public notice may show."""
    cases = ProcedureCase.objects.filter(procedure=procedure, dropped_on__isnull=True)
    return list(cases.order_by("group_name", "pk").values_list("group_name", "head_name"))


def raise_objection(
    *, publicity: Publicity, raised_by: str, words: str, on: date, by: Any
) -> Objection:
    """Put down an objection to a notice whose step is still open."""
    with acting(by=by, reason="登记异议"):
        procedure = _locked(publicity.procedure)
        if procedure.step != publicity.step:
            raise UnfitError("该公示已经办结，请按信访渠道登记。")
        if not covers(by, procedure.village_code, REVIEW):
            raise UnfitError("您没有登记异议的权限。")
        return Objection.objects.create(
            publicity=publicity,
            village_code=procedure.village_code,
            raised_by=raised_by,
            raised_on=on,
            words=words,
            created_by=by,
        )


def answer_objection(*, objection: Objection, answer: str, on: date, by: Any) -> None:
    """Answered by the level that posted the notice, in words."""
    with acting(by=by, reason="答复异议"):
        _may_decide(_locked(objection.publicity.procedure), by)
        unanswered = Objection.objects.filter(pk=objection.pk, answered_on__isnull=True)
        if not answer or not unanswered.update(answer=answer, answered_on=on, answered_by=by):
            raise UnfitError("异议已经答复，或答复是空的。")


def decide(
    *,
    procedure: Procedure,
    decision: str,
    reason: str,
    on: date,
    minutes: Minutes = Minutes(),
    evidence: str = "",
    by: Any,
) -> Procedure:
    """Take the decision of the step at hand; the last one changes the register.

    Raises UnfitError for another level, the person of the decision before, a notice that has not
    run out and an open objection. The database refuses the same by itself.
    """
    with acting(by=by, reason=reason):
        procedure = _locked(procedure)
        step = _may_decide(procedure, by)
        if decision == Decision.PASS:
            obstacle = obstacle_of(procedure, step, on)
            if obstacle:
                raise UnfitError(obstacle)
            if step.has_minutes and not (minutes.text and minutes.present and minutes.entitled):
                raise UnfitError("评议须填写应到、实到人数和会议记录。")
        if minutes.present and (minutes.entitled or 0) < minutes.present:
            raise UnfitError("实到人数多于应到人数。")
        before = procedure.steps.order_by("-position").first()
        if before and before.created_by_id == by.pk:
            raise UnfitError("上一步由您本人决定，本步须由另一人决定。")
        if before and on < before.decided_on:
            raise UnfitError("决定日期早于上一步。")
        _record(procedure, step, decision, on, reason, minutes, evidence, by)
        if decision == Decision.REFUSE:
            _close(procedure, ProcedureState.REFUSED)
        elif TEMPLATES[procedure.kind].at(procedure.position + 1) is None:
            _take_effect(procedure, on, by)
            procedure.position += 1
            _close(procedure, ProcedureState.DONE)
        else:
            _advance(procedure)
    return procedure


def obstacle_of(procedure: Procedure, step: Step, on: date) -> str:
    """Why the step cannot pass on this day; empty when it can."""
    if not ProcedureCase.objects.filter(procedure=procedure, dropped_on__isnull=True).exists():
        return "名单中已没有农户。"
    # A rule made or a year corrected since the proposal counts as well.
    if step.code in _BARRING and (why := barred(procedure)):
        return why
    if not step.has_notice:
        return ""
    notice = Publicity.objects.filter(procedure=procedure, step=step.code).first()
    if notice is None:
        return "尚未公示。"
    if on <= notice.ends_on:
        return f"公示到 {notice.ends_on:%Y-%m-%d} 届满，次日起可以办理。"
    if notice.objections.filter(answered_on__isnull=True).exists():
        return "有异议尚未答复。"
    return ""


def decides(procedure: Procedure, actor: Any) -> bool:
    """Whether the actor stands at the level of the step at hand."""
    step = TEMPLATES[procedure.kind].at(procedure.position)
    return (
        step is not None
        and procedure.state == ProcedureState.OPEN
        and formulas.level_of(actor.prefixes_for(REVIEW), procedure.village_code, step.level)
    )


def _may_decide(procedure: Procedure, actor: Any) -> Step:
    step = TEMPLATES[procedure.kind].at(procedure.position)
    if step is None or procedure.state != ProcedureState.OPEN:
        raise UnfitError("程序已经办结。")
    if not decides(procedure, actor):
        raise UnfitError(f"本步骤由{LEVELS[step.level]}级办理。")
    return step


def _locked(procedure: Procedure) -> Procedure:
    return Procedure.objects.select_for_update().get(pk=procedure.pk)


def _record(
    procedure: Procedure,
    step: Step,
    decision: str,
    on: date,
    reason: str,
    minutes: Minutes,
    evidence: str,
    by: Any,
) -> None:
    ProcedureStep.objects.create(
        procedure=procedure,
        village_code=procedure.village_code,
        position=procedure.position,
        step=step.code,
        has_notice=step.has_notice,
        decision=decision,
        decided_on=on,
        reason=reason,
        present=minutes.present,
        entitled=minutes.entitled,
        minutes=minutes.text,
        evidence=evidence,
        created_by=by,
    )


def _advance(procedure: Procedure) -> None:
    procedure.position += 1
    step = TEMPLATES[procedure.kind].at(procedure.position)
    procedure.step = step.code if step else ""
    procedure.save(update_fields=["position", "step"])


def _close(procedure: Procedure, state: str) -> None:
    procedure.state, procedure.step = state, ""
    procedure.save(update_fields=["position", "step", "state"])


def _take_effect(procedure: Procedure, on: date, by: Any) -> None:
    cases = list(
        ProcedureCase.objects.filter(procedure=procedure, dropped_on__isnull=True).order_by("pk")
    )
    reason = f"{procedure.get_kind_display()}程序 {procedure.pk}"
    if procedure.kind == formulas.IDENTIFY:
        rows = [_identify(procedure, case, on) for case in cases]
        members.book(rows, [], reason, by)
        return
    wanted = EXITED if procedure.kind == formulas.RELAPSE else POOR
    rows = list(
        HouseholdYear.objects.filter(
            partition_id=procedure.partition_id,
            household__in=[case.household_id for case in cases],
            exit_status__in=wanted,
        )
        .order_by("pk")
        .select_for_update()
    )
    if len(rows) != len(cases):
        raise UnfitError("名单中有农户的脱贫状态已经变化，请先从名单中去掉。")
    if procedure.kind in (formulas.RELAPSE, formulas.EXIT):
        _move(rows, procedure)
        members.book(rows, [], reason, by)
        return
    for row in rows:
        members.leave_year(row, None)
    members.book(rows, [], reason, by, cleared=True)


def _move(rows: Sequence[HouseholdYear], procedure: Procedure) -> None:
    """All households of the list become exited, or poor again, in one statement."""
    leaving = procedure.kind == formulas.EXIT
    attributes = _NO_LONGER_POOR if leaving else _POOR_AGAIN
    for row in rows:
        row.exit_status = _HAS_EXITED if leaving else RELAPSED
        row.exit_year = procedure.partition_id if leaving else row.exit_year
        row.household_attribute = attributes.get(row.household_attribute, row.household_attribute)
    HouseholdYear.objects.bulk_update(rows, ["exit_status", "exit_year", "household_attribute"])
    HouseholdYear.objects.filter(pk__in=[row.pk for row in rows]).update(changed_at=Now())


def _identify(procedure: Procedure, case: ProcedureCase, on: date) -> HouseholdYear:
    """The household of an approved application, with its members, from this year on."""
    told = json.loads(case.members)
    household = Household.objects.create(
        household_no=members.new_number(procedure.village_code),
        village_id=procedure.village_id,
        village_code=procedure.village_code,
        natural_village_name=case.group_name,
        address=told["address"],
        first_identified_on=on,
    )
    row = HouseholdYear.objects.create(
        partition_id=procedure.partition_id,
        household=household,
        village_id=procedure.village_id,
        village_code=procedure.village_code,
        exit_status="0",
        identified_year=procedure.partition_id,
        member_count=len(told["people"]),
    )
    for number, one in enumerate(told["people"]):
        person = {key: value for key, value in one.items() if key != "relation_to_head"}
        relation = HEAD if number == 0 else one.get("relation_to_head", "")
        member = members.enrol(
            row=row, person={**person, "identified_on": on}, year={"relation_to_head": relation}
        )
        if number == 0:
            members.name_head(row, member.person)
    ProcedureCase.objects.filter(pk=case.pk).update(household=household, members="")
    return row


def set_rule(
    *,
    county: str,
    kind: str,
    step: str,
    min_days: int,
    day_kind: str,
    holidays: Sequence[date],
    made_up: Sequence[date],
    source: str,
    bars_new: bool = False,
    by: Any,
) -> NoticeRule:
    """How long a county posts this notice from now on; notices already posted keep their days."""
    with acting(by=by, reason=source):
        rule, _ = NoticeRule.objects.update_or_create(
            region_code=county.ljust(12, "0"),
            kind=kind,
            step=step,
            defaults={
                "min_days": min_days,
                "day_kind": day_kind,
                "holidays": list(holidays),
                "made_up": list(made_up),
                "source": source,
                "bars_new": bars_new,
                "created_by": by,
                "changed_at": Now(),
            },
        )
    return rule
