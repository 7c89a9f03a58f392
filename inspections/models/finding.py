"""Problems that were found, and each step of their mending."""

from pathlib import Path
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.history import tracked, tracked_without
from core.scans import JPEG, PDF, PNG
from core.scope import ScopedQuerySet
from funds.models import FundFinding, Payment
from households.models import Household, Person
from inspections.enums.findings import (
    DONE,
    GONE,
    OPEN,
    OWED,
    Level,
    Look,
    ObjectKind,
    Origin,
    Severity,
    Source,
    State,
)
from inspections.models.campaign import Campaign
from inspections.models.case import Case
from inspections.models.common import person as official
from projects.models import Project
from villages.models import Region

MEDIA_TYPES = (JPEG, PNG, PDF)
# By what a finding names its object, besides its place.
_NAMED: dict[str, str] = {
    ObjectKind.HOUSEHOLD: "household",
    ObjectKind.PERSON: "person",
    ObjectKind.PROJECT: "project",
    ObjectKind.PAYMENT: "payment",
}


def _object_fits() -> Q:
    """A finding about a household names one, and so on; what it is not about stays empty."""
    fits = Q()
    for kind in ObjectKind.values:
        named = Q(object_kind=kind)
        for of, field in _NAMED.items():
            # A person's household is told too, so that its page shows the finding.
            if of == kind or (of == ObjectKind.HOUSEHOLD and kind == ObjectKind.PERSON):
                named &= Q(**{f"{field}__isnull": False})
            else:
                named &= Q(**{f"{field}__isnull": True})
        named &= ~Q(cadre="") if kind == ObjectKind.CADRE else Q(cadre="")
        fits |= named
    return fits


@tracked
class FindingClass(models.Model):
    """A class of problems (问题类别). `source` says who classes them so."""

    code = models.CharField("代码", max_length=10, primary_key=True)
    name = models.CharField("名称", max_length=60)
    source = models.CharField("来源", max_length=200)

    class Meta:
        verbose_name = "问题类别"
        constraints = [
            models.CheckConstraint(
                condition=~Q(name="") & ~Q(source=""), name="finding_class_has_source"
            ),
            models.UniqueConstraint(fields=["name"], name="finding_class_once"),
        ]

    def __str__(self) -> str:
        return self.name


class FindingQuerySet(ScopedQuerySet["Finding"]):
    scope_field = "region_code"
    household_field = "household_id"

    def open(self) -> Self:
        return self.filter(state__in=OPEN)

    def overdue(self, today: Any) -> Self:
        """The mending is owed and its day has passed."""
        return self.filter(state__in=OWED, due_on__lt=today)


@tracked_without("changed")
class Finding(models.Model):
    """One problem (问题) of a place: what is wrong, whom or what it concerns, how far it is mended.

    `number` is given by county and year. `told_as` is its number in the feedback. Everything from
    `state` on follows the steps, extensions and letters and is written by their triggers alone.
    `origin` says what it was entered from; `parent` is the problem it was split from, or whose
    likes it is one of. What was entered can be put right until it is assigned.
    """

    number = models.CharField("问题编号", max_length=24, blank=True)
    campaign = models.ForeignKey(
        Campaign, models.PROTECT, null=True, db_index=False, related_name="findings",
        verbose_name="检查",
    )  # fmt: skip
    source = models.CharField("来源", max_length=12, choices=Source.choices)
    level = models.CharField("层级", max_length=8, choices=Level.choices)
    told_as = models.CharField("反馈序号", max_length=40, blank=True)
    category = models.ForeignKey(
        FindingClass, models.PROTECT, null=True, db_index=False, related_name="+",
        verbose_name="问题类别",
    )  # fmt: skip
    severity = models.CharField("严重程度", max_length=8, choices=Severity.choices)
    fact = models.CharField("问题事实", max_length=1000)
    basis = models.CharField("违反的规定", max_length=300, blank=True)
    object_kind = models.CharField("问题对象", max_length=9, choices=ObjectKind.choices)
    region = models.ForeignKey(
        Region, models.PROTECT, db_constraint=False, db_index=False, related_name="+",
        verbose_name="所在区划",
    )  # fmt: skip
    region_code = models.CharField("区划代码", max_length=12)
    household = models.ForeignKey(
        Household, models.PROTECT, null=True, db_constraint=False, db_index=False,
        related_name="findings", verbose_name="农户",
    )  # fmt: skip
    person = models.ForeignKey(
        Person, models.PROTECT, null=True, db_constraint=False, db_index=False,
        related_name="findings", verbose_name="人员",
    )  # fmt: skip
    project = models.ForeignKey(
        Project, models.PROTECT, null=True, db_constraint=False, db_index=False,
        related_name="findings", verbose_name="项目",
    )  # fmt: skip
    payment = models.ForeignKey(
        Payment, models.PROTECT, null=True, db_index=False, related_name="findings",
        verbose_name="支付",
    )  # fmt: skip
    cadre = models.CharField("干部姓名、职务", max_length=60, blank=True)
    found_on = models.DateField("发现日期")
    needs_watch = models.BooleanField("需长期坚持", default=False)
    origin = models.CharField("录入方式", max_length=9, choices=Origin.choices)
    case = models.OneToOneField(
        Case, models.PROTECT, null=True, db_constraint=False, related_name="finding",
        verbose_name="评估问题",
    )  # fmt: skip
    fund_finding = models.OneToOneField(
        FundFinding, models.PROTECT, null=True, related_name="finding", verbose_name="资金疑点"
    )
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, db_index=False, related_name="children",
        verbose_name="来自问题",
    )  # fmt: skip
    state = models.CharField("状态", max_length=8, choices=State.choices, blank=True)
    position = models.PositiveSmallIntegerField("已办步骤", default=0)
    state_on = models.DateField("办理日期", null=True)
    lead_unit = models.CharField("责任单位", max_length=100, blank=True)
    duty_name = models.CharField("责任人", max_length=60, blank=True)
    duty_user = official("责任人账号", null=True)
    due_on = models.DateField("整改期限", null=True)
    claimed_by = official("报完成人", null=True)
    closed_on = models.DateField("销号日期", null=True)
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, db_index=False, related_name="merged",
        verbose_name="并入问题",
    )  # fmt: skip
    # 0: no letter; 3: the third was issued.
    rung = models.PositiveSmallIntegerField("已发文书", default=0)
    relapses = models.PositiveSmallIntegerField("反弹次数", default=0)
    entered_by = official("录入人")
    created_at = models.DateTimeField("录入时间", db_default=Now())
    # The transaction that touched the row last; a trigger writes it, feeds of changes read it.
    changed = models.BigIntegerField("变更序号", db_default=0, editable=False)

    objects = FindingQuerySet.as_manager()

    class Meta:
        verbose_name = "问题"
        constraints = [
            models.CheckConstraint(condition=~Q(fact="") & ~Q(number=""), name="finding_says_what"),
            models.CheckConstraint(condition=_object_fits(), name="finding_object_fits"),
            models.CheckConstraint(
                condition=Q(source__in=Source.values, level__in=Level.values)
                & Q(severity__in=Severity.values, origin__in=Origin.values),
                name="finding_words",
            ),
            models.CheckConstraint(
                condition=Q(rung__lte=3) & ~Q(parent=F("id")), name="finding_rung"
            ),
            models.CheckConstraint(
                condition=Q(state=State.MERGED, merged_into__isnull=False) & ~Q(merged_into=F("id"))
                | ~Q(state=State.MERGED) & Q(merged_into__isnull=True),
                name="finding_merged_into_one",
            ),
            models.CheckConstraint(
                condition=Q(origin=Origin.CASE, case__isnull=False)
                | ~Q(origin=Origin.CASE) & Q(case__isnull=True),
                name="finding_of_its_case",
            ),
            models.CheckConstraint(
                condition=Q(origin=Origin.FUND_RULE, fund_finding__isnull=False)
                # The like of a problem may be what a rule on money found.
                | Q(origin=Origin.SWEEP)
                | ~Q(origin=Origin.FUND_RULE) & Q(fund_finding__isnull=True),
                name="finding_of_its_rule",
            ),
            models.CheckConstraint(
                condition=~Q(origin__in=(Origin.SPLIT, Origin.SWEEP)) | Q(parent__isnull=False),
                name="finding_of_its_parent",
            ),
            models.UniqueConstraint(fields=["number"], name="finding_number_once"),
            models.UniqueConstraint(
                fields=["campaign", "told_as"], condition=~Q(told_as=""), name="finding_told_once"
            ),
            models.UniqueConstraint(fields=["id", "region_code"], name="finding_id_region"),
            # The likes of a problem are opened once each; rules on money are by their own key.
            *(
                models.UniqueConstraint(
                    fields=["parent", field],
                    condition=Q(origin=Origin.SWEEP, **{f"{field}__isnull": False})
                    & Q(fund_finding=None),
                    name=f"finding_like_{field}_once",
                )
                for field in ("household", "project")
            ),
        ]
        indexes = [
            models.Index(fields=["region_code", "state", "due_on"], name="finding_scope"),
            models.Index(fields=["due_on"], condition=Q(state__in=OPEN), name="finding_due"),
            models.Index(
                fields=["due_on", "id"], condition=Q(state__in=DONE + GONE), name="finding_done"
            ),
            # What a dashboard counts of the open ones, without a look at their rows.
            models.Index(
                fields=["region_code"],
                include=["state", "due_on", "rung"],
                condition=Q(state__in=OPEN),
                name="finding_open",
            ),
            models.Index(
                fields=["household"], condition=Q(household__isnull=False), name="finding_household"
            ),
            models.Index(
                fields=["project"], condition=Q(project__isnull=False), name="finding_project"
            ),
            models.Index(fields=["campaign", "state"], name="finding_campaign"),
            models.Index(
                fields=["parent"], condition=Q(parent__isnull=False), name="finding_parent"
            ),
            models.Index(fields=["changed", "id"], name="finding_changed"),
        ]

    def __str__(self) -> str:
        return self.number


class FindingCounter(models.Model):
    """The last number given in a county and year; the trigger that numbers findings counts here."""

    county_code = models.CharField("县代码前缀", max_length=6)
    year = models.PositiveSmallIntegerField("年度")
    last = models.PositiveIntegerField("已用编号")

    class Meta:
        verbose_name = "问题编号"
        constraints = [
            models.UniqueConstraint(fields=["county_code", "year"], name="finding_counter_once")
        ]

    def __str__(self) -> str:
        return f"{self.county_code} {self.year} {self.last}"


class FindingRowQuerySet(ScopedQuerySet[Any]):
    """Rows of a finding: where the finding is."""

    scope_field = "region_code"
    household_field = "finding__household_id"


class FindingStep(models.Model):
    """One step of a finding: to which state, when, by whom, in what words. Append-only.

    A trigger holds the order, the dates, what each step takes, and that whoever claimed the mending
    neither verifies nor closes it. `due_on` (with `due_source`, the rule it comes from), unit and
    person stand on the step that assigns; `into` on the one that merges; `look` on a second look
    that brings a closed one back.
    """

    finding = models.ForeignKey(
        Finding, models.PROTECT, related_name="steps", db_constraint=False, db_index=False,
        verbose_name="问题",
    )  # fmt: skip
    region_code = models.CharField("区划代码", max_length=12)
    position = models.PositiveSmallIntegerField("第几步")
    state = models.CharField("到达状态", max_length=8, choices=State.choices)
    on = models.DateField("日期", db_column="taken_on")
    words = models.CharField("意见", max_length=1000)
    lead_unit = models.CharField("责任单位", max_length=100, blank=True)
    duty_name = models.CharField("责任人", max_length=60, blank=True)
    duty_user = official("责任人账号", null=True)
    due_on = models.DateField("整改期限", null=True)
    due_source = models.CharField("期限依据", max_length=200, blank=True)
    into = models.ForeignKey(
        Finding, models.PROTECT, null=True, db_constraint=False, db_index=False, related_name="+",
        verbose_name="并入问题",
    )  # fmt: skip
    created_by = official("经办人")
    created_at = models.DateTimeField("记录时间", db_default=Now())

    objects = FindingRowQuerySet.as_manager()

    class Meta:
        verbose_name = "问题办理"
        ordering = ["finding", "position"]
        constraints = [
            models.UniqueConstraint(fields=["finding", "position"], name="finding_step_once"),
            models.CheckConstraint(condition=~Q(words=""), name="finding_step_says_why"),
            models.CheckConstraint(
                condition=Q(state=State.ASSIGNED, due_on__gte=F("on"))
                & ~Q(lead_unit="") & ~Q(duty_name="") & ~Q(due_source="")
                | ~Q(state=State.ASSIGNED)
                & Q(due_on=None, lead_unit="", duty_name="", duty_user=None, due_source=""),
                name="finding_step_assigns_whole",
            ),
            models.CheckConstraint(
                condition=Q(state=State.MERGED, into__isnull=False)
                | ~Q(state=State.MERGED) & Q(into__isnull=True),
                name="finding_step_merges_into_one",
            ),
        ]  # fmt: skip
        indexes = [models.Index(fields=["region_code", "on"], name="finding_step_scope")]

    def __str__(self) -> str:
        return f"{self.finding_id} {self.position}"


class FindingPaper(models.Model):
    """A photo or scan of a finding: what shows the problem, or that it was mended. Append-only.

    The file lies sealed below the uploads beside the papers of the register, under the SHA-256 of
    what is kept; the same file twice is one file. `position` is the number of steps the finding had:
    papers handed in since it was last assigned or returned prove its mending.
    """

    finding = models.ForeignKey(
        Finding, models.PROTECT, related_name="papers", db_constraint=False, db_index=False,
        verbose_name="问题",
    )  # fmt: skip
    region_code = models.CharField("区划代码", max_length=12)
    position = models.PositiveSmallIntegerField("上传时已办步骤")
    note = models.CharField("说明", max_length=100, blank=True)
    media_type = models.CharField("文件类型", max_length=20)
    sha256 = models.CharField("文件摘要", max_length=64)
    size = models.PositiveIntegerField("大小（字节）")
    created_by = official("上传人")
    created_at = models.DateTimeField("上传时间", db_default=Now())

    objects = FindingRowQuerySet.as_manager()

    class Meta:
        verbose_name = "问题材料"
        constraints = [
            models.CheckConstraint(
                condition=Q(sha256__regex=r"^[0-9a-f]{64}$", size__gte=1)
                & Q(media_type__in=MEDIA_TYPES),
                name="finding_paper_is_a_file",
            ),
            models.UniqueConstraint(
                fields=["finding", "sha256", "position"], name="finding_paper_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.finding_id} {self.pk}"

    @property
    def path(self) -> Path:
        """Where the sealed file lies."""
        folder = Path(settings.UPLOAD_DIR) / "attachments" / self.sha256[:2]
        return folder / f"{self.sha256}.sealed"


class Extension(models.Model):
    """More time was asked for (延期申请), and given or refused by somebody else.

    While one waits for its answer no other can be asked for. Nothing is deleted; what was decided
    stays. The finding's day follows by a trigger.
    """

    finding = models.ForeignKey(
        Finding, models.PROTECT, related_name="extensions", db_constraint=False, db_index=False,
        verbose_name="问题",
    )  # fmt: skip
    region_code = models.CharField("区划代码", max_length=12)
    until = models.DateField("申请延至")
    reason = models.CharField("理由", max_length=300)
    asked_on = models.DateField("申请日期")
    asked_by = official("申请人")
    is_granted = models.BooleanField("同意", null=True)
    decided_on = models.DateField("批复日期", null=True)
    decided_by = official("批复人", null=True)
    decided_why = models.CharField("批复意见", max_length=300, blank=True)
    created_at = models.DateTimeField("记录时间", db_default=Now())

    objects = FindingRowQuerySet.as_manager()

    class Meta:
        verbose_name = "整改延期"
        constraints = [
            models.UniqueConstraint(
                fields=["finding"], condition=Q(is_granted__isnull=True), name="extension_waits_once"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="extension_has_a_reason"),
            models.CheckConstraint(
                condition=Q(
                    is_granted__isnull=True, decided_on=None, decided_by=None, decided_why=""
                )
                | Q(is_granted__isnull=False, decided_on__gte=F("asked_on"))
                & Q(decided_by__isnull=False) & ~Q(decided_why="") & ~Q(decided_by=F("asked_by")),
                name="extension_takes_two_persons",
            ),
        ]  # fmt: skip
        indexes = [models.Index(fields=["region_code"], name="extension_scope")]

    def __str__(self) -> str:
        return f"{self.finding_id} {self.until}"


class FindingLook(models.Model):
    """A second look at a mended problem (复查): it holds, or it came back. Append-only.

    Watched ones are looked at every month, closed ones when they are drawn. Not by whoever claimed
    the mending. A relapse is what lets a mended problem be returned.
    """

    finding = models.ForeignKey(
        Finding, models.PROTECT, related_name="looks", db_constraint=False, db_index=False,
        verbose_name="问题",
    )  # fmt: skip
    region_code = models.CharField("区划代码", max_length=12)
    position = models.PositiveSmallIntegerField("复查时已办步骤")
    on = models.DateField("复查日期", db_column="taken_on")
    result = models.CharField("结果", max_length=8, choices=Look.choices)
    words = models.CharField("复查情况", max_length=500)
    created_by = official("复查人")
    created_at = models.DateTimeField("记录时间", db_default=Now())

    objects = FindingRowQuerySet.as_manager()

    class Meta:
        verbose_name = "问题复查"
        constraints = [
            models.CheckConstraint(
                condition=~Q(words="") & Q(result__in=Look.values), name="finding_look_says_what"
            )
        ]
        indexes = [
            models.Index(fields=["finding", "-on"], name="finding_look_last"),
            models.Index(fields=["region_code", "on"], name="finding_look_scope"),
        ]

    def __str__(self) -> str:
        return f"{self.finding_id} {self.on}"


class DeadlineRuleQuerySet(ScopedQuerySet["DeadlineRule"]):
    scope_field = "region_prefix"


@tracked
class DeadlineRule(models.Model):
    """Within how many working days a problem is to be mended, by the document that says so.

    Empty `kind`, `level` or `severity`: any. The rule that says most, for the longest prefix, from
    the youngest day that is not after the assignment, holds. None ships with the product: no source
    that was read states a time (docs/decisions). `reply_days` is how long a letter waits.
    """

    region_prefix = models.CharField("区划前缀", max_length=12)
    kind = models.CharField("来源", max_length=12, choices=Source.choices, blank=True)
    level = models.CharField("层级", max_length=8, choices=Level.choices, blank=True)
    severity = models.CharField("严重程度", max_length=8, choices=Severity.choices, blank=True)
    days = models.PositiveSmallIntegerField("整改期限（工作日）")
    reply_days = models.PositiveSmallIntegerField("文书答复期限（工作日）")
    valid_from = models.DateField("自")
    source = models.CharField("依据", max_length=200)
    created_by = official("设置人")

    objects = DeadlineRuleQuerySet.as_manager()

    class Meta:
        verbose_name = "整改期限"
        constraints = [
            models.CheckConstraint(condition=~Q(source=""), name="deadline_has_a_source"),
            models.CheckConstraint(
                condition=Q(days__gte=1, days__lte=500, reply_days__gte=1, reply_days__lte=100),
                name="deadline_days",
            ),
            models.UniqueConstraint(
                fields=["region_prefix", "kind", "level", "severity", "valid_from"],
                name="deadline_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.region_prefix} {self.days}"
