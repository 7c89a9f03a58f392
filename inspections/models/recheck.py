"""Mended problems drawn by lot for a second look."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.scope import ScopedQuerySet
from inspections.models.common import person as official
from inspections.models.finding import Finding, FindingLook
from villages.models import Region


class RecheckQuerySet(ScopedQuerySet["Recheck"]):
    scope_field = "region_code"


class Recheck(models.Model):
    """A share of the problems that a place mended in a period, drawn for a second look. Append-only.

    The seed is public or drawn by the machine; with the list's digest it gives the same problems
    again (`inspections.formulas.drawing`). The share is a fraction of two integers.
    """

    region = models.ForeignKey(
        Region, models.PROTECT, db_constraint=False, db_index=False, related_name="+",
        verbose_name="区划",
    )  # fmt: skip
    region_code = models.CharField("区划代码", max_length=12)
    since = models.DateField("销号自")
    until = models.DateField("销号至")
    numerator = models.PositiveSmallIntegerField("抽取比例分子")
    denominator = models.PositiveSmallIntegerField("抽取比例分母")
    seed = models.CharField("随机种子", max_length=64)
    algorithm = models.PositiveSmallIntegerField("算法版本")
    frame_size = models.PositiveIntegerField("名单问题数")
    frame_digest = models.CharField("名单摘要", max_length=64)
    created_by = official("抽取人")
    created_at = models.DateTimeField("抽取时间", db_default=Now())

    objects = RecheckQuerySet.as_manager()

    class Meta:
        verbose_name = "复查抽取"
        constraints = [
            models.CheckConstraint(
                condition=Q(since__lte=F("until"), frame_size__gte=1, numerator__gte=1)
                & Q(numerator__lte=F("denominator")),
                name="recheck_draws_something",
            ),
            models.CheckConstraint(
                condition=Q(
                    seed__regex=r"^[0-9a-f]{32,64}$", frame_digest__regex=r"^[0-9a-f]{64}$"
                ),
                name="recheck_can_be_drawn_again",
            ),
            models.UniqueConstraint(fields=["id", "region_code"], name="recheck_id_region"),
        ]
        indexes = [models.Index(fields=["region_code", "-id"], name="recheck_scope")]

    def __str__(self) -> str:
        return f"{self.region_code} {self.since} {self.until}"


class RecheckItemQuerySet(ScopedQuerySet["RecheckItem"]):
    scope_field = "region_code"


class RecheckItem(models.Model):
    """A drawn problem, and the look that was taken at it. The look is set once."""

    recheck = models.ForeignKey(
        Recheck, models.PROTECT, related_name="items", db_constraint=False, db_index=False,
        verbose_name="复查抽取",
    )  # fmt: skip
    region_code = models.CharField("区划代码", max_length=12)
    finding = models.ForeignKey(
        Finding, models.PROTECT, related_name="rechecks", db_constraint=False, verbose_name="问题"
    )
    rank = models.PositiveIntegerField("序号")
    look = models.OneToOneField(
        FindingLook, models.PROTECT, null=True, related_name="recheck_item", verbose_name="复查"
    )

    objects = RecheckItemQuerySet.as_manager()

    class Meta:
        verbose_name = "被抽取的问题"
        ordering = ["recheck", "rank"]
        constraints = [
            models.UniqueConstraint(fields=["recheck", "rank"], name="recheck_rank_once"),
            models.UniqueConstraint(fields=["recheck", "finding"], name="recheck_finding_once"),
        ]
        indexes = [models.Index(fields=["region_code"], name="recheck_item_scope")]

    def __str__(self) -> str:
        return f"{self.recheck_id} {self.rank}"
