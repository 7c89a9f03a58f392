"""Complaints and petitions: what may go on, and apart from it who complained and in what words."""

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.fields import Secret
from core.history import tracked, tracked_without
from core.scope import Actor, ScopedQuerySet, within
from households.models import Household
from inspections.enums.complaints import FIND, PETITION, UNSEEN, Channel, Kind, State, Way
from inspections.models.common import held_by
from inspections.models.common import person as official
from inspections.models.finding import Finding
from villages.models import Region


class ComplaintQuerySet(ScopedQuerySet["Complaint"]):
    """Seen by whoever receives complaints where it was received, and by whoever handles the problems
    of its place once it was passed on to them; by nobody else who reads the register."""

    scope_field = "region_code"

    def visible_to(self, actor: Actor) -> Self:
        received = within(actor.prefixes_for(PETITION), "held_by")
        handled = within(actor.prefixes_for(FIND), "region_code") & ~Q(state__in=UNSEEN)
        return self.filter(received | handled)


@tracked
class Complaint(models.Model):
    """One complaint or report (信访、举报), as far as others than its receiver may know it.

    `summary` is written by whoever received it, for those who handle it; the complaint's own words
    and the complainant lie in `Complainant`. `held_by` is the office that received it, as a division
    code prefix; `region` is the place it is about. `household` is named only where that gives nobody
    away. Everything from `state` on follows the steps and is written by their trigger alone.
    """

    number = models.CharField("信访编号", max_length=24, blank=True)
    channel = models.CharField("渠道", max_length=8, choices=Channel.choices)
    kind = models.CharField("类型", max_length=8, choices=Kind.choices)
    held_by = held_by()
    region = models.ForeignKey(
        Region, models.PROTECT, db_constraint=False, db_index=False, related_name="+",
        verbose_name="反映区划",
    )  # fmt: skip
    region_code = models.CharField("区划代码", max_length=12)
    received_on = models.DateField("收到日期")
    summary = models.CharField("转办摘要", max_length=500)
    is_anonymous = models.BooleanField("匿名", default=False)
    is_confidential = models.BooleanField("要求保密", default=True)
    household = models.ForeignKey(
        Household, models.PROTECT, null=True, db_constraint=False, db_index=False,
        related_name="+", verbose_name="涉及农户",
    )  # fmt: skip
    state = models.CharField("状态", max_length=8, choices=State.choices, blank=True)
    position = models.PositiveSmallIntegerField("已办步骤", default=0)
    state_on = models.DateField("办理日期", null=True)
    unit = models.CharField("承办单位", max_length=100, blank=True)
    duty_name = models.CharField("承办人", max_length=60, blank=True)
    due_on = models.DateField("办理期限", null=True)
    entered_by = official("登记人")
    created_at = models.DateTimeField("登记时间", db_default=Now())

    objects = ComplaintQuerySet.as_manager()

    class Meta:
        verbose_name = "信访举报"
        constraints = [
            models.CheckConstraint(
                condition=~Q(summary="") & ~Q(number=""), name="complaint_says_what"
            ),
            models.CheckConstraint(
                condition=Q(channel__in=Channel.values, kind__in=Kind.values),
                name="complaint_words",
            ),
            models.CheckConstraint(
                condition=Q(is_confidential=False) | Q(household__isnull=True),
                name="complaint_names_no_household_in_confidence",
            ),
            models.UniqueConstraint(fields=["number"], name="complaint_number_once"),
            models.UniqueConstraint(fields=["id", "region_code"], name="complaint_id_region"),
            models.UniqueConstraint(fields=["id", "held_by"], name="complaint_id_held_by"),
        ]
        indexes = [
            models.Index(fields=["region_code", "state", "due_on"], name="complaint_scope"),
            models.Index(fields=["held_by", "state", "due_on"], name="complaint_held_by"),
        ]

    def __str__(self) -> str:
        return self.number


# What is sealed of a complainant; images of old rows keep none of it.
SEALED = ("name", "phone", "address", "id_no", "original", "household_no")


@tracked_without(*SEALED)
class Complainant(models.Model):
    """Who complained, and in what words: sealed, and read only by whoever receives complaints there.

    Row security goes by the right of its own (`povertyops.walls`), not by the place.
    """

    complaint = models.OneToOneField(
        Complaint, models.PROTECT, related_name="complainant", db_constraint=False,
        verbose_name="信访举报",
    )  # fmt: skip
    held_by = held_by()
    name = Secret("姓名", max_length=60, sealed_as="complainant_name", sensitive=True)
    phone = Secret("电话", max_length=40, sealed_as="complainant_phone", sensitive=True)
    address = Secret("住址", max_length=200, sealed_as="complainant_address", sensitive=True)
    id_no = Secret("证件号码", max_length=22, sealed_as="complainant_id_no", sensitive=True)
    original = Secret("原文", max_length=4000, sealed_as="complaint_original", sensitive=True)
    household_no = Secret(
        "涉及农户", max_length=20, sealed_as="complaint_household_no", sensitive=True
    )

    class Meta:
        verbose_name = "信访人"

    def __str__(self) -> str:
        return str(self.complaint_id)


class ComplaintRowQuerySet(ScopedQuerySet["ComplaintStep"]):
    scope_field = "region_code"


class ComplaintStep(models.Model):
    """One step of a complaint: to which state, when, by whom, in what words. Append-only.

    A trigger holds the order and the dates. Unit, person, day and the day's source stand on the step
    that assigns, the unit on one that transfers as well; `way` on the one that answers.
    """

    complaint = models.ForeignKey(
        Complaint, models.PROTECT, related_name="steps", db_constraint=False, db_index=False,
        verbose_name="信访举报",
    )  # fmt: skip
    region_code = models.CharField("区划代码", max_length=12)
    position = models.PositiveSmallIntegerField("第几步")
    state = models.CharField("到达状态", max_length=8, choices=State.choices)
    on = models.DateField("日期", db_column="taken_on")
    words = models.CharField("意见", max_length=1000)
    unit = models.CharField("承办单位", max_length=100, blank=True)
    duty_name = models.CharField("承办人", max_length=60, blank=True)
    due_on = models.DateField("办理期限", null=True)
    due_source = models.CharField("期限依据", max_length=200, blank=True)
    way = models.CharField("答复方式", max_length=8, choices=Way.choices, blank=True)
    created_by = official("经办人")
    created_at = models.DateTimeField("记录时间", db_default=Now())

    objects = ComplaintRowQuerySet.as_manager()

    class Meta:
        verbose_name = "信访办理"
        ordering = ["complaint", "position"]
        constraints = [
            models.UniqueConstraint(fields=["complaint", "position"], name="complaint_step_once"),
            models.CheckConstraint(condition=~Q(words=""), name="complaint_step_says_why"),
            models.CheckConstraint(
                condition=Q(state=State.ASSIGNED, due_on__gte=F("on"))
                & ~Q(unit="") & ~Q(duty_name="") & ~Q(due_source="")
                | Q(state=State.TRANSFERRED, due_on=None, duty_name="", due_source="") & ~Q(unit="")
                | ~Q(state__in=(State.ASSIGNED, State.TRANSFERRED))
                & Q(due_on=None, unit="", duty_name="", due_source=""),
                name="complaint_step_assigns_whole",
            ),
            models.CheckConstraint(
                condition=Q(state=State.ANSWERED, way__in=Way.values)
                | ~Q(state=State.ANSWERED) & Q(way=""),
                name="complaint_step_answers_somehow",
            ),
        ]  # fmt: skip
        indexes = [models.Index(fields=["region_code", "on"], name="complaint_step_scope")]

    def __str__(self) -> str:
        return f"{self.complaint_id} {self.position}"


class ComplaintFindingQuerySet(ScopedQuerySet["ComplaintFinding"]):
    scope_field = "region_code"


class ComplaintFinding(models.Model):
    """A problem of the ledger that a complaint led to, or that it is about. Append-only."""

    complaint = models.ForeignKey(
        Complaint, models.PROTECT, related_name="links", db_constraint=False, db_index=False,
        verbose_name="信访举报",
    )  # fmt: skip
    region_code = models.CharField("区划代码", max_length=12)
    finding = models.ForeignKey(
        Finding, models.PROTECT, related_name="complaints", verbose_name="问题"
    )
    created_by = official("登记人")
    created_at = models.DateTimeField("登记时间", db_default=Now())

    objects = ComplaintFindingQuerySet.as_manager()

    class Meta:
        verbose_name = "信访所涉问题"
        constraints = [
            models.UniqueConstraint(fields=["complaint", "finding"], name="complaint_finding_once"),
        ]
        indexes = [models.Index(fields=["region_code"], name="complaint_finding_scope")]

    def __str__(self) -> str:
        return f"{self.complaint_id} {self.finding_id}"


class ComplaintCounter(models.Model):
    """The last number given in a county and year; the trigger that numbers complaints counts here."""

    county_code = models.CharField("县代码前缀", max_length=6)
    year = models.PositiveSmallIntegerField("年度")
    last = models.PositiveIntegerField("已用编号")

    class Meta:
        verbose_name = "信访编号"
        constraints = [
            models.UniqueConstraint(fields=["county_code", "year"], name="complaint_counter_once")
        ]

    def __str__(self) -> str:
        return f"{self.county_code} {self.year} {self.last}"
