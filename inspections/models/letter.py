"""The three letters about problems that are not mended in time, and what follows the third."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.history import tracked, tracked_without
from core.scope import ScopedQuerySet
from inspections.enums.letters import SENT, Kind, Outcome, State
from inspections.models.common import person as official
from inspections.models.finding import Finding
from villages.models import YEAR_RANGE, Region


class LetterQuerySet(ScopedQuerySet["Letter"]):
    scope_field = "region_code"


@tracked_without("changed")
class Letter(models.Model):
    """One letter to one unit about problems it has not mended (三单制).

    The daily task prepares it; somebody confirms it and only then it is sent. The number comes with
    the issue, one after the other per county, kind and year: a trigger counts, so that none is
    skipped and none given twice. `words` can be edited until then.
    """

    kind = models.CharField("文书", max_length=9, choices=Kind.choices)
    region = models.ForeignKey(
        Region, models.PROTECT, db_constraint=False, db_index=False, related_name="+",
        verbose_name="县区",
    )  # fmt: skip
    region_code = models.CharField("区划代码", max_length=12)
    unit = models.CharField("责任单位", max_length=100)
    state = models.CharField("状态", max_length=8, choices=State.choices, default=State.PREPARED)
    words = models.CharField("补充说明", max_length=1000, blank=True)
    prepared_on = models.DateField("拟稿日期")
    # Empty: by the daily task.
    prepared_by = official("拟稿人", null=True)
    year = models.PositiveSmallIntegerField("年度", null=True)
    number = models.PositiveIntegerField("编号", null=True)
    issued_on = models.DateField("签发日期", null=True)
    issued_by = official("签发人", null=True)
    reply_due_on = models.DateField("答复期限", null=True)
    received_on = models.DateField("签收日期", null=True)
    received_by = models.CharField("签收人", max_length=60, blank=True)
    replied_on = models.DateField("答复日期", null=True)
    reply = models.CharField("答复", max_length=1000, blank=True)
    dropped_why = models.CharField("不予发出的理由", max_length=300, blank=True)
    created_at = models.DateTimeField("记录时间", db_default=Now())
    # The transaction that touched the row last; a trigger writes it, feeds of changes read it.
    changed = models.BigIntegerField("变更序号", db_default=0, editable=False)

    objects = LetterQuerySet.as_manager()

    class Meta:
        verbose_name = "整改文书"
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=Kind.values, state__in=State.values) & ~Q(unit=""),
                name="letter_words",
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=SENT, year=F("issued_on__year"), number__gte=1,
                    issued_by__isnull=False, reply_due_on__gt=F("issued_on"),
                )
                | ~Q(state__in=SENT)
                & Q(year=None, number=None, issued_on=None, issued_by=None, reply_due_on=None),
                name="letter_sent_with_a_number",
            ),
            models.CheckConstraint(
                condition=Q(received_on__isnull=True, received_by="")
                | Q(state__in=SENT, received_on__gte=F("issued_on")) & ~Q(received_by=""),
                name="letter_received_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(state=State.REPLIED, replied_on__gte=F("issued_on")) & ~Q(reply="")
                | ~Q(state=State.REPLIED) & Q(replied_on=None, reply=""),
                name="letter_replied_in_words",
            ),
            models.CheckConstraint(
                condition=Q(state=State.DROPPED) & ~Q(dropped_why="")
                | ~Q(state=State.DROPPED) & Q(dropped_why=""),
                name="letter_dropped_for_a_reason",
            ),
            # One draft per unit and kind: what else becomes due joins it.
            models.UniqueConstraint(
                fields=["region", "kind", "unit"], condition=Q(state=State.PREPARED),
                name="letter_drafted_once",
            ),
            models.UniqueConstraint(
                fields=["region", "kind", "year", "number"], name="letter_number_once"
            ),
            models.UniqueConstraint(fields=["id", "region_code"], name="letter_id_region"),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["region_code", "state", "-id"], name="letter_scope"),
            models.Index(fields=["changed", "id"], name="letter_changed"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.region_code} {self.year} {self.number}"


class LetterRowQuerySet(ScopedQuerySet["LetterItem"]):
    scope_field = "region_code"


class LetterItem(models.Model):
    """A problem that a letter is about, and the occasion. Append-only.

    The occasion is what makes the task idempotent: a day that passed (`D2018-09-28`), a return
    (`R4`, its step), an earlier letter that was of no avail (`L17`). Each brings one letter, sent or
    not. Its place is the problem's: who sees the problem sees that a letter was written.
    """

    letter = models.ForeignKey(
        Letter, models.PROTECT, related_name="items", db_constraint=False, verbose_name="文书"
    )
    region_code = models.CharField("区划代码", max_length=12)
    finding = models.ForeignKey(
        Finding, models.PROTECT, related_name="letter_items", db_constraint=False, db_index=False,
        verbose_name="问题",
    )  # fmt: skip
    occasion = models.CharField("事由", max_length=30)
    due_on = models.DateField("整改期限")

    objects = LetterRowQuerySet.as_manager()

    class Meta:
        verbose_name = "文书所列问题"
        constraints = [
            models.UniqueConstraint(fields=["finding", "occasion"], name="letter_occasion_once"),
            models.UniqueConstraint(fields=["letter", "finding"], name="letter_finding_once"),
            models.CheckConstraint(
                condition=Q(occasion__regex=r"^(D\d{4}-\d\d-\d\d|[RL]\d+)$"),
                name="letter_occasion_known",
            ),
        ]
        indexes = [models.Index(fields=["region_code"], name="letter_item_scope")]

    def __str__(self) -> str:
        return f"{self.letter_id} {self.finding_id}"


class LetterCounter(models.Model):
    """The last number of a county, kind and year; the trigger that issues letters counts here."""

    county_code = models.CharField("县代码前缀", max_length=6)
    kind = models.CharField("文书", max_length=9, choices=Kind.choices)
    year = models.PositiveSmallIntegerField("年度")
    last = models.PositiveIntegerField("已用编号")

    class Meta:
        verbose_name = "文书编号"
        constraints = [
            models.UniqueConstraint(
                fields=["county_code", "kind", "year"], name="letter_counter_once"
            ),
            models.CheckConstraint(condition=YEAR_RANGE, name="letter_counter_year"),
        ]

    def __str__(self) -> str:
        return f"{self.county_code} {self.kind} {self.year} {self.last}"


class AccountabilityQuerySet(ScopedQuerySet["Accountability"]):
    scope_field = "region_code"


@tracked
class Accountability(models.Model):
    """What came of a third letter: whom it went to, and how many persons were held responsible.

    A trigger opens it with the issue. The outcome is entered once and stays.
    """

    letter = models.OneToOneField(
        Letter, models.PROTECT, db_constraint=False, related_name="accountability",
        verbose_name="建议函",
    )  # fmt: skip
    region_code = models.CharField("区划代码", max_length=12)
    opened_on = models.DateField("移送日期")
    organ = models.CharField("受理机关", max_length=100, blank=True)
    outcome = models.CharField("处理结果", max_length=14, choices=Outcome.choices, blank=True)
    persons = models.PositiveSmallIntegerField("处理人数（人）", null=True)
    decided_on = models.DateField("处理日期", null=True)
    document = models.CharField("处理文号", max_length=100, blank=True)
    words = models.CharField("处理情况", max_length=500, blank=True)
    entered_by = official("登记人", null=True)

    objects = AccountabilityQuerySet.as_manager()

    class Meta:
        verbose_name = "责任追究"
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome="", persons=None, decided_on=None, document="", entered_by=None)
                | Q(
                    outcome__in=Outcome.values, persons__isnull=False, entered_by__isnull=False,
                    decided_on__gte=F("opened_on"),
                )
                & ~Q(organ="") & ~Q(words="")
                & (
                    Q(outcome=Outcome.NONE, persons=0)
                    | ~Q(outcome=Outcome.NONE) & Q(persons__gte=1) & ~Q(document="")
                ),
                name="accountability_told_whole",
            )
        ]  # fmt: skip
        indexes = [models.Index(fields=["region_code"], name="accountability_scope")]

    def __str__(self) -> str:
        return f"{self.letter_id}"
