"""Public notices of an exit: how long they hang, who objects, and what is answered."""

import hashlib
from collections.abc import Iterable
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction

from core.acting import acting
from core.scope import covers
from exits.checks.procedures import ExitStep
from exits.models import ExitCase, ExitNotice, ExitObjection, ExitProcedure, ExitRule, Holiday
from exits.services.procedures_steps import DECIDE, UnfitError, locked, may_decide
from households import formulas
from villages.models import Region


def rule_of(procedure: ExitProcedure, step: ExitStep) -> tuple[int, str, str] | None:
    """Days, kind of days and source of a step's notice; None when nobody stated them.

    A region may ask for more days than the product's source, not for fewer; the nearest counts.
    """
    code = procedure.region_code
    codes = [code[:length].ljust(12, "0") for length in (4, 6, 9)]
    own = (
        ExitRule.objects.filter(level=procedure.level, region_code__in=codes, step=step.code)
        .order_by("-region_code")
        .first()
    )
    if own is not None and own.min_days >= (step.min_days or 0):
        return own.min_days, own.day_kind, own.source
    if step.min_days:
        return step.min_days, step.day_kind, step.source
    return None


def post_notice(*, procedure: ExitProcedure, place: str, on: date, by: Any) -> ExitNotice:
    """Post the list in public from a day on. Raises UnfitError where no days are set."""
    with acting(by=by, reason=f"退出公示：{place}"):
        found = locked(procedure)
        step = may_decide(found, by)
        if not step.has_notice:
            raise UnfitError("本步骤不需要公示。")
        rule = rule_of(found, step)
        if rule is None:
            raise UnfitError("没有设置这一步的公示天数和依据，请先在“公示天数”中填写。")
        days, kind, source = rule
        names = listed(found)
        if not names:
            raise UnfitError("名单是空的。")
        before = found.decisions.order_by("-position").first()
        if before and on < before.decided_on:
            raise UnfitError("公示日期早于上一步。")
        try:
            with transaction.atomic():
                return ExitNotice.objects.create(
                    procedure=found, region_code=found.region_code, step=step.code, place=place,
                    starts_on=on, min_days=days, day_kind=kind, source=source,
                    ends_on=ends_on(on, days, kind), listed=names, list_digest=digest(names),
                    created_by=by,
                )  # fmt: skip
        except IntegrityError as error:
            raise UnfitError("这一步已经公示。") from error


def ends_on(on: date, days: int, kind: str) -> date:
    """The last day of a notice; working days by the days off that were loaded. Raises UnfitError."""
    rows = Holiday.objects.filter(day__year__gte=on.year).values_list("day", "is_off")
    try:
        return formulas.notice_end(
            on, days, kind,
            [day for day, is_off in rows if is_off], [day for day, is_off in rows if not is_off],
        )  # fmt: skip
    except formulas.UnknownYearError as error:
        raise UnfitError(
            f"没有 {error.year} 年的节假日表，无法计算工作日，请管理员先导入。"
        ) from error


def listed(procedure: ExitProcedure) -> list[str]:
    """The names on the list as it stands."""
    rows = ExitCase.objects.filter(procedure=procedure, dropped_on__isnull=True)
    return list(rows.order_by("region_code").values_list("name", flat=True))


def digest(names: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def raise_objection(
    *, notice: ExitNotice, raised_by: str, words: str, on: date, by: Any
) -> ExitObjection:
    """Put down an objection to a notice whose step is still open."""
    with acting(by=by, reason="登记退出异议"):
        found = locked(notice.procedure)
        if found.step != notice.step:
            raise UnfitError("该公示已经办结，请按信访渠道登记。")
        if not covers(by, found.region_code, DECIDE):
            raise UnfitError("您没有登记异议的权限。")
        if on < notice.starts_on:
            raise UnfitError("提出日期早于公示日期。")
        return ExitObjection.objects.create(
            notice=notice, region_code=found.region_code, raised_by=raised_by, raised_on=on,
            words=words, created_by=by,
        )  # fmt: skip


def answer_objection(*, objection: ExitObjection, answer: str, on: date, by: Any) -> None:
    """Answered by the level that posted the notice, in words."""
    with acting(by=by, reason="答复退出异议"):
        may_decide(locked(objection.notice.procedure), by)
        open_ones = ExitObjection.objects.filter(pk=objection.pk, answered_on__isnull=True)
        if not answer or not open_ones.update(answer=answer, answered_on=on, answered_by=by):
            raise UnfitError("异议已经答复，或答复是空的。")


def set_rule(
    *, level: str, region: Region, step: str, min_days: int, day_kind: str, source: str, by: Any
) -> ExitRule:
    """How long a region posts this notice from now on; notices already posted keep their days."""
    if not covers(by, region.code, DECIDE):
        raise UnfitError("您没有在该区划设置的权限。")
    with acting(by=by, reason=source):
        rule, _ = ExitRule.objects.update_or_create(
            level=level, region_code=region.code, step=step,
            defaults={
                "min_days": min_days, "day_kind": day_kind, "source": source, "created_by": by
            },
        )  # fmt: skip
    return rule
