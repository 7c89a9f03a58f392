from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.fields import Amount, Code, Text, YesNo
from core.history import tracked
from core.scope import ScopedQuerySet
from households.models.household import Household
from households.models.partition import Partition
from households.models.person import Person


class WorkSpellQuerySet(ScopedQuerySet["WorkSpell"]):
    household_field = "household_id"


@tracked
class WorkSpell(models.Model):
    """One stretch of work away from home (务工), as the monthly follow-up of a year declares it.

    A person has one spell per month it began in; a spell whose beginning nobody stated has an empty
    month. Whether somebody worked at all in the year stands in `PersonYear.has_worked`.
    """

    # (partition, household, village_code) is one composite key onto the household's year.
    partition = models.ForeignKey(
        Partition, models.PROTECT, db_constraint=False, db_index=False, verbose_name="年度"
    )
    household = models.ForeignKey(
        Household,
        models.PROTECT,
        db_constraint=False,
        db_index=False,
        related_name="work_spells",
        verbose_name="贫困户",
    )
    village_code = models.CharField("村代码", max_length=12)
    person = models.ForeignKey(
        Person, models.PROTECT, db_index=False, related_name="work_spells", verbose_name="人员"
    )

    started_month = Text("开始时间", max_length=6, db_default="")
    ended_month = Text("结束时间", max_length=6, db_default="")
    employment_channel = Code("就业渠道", table="employment_channel", db_default="")
    work_county = Text("务工所在县", max_length=60, db_default="")
    transport_subsidy = Amount("年度交通费补助", unit="元/年")
    monthly_income = Amount("务工月收入", unit="元/月")
    work_employer = Text("务工企业名称", max_length=100, db_default="")
    industry = Text("所属行业", max_length=60, db_default="")
    point_to_point = YesNo("是否点对点输送")

    changed_at = models.DateTimeField("更新时间", db_default=Now())

    objects = WorkSpellQuerySet.as_manager()

    class Meta:
        verbose_name = "务工记录"
        constraints = [
            models.UniqueConstraint(
                fields=["person", "partition", "started_month"], name="work_spell_once"
            ),
            models.CheckConstraint(
                condition=Q(started_month="")
                | Q(ended_month="")
                | Q(ended_month__gte=models.F("started_month")),
                name="work_spell_ends_after_start",
            ),
        ]
        indexes = [
            models.Index(
                fields=["partition", "village_code", "household"], name="work_spell_scope"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} {self.partition_id} {self.started_month}"
