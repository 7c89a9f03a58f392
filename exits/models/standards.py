"""Exit standards as data: what a household, a village, a county must fulfil, by province and year."""

from typing import Self

from django.db import models
from django.db.models import F, Q

from core.history import tracked
from exits.enums import COMPARING, Comparator, Evidence, Measure, SubjectLevel


class StandardQuerySet(models.QuerySet["Standard"]):
    def valid_in(self, year: int) -> Self:
        """Those that hold in a year; a missing end is open."""
        return self.filter(Q(valid_to__isnull=True) | Q(valid_to__gte=year), valid_from__lte=year)


@tracked
class Standard(models.Model):
    """A province's set of exit standards (标准) for all three levels and a range of years.

    The set with the longest prefix that fits a place is in force there. One that `is_compared` is
    evaluated everywhere besides, so that two sets stand side by side on one register. `version` grows
    with every change of the set or its items; results name the version they were judged by.
    """

    code = models.SlugField("代码", max_length=16, unique=True)
    version = models.PositiveSmallIntegerField("版本", default=1)
    name = models.CharField("名称", max_length=60)
    region_prefix = models.CharField("适用区划", max_length=12, blank=True)
    is_compared = models.BooleanField("并列对照", default=False)
    valid_from = models.PositiveSmallIntegerField("起始年度")
    valid_to = models.PositiveSmallIntegerField("终止年度", null=True)
    source = models.CharField("依据", max_length=300)

    objects = StandardQuerySet.as_manager()

    class Meta:
        verbose_name = "退出标准"
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(condition=~Q(source=""), name="standard_has_source"),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
                name="standard_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} v{self.version}"


@tracked
class StandardItem(models.Model):
    """One checkable item of a standard: what is measured, how it is compared, what proves it.

    `code` names the fact, the same in every standard, so that one check on the spot serves them all.
    A share is written as such (0.02 is 2 %). An item that is no veto is considered and stops nobody.
    One that nobody can repair within the year keeps its household out of every plan.
    """

    standard = models.ForeignKey(
        Standard, models.PROTECT, related_name="items", verbose_name="标准"
    )
    level = models.CharField("级别", max_length=10, choices=SubjectLevel.choices)
    position = models.PositiveSmallIntegerField("次序")
    code = models.SlugField("代码", max_length=24)
    label = models.CharField("名称", max_length=40)
    requirement = models.CharField("要求", max_length=200)
    is_veto = models.BooleanField("一票否决", default=True)
    is_repairable = models.BooleanField("当年可整改", default=True)
    is_active = models.BooleanField("启用", default=True)
    evidence = models.CharField("佐证", max_length=10, choices=Evidence.choices)
    measure = models.CharField("度量", max_length=24, choices=Measure.choices)
    comparator = models.CharField("比较", max_length=2, choices=Comparator.choices)
    threshold = models.DecimalField("标准", max_digits=14, decimal_places=6)
    source = models.CharField("依据", max_length=300)

    class Meta:
        verbose_name = "标准项"
        ordering = ["standard", "level", "position"]
        constraints = [
            models.UniqueConstraint(
                fields=["standard", "level", "code"], name="standard_item_once"
            ),
            models.CheckConstraint(
                condition=Q(threshold__gte=0) & ~Q(source=""), name="standard_item_has_source"
            ),
            models.CheckConstraint(
                condition=Q(comparator__in=COMPARING), name="standard_item_compares"
            ),
            models.CheckConstraint(
                condition=Q(measure__in=Measure.values), name="standard_item_measures"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.standard_id} {self.code}"
