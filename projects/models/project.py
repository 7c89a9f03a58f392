from typing import Any, Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.history import tracked, tracked_without
from core.scope import ScopedQuerySet
from projects.enums import BEGUN, DONE, PLANNED, State
from projects.models.common import measured, person, region_code, yuan
from projects.models.types import FactType, ProjectType
from villages.models import YEAR_RANGE, Region


class ProjectQuerySet(ScopedQuerySet["Project"]):
    scope_field = "region_code"

    def planned(self) -> Self:
        """In the year plan: money has been assigned; cancelled ones do not count."""
        return self.filter(state__in=PLANNED)

    def begun(self) -> Self:
        return self.filter(state__in=BEGUN)

    def done(self) -> Self:
        return self.filter(state__in=DONE)


@tracked_without("changed")
class Project(models.Model):
    """One project of a village, town, county or the city, from its proposal to its evaluation.

    `state`, `state_on`, `position`, `budget`, `started_on` and `completed_on` follow the steps and
    are written by their trigger alone; `percent` follows the reports. What was proposed can be
    changed until it has been reviewed; `entered_by` is who entered it last, and does not review it.
    `sector` is the upper level of the type.
    """

    number = models.CharField("项目编号", max_length=24, blank=True)
    name = models.CharField("项目名称", max_length=100)
    type = models.ForeignKey(
        ProjectType, models.PROTECT, db_index=False, related_name="projects",
        verbose_name="项目类型",
    )  # fmt: skip
    sector = models.CharField("项目类别", max_length=2)
    region = models.ForeignKey(
        Region, models.PROTECT, db_constraint=False, db_index=False, verbose_name="所在区划"
    )
    region_code = region_code()
    year = models.PositiveSmallIntegerField("计划年度")
    content = models.CharField("建设内容", max_length=1000)
    unit = models.CharField("实施单位", max_length=100)
    contractor = models.CharField("承建单位", max_length=100, blank=True)
    planned_amount = yuan("计划投资（元）")
    planned_start = models.DateField("计划开工日期")
    planned_end = models.DateField("计划完工日期")
    state = models.CharField("状态", max_length=10, choices=State.choices, blank=True)
    position = models.PositiveSmallIntegerField("已办步骤", default=0)
    state_on = models.DateField("办理日期", null=True)
    budget = yuan("安排资金（元）", null=True)
    started_on = models.DateField("开工日期", null=True)
    completed_on = models.DateField("完工日期", null=True)
    percent = models.DecimalField("进度（％）", max_digits=5, decimal_places=2, default=0)
    entered_by = person("填报人")
    created_at = models.DateTimeField("记录时间", db_default=Now())

    # The transaction that touched the row last; a trigger writes it, feeds of changes read it.
    changed = models.BigIntegerField("变更序号", db_default=0, editable=False)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        verbose_name = "项目"
        constraints = [
            models.CheckConstraint(
                condition=Q(planned_amount__gt=0), name="project_costs_something"
            ),
            models.CheckConstraint(
                condition=Q(planned_end__gte=F("planned_start")),
                name="project_ends_after_start",
            ),
            models.CheckConstraint(condition=YEAR_RANGE, name="project_year"),
            models.CheckConstraint(
                condition=~Q(name="") & ~Q(content="") & ~Q(unit="") & ~Q(number=""),
                name="project_says_what_and_by_whom",
            ),
            models.CheckConstraint(
                condition=Q(percent__gte=0, percent__lte=100), name="project_percent"
            ),
            models.CheckConstraint(
                condition=Q(budget__isnull=True) | Q(budget__gt=0), name="project_budget"
            ),
            models.UniqueConstraint(fields=["number"], name="project_number_once"),
            models.UniqueConstraint(fields=["id", "region_code"], name="project_id_region"),
        ]
        indexes = [
            models.Index(fields=["changed", "id"], name="project_changed"),
            models.Index(fields=["region_code", "year", "state"], name="project_scope"),
            models.Index(fields=["year", "sector"], name="project_plan"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.name}"


class ProjectCounter(models.Model):
    """The last number given in a county and year; the trigger that numbers projects counts here."""

    county_code = models.CharField("县代码前缀", max_length=6)
    year = models.PositiveSmallIntegerField("年度")
    last = models.PositiveIntegerField("已用编号")

    class Meta:
        verbose_name = "项目编号"
        constraints = [
            models.UniqueConstraint(fields=["county_code", "year"], name="project_counter_once")
        ]

    def __str__(self) -> str:
        return f"{self.county_code} {self.year} {self.last}"


class RowQuerySet(ScopedQuerySet[Any]):
    """Rows of a project: where the project is."""

    scope_field = "region_code"


class ProjectStep(models.Model):
    """One step of a project: to which state, when, by whom, why, on which document. Append-only.

    A trigger holds the order, the dates, that nobody approves what he entered himself, and what each
    step takes: targets, stages, ended notices, an acceptance, a settlement, an asset.
    `amount` (yuan) is what was assigned, on the step that assigns it.
    """

    project = models.ForeignKey(
        Project, models.PROTECT, related_name="steps", db_constraint=False, verbose_name="项目"
    )
    region_code = region_code()
    position = models.PositiveSmallIntegerField("第几步")
    state = models.CharField("到达状态", max_length=10, choices=State.choices)
    on = models.DateField("日期", db_column="taken_on")
    reason = models.CharField("意见", max_length=500)
    document = models.CharField("文号", max_length=100, blank=True)
    amount = yuan("安排资金（元）", null=True)
    created_by = person("经办人")
    created_at = models.DateTimeField("记录时间", db_default=Now())

    objects = RowQuerySet.as_manager()

    class Meta:
        verbose_name = "项目办理"
        ordering = ["project", "position"]
        constraints = [
            models.UniqueConstraint(fields=["project", "position"], name="project_step_once"),
            models.CheckConstraint(condition=~Q(reason=""), name="project_step_has_a_reason"),
            models.CheckConstraint(
                condition=Q(state=State.BUDGETED, amount__gt=0) & ~Q(document="")
                | ~Q(state=State.BUDGETED) & Q(amount__isnull=True),
                name="project_step_budget_by_document",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.project_id} {self.position}"


@tracked
class ProjectFact(models.Model):
    """A measured fact of a project, as planned and as built; null when missing."""

    project = models.ForeignKey(
        Project, models.PROTECT, related_name="facts", db_constraint=False, verbose_name="项目"
    )
    region_code = region_code()
    fact = models.ForeignKey(FactType, models.PROTECT, db_index=False, verbose_name="指标")
    planned = measured("计划")
    actual = measured("实际", null=True)

    objects = RowQuerySet.as_manager()

    class Meta:
        verbose_name = "项目指标值"
        constraints = [
            models.UniqueConstraint(fields=["project", "fact"], name="project_fact_once"),
            models.CheckConstraint(
                condition=Q(planned__gte=0) & (Q(actual__isnull=True) | Q(actual__gte=0)),
                name="project_fact_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project_id} {self.fact_id}"


@tracked
class Target(models.Model):
    """A performance target: without one the library takes no project in. `actual` null: missing."""

    project = models.ForeignKey(
        Project, models.PROTECT, related_name="targets", db_constraint=False, verbose_name="项目"
    )
    region_code = region_code()
    position = models.PositiveSmallIntegerField("序号")
    indicator = models.CharField("绩效指标", max_length=60)
    unit = models.CharField("单位", max_length=10)
    planned = measured("目标值")
    actual = measured("实际值", null=True)

    objects = RowQuerySet.as_manager()

    class Meta:
        verbose_name = "绩效目标"
        ordering = ["project", "position"]
        constraints = [
            models.UniqueConstraint(fields=["project", "position"], name="performance_target_once"),
            models.CheckConstraint(
                condition=~Q(indicator="") & ~Q(unit=""), name="performance_target_says_what"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project_id} {self.indicator}"
