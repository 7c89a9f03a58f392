"""Procedures by which households enter, re-enter and leave the register, with their public notices."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.fields import Secret
from core.history import tracked
from core.scope import ScopedQuerySet
from households import formulas
from households.models.household import Household
from households.models.partition import Partition
from villages.models import Region


class ProcedureState(models.TextChoices):
    OPEN = "OPEN", "办理中"
    DONE = "DONE", "已办结"
    REFUSED = "REFUSED", "未通过"


class Decision(models.TextChoices):
    PASS = "PASS", "通过"
    REFUSE = "REFUSE", "不通过"


class DayKind(models.TextChoices):
    CALENDAR = formulas.CALENDAR, "自然日"
    WORKING = formulas.WORKING, "工作日"


KINDS = [(kind, template.label) for kind, template in formulas.TEMPLATES.items()]
STEPS = list(formulas.STEP_LABELS.items())


def _person(label: str, *, null: bool = False) -> "models.ForeignKey":
    return models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=null, db_index=False, related_name="+",
        verbose_name=label,
    )  # fmt: skip


def _scoped() -> models.CharField:
    return models.CharField("村代码", max_length=12)


@tracked
class Procedure(models.Model):
    """Households of one village that pass the steps together in one year of the register.

    `position` counts the decisions taken so far; what each kind's steps are stands in `formulas`.
    """

    village = models.ForeignKey(
        Region, models.PROTECT, db_constraint=False, db_index=False, verbose_name="行政村"
    )
    village_code = _scoped()
    partition = models.ForeignKey(Partition, models.PROTECT, db_index=False, verbose_name="年度")
    kind = models.CharField("事项", max_length=10, choices=KINDS)
    state = models.CharField(
        "状态", max_length=8, choices=ProcedureState.choices, default=ProcedureState.OPEN
    )
    position = models.PositiveSmallIntegerField("已完成步骤", default=0)
    # The step to be decided next, so that lists can be filtered by it; "" when none is left.
    step = models.CharField("当前步骤", max_length=20, choices=STEPS, blank=True)
    started_on = models.DateField("开始日期")
    created_by = _person("经办人")
    created_at = models.DateTimeField("记录时间", db_default=Now())

    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name = "识别与退出程序"
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=[kind for kind, _ in KINDS]), name="procedure_kind"
            ),
            models.CheckConstraint(
                condition=Q(state="OPEN") ^ Q(step=""), name="procedure_open_has_a_step"
            ),
            models.UniqueConstraint(fields=["id", "village_code"], name="procedure_id_village"),
        ]
        indexes = [
            models.Index(fields=["village_code", "partition", "state"], name="procedure_scope")
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"


@tracked
class ProcedureCase(models.Model):
    """One household on the list of a procedure; who is dropped stays on record with the reason.

    A household that is not registered yet is told by its head; its members wait sealed until the
    county has approved them.
    """

    procedure = models.ForeignKey(
        Procedure, models.PROTECT, related_name="cases", db_constraint=False, verbose_name="程序"
    )
    village_code = _scoped()
    household = models.ForeignKey(
        Household, models.PROTECT, null=True, related_name="+", db_constraint=False,
        verbose_name="贫困户",
    )  # fmt: skip
    head_name = models.CharField("户主姓名", max_length=60)
    group_name = models.CharField("村民小组", max_length=60, blank=True)
    persons = models.PositiveSmallIntegerField("人数（人）")
    members = Secret("家庭成员", max_length=8000, sensitive=True)
    dropped_on = models.DateField("退出名单日期", null=True)
    dropped_reason = models.CharField("退出名单原因", max_length=200, blank=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name = "程序中的农户"
        constraints = [
            models.UniqueConstraint(
                fields=["procedure", "household"], name="procedure_household_once"
            ),
            models.CheckConstraint(
                condition=Q(dropped_on__isnull=True) | ~Q(dropped_reason=""),
                name="procedure_case_dropped_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.procedure_id} {self.pk}"


class ProcedureStep(models.Model):
    """One decision: when, who, what, why, on which minutes. Append-only.

    A trigger refuses a decision out of turn, by whoever took the one before, before the notice has
    run out and while an objection is open; it compares the dates that are stored, not a clock.
    """

    procedure = models.ForeignKey(
        Procedure, models.PROTECT, related_name="steps", db_constraint=False, verbose_name="程序"
    )
    village_code = _scoped()
    position = models.PositiveSmallIntegerField("第几步")
    step = models.CharField("步骤", max_length=20, choices=STEPS)
    has_notice = models.BooleanField("须公示")
    decision = models.CharField("决定", max_length=6, choices=Decision.choices)
    decided_on = models.DateField("决定日期")
    reason = models.CharField("理由", max_length=500)
    present = models.PositiveSmallIntegerField("到会人数（人）", null=True)
    entitled = models.PositiveSmallIntegerField("应到人数（人）", null=True)
    minutes = models.TextField("会议记录", max_length=4000, blank=True)
    evidence = models.CharField("佐证材料", max_length=500, blank=True)
    created_by = _person("决定人")
    created_at = models.DateTimeField("记录时间", db_default=Now())

    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name = "程序步骤"
        constraints = [
            models.UniqueConstraint(
                fields=["procedure", "position"], name="procedure_step_decided_once"
            ),
            models.CheckConstraint(
                condition=Q(present__isnull=True, entitled__isnull=True)
                | Q(present__isnull=False, entitled__gte=F("present")),
                name="procedure_step_present_of_entitled",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.procedure_id} {self.step}"


@tracked
class Publicity(models.Model):
    """One public notice (公示) of a procedure's list: where, from when, until when, on which ground.

    `listed` is the list as it was posted, groups and names only; `list_digest` its SHA-256.
    """

    procedure = models.ForeignKey(
        Procedure, models.PROTECT, related_name="notices", db_constraint=False, verbose_name="程序"
    )
    village_code = _scoped()
    step = models.CharField("步骤", max_length=20, choices=STEPS)
    place = models.CharField("公示地点", max_length=100)
    starts_on = models.DateField("张贴日期")
    min_days = models.PositiveSmallIntegerField("公示天数")
    day_kind = models.CharField("天数口径", max_length=8, choices=DayKind.choices)
    ends_on = models.DateField("届满日期")
    source = models.CharField("依据", max_length=300)
    listed = models.JSONField("公示名单", default=list)
    list_digest = models.CharField("名单摘要", max_length=64)
    created_by = _person("张贴人")
    created_at = models.DateTimeField("记录时间", db_default=Now())

    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name = "公示"
        constraints = [
            models.UniqueConstraint(fields=["procedure", "step"], name="publicity_once"),
            models.UniqueConstraint(fields=["id", "village_code"], name="publicity_id_village"),
            # Never before its calendar days are over either: the migration adds that in SQL.
            models.CheckConstraint(
                condition=Q(min_days__gte=1, ends_on__gte=F("starts_on")),
                name="publicity_takes_a_day",
            ),
            models.CheckConstraint(condition=~Q(source=""), name="publicity_has_a_source"),
        ]

    def __str__(self) -> str:
        return f"{self.procedure_id} {self.step}"


@tracked
class Objection(models.Model):
    """Somebody objects to a notice; it is open until it has been answered."""

    publicity = models.ForeignKey(
        Publicity, models.PROTECT, related_name="objections", db_constraint=False,
        verbose_name="公示",
    )  # fmt: skip
    village_code = _scoped()
    raised_by = models.CharField("提出人", max_length=60, help_text="只写姓名，可写“匿名”。")
    raised_on = models.DateField("提出日期")
    words = models.CharField("异议内容", max_length=500)
    answer = models.CharField("答复", max_length=500, blank=True)
    answered_on = models.DateField("答复日期", null=True)
    answered_by = _person("答复人", null=True)
    created_by = _person("登记人")
    created_at = models.DateTimeField("记录时间", db_default=Now())

    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name = "异议"
        constraints = [
            models.CheckConstraint(
                condition=Q(answer="", answered_on__isnull=True, answered_by__isnull=True)
                | (~Q(answer="") & Q(answered_on__isnull=False, answered_by__isnull=False)),
                name="objection_answered_when_and_by_whom",
            ),
            models.CheckConstraint(
                condition=Q(answered_on__isnull=True) | Q(answered_on__gte=F("raised_on")),
                name="objection_answered_after_raised",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.publicity_id} {self.pk}"


@tracked
class NoticeRule(models.Model):
    """How long a county posts a notice where no source of the product's own says it, or for longer."""

    region_code = models.CharField("区划代码", max_length=12)
    kind = models.CharField("事项", max_length=10, choices=KINDS)
    step = models.CharField("步骤", max_length=20, choices=STEPS)
    min_days = models.PositiveSmallIntegerField("公示天数")
    day_kind = models.CharField("天数口径", max_length=8, choices=DayKind.choices)
    holidays = ArrayField(models.DateField(), verbose_name="节假日", default=list, blank=True)
    made_up = ArrayField(models.DateField(), verbose_name="调休上班日", default=list, blank=True)
    bars_new = models.BooleanField(
        "本年度识别的农户不得退出", default=False, db_default=False,
        help_text="只用于脱贫退出；识别年度不详的农户同样不得退出。",
    )  # fmt: skip
    source = models.CharField("依据", max_length=300)
    created_by = _person("设置人")
    changed_at = models.DateTimeField("设置时间", db_default=Now())

    class Meta:
        verbose_name = "公示天数设置"
        constraints = [
            models.UniqueConstraint(
                fields=["region_code", "kind", "step"], name="notice_rule_once"
            ),
            models.CheckConstraint(
                condition=Q(min_days__gte=1, min_days__lte=90) & ~Q(source=""),
                name="notice_rule_days_and_source",
            ),
            models.CheckConstraint(
                condition=Q(day_kind="CALENDAR") | Q(holidays__len__gt=0),
                name="notice_rule_working_days_need_a_table",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.region_code} {self.kind} {self.step}"
