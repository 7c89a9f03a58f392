from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.history import tracked
from core.scope import ScopedQuerySet
from exits.enums import Comparator, Verdict
from exits.formulas import Standard
from inspections.enums import Rate
from inspections.models.case import Case
from inspections.models.common import RoundRowQuerySet, held_by, person
from inspections.models.round import Round

# Enough that no rate of a county is stored on another side of its threshold than it is.
PLACES = 15
_VERDICTS_OF_A_RATE = (
    Verdict.MET,
    Verdict.NOT_MET,
    Verdict.WEAK_EVIDENCE,
    Verdict.TO_RECTIFY,
)


def _share(label: str) -> "models.DecimalField[Decimal | None, Decimal | None]":
    return models.DecimalField(label, max_digits=PLACES + 1, decimal_places=PLACES, null=True)


class ResultQuerySet(RoundRowQuerySet):
    pass


@tracked
class Result(models.Model):
    """One rate of a round with all that is needed to doubt it; former values stay in the history.

    `numerator` and `denominator` are persons (approval: households) as counted in the sample, which
    is what the list behind the figure shows. `estimate` carries them over to the county by the
    inclusion probabilities; `weighted_*` are its two totals. `lower` and `upper` each hold with
    the one-sided `confidence`. `households` answered, of `due` that should have; `worth` is the
    number of equal, independent households that they are worth, `effect` households ÷ worth.
    `more` is how many more would settle 证据不足. `facts` are inputs that no survey gave: for the
    composite the population base with its year, basis and source. `as_of` is the newest input.
    """

    round = models.ForeignKey(
        Round, models.PROTECT, db_constraint=False, db_index=False, related_name="results",
        verbose_name="轮次",
    )  # fmt: skip
    held_by = held_by()
    rate = models.CharField("指标", max_length=24, choices=Rate.choices)
    is_gate = models.BooleanField("作为退出门槛")
    definition = models.CharField("指标定义", max_length=24)
    definition_version = models.PositiveSmallIntegerField("定义版本", null=True)
    comparator = models.CharField("比较", max_length=2, choices=Comparator.choices, blank=True)
    threshold = models.DecimalField("标准", max_digits=7, decimal_places=6, null=True)
    source = models.CharField("依据", max_length=300, blank=True)

    numerator = models.BigIntegerField("分子（样本）", null=True)
    denominator = models.BigIntegerField("分母（样本）", null=True)
    weighted_numerator = models.DecimalField("推算分子", max_digits=16, decimal_places=4, null=True)
    weighted_denominator = models.DecimalField(
        "推算分母", max_digits=16, decimal_places=4, null=True
    )
    estimate = _share("估计值")
    lower = _share("置信下限")
    upper = _share("置信上限")
    confidence = models.DecimalField("置信度", max_digits=4, decimal_places=3, null=True)
    shown = models.CharField("显示值", max_length=20, blank=True)

    villages = models.PositiveIntegerField("样本村（个）", default=0)
    households = models.PositiveIntegerField("受访户（户）", default=0)
    households_hit = models.PositiveIntegerField("其中确认有问题或认可的户（户）", default=0)
    due = models.PositiveIntegerField("应访户（户）", default=0)
    worth = models.DecimalField("有效户数（户）", max_digits=12, decimal_places=3, null=True)
    effect = models.DecimalField("设计效应", max_digits=10, decimal_places=3, null=True)

    verdict = models.CharField("判定", max_length=16, choices=Verdict.choices)
    reason = models.CharField("原因", max_length=500, blank=True)
    at_threshold = models.BooleanField("正好等于标准", default=False)
    more = models.PositiveIntegerField("尚需调查（户）", null=True)
    facts = models.JSONField("其他依据", default=dict)
    as_of = models.DateTimeField("数据截至", null=True)
    computed_at = models.DateTimeField("计算时间", db_default=Now())

    objects = ResultQuerySet.as_manager()

    class Meta:
        verbose_name = "评估结果"
        constraints = [
            models.UniqueConstraint(fields=["round", "rate"], name="result_once"),
            models.CheckConstraint(
                condition=Q(rate__in=Rate.values, verdict__in=Verdict.values), name="result_words"
            ),
            models.CheckConstraint(
                condition=Q(verdict__in=(Verdict.MET, Verdict.NONE)) | ~Q(reason=""),
                name="result_says_why",
            ),
            # Nobody is told met without an estimate, both limits and a standard with a source.
            models.CheckConstraint(
                condition=~Q(verdict__in=_VERDICTS_OF_A_RATE)
                | Q(
                    estimate__isnull=False, lower__isnull=False, upper__isnull=False,
                    threshold__isnull=False, definition_version__isnull=False,
                ) & ~Q(source=""),
                name="result_verdict_has_grounds",
            ),
            models.CheckConstraint(
                condition=Q(estimate__isnull=True) | Q(estimate__gte=0, estimate__lte=1),
                name="result_estimate_within_one",
            ),
            models.CheckConstraint(
                condition=Q(lower__isnull=True, upper__isnull=True)
                | Q(lower__gte=0, upper__lte=1, lower__lte=F("estimate"), upper__gte=F("estimate")),
                name="result_limits_enclose_the_estimate",
            ),
            models.CheckConstraint(
                condition=Q(numerator__isnull=True, denominator__isnull=True)
                | Q(numerator__gte=0, numerator__lte=F("denominator"), denominator__gt=0),
                name="result_share_within_one",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.round_id} {self.rate}"

    @property
    def standard(self) -> Standard:
        """What it was judged by."""
        return Standard(Comparator(self.comparator), self.threshold)


class DirtyRound(models.Model):
    """A round whose results are out of date; written by triggers only, as `DirtyRegion` is."""

    round_id = models.BigIntegerField("轮次")
    held_by = held_by()
    marked_at = models.DateTimeField("标记时间", db_default=Now())

    class Meta:
        verbose_name = "待计算轮次"

    def __str__(self) -> str:
        return str(self.round_id)


class Rectification(models.Model):
    """A confirmed problem was put right: how, on what evidence, by whom. Append-only.

    A trigger refuses one for a case that is not confirmed, and a day before its confirmation.
    """

    case = models.OneToOneField(
        Case, models.PROTECT, db_constraint=False, related_name="rectification",
        verbose_name="问题线索",
    )  # fmt: skip
    village_code = models.CharField("村代码", max_length=12)
    on = models.DateField("整改完成日期", db_column="taken_on")
    measure = models.CharField("整改措施", max_length=500)
    evidence = models.CharField("佐证材料", max_length=500)
    created_by = person("经办人")
    created_at = models.DateTimeField("记录时间", db_default=Now())

    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name = "问题整改"
        constraints = [
            models.CheckConstraint(
                condition=~Q(measure="") & ~Q(evidence=""), name="rectification_has_evidence"
            ),
        ]
        indexes = [models.Index(fields=["village_code"], name="rectification_scope")]

    def __str__(self) -> str:
        return str(self.case_id)
