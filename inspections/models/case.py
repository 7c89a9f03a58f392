from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.history import tracked
from core.scope import ScopedQuerySet
from inspections.enums import CaseKind, CaseState, Subject
from inspections.models.common import held_by, person
from inspections.models.round import Round
from inspections.models.sample import SampleHousehold
from villages.models import Region


class CaseQuerySet(ScopedQuerySet["Case"]):
    """By village: the county has to see what it may appeal against."""

    def confirmed(self) -> Self:
        """All that counts in a rate."""
        return self.filter(state=CaseState.CONFIRMED)

    def undecided(self) -> Self:
        return self.exclude(state__in=(CaseState.CONFIRMED, CaseState.DISMISSED))


@tracked
class Case(models.Model):
    """A suspected wrongful exit, omission or entry of one sample household.

    `state` follows the steps and is set by their trigger alone. Suspected and confirmed persons are
    counted apart; only confirmed ones enter a rate. The household's facts are repeated here because
    the county sees the case but not the sample.
    """

    round = models.ForeignKey(
        Round, models.PROTECT, db_constraint=False, related_name="cases", verbose_name="轮次"
    )
    held_by = held_by()
    sample = models.ForeignKey(
        SampleHousehold, models.PROTECT, related_name="cases", verbose_name="样本户"
    )
    village = models.ForeignKey(
        Region, models.PROTECT, db_constraint=False, db_index=False, verbose_name="行政村"
    )
    village_code = models.CharField("村代码", max_length=12)
    subject = models.CharField("类型", max_length=8, choices=Subject.choices)
    head_name = models.CharField("户主姓名", max_length=60)
    kind = models.CharField("问题", max_length=20, choices=CaseKind.choices)
    persons = models.PositiveSmallIntegerField("疑似人数（人）")
    confirmed_persons = models.PositiveSmallIntegerField("确认人数（人）", default=0)
    state = models.CharField(
        "状态", max_length=12, choices=CaseState.choices, default=CaseState.SUSPECTED
    )
    # Of the round, which the county that appeals may not see yet.
    recheck_days = models.PositiveSmallIntegerField("复核期限（日）", null=True)
    created_at = models.DateTimeField("记录时间", db_default=Now())

    objects = CaseQuerySet.as_manager()

    class Meta:
        verbose_name = "问题线索"
        constraints = [
            models.UniqueConstraint(fields=["sample", "kind"], name="case_once"),
            models.UniqueConstraint(fields=["id", "village_code"], name="case_id_village"),
            models.CheckConstraint(
                condition=Q(kind=CaseKind.WRONGFUL_EXIT, subject=Subject.EXITED)
                | Q(
                    kind=CaseKind.OMITTED_HOUSEHOLD, subject__in=(Subject.KEY, Subject.OTHER)
                )
                | Q(
                    kind__in=(CaseKind.OMITTED_MEMBER, CaseKind.WRONGFUL_ENTRY),
                    subject__in=(Subject.EXITED, Subject.POOR),
                ),
                name="case_fits_the_subject",
            ),
            models.CheckConstraint(
                condition=Q(persons__gte=1, persons__lte=30), name="case_of_somebody"
            ),
            models.CheckConstraint(
                condition=Q(state=CaseState.CONFIRMED, confirmed_persons__gte=1)
                | ~Q(state=CaseState.CONFIRMED) & Q(confirmed_persons=0),
                name="case_counts_once_confirmed",
            ),
        ]  # fmt: skip
        indexes = [models.Index(fields=["village_code", "state"], name="case_scope")]

    def __str__(self) -> str:
        return f"{self.sample_id} {self.kind}"


class CaseStep(models.Model):
    """One step of a case: from which state to which, by whom, when, why, on what evidence.

    Append-only. A trigger holds the order of states, the dates, and that whoever decides neither
    raised nor re-checked the case. `due_on` is by when the next step is to be taken, null where no
    days are set.
    """

    case = models.ForeignKey(
        Case, models.PROTECT, related_name="steps", db_constraint=False, verbose_name="问题线索"
    )
    village_code = models.CharField("村代码", max_length=12)
    position = models.PositiveSmallIntegerField("第几步")
    state = models.CharField("到达状态", max_length=12, choices=CaseState.choices)
    on = models.DateField("日期", db_column="taken_on")
    reason = models.CharField("理由", max_length=500)
    evidence = models.CharField("佐证材料", max_length=500, blank=True)
    persons = models.PositiveSmallIntegerField("确认人数（人）", default=0)
    due_on = models.DateField("下一步期限", null=True)
    created_by = person("经办人")
    created_at = models.DateTimeField("记录时间", db_default=Now())

    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name = "问题线索办理"
        ordering = ["case", "position"]
        constraints = [
            models.UniqueConstraint(fields=["case", "position"], name="case_step_once"),
            models.CheckConstraint(condition=~Q(reason=""), name="case_step_has_a_reason"),
            models.CheckConstraint(
                condition=~Q(state=CaseState.APPEALED) | ~Q(evidence=""),
                name="case_appeal_has_evidence",
            ),
            models.CheckConstraint(
                condition=Q(state=CaseState.CONFIRMED, persons__gte=1)
                | ~Q(state=CaseState.CONFIRMED) & Q(persons=0),
                name="case_step_persons_when_confirmed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.position}"
