"""The quarterly ranking of a city's counties, and the rule it follows."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.scope import ScopedQuerySet
from inspections.enums.ranking import Figure
from inspections.models.common import person as official
from villages.models import Region


class ScoringRuleQuerySet(ScopedQuerySet["ScoringRule"]):
    scope_field = "region_prefix"


class ScoringRule(models.Model):
    """How a city scores its counties, by the document that says so. Append-only.

    None ships with the product: no source that was read states one. The youngest that is valid at a
    quarter's end holds for it.
    """

    region_prefix = models.CharField("区划前缀", max_length=12)
    valid_from = models.DateField("自")
    source = models.CharField("依据", max_length=200)
    created_by = official("设置人")
    created_at = models.DateTimeField("设置时间", db_default=Now())

    objects = ScoringRuleQuerySet.as_manager()

    class Meta:
        verbose_name = "评分办法"
        constraints = [
            models.CheckConstraint(condition=~Q(source=""), name="scoring_has_a_source"),
            models.UniqueConstraint(fields=["region_prefix", "valid_from"], name="scoring_once"),
        ]

    def __str__(self) -> str:
        return f"{self.region_prefix} {self.valid_from}"


class ScoreItem(models.Model):
    """Points for one figure: all at `full_at`, none at `zero_at`, evenly in between. Append-only."""

    rule = models.ForeignKey(
        ScoringRule, models.PROTECT, related_name="items", db_index=False, verbose_name="评分办法"
    )
    figure = models.CharField("指标", max_length=8, choices=Figure.choices)
    points = models.DecimalField("满分", max_digits=5, decimal_places=2)
    full_at = models.DecimalField("得满分的值", max_digits=7, decimal_places=2)
    zero_at = models.DecimalField("不得分的值", max_digits=7, decimal_places=2)

    class Meta:
        verbose_name = "评分项"
        constraints = [
            models.CheckConstraint(
                condition=Q(figure__in=Figure.values, points__gt=0) & ~Q(full_at=F("zero_at")),
                name="score_item_scores",
            ),
            models.UniqueConstraint(fields=["rule", "figure"], name="score_item_once"),
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} {self.figure}"


class RankingRunQuerySet(ScopedQuerySet["RankingRun"]):
    scope_field = "region_code"


class RankingRun(models.Model):
    """A quarter's ranking as it was made public. Append-only: later entries do not change it."""

    region = models.ForeignKey(
        Region, models.PROTECT, db_constraint=False, db_index=False, related_name="+",
        verbose_name="城市",
    )  # fmt: skip
    region_code = models.CharField("区划代码", max_length=12)
    year = models.PositiveSmallIntegerField("年度")
    quarter = models.PositiveSmallIntegerField("季度")
    rule = models.ForeignKey(
        ScoringRule, models.PROTECT, db_index=False, related_name="+", verbose_name="评分办法"
    )
    published_by = official("公布人")
    published_at = models.DateTimeField("公布时间", db_default=Now())

    objects = RankingRunQuerySet.as_manager()

    class Meta:
        verbose_name = "季度排名"
        constraints = [
            models.CheckConstraint(
                condition=Q(quarter__gte=1, quarter__lte=4), name="ranking_of_a_quarter"
            ),
            models.UniqueConstraint(fields=["region", "year", "quarter"], name="ranking_once"),
        ]

    def __str__(self) -> str:
        return f"{self.region_code} {self.year} {self.quarter}"


class RankingRow(models.Model):
    """A county's place. `parts` are, by figure, its two integers and the points they earned."""

    run = models.ForeignKey(
        RankingRun, models.PROTECT, related_name="rows", db_index=False, verbose_name="季度排名"
    )
    county_code = models.CharField("县代码", max_length=12)
    name = models.CharField("县区", max_length=60)
    # Empty: there was nothing to score.
    rank = models.PositiveSmallIntegerField("名次", null=True)
    points = models.DecimalField("得分", max_digits=8, decimal_places=4, null=True)
    parts = models.JSONField("各项")

    class Meta:
        verbose_name = "县区名次"
        constraints = [
            models.UniqueConstraint(fields=["run", "county_code"], name="ranking_county_once"),
            models.CheckConstraint(
                condition=Q(rank__isnull=True, points__isnull=True) | Q(rank__gte=1, points__gte=0),
                name="ranking_row_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.run_id} {self.county_code}"
