from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.history import tracked
from core.scope import ScopedQuerySet
from projects.models.common import person, region_code, yuan
from projects.models.types import ProjectType
from villages.models import YEAR_RANGE, Region


class QuotaQuerySet(ScopedQuerySet["Quota"]):
    scope_field = "region_code"


@tracked
class Quota(models.Model):
    """How much a county may assign to projects of a sector in a year, in yuan, and on which ground.

    Without one nothing is held back; a trigger refuses what would go beyond it.
    """

    region = models.ForeignKey(
        Region, models.PROTECT, db_constraint=False, db_index=False, verbose_name="县"
    )
    region_code = region_code()
    year = models.PositiveSmallIntegerField("年度")
    sector = models.ForeignKey(ProjectType, models.PROTECT, db_index=False, verbose_name="项目类别")
    amount = yuan("额度（元）")
    source = models.CharField("依据", max_length=300)
    created_by = person("设置人")
    changed_at = models.DateTimeField("设置时间", db_default=Now())

    objects = QuotaQuerySet.as_manager()

    class Meta:
        verbose_name = "年度额度"
        constraints = [
            models.UniqueConstraint(
                fields=["region_code", "year", "sector"], name="project_quota_once"
            ),
            models.CheckConstraint(
                condition=Q(amount__gte=0, region_code__endswith="000000") & ~Q(source=""),
                name="project_quota_of_a_county_with_source",
            ),
            models.CheckConstraint(condition=YEAR_RANGE, name="project_quota_year"),
        ]

    def __str__(self) -> str:
        return f"{self.region_code} {self.year} {self.sector_id}"
