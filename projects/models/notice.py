from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from projects.enums import DayKind, NoticeKind
from projects.models.common import person, region_code
from projects.models.project import Project, RowQuerySet


class ProjectNotice(models.Model):
    """A public notice (公示) of a project's plan or completion. Append-only.

    Where it hung, from when to when, on which ground, and whom to call. The step that waits for it is
    taken after `ends_on`, not on it. `listed` is what was posted: name, place, content, amount, term,
    unit, result.
    """

    project = models.ForeignKey(
        Project, models.PROTECT, related_name="notices", db_constraint=False, verbose_name="项目"
    )
    region_code = region_code()
    kind = models.CharField("公示", max_length=10, choices=NoticeKind.choices)
    place = models.CharField("公示地点", max_length=100)
    phone = models.CharField("监督电话", max_length=40)
    starts_on = models.DateField("张贴日期")
    min_days = models.PositiveSmallIntegerField("公示天数")
    day_kind = models.CharField("天数口径", max_length=8, choices=DayKind.choices)
    ends_on = models.DateField("届满日期")
    source = models.CharField("依据", max_length=300)
    listed = models.JSONField("公示内容")
    created_by = person("张贴人")
    created_at = models.DateTimeField("记录时间", db_default=Now())

    objects = RowQuerySet.as_manager()

    class Meta:
        verbose_name = "项目公示"
        constraints = [
            models.UniqueConstraint(fields=["project", "kind"], name="project_notice_once"),
            # Never before its calendar days are over either: the migration adds that in SQL.
            models.CheckConstraint(
                condition=Q(min_days__gte=1, ends_on__gte=F("starts_on")),
                name="project_notice_takes_a_day",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=NoticeKind.values, day_kind__in=DayKind.values)
                & ~Q(place="") & ~Q(phone="") & ~Q(source=""),
                name="project_notice_says_where_and_whom_to_call",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.project_id} {self.kind}"
