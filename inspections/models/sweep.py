"""The likes of a problem (举一反三): a kept search, each time it was run, and what it found."""

from typing import Any, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from core.scope import Actor, ScopedQuerySet, within
from funds.models import FundFinding
from households.models import Household
from inspections.enums.sweeps import MatchState, Subject
from inspections.models.common import person as official
from inspections.models.finding import Finding
from projects.models import Project
from villages.models import Region

# By what a match names what it found.
NAMED: dict[str, str] = {
    Subject.REGISTER: "household",
    Subject.PROJECTS: "project",
    Subject.FUNDS: "fund_finding",
}


class SweepQuerySet(ScopedQuerySet["Sweep"]):
    """Also for whoever sees the problem it comes from, and wherever it found something."""

    scope_field = "region_code"

    def visible_to(self, actor: Actor) -> Self:
        found = SweepMatch.objects.visible_to(actor).filter(sweep=OuterRef("pk"))
        problems = Finding.objects.visible_to(actor).filter(pk=OuterRef("finding"))
        seen = within(actor.region_prefixes, self.scope_field)
        return self.filter(seen | Q(Exists(found)) | Q(Exists(problems)))


class Sweep(models.Model):
    """A search for the likes of a problem, in the terms of an existing list. Append-only.

    `terms` are those of the list of `subject`, as JSON; `words` say them in Chinese. `region` is
    where is looked, never more than its writer is in charge of. `year` is the register's, or that of
    projects and money; empty for all of theirs.
    """

    finding = models.ForeignKey(Finding, models.PROTECT, related_name="sweeps", verbose_name="问题")
    subject = models.CharField("查找范围", max_length=8, choices=Subject.choices)
    year = models.PositiveSmallIntegerField("年度", null=True)
    terms = models.JSONField("条件")
    words = models.CharField("条件说明", max_length=500)
    region = models.ForeignKey(
        Region, models.PROTECT, db_constraint=False, db_index=False, related_name="+",
        verbose_name="区划",
    )  # fmt: skip
    region_code = models.CharField("区划代码", max_length=12)
    created_by = official("建立人")
    created_at = models.DateTimeField("建立时间", db_default=Now())

    objects = SweepQuerySet.as_manager()

    class Meta:
        verbose_name = "举一反三"
        constraints = [
            models.CheckConstraint(
                condition=Q(subject__in=Subject.values) & ~Q(words="") & ~Q(terms={}),
                name="sweep_says_what",
            ),
            models.CheckConstraint(
                condition=~Q(subject=Subject.REGISTER) | Q(year__isnull=False),
                name="sweep_of_a_year",
            ),
            models.UniqueConstraint(fields=["id", "region_code"], name="sweep_id_region"),
        ]
        indexes = [models.Index(fields=["region_code", "-id"], name="sweep_scope")]

    def __str__(self) -> str:
        return f"{self.finding_id} {self.subject}"


class SweepRunQuerySet(ScopedQuerySet["SweepRun"]):
    scope_field = "region_code"

    def visible_to(self, actor: Actor) -> Self:
        """Whoever sees the search sees that it was run."""
        seen = Sweep.objects.visible_to(actor).filter(pk=OuterRef("sweep"))
        return self.filter(Exists(seen))


class SweepRun(models.Model):
    """A search was run: how much met the terms that day, in which counties. Append-only.

    `digest` is that of the keys found, so that two runs can be told apart; `counties` counts by the
    code of the county.
    """

    sweep = models.ForeignKey(
        Sweep, models.PROTECT, related_name="runs", db_constraint=False, db_index=False,
        verbose_name="举一反三",
    )  # fmt: skip
    region_code = models.CharField("区划代码", max_length=12)
    on = models.DateField("日期", db_column="ran_on")
    matched = models.PositiveIntegerField("符合条件（项）")
    fresh = models.PositiveIntegerField("新增（项）")
    counties = models.JSONField("分县", default=dict)
    digest = models.CharField("摘要", max_length=64)
    created_by = official("查找人")
    created_at = models.DateTimeField("查找时间", db_default=Now())

    objects = SweepRunQuerySet.as_manager()

    class Meta:
        verbose_name = "举一反三查找"
        constraints = [
            models.CheckConstraint(
                condition=Q(digest__regex=r"^[0-9a-f]{64}$", fresh__lte=models.F("matched")),
                name="sweep_run_counts",
            )
        ]
        indexes = [
            models.Index(fields=["sweep", "-id"], name="sweep_run_last"),
            models.Index(fields=["region_code"], name="sweep_run_scope"),
        ]

    def __str__(self) -> str:
        return f"{self.sweep_id} {self.on}"


class SweepMatchQuerySet(ScopedQuerySet["SweepMatch"]):
    scope_field = "region_code"


def _once() -> list[models.BaseConstraint]:
    return [
        models.UniqueConstraint(
            fields=["sweep", field], condition=Q(**{f"{field}__isnull": False}),
            name=f"sweep_match_{field}_once",
        )
        for field in NAMED.values()
    ]  # fmt: skip


def _one_of() -> Q:
    fits = Q()
    for field in NAMED.values():
        fits |= Q(**{f"{name}__isnull": name != field for name in NAMED.values()})
    return fits


class SweepMatch(models.Model):
    """Something that met the terms: what it is, where, and what was decided about it.

    It stays when it no longer meets them; `last` is the latest run that found it. What was decided
    stands: a later run finds it decided.
    """

    sweep = models.ForeignKey(
        Sweep, models.PROTECT, related_name="matches", db_index=False, verbose_name="举一反三"
    )
    first = models.ForeignKey(
        SweepRun, models.PROTECT, db_index=False, related_name="+", verbose_name="首次查到"
    )
    last = models.ForeignKey(
        SweepRun, models.PROTECT, db_index=False, related_name="matches", verbose_name="最近查到"
    )
    region = models.ForeignKey(
        Region, models.PROTECT, db_constraint=False, db_index=False, related_name="+",
        verbose_name="所在区划",
    )  # fmt: skip
    region_code = models.CharField("区划代码", max_length=12)
    household = models.ForeignKey(
        Household, models.PROTECT, null=True, db_constraint=False, db_index=False,
        related_name="+", verbose_name="农户",
    )  # fmt: skip
    project = models.ForeignKey(
        Project, models.PROTECT, null=True, db_constraint=False, db_index=False, related_name="+",
        verbose_name="项目",
    )  # fmt: skip
    fund_finding = models.ForeignKey(
        FundFinding, models.PROTECT, null=True, db_index=False, related_name="+",
        verbose_name="资金疑点",
    )  # fmt: skip
    state = models.CharField(
        "处理", max_length=9, choices=MatchState.choices, default=MatchState.OPEN
    )
    finding = models.ForeignKey(
        Finding, models.PROTECT, null=True, db_index=False, related_name="+",
        verbose_name="台账问题",
    )  # fmt: skip
    reason = models.CharField("不予列入的理由", max_length=300, blank=True)
    decided_on = models.DateField("处理日期", null=True)
    decided_by = official("处理人", null=True)

    objects: Any = SweepMatchQuerySet.as_manager()

    class Meta:
        verbose_name = "举一反三所查到的"
        constraints = [
            models.CheckConstraint(condition=_one_of(), name="sweep_match_is_something"),
            *_once(),
            models.CheckConstraint(
                condition=Q(
                    state=MatchState.OPEN, finding=None, reason="", decided_on=None,
                    decided_by=None,
                )
                | Q(decided_on__isnull=False, decided_by__isnull=False)
                & (
                    Q(state__in=(MatchState.OPENED, MatchState.KNOWN), finding__isnull=False)
                    & Q(reason="")
                    | Q(state=MatchState.DISMISSED, finding=None) & ~Q(reason="")
                ),
                name="sweep_match_decided_whole",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["region_code", "sweep"], name="sweep_match_scope"),
            models.Index(fields=["sweep", "last", "state", "id"], name="sweep_match_standing"),
            models.Index(
                fields=["finding"], condition=Q(finding__isnull=False), name="sweep_match_finding"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sweep_id} {self.pk}"
