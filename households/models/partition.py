from django.conf import settings
from django.db import models
from django.db.models import Q


class Partition(models.Model):
    """A year of the register (年度), stating how things stood on 31 December.

    A closed partition refuses every write, in the database itself.
    """

    year = models.PositiveSmallIntegerField("年度", primary_key=True)
    closed_at = models.DateTimeField("关闭时间", null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, verbose_name="关闭人"
    )

    class Meta:
        verbose_name = "年度"
        ordering = ["-year"]
        constraints = [
            models.CheckConstraint(
                condition=Q(year__gte=2010, year__lte=2100), name="partition_year_range"
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, closed_by__isnull=True)
                | Q(closed_at__isnull=False),
                name="partition_closed_when_and_who",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.year} 年度"

    @property
    def is_closed(self) -> bool:
        return self.closed_at is not None
