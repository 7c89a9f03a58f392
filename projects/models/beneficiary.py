from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.history import tracked_without
from core.scope import ScopedQuerySet
from households.models import Household, Person
from projects.enums import BeneficiaryKind, Benefit
from projects.models.common import person as clerk
from projects.models.common import region_code, yuan
from projects.models.project import Project
from villages.models import Region


class BeneficiaryQuerySet(ScopedQuerySet["Beneficiary"]):
    household_field = "household_id"


@tracked_without("changed")
class Beneficiary(models.Model):
    """A village, household or person that a project helps: with what, and what it brings in yuan.

    `on` is the day on which it stands in the register; a trigger looks. Who does not is recorded as
    unregistered, by name. A person is one of its household. `income` is what really came, null as
    long as nothing is known; `expected` null where none is expected.
    """

    project = models.ForeignKey(
        Project, models.PROTECT, related_name="beneficiaries", db_constraint=False,
        verbose_name="项目",
    )  # fmt: skip
    # Where the project is: the scope of the project's own people.
    region_code = region_code()
    village_code = models.CharField("村代码", max_length=12)
    kind = models.CharField("受益对象", max_length=10, choices=BeneficiaryKind.choices)
    village = models.ForeignKey(
        Region, models.PROTECT, null=True, db_constraint=False, db_index=False, related_name="+",
        verbose_name="行政村",
    )  # fmt: skip
    household = models.ForeignKey(
        Household, models.PROTECT, null=True, db_constraint=False, related_name="+",
        verbose_name="贫困户",
    )  # fmt: skip
    person = models.ForeignKey(
        Person, models.PROTECT, null=True, db_constraint=False, related_name="+",
        verbose_name="人员",
    )  # fmt: skip
    name = models.CharField("未登记对象名称", max_length=60, blank=True)
    benefit = models.CharField("受益方式", max_length=10, choices=Benefit.choices)
    on = models.DateField("受益日期", db_column="benefits_on")
    expected = yuan("预计增收（元）", null=True)
    income = yuan("实际增收（元）", null=True)
    created_by = clerk("登记人")
    created_at = models.DateTimeField("记录时间", db_default=Now())

    # The transaction that touched the row last; a trigger writes it, feeds of changes read it.
    changed = models.BigIntegerField("变更序号", db_default=0, editable=False)

    objects = BeneficiaryQuerySet.as_manager()

    class Meta:
        verbose_name = "受益对象"
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="VILLAGE", village__isnull=False, household=None, person=None)
                & Q(name="")
                | Q(kind="HOUSEHOLD", village=None, household__isnull=False, person=None, name="")
                | Q(kind="PERSON", village=None, household__isnull=False, name="")
                & Q(person__isnull=False)
                | Q(kind__in=("HOUSEHOLD", "PERSON"), household=None, person=None)
                & Q(village__isnull=False) & ~Q(name=""),
                name="beneficiary_registered_or_named",
            ),
            models.CheckConstraint(
                condition=Q(benefit__in=Benefit.values)
                & (Q(expected__isnull=True) | Q(expected__gte=0))
                & (Q(income__isnull=True) | Q(income__gte=0)),
                name="beneficiary_benefits",
            ),
            models.UniqueConstraint(
                fields=["project", "kind", "village", "household", "person", "name", "benefit",
                        "on"],
                nulls_distinct=False, name="beneficiary_once",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["changed", "id"], name="beneficiary_changed"),
            models.Index(fields=["village_code"], name="beneficiary_scope"),
        ]

    def __str__(self) -> str:
        return f"{self.project_id} {self.pk}"

    @property
    def is_registered(self) -> bool:
        return not self.name
