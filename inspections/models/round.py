from typing import Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.history import tracked
from core.scope import Actor, ScopedQuerySet, within
from households.models import Partition
from inspections.enums import RoundKind
from inspections.models.common import held_by, person
from villages.models import Region


class RoundQuerySet(ScopedQuerySet["Round"]):
    """By the office that runs it; the county's own people see it from its disclosure on."""

    scope_field = "held_by"

    def visible_to(self, actor: Actor) -> Self:
        prefixes = actor.region_prefixes
        return self.filter(
            within(prefixes, "held_by")
            | within(prefixes, "region_code") & Q(disclosed_at__isnull=False)
        )


def _moments() -> list[models.CheckConstraint]:
    """Each moment knows who, and comes after the one before it."""
    names = ("frozen", "drawn", "disclosed", "closed")
    pairs = [
        models.CheckConstraint(
            condition=Q(**{f"{name}_at__isnull": True, f"{name}_by__isnull": True})
            | Q(**{f"{name}_at__isnull": False, f"{name}_by__isnull": False}),
            name=f"round_{name}_when_and_by_whom",
        )
        for name in names
    ]
    ordered = [
        models.CheckConstraint(
            condition=Q(**{f"{later}_at__isnull": True})
            | Q(**{f"{later}_at__gte": F(f"{earlier}_at")}),
            name=f"round_{later}_after_{earlier}",
        )
        for earlier, later in (("frozen", "drawn"), ("drawn", "disclosed"))
    ]
    digests = [
        models.CheckConstraint(
            condition=Q(**{f"{moment}_at__isnull": True, digest: ""})
            | Q(**{f"{moment}_at__isnull": False, f"{digest}__regex": "^[0-9a-f]{64}$"}),
            name=f"round_{moment}_has_a_digest",
        )
        for moment, digest in (("frozen", "frame_digest"), ("drawn", "sample_digest"))
    ]
    return [*pairs, *ordered, *digests]


@tracked
class Round(models.Model):
    """One assessment of a county for a year: what is measured, of whom, and how they are drawn.

    For example 市级初审 of 栾川县 for 2018, held by 4103. The seed is set when the round is planned,
    before the frame exists, and what is drawn hangs on the frame's digest too: neither can be chosen
    to suit the other. From each of the four moments (frozen, drawn, disclosed, closed) on, what was
    settled by then cannot be changed, by anybody (migration 0002).

    `definitions` are the metric definitions as they stood when the round was planned, with versions
    and sources. `design` holds the strata and takes (`inspections.services.planning.Design`).
    Days for the appeal and the re-check are configuration: null means that none is set.
    """

    kind = models.CharField("类型", max_length=16, choices=RoundKind.choices)
    name = models.CharField("名称", max_length=60)
    region = models.ForeignKey(Region, models.PROTECT, db_constraint=False, verbose_name="县")
    region_code = models.CharField("县代码", max_length=12)
    partition = models.ForeignKey(Partition, models.PROTECT, db_index=False, verbose_name="年度")
    held_by = held_by()
    definitions = models.JSONField("指标定义")
    design = models.JSONField("抽样方案")
    seed = models.CharField("随机种子", max_length=64)
    algorithm = models.PositiveSmallIntegerField("算法版本")
    appeal_days = models.PositiveSmallIntegerField("申诉期限（日）", null=True)
    recheck_days = models.PositiveSmallIntegerField("复核期限（日）", null=True)
    days_source = models.CharField("期限依据", max_length=300, blank=True)
    created_at = models.DateTimeField("制定时间", db_default=Now())
    created_by = person("制定人")

    frozen_at = models.DateTimeField("冻结时间", null=True)
    frozen_by = person("冻结人", null=True)
    frame_digest = models.CharField("抽样框摘要", max_length=64, blank=True)
    frame_counts = models.JSONField("抽样框户数人数", default=dict)
    drawn_at = models.DateTimeField("抽样时间", null=True)
    drawn_by = person("抽样人", null=True)
    sample_digest = models.CharField("样本摘要", max_length=64, blank=True)
    disclosed_at = models.DateTimeField("向县公开时间", null=True)
    disclosed_by = person("公开人", null=True)
    closed_at = models.DateTimeField("结束时间", null=True)
    closed_by = person("结束人", null=True)

    objects = RoundQuerySet.as_manager()

    class Meta:
        verbose_name = "评估轮次"
        constraints = [
            models.UniqueConstraint(fields=["id", "held_by"], name="round_id_held_by"),
            models.CheckConstraint(condition=Q(kind__in=RoundKind.values), name="round_kind"),
            models.CheckConstraint(
                condition=Q(region_code__endswith="000000") & ~Q(region_code__endswith="00000000"),
                name="round_of_a_county",
            ),
            # A county assesses itself; everybody else is held by somebody above it.
            models.CheckConstraint(
                condition=Q(kind=RoundKind.COUNTY_SELF, held_by__regex=r"^[0-9]{6}$")
                | ~Q(kind=RoundKind.COUNTY_SELF) & Q(held_by__regex=r"^[0-9]{4}$"),
                name="round_held_by_the_right_level",
            ),
            models.CheckConstraint(
                condition=Q(seed__regex=r"^[0-9a-f]{32,64}$"), name="round_seed_is_hex"
            ),
            models.CheckConstraint(
                condition=Q(appeal_days__isnull=True, recheck_days__isnull=True)
                | ~Q(days_source=""),
                name="round_days_have_a_source",
            ),
            *_moments(),
        ]
        indexes = [models.Index(fields=["region_code", "partition"], name="round_scope")]

    def __str__(self) -> str:
        return self.name

    @property
    def county(self) -> str:
        """The six digits of the assessed county."""
        return self.region_code[:6]
