"""What the standards say of every household, village and county, and checks made on the spot."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.history import tracked
from core.scope import ScopedQuerySet
from exits.enums import Outcome, SubjectLevel
from exits.models.standards import Standard
from households.models import Household
from villages.models import Region


class HouseholdReadinessQuerySet(ScopedQuerySet["HouseholdReadiness"]):
    household_field = "household_id"


class HouseholdReadiness(models.Model):
    """A household judged by one standard in one year: the codes of its items that are not met.

    A row of every household that was judged, with only what is open in it: an item in neither list is
    met. Without the row nobody has judged yet, which must not look like ready. Two short lists are a
    tenth of a row for each item. Derived from rows with a history of their own, hence without one.
    """

    partition = models.PositiveSmallIntegerField("年度")
    household = models.ForeignKey(
        Household, models.PROTECT, db_constraint=False, db_index=False, related_name="+",
        verbose_name="贫困户",
    )  # fmt: skip
    village_code = models.CharField("村代码", max_length=12)
    standard = models.ForeignKey(
        Standard, models.PROTECT, db_constraint=False, db_index=False, related_name="+",
        verbose_name="标准",
    )  # fmt: skip
    standard_version = models.PositiveSmallIntegerField("标准版本")
    is_poor = models.BooleanField("未脱贫")
    persons = models.PositiveSmallIntegerField("人数（人）")
    not_met = ArrayField(models.CharField(max_length=24), verbose_name="不达标项")
    missing = ArrayField(models.CharField(max_length=24), verbose_name="缺数据项")
    computed_at = models.DateTimeField("计算时间", db_default=Now())

    objects = HouseholdReadinessQuerySet.as_manager()

    class Meta:
        verbose_name = "户达标情况"
        constraints = [
            # With the village in front: who moved is judged anew where they live, row by row.
            models.UniqueConstraint(
                fields=["partition", "village_code", "standard", "household"],
                name="household_readiness_once",
            ),
        ]
        indexes = [
            models.Index(fields=["household", "partition"], name="household_readiness_of"),
            # Those still poor are few of all; dashboards and lists of what is missing ask for them.
            models.Index(
                fields=["partition", "standard", "village_code"],
                include=["household", "not_met", "missing"],
                condition=Q(is_poor=True), name="household_readiness_poor",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.household_id} {self.partition} {self.standard_id}"


class GateResultQuerySet(ScopedQuerySet["GateResult"]):
    scope_field = "region_code"


@tracked
class GateResult(models.Model):
    """One item of a village or county: met, not met or missing, with what was counted.

    `numerator` alone is a value, with `denominator` a share. Missing is never met: `reason` says what
    nobody stated. Former results stay in the history.
    """

    region_code = models.CharField("区划代码", max_length=12)
    partition = models.PositiveSmallIntegerField("年度")
    standard = models.ForeignKey(
        Standard, models.PROTECT, db_constraint=False, db_index=False, related_name="+",
        verbose_name="标准",
    )  # fmt: skip
    standard_version = models.PositiveSmallIntegerField("标准版本")
    level = models.CharField("级别", max_length=10, choices=SubjectLevel.choices)
    item = models.CharField("标准项", max_length=24)
    is_veto = models.BooleanField("一票否决")
    outcome = models.CharField("结果", max_length=8, choices=Outcome.choices)
    numerator = models.DecimalField("分子", max_digits=16, decimal_places=2, null=True)
    denominator = models.BigIntegerField("分母", null=True)
    reason = models.CharField("原因", max_length=200, blank=True, default="")
    data_version = models.BigIntegerField("数据版本")
    computed_at = models.DateTimeField("计算时间", db_default=Now())

    objects = GateResultQuerySet.as_manager()

    class Meta:
        verbose_name = "村县达标情况"
        constraints = [
            models.UniqueConstraint(
                fields=["partition", "region_code", "standard", "item"], name="gate_result_once"
            ),
            models.CheckConstraint(
                condition=~Q(outcome=Outcome.MISSING) | ~Q(reason=""),
                name="gate_result_missing_has_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.region_code} {self.item} {self.outcome}"


class AttestationQuerySet(ScopedQuerySet["Attestation"]):
    scope_field = "region_code"
    household_field = "household_id"


@tracked
class Attestation(models.Model):
    """Somebody checked an item on the spot and says what was found, with what proves it.

    Fills in what the register does not tell; never outweighs what it does. Append-only: a later
    check takes the place of an earlier one.
    """

    partition = models.PositiveSmallIntegerField("年度")
    region = models.ForeignKey(
        Region, models.PROTECT, db_constraint=False, db_index=False, related_name="+",
        verbose_name="区划",
    )  # fmt: skip
    region_code = models.CharField("区划代码", max_length=12)
    household = models.ForeignKey(
        Household, models.PROTECT, null=True, db_constraint=False, db_index=False,
        related_name="+", verbose_name="贫困户",
    )  # fmt: skip
    item = models.SlugField("标准项", max_length=24)
    outcome = models.CharField("核实结果", max_length=8, choices=Outcome.choices)
    evidence = models.CharField("佐证说明", max_length=200)
    checked_on = models.DateField("核实日期")
    checked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, db_index=False, related_name="+",
        verbose_name="核实人",
    )  # fmt: skip
    created_at = models.DateTimeField("登记时间", db_default=Now())

    objects = AttestationQuerySet.as_manager()

    class Meta:
        verbose_name = "现场核实"
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome__in=(Outcome.MET, Outcome.NOT_MET)) & ~Q(evidence=""),
                name="attestation_says_something",
            ),
        ]
        indexes = [
            models.Index(
                fields=["partition", "region_code", "household", "item", "-id"],
                name="attestation_latest",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.region_code} {self.item} {self.outcome}"
