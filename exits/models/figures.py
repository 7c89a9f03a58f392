"""Standards, definitions, targets and the computed figures with their receipts."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.history import tracked
from core.scope import ScopedQuerySet
from exits.enums import Comparator, LineKind, Metric, TargetKind, Unit, Verdict
from villages.models import Region


@tracked
class MetricDefinition(models.Model):
    """What a metric means and when it is met, for a region and a time; versioned data.

    `threshold` is a share (0.02 is 2 %), null where the metric is not judged. The newest version
    valid in a partition for the longest matching region prefix counts.
    """

    code = models.CharField("指标", max_length=24, choices=Metric.choices)
    version = models.PositiveSmallIntegerField("版本", default=1)
    name = models.CharField("名称", max_length=60)
    numerator = models.CharField("分子", max_length=200)
    denominator = models.CharField("分母", max_length=200, blank=True)
    unit = models.CharField("单位", max_length=12, choices=Unit.choices)
    comparator = models.CharField("比较", max_length=2, choices=Comparator.choices, blank=True)
    threshold = models.DecimalField("标准", max_digits=7, decimal_places=6, null=True)
    decimals = models.PositiveSmallIntegerField("显示小数位", default=2)
    region_prefix = models.CharField("适用区划", max_length=12, blank=True)
    area = models.CharField("适用地区", max_length=8, blank=True)
    valid_from = models.PositiveSmallIntegerField("起始年度")
    valid_to = models.PositiveSmallIntegerField("终止年度", null=True)
    source = models.CharField("依据", max_length=300)

    class Meta:
        verbose_name = "指标定义"
        ordering = ["code", "-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["code", "version", "region_prefix", "area"], name="definition_once"
            ),
            models.CheckConstraint(
                condition=Q(threshold__isnull=True, comparator="")
                | Q(threshold__gte=0, threshold__lte=1) & ~Q(comparator=""),
                name="definition_threshold_is_a_share",
            ),
            models.CheckConstraint(condition=~Q(source=""), name="definition_has_source"),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
                name="definition_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} v{self.version}"


@tracked
class PovertyLine(models.Model):
    """The income line of a year, yuan per person and year; empty until somebody states a source."""

    region_prefix = models.CharField("适用区划", max_length=12, blank=True)
    year = models.PositiveSmallIntegerField("年度")
    kind = models.CharField(
        "类别", max_length=10, choices=LineKind.choices, default=LineKind.POVERTY
    )
    amount = models.DecimalField("标准（元/人·年）", max_digits=10, decimal_places=2)
    price_basis = models.CharField("价格基准", max_length=40, blank=True)
    source = models.CharField("依据", max_length=300)

    class Meta:
        verbose_name = "收入标准"
        constraints = [
            models.UniqueConstraint(
                fields=["region_prefix", "year", "kind"], name="poverty_line_once"
            ),
            models.CheckConstraint(
                condition=Q(amount__gt=0) & ~Q(source=""), name="poverty_line_has_source"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.year} {self.amount}"


class TargetQuerySet(ScopedQuerySet["Target"]):
    scope_field = "region_code"


@tracked
class Target(models.Model):
    """What a region has to reach in a year."""

    region = models.ForeignKey(Region, models.PROTECT, verbose_name="区划")
    region_code = models.CharField("区划代码", max_length=12)
    year = models.PositiveSmallIntegerField("年度")
    kind = models.CharField("任务", max_length=10, choices=TargetKind.choices)
    value = models.PositiveIntegerField("任务数")
    source = models.CharField("依据", max_length=300)

    objects = TargetQuerySet.as_manager()

    class Meta:
        verbose_name = "年度任务"
        constraints = [
            models.UniqueConstraint(fields=["region", "year", "kind"], name="target_once"),
        ]
        indexes = [models.Index(fields=["year", "region_code"], name="target_scope")]

    def __str__(self) -> str:
        return f"{self.region_code} {self.year} {self.kind}"


class SnapshotQuerySet(ScopedQuerySet["Snapshot"]):
    scope_field = "region_code"


@tracked
class Snapshot(models.Model):
    """One computed figure and its receipt.

    `numerator` counts the definition's unit; `households` stands beside every count of persons.
    `category` tells the rows of a tally apart (a cause, an attribute, a status). The receipt: the
    definition's version, the data version (the database's own transaction horizon when the rows
    were read), the filter that lists the rows, and a digest of their ids which does not depend on
    their order. Former values stay in the history.
    """

    region_code = models.CharField("区划代码", max_length=12)
    partition = models.PositiveSmallIntegerField("年度")
    metric = models.CharField("指标", max_length=24, choices=Metric.choices)
    category = models.CharField("分类", max_length=8, blank=True, default="")
    numerator = models.BigIntegerField("分子", null=True)
    denominator = models.BigIntegerField("分母", null=True)
    households = models.BigIntegerField("户数（户）", null=True)
    verdict = models.CharField("判定", max_length=16, choices=Verdict.choices)
    reason = models.CharField("原因", max_length=200, blank=True, default="")
    definition_version = models.PositiveSmallIntegerField("定义版本")
    data_version = models.BigIntegerField("数据版本")
    digest = models.BigIntegerField("名单摘要", null=True)
    computed_at = models.DateTimeField("计算时间", db_default=Now())

    objects = SnapshotQuerySet.as_manager()

    class Meta:
        verbose_name = "指标值"
        constraints = [
            models.UniqueConstraint(
                fields=["partition", "region_code", "metric", "category"], name="snapshot_once"
            ),
            models.CheckConstraint(
                condition=~Q(verdict="NOT_COMPUTABLE") | ~Q(reason=""),
                name="snapshot_refusal_has_reason",
            ),
            # A share above one is a fault of the data, to be named, never shown as a figure.
            models.CheckConstraint(
                condition=Q(denominator__isnull=True)
                | Q(verdict="NOT_COMPUTABLE")
                | Q(metric="exit_target")
                | Q(numerator__gte=0, numerator__lte=F("denominator"), denominator__gt=0),
                name="snapshot_share_within_one",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.metric} {self.region_code} {self.partition}"


class FlowQuerySet(ScopedQuerySet["FlowFigure"]):
    scope_field = "region_code"


class FlowFigure(models.Model):
    """One row of a region's stock-flow table for a year: persons and households."""

    region_code = models.CharField("区划代码", max_length=12)
    partition = models.PositiveSmallIntegerField("年度")
    flow = models.CharField("项目", max_length=12)
    persons = models.IntegerField("人数（人）")
    households = models.IntegerField("户数（户）")

    objects = FlowQuerySet.as_manager()

    class Meta:
        verbose_name = "存量流量"
        constraints = [
            models.UniqueConstraint(
                fields=["partition", "region_code", "flow"], name="flow_figure_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.flow} {self.region_code}"
