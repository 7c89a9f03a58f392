"""What ends a project: acceptance, settlement, asset and evaluation."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.history import tracked
from projects.enums import Grade, Owner
from projects.models.common import person, region_code, yuan
from projects.models.project import Project, RowQuerySet


class Acceptance(models.Model):
    """One acceptance of the finished work: who looked, what they found. Append-only.

    One that failed stays on record; the next one has the next number.
    """

    project = models.ForeignKey(
        Project, models.PROTECT, related_name="acceptances", db_constraint=False,
        verbose_name="项目",
    )  # fmt: skip
    region_code = region_code()
    position = models.PositiveSmallIntegerField("第几次")
    on = models.DateField("验收日期", db_column="accepted_on")
    passed = models.BooleanField("验收合格")
    team = models.CharField("验收组", max_length=200)
    opinion = models.CharField("验收意见", max_length=1000)
    created_by = person("登记人")
    created_at = models.DateTimeField("记录时间", db_default=Now())

    objects = RowQuerySet.as_manager()

    class Meta:
        verbose_name = "项目验收"
        ordering = ["project", "position"]
        constraints = [
            models.UniqueConstraint(fields=["project", "position"], name="acceptance_once"),
            models.UniqueConstraint(
                fields=["project"], condition=Q(passed=True), name="acceptance_passes_once"
            ),
            models.CheckConstraint(
                condition=~Q(team="") & ~Q(opinion=""), name="acceptance_says_who_and_what"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project_id} {self.position}"


class Settlement(models.Model):
    """What the project cost in the end, in yuan, as handed in and as audited. Append-only."""

    project = models.OneToOneField(
        Project, models.PROTECT, related_name="settlement", db_constraint=False,
        verbose_name="项目",
    )  # fmt: skip
    region_code = region_code()
    on = models.DateField("结算日期", db_column="settled_on")
    submitted = yuan("送审金额（元）")
    audited = yuan("审定金额（元）")
    auditor = models.CharField("审计单位", max_length=100)
    document = models.CharField("文号", max_length=100, blank=True)
    created_by = person("登记人")
    created_at = models.DateTimeField("记录时间", db_default=Now())

    objects = RowQuerySet.as_manager()

    class Meta:
        verbose_name = "项目结算"
        constraints = [
            models.CheckConstraint(
                condition=Q(submitted__gt=0, audited__gt=0) & ~Q(auditor=""),
                name="settlement_of_an_audited_amount",
            )
        ]

    def __str__(self) -> str:
        return f"{self.project_id} {self.audited}"


@tracked
class Asset(models.Model):
    """What the project left: whose it is, what for, what it yields and who keeps it up.

    Amounts in yuan; income and upkeep are per year.
    """

    project = models.ForeignKey(
        Project, models.PROTECT, related_name="assets", db_constraint=False, verbose_name="项目"
    )
    region_code = region_code()
    name = models.CharField("资产名称", max_length=100)
    value = yuan("资产原值（元）")
    owner_kind = models.CharField("权属", max_length=10, choices=Owner.choices)
    owner = models.CharField("所有者", max_length=100)
    use = models.CharField("用途", max_length=200)
    income = yuan("年收益（元）", null=True)
    keeper = models.CharField("管护责任人", max_length=100)
    upkeep = yuan("年管护费用（元）", null=True)
    on = models.DateField("登记日期", db_column="registered_on")
    created_by = person("登记人")
    created_at = models.DateTimeField("记录时间", db_default=Now())

    objects = RowQuerySet.as_manager()

    class Meta:
        verbose_name = "项目资产"
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="asset_once"),
            models.CheckConstraint(
                condition=Q(owner_kind__in=Owner.values)
                & ~Q(name="") & ~Q(owner="") & ~Q(use="") & ~Q(keeper=""),
                name="asset_of_somebody_kept_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(value__gt=0)
                & (Q(income__isnull=True) | Q(income__gte=0))
                & (Q(upkeep__isnull=True) | Q(upkeep__gte=0)),
                name="asset_amounts",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.name


class Evaluation(models.Model):
    """What was reached, held against the targets. Append-only."""

    project = models.OneToOneField(
        Project, models.PROTECT, related_name="evaluation", db_constraint=False,
        verbose_name="项目",
    )  # fmt: skip
    region_code = region_code()
    on = models.DateField("评价日期", db_column="evaluated_on")
    grade = models.CharField("等次", max_length=10, choices=Grade.choices)
    words = models.CharField("评价意见", max_length=1000)
    created_by = person("登记人")
    created_at = models.DateTimeField("记录时间", db_default=Now())

    objects = RowQuerySet.as_manager()

    class Meta:
        verbose_name = "绩效评价"
        constraints = [
            models.CheckConstraint(
                condition=Q(grade__in=Grade.values) & ~Q(words=""), name="evaluation_says_why"
            )
        ]

    def __str__(self) -> str:
        return f"{self.project_id} {self.grade}"
