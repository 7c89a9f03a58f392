from django.db import models
from django.db.models import Q


class ProjectType(models.Model):
    """A type of project, in two levels; the upper one is the sector that plans are counted by."""

    code = models.CharField("代码", max_length=4, primary_key=True)
    label = models.CharField("名称", max_length=60)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, db_index=False, related_name="children",
        verbose_name="上级类型",
    )  # fmt: skip
    leaves_asset = models.BooleanField("形成资产")
    note = models.CharField("说明", max_length=200, blank=True)

    class Meta:
        verbose_name = "项目类型"
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=Q(parent__isnull=True, code__regex=r"^[0-9]{2}$")
                | Q(parent__isnull=False, code__regex=r"^[0-9]{4}$"),
                name="project_type_two_levels",
            ),
        ]

    def __str__(self) -> str:
        return self.label


class FactType(models.Model):
    """What projects of a type state of themselves: length of road, power, persons served."""

    type = models.ForeignKey(
        ProjectType, models.PROTECT, db_index=False, related_name="facts", verbose_name="项目类型"
    )
    code = models.CharField("代码", max_length=20)
    label = models.CharField("名称", max_length=30)
    unit = models.CharField("单位", max_length=10)
    places = models.PositiveSmallIntegerField("小数位数")

    class Meta:
        verbose_name = "项目指标"
        ordering = ["type", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["type", "code"], name="fact_type_once"),
            models.CheckConstraint(
                condition=Q(places__in=(0, 2)) & ~Q(unit=""), name="fact_type_has_a_unit"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label}（{self.unit}）"
