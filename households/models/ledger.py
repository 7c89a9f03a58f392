from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.jobs.models import Job
from core.scope import ScopedQuerySet
from households.enums import MemberKind, StatusKind
from households.models.household import Household
from households.models.partition import Partition
from households.models.person import Person


class StatusEventQuerySet(ScopedQuerySet["StatusEvent"]):
    household_field = "household_id"


class MembershipEventQuerySet(ScopedQuerySet["MembershipEvent"]):
    household_field = "household_id"


class StatusEvent(models.Model):
    """A household was identified, exited, relapsed …: the ledger of movement. Append-only.

    `households` and `persons` are what the act moved, so that gross flows add up to the difference
    of the stocks; a correction is a further row that takes back or adds the difference, hence the
    signs. `is_opening` marks what was already so when the register began.
    """

    # No key of the database's: what is booked stays when an import is undone that brought the
    # household, and so does what takes it back.
    household = models.ForeignKey(
        Household, models.PROTECT, db_index=False, db_constraint=False, related_name="events",
        verbose_name="贫困户",
    )  # fmt: skip
    village_code = models.CharField("村代码", max_length=12)
    partition = models.ForeignKey(Partition, models.PROTECT, db_index=False, verbose_name="年度")
    kind = models.CharField("事件", max_length=14, choices=StatusKind.choices)
    # The year the act happened, which for opening rows lies before the partition.
    year = models.PositiveSmallIntegerField("发生年度", null=True)
    households = models.SmallIntegerField("户数变化（户）")
    persons = models.SmallIntegerField("人数变化（人）")
    is_opening = models.BooleanField("期初", default=False)
    reason = models.CharField("说明", max_length=200, blank=True)
    job = models.ForeignKey(
        Job, models.PROTECT, null=True, db_index=False, db_constraint=False, verbose_name="任务"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, db_index=False, verbose_name="经办人"
    )
    created_at = models.DateTimeField("记录时间", db_default=Now())

    objects = StatusEventQuerySet.as_manager()

    class Meta:
        verbose_name = "状态事件"
        constraints = [
            models.CheckConstraint(
                condition=Q(households__in=(-1, 0, 1)), name="status_event_one_household"
            ),
            models.CheckConstraint(
                condition=Q(year__isnull=True) | Q(year__lte=models.F("partition")),
                name="status_event_not_in_future",
            ),
        ]
        indexes = [
            models.Index(fields=["household", "partition"], name="status_event_household"),
            models.Index(
                fields=["partition", "village_code"],
                condition=Q(is_opening=False),
                name="status_event_flows",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.household_id}"


class MembershipEvent(models.Model):
    """A person joined or left a household after it was identified. Append-only.

    `persons` is 1, or -1 in a row that takes a mistaken one back. `is_poor` says whether the
    household counts among the poor at the year's start or end, so that the natural change of poor
    persons can be told from that of exited ones.
    """

    person = models.ForeignKey(
        Person, models.PROTECT, db_constraint=False, related_name="memberships", verbose_name="人员"
    )
    household = models.ForeignKey(
        Household, models.PROTECT, db_constraint=False, related_name="memberships",
        verbose_name="贫困户",
    )  # fmt: skip
    village_code = models.CharField("村代码", max_length=12)
    partition = models.ForeignKey(Partition, models.PROTECT, db_index=False, verbose_name="年度")
    kind = models.CharField("事件", max_length=14, choices=MemberKind.choices)
    persons = models.SmallIntegerField("人数变化（人）", default=1)
    is_poor = models.BooleanField("计入贫困人口变动", default=True)
    reason = models.CharField("说明", max_length=200, blank=True)
    job = models.ForeignKey(
        Job, models.PROTECT, null=True, db_index=False, db_constraint=False, verbose_name="任务"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, db_index=False, verbose_name="经办人"
    )
    created_at = models.DateTimeField("记录时间", db_default=Now())

    objects = MembershipEventQuerySet.as_manager()

    class Meta:
        verbose_name = "成员变动"
        constraints = [
            models.CheckConstraint(
                condition=Q(persons__in=(-1, 1)), name="membership_event_one_person"
            ),
        ]
        indexes = [models.Index(fields=["partition", "village_code"], name="membership_flows")]

    def __str__(self) -> str:
        return f"{self.kind} {self.person_id}"


class DirtyRegion(models.Model):
    """A place whose figures of one year are out of date; written by triggers only.

    Append-only marks instead of one row per place: writers never wait for one another, and a
    recompute that removes the marks it saw cannot swallow one that was not committed yet.
    """

    partition = models.PositiveSmallIntegerField("年度")
    code = models.CharField("区划代码", max_length=12)
    marked_at = models.DateTimeField("标记时间", db_default=Now())

    class Meta:
        verbose_name = "待重算区划"

    def __str__(self) -> str:
        return f"{self.code} {self.partition}"
