"""Rules on money as data, and what they find."""

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.history import tracked
from core.scope import ScopedQuerySet
from funds.enums import FindingState, FindingSubject, RuleCheck
from funds.models.common import region_code
from villages.models import YEAR_RANGE, Region


class FundRuleQuerySet(models.QuerySet["FundRule"]):
    def valid_in(self, year: int) -> Self:
        """Those that hold in a year; a missing end is open."""
        return self.filter(Q(valid_to__isnull=True) | Q(valid_to__gte=year), valid_from__lte=year)


@tracked
class FundRule(models.Model):
    """One rule on money: where and when it holds, what it looks at, by which source.

    `check` names the statement that judges and says in which unit `threshold` is: a share (0.3 is
    30 %), yuan, or days. A check that takes a threshold judges nothing while there is none. `params`
    are as that check's schema has them. Every revision raises `version` and leaves the former row,
    with who and why, in the history.
    """

    code = models.SlugField("代码", max_length=32, unique=True)
    version = models.PositiveSmallIntegerField("版本", default=1)
    name = models.CharField("名称", max_length=60)
    requirement = models.CharField("要求", max_length=300)
    check_kind = models.CharField("核查方式", max_length=20, choices=RuleCheck.choices)
    region_prefix = models.CharField("适用区划", max_length=12, blank=True)
    valid_from = models.PositiveSmallIntegerField("起始年度")
    valid_to = models.PositiveSmallIntegerField("终止年度", null=True, blank=True)
    threshold = models.DecimalField("标准", max_digits=16, decimal_places=4, null=True, blank=True)
    params = models.JSONField("参数", default=dict, blank=True)
    is_active = models.BooleanField("启用", default=True)
    source = models.CharField("依据", max_length=300)

    objects = FundRuleQuerySet.as_manager()

    class Meta:
        verbose_name = "资金规则"
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(source="") & ~Q(requirement=""), name="fund_rule_has_source"
            ),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
                name="fund_rule_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(threshold__isnull=True) | Q(threshold__gte=0),
                name="fund_rule_threshold_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(check_kind__in=RuleCheck.values), name="fund_rule_check"
            ),
            models.CheckConstraint(
                condition=Q(region_prefix__regex=r"^([0-9]{2}|[0-9]{4}|[0-9]{6})?$"),
                name="fund_rule_place",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} v{self.version}"


class FundFindingQuerySet(ScopedQuerySet["FundFinding"]):
    scope_field = "region_code"

    def open(self) -> Self:
        """Those that hold as of the last run."""
        return self.filter(closed_on__isnull=True)


@tracked
class FundFinding(models.Model):
    """What a rule says of a project, voucher, account, household or place in a year.

    The same rule, year and subject is the same finding, however often it is judged; one that no
    longer holds is closed with the day of that run, and opened again if it comes back. Never deleted.

    `numerator` and `denominator` are what was measured, `threshold` what it was held against, by the
    `rule_version` of the rule. `evidence` are keys of the rows it follows from; neither words nor
    evidence name a person.
    """

    rule = models.ForeignKey(
        FundRule, models.PROTECT, db_index=False, related_name="findings", verbose_name="规则"
    )
    rule_version = models.PositiveSmallIntegerField("规则版本")
    year = models.PositiveSmallIntegerField("年度")
    subject = models.CharField("对象", max_length=10, choices=FindingSubject.choices)
    subject_id = models.BigIntegerField("对象编号")
    region = models.ForeignKey(
        Region, models.PROTECT, db_constraint=False, db_index=False, related_name="+",
        verbose_name="区划",
    )  # fmt: skip
    region_code = region_code()
    state = models.CharField("结论", max_length=10, choices=FindingState.choices)
    numerator = models.DecimalField("数值", max_digits=18, decimal_places=2, null=True)
    denominator = models.DecimalField("基数", max_digits=18, decimal_places=2, null=True)
    threshold = models.DecimalField("标准", max_digits=16, decimal_places=4, null=True)
    words = models.CharField("情况", max_length=300)
    evidence = models.JSONField("依据", default=dict)
    opened_on = models.DateField("发现日期")
    reopened_on = models.DateField("再次发现日期", null=True)
    closed_on = models.DateField("消除日期", null=True)

    objects = FundFindingQuerySet.as_manager()

    class Meta:
        verbose_name = "资金问题"
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "year", "subject", "subject_id"], name="fund_finding_once"
            ),
            models.CheckConstraint(
                condition=Q(state__in=FindingState.values, subject__in=FindingSubject.values)
                & ~Q(words=""),
                name="fund_finding_says_what",
            ),
            models.CheckConstraint(
                condition=Q(closed_on__isnull=True)
                | Q(closed_on__gte=F("opened_on"))
                & (Q(reopened_on__isnull=True) | Q(closed_on__gte=F("reopened_on"))),
                name="fund_finding_closed_after_opened",
            ),
            models.CheckConstraint(condition=YEAR_RANGE, name="fund_finding_year"),
        ]
        indexes = [
            models.Index(fields=["region_code", "year"], name="fund_finding_scope"),
            models.Index(fields=["subject", "subject_id"], name="fund_finding_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} {self.subject} {self.subject_id}"


class DirtyFund(models.Model):
    """A county or city whose rules of a year must be judged again; written by triggers only."""

    code = models.CharField("区划代码", max_length=12)
    year = models.PositiveSmallIntegerField("年度")
    marked_at = models.DateTimeField("标记时间", db_default=Now())

    class Meta:
        verbose_name = "待核查区划"
        indexes = [models.Index(fields=["code", "year"], name="dirty_fund")]

    def __str__(self) -> str:
        return f"{self.code} {self.year}"
