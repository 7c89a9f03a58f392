from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.fields import BlindIndex, Secret, SecretCodes
from core.history import tracked
from core.idnumbers import STORED
from core.scope import ScopedQuerySet
from households.models import Partition
from villages.models import Region


class RuralHouseholdQuerySet(ScopedQuerySet["RuralHousehold"]):
    """Rows of villages."""


@tracked
class RuralHousehold(models.Model):
    """A rural household that is not registered, as its village's roster names it for a year.

    A light record: without it nobody could be drawn among those who may have been left out, and
    omission could not be measured. Which key groups (重点户) it belongs to is sealed, because they
    tell of illness; that it belongs to one at all is not.
    """

    partition = models.ForeignKey(Partition, models.PROTECT, db_index=False, verbose_name="年度")
    village = models.ForeignKey(
        Region, models.PROTECT, db_constraint=False, db_index=False, verbose_name="行政村"
    )
    village_code = models.CharField("村代码", max_length=12)
    roster_no = models.CharField("花名册编号", max_length=20)
    head_name = models.CharField("户主姓名", max_length=60)
    head_id_no = Secret("户主证件号码", max_length=22, sensitive=True, shape=STORED)
    head_id_index = BlindIndex("户主证件号码索引", source="head_id_no")
    group_name = models.CharField("村民小组", max_length=60, blank=True)
    persons = models.PositiveSmallIntegerField("人数（人）")
    is_key = models.BooleanField("重点户")
    key_groups = SecretCodes("重点户类别", sensitive=True, salted_by="roster_no")
    # Still lived there when the roster was last handed in; nothing is deleted.
    is_current = models.BooleanField("在册", default=True)
    changed_at = models.DateTimeField("更新时间", db_default=Now())

    objects = RuralHouseholdQuerySet.as_manager()

    class Meta:
        verbose_name = "非建档立卡农户"
        constraints = [
            models.UniqueConstraint(
                fields=["partition", "village_code", "roster_no"], name="rural_household_once"
            ),
            # One head is one household of the year, in whatever village.
            models.UniqueConstraint(
                fields=["partition", "head_id_index"],
                condition=Q(is_current=True),
                name="rural_household_one_per_head",
            ),
            models.CheckConstraint(
                condition=Q(roster_no__regex=r"^[0-9A-Za-z-]{1,20}$"), name="rural_roster_no_text"
            ),
            models.CheckConstraint(
                condition=Q(persons__gte=1, persons__lte=30) & ~Q(head_name=""),
                name="rural_household_has_somebody",
            ),
            models.CheckConstraint(
                condition=~Q(village_code__endswith="000"), name="rural_household_in_a_village"
            ),
            models.CheckConstraint(
                condition=Q(is_key=True, key_groups__isnull=False)
                | Q(is_key=False, key_groups__isnull=True),
                name="rural_household_key_has_groups",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.village_code} {self.roster_no}"
