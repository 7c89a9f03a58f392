"""Procedures by which villages and counties exit, with their public notices. Nothing is deleted."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.history import tracked
from core.scope import ScopedQuerySet
from exits.enums import SubjectLevel
from households.models import DayKind, Decision, Partition, ProcedureState
from villages.models import Region

_LEVELS = (SubjectLevel.VILLAGE, SubjectLevel.COUNTY)


def _person(label: str, *, null: bool = False) -> "models.ForeignKey[Any, Any]":
    return models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=null, db_index=False, related_name="+",
        verbose_name=label,
    )  # fmt: skip


def _place(label: str) -> "models.ForeignKey[Any, Any]":
    return models.ForeignKey(
        Region, models.PROTECT, db_constraint=False, db_index=False, related_name="+",
        verbose_name=label,
    )  # fmt: skip


def _code() -> "models.CharField[Any, Any]":
    return models.CharField("区划代码", max_length=12)


class PlaceQuerySet(ScopedQuerySet[Any]):
    scope_field = "region_code"


@tracked
class ExitProcedure(models.Model):
    """Villages of one town, or one county, that pass the steps of exit together in one year.

    `region` is the town or the county. `position` counts the decisions taken so far; the steps are
    those of `catalog.exit_template` for the level and the place.
    """

    level = models.CharField("级别", max_length=10, choices=SubjectLevel.choices)
    region = _place("区划")
    region_code = _code()
    partition = models.ForeignKey(Partition, models.PROTECT, db_index=False, verbose_name="年度")
    state = models.CharField(
        "状态", max_length=8, choices=ProcedureState.choices, default=ProcedureState.OPEN
    )
    position = models.PositiveSmallIntegerField("已完成步骤", default=0)
    step = models.CharField("当前步骤", max_length=20, blank=True)
    started_on = models.DateField("开始日期")
    created_by = _person("经办人")
    created_at = models.DateTimeField("记录时间", db_default=Now())

    objects = PlaceQuerySet.as_manager()

    class Meta:
        verbose_name = "退出程序"
        constraints = [
            models.CheckConstraint(condition=Q(level__in=_LEVELS), name="exit_procedure_level"),
            models.CheckConstraint(
                condition=Q(state="OPEN") ^ Q(step=""), name="exit_procedure_open_has_a_step"
            ),
            models.UniqueConstraint(fields=["id", "region_code"], name="exit_procedure_id_code"),
        ]
        indexes = [
            models.Index(fields=["region_code", "partition", "state"], name="exit_procedure_scope")
        ]

    def __str__(self) -> str:
        return f"{self.get_level_display()}退出 {self.pk}"


@tracked
class ExitCase(models.Model):
    """A village or county on the list of a procedure; who is dropped stays on record with the reason.

    `is_standing`: is passing the procedure or has exited by it. A place stands once in a year; it
    stands no more when it is dropped, refused or its exit is reversed.
    """

    procedure = models.ForeignKey(
        ExitProcedure, models.PROTECT, related_name="cases", db_constraint=False,
        verbose_name="退出程序",
    )  # fmt: skip
    region = _place("退出对象")
    region_code = _code()
    name = models.CharField("名称", max_length=60)
    partition = models.ForeignKey(Partition, models.PROTECT, db_index=False, verbose_name="年度")
    is_standing = models.BooleanField("有效", default=True)
    dropped_on = models.DateField("退出名单日期", null=True)
    dropped_reason = models.CharField("退出名单原因", max_length=200, blank=True)

    objects = PlaceQuerySet.as_manager()

    class Meta:
        verbose_name = "退出对象"
        constraints = [
            models.UniqueConstraint(fields=["procedure", "region"], name="exit_case_once"),
            models.UniqueConstraint(
                fields=["region", "partition"],
                condition=Q(is_standing=True),
                name="exit_case_stands_once",
            ),
            models.CheckConstraint(
                condition=Q(dropped_on__isnull=True, dropped_reason="")
                | Q(dropped_on__isnull=False, is_standing=False) & ~Q(dropped_reason=""),
                name="exit_case_dropped_why",
            ),
        ]
        indexes = [models.Index(fields=["region_code"], name="exit_case_scope")]

    def __str__(self) -> str:
        return self.name


class ExitDecision(models.Model):
    """One decision: when, who, why, on which document. Append-only.

    A trigger refuses a decision out of turn, by whoever took the one before, before the notice has
    run out and while an objection is open; it compares the dates that are stored, not a clock.
    """

    procedure = models.ForeignKey(
        ExitProcedure, models.PROTECT, related_name="decisions", db_constraint=False,
        verbose_name="退出程序",
    )  # fmt: skip
    region_code = _code()
    position = models.PositiveSmallIntegerField("第几步")
    step = models.CharField("步骤", max_length=20)
    has_notice = models.BooleanField("须公示")
    needs_document = models.BooleanField("须有文件")
    decision = models.CharField("决定", max_length=6, choices=Decision.choices)
    decided_on = models.DateField("决定日期")
    reason = models.CharField("意见", max_length=500)
    document_no = models.CharField("文号", max_length=60, blank=True)
    documents = models.CharField("材料", max_length=500, blank=True)
    created_by = _person("决定人")
    created_at = models.DateTimeField("记录时间", db_default=Now())

    objects = PlaceQuerySet.as_manager()

    class Meta:
        verbose_name = "退出决定"
        constraints = [
            models.UniqueConstraint(
                fields=["procedure", "position"], name="exit_decision_once"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="exit_decision_says_why"),
            models.CheckConstraint(
                condition=Q(needs_document=False) | Q(decision=Decision.REFUSE)
                | ~Q(document_no=""),
                name="exit_decision_has_its_document",
            ),
        ]  # fmt: skip
        indexes = [models.Index(fields=["region_code"], name="exit_decision_scope")]

    def __str__(self) -> str:
        return f"{self.procedure_id} {self.step}"


class ExitNotice(models.Model):
    """One public notice of a procedure's list: where, from when, until when, on which ground.

    Append-only. `listed` are the names as they were posted, `list_digest` their SHA-256.
    """

    procedure = models.ForeignKey(
        ExitProcedure, models.PROTECT, related_name="notices", db_constraint=False,
        verbose_name="退出程序",
    )  # fmt: skip
    region_code = _code()
    step = models.CharField("步骤", max_length=20)
    place = models.CharField("公示地点", max_length=100)
    starts_on = models.DateField("公示日期")
    min_days = models.PositiveSmallIntegerField("公示天数")
    day_kind = models.CharField("天数口径", max_length=8, choices=DayKind.choices)
    ends_on = models.DateField("届满日期")
    source = models.CharField("依据", max_length=300)
    listed = models.JSONField("公示名单")
    list_digest = models.CharField("名单摘要", max_length=64)
    created_by = _person("经办人")
    created_at = models.DateTimeField("记录时间", db_default=Now())

    objects = PlaceQuerySet.as_manager()

    class Meta:
        verbose_name = "退出公示"
        constraints = [
            models.UniqueConstraint(fields=["procedure", "step"], name="exit_notice_once"),
            models.CheckConstraint(
                condition=Q(min_days__gte=1) & ~Q(source="") & ~Q(place=""),
                name="exit_notice_says_it",
            ),
        ]
        indexes = [models.Index(fields=["region_code"], name="exit_notice_scope")]

    def __str__(self) -> str:
        return f"{self.procedure_id} {self.step}"


@tracked
class ExitObjection(models.Model):
    """Somebody objects to a notice; it is open until it has been answered."""

    notice = models.ForeignKey(
        ExitNotice, models.PROTECT, related_name="objections", db_constraint=False,
        verbose_name="公示",
    )  # fmt: skip
    region_code = _code()
    raised_by = models.CharField("提出人", max_length=60, help_text="只写姓名，可写“匿名”。")
    raised_on = models.DateField("提出日期")
    words = models.CharField("异议内容", max_length=500)
    answer = models.CharField("答复", max_length=500, blank=True)
    answered_on = models.DateField("答复日期", null=True)
    answered_by = _person("答复人", null=True)
    created_by = _person("登记人")
    created_at = models.DateTimeField("记录时间", db_default=Now())

    objects = PlaceQuerySet.as_manager()

    class Meta:
        verbose_name = "退出异议"
        constraints = [
            models.CheckConstraint(
                condition=Q(answer="", answered_on__isnull=True, answered_by__isnull=True)
                | (~Q(answer="") & Q(answered_on__isnull=False, answered_by__isnull=False)),
                name="exit_objection_answered_how",
            ),
            models.CheckConstraint(
                condition=Q(answered_on__isnull=True) | Q(answered_on__gte=models.F("raised_on")),
                name="exit_objection_answered_after",
            ),
        ]
        indexes = [models.Index(fields=["region_code"], name="exit_objection_scope")]

    def __str__(self) -> str:
        return f"{self.notice_id} {self.pk}"


class ExitReversal(models.Model):
    """An exit that took effect is taken back: why, on which document. Append-only; history stays."""

    case = models.OneToOneField(
        ExitCase, models.PROTECT, related_name="reversal", db_constraint=False,
        verbose_name="退出对象",
    )  # fmt: skip
    region_code = _code()
    on = models.DateField("撤销日期", db_column="taken_on")
    reason = models.CharField("撤销原因", max_length=500)
    document_no = models.CharField("文号", max_length=60)
    created_by = _person("经办人")
    created_at = models.DateTimeField("记录时间", db_default=Now())

    objects = PlaceQuerySet.as_manager()

    class Meta:
        verbose_name = "撤销退出"
        constraints = [
            models.CheckConstraint(
                condition=~Q(reason="") & ~Q(document_no=""), name="exit_reversal_says_why"
            ),
        ]
        indexes = [models.Index(fields=["region_code"], name="exit_reversal_scope")]

    def __str__(self) -> str:
        return str(self.case_id)


@tracked
class ExitRule(models.Model):
    """How long a region posts a notice where the product knows no source, or for longer."""

    level = models.CharField("级别", max_length=10, choices=SubjectLevel.choices)
    region_code = _code()
    step = models.CharField("步骤", max_length=20)
    min_days = models.PositiveSmallIntegerField("公示天数")
    day_kind = models.CharField("天数口径", max_length=8, choices=DayKind.choices)
    source = models.CharField("依据", max_length=300)
    created_by = _person("设置人")
    changed_at = models.DateTimeField("设置时间", db_default=Now())

    objects = PlaceQuerySet.as_manager()

    class Meta:
        verbose_name = "退出公示天数"
        constraints = [
            models.UniqueConstraint(fields=["level", "region_code", "step"], name="exit_rule_once"),
            models.CheckConstraint(
                condition=Q(min_days__gte=1, min_days__lte=90, level__in=_LEVELS) & ~Q(source=""),
                name="exit_rule_days_and_source",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.region_code} {self.step}"


@tracked
class Holiday(models.Model):
    """A day that is off though it is a weekday, or worked though it is a weekend day.

    A year of which no day is known has no working days: whatever needs them is refused.
    """

    day = models.DateField("日期", primary_key=True)
    is_off = models.BooleanField("放假")
    source = models.CharField("依据", max_length=200)

    class Meta:
        verbose_name = "节假日"
        ordering = ["day"]
        constraints = [models.CheckConstraint(condition=~Q(source=""), name="holiday_has_source")]

    def __str__(self) -> str:
        return str(self.day)
