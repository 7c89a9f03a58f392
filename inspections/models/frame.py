from django.db import models
from django.db.models import Q

from households.models import Household
from inspections.enums import REGISTERED, STRATA, UNREGISTERED, Subject
from inspections.models.common import RoundRowQuerySet, held_by
from inspections.models.roster import RuralHousehold
from inspections.models.round import Round
from villages.formulas import short_name
from villages.models import Region


class FrameQuerySet(RoundRowQuerySet):
    pass


class FrameVillage(models.Model):
    """A village as it stood when the round's frame was frozen. Append-only, and only before that.

    `code` is the division code of that day: it stands in the digest and never follows a recoding.
    """

    round = models.ForeignKey(
        Round, models.PROTECT, related_name="frame_villages", db_constraint=False, db_index=False,
        verbose_name="轮次",
    )  # fmt: skip
    held_by = held_by()
    village = models.ForeignKey(Region, models.PROTECT, db_index=False, verbose_name="行政村")
    code = models.CharField("村代码（冻结时）", max_length=12)
    name = models.CharField("村名（冻结时）", max_length=60)
    stratum = models.CharField("层", max_length=2, choices=list(STRATA.items()))
    households = models.PositiveIntegerField("户数（户）")
    persons = models.PositiveIntegerField("人数（人）")

    objects = FrameQuerySet.as_manager()

    class Meta:
        verbose_name = "抽样框中的村"
        constraints = [
            models.UniqueConstraint(fields=["round", "code"], name="frame_village_once"),
            models.CheckConstraint(
                condition=Q(stratum__in=list(STRATA)), name="frame_village_stratum"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.round_id} {self.code}"

    @property
    def short_name(self) -> str:
        """As a page calls it: 陈家门村, in the list of divisions 陈家门村村民委员会."""
        return short_name(self.name)


class FrameHousehold(models.Model):
    """A household as it stood when the frame was frozen, registered or not. Append-only.

    `ref` names it for ever: R and the household's number, or U, its village and its roster number.
    Names are here for the surveyors and are not part of the digest.
    """

    round = models.ForeignKey(
        Round, models.PROTECT, db_constraint=False, db_index=False, related_name="frame_households",
        verbose_name="轮次",
    )  # fmt: skip
    held_by = held_by()
    village_code = models.CharField("村代码（冻结时）", max_length=12)
    ref = models.CharField("户标识", max_length=40)
    kind = models.CharField("类型", max_length=8, choices=Subject.choices)
    exit_year = models.PositiveSmallIntegerField("脱贫年度", default=0)
    household = models.ForeignKey(
        Household, models.PROTECT, null=True, db_index=False, db_constraint=False,
        related_name="+", verbose_name="贫困户",
    )  # fmt: skip
    rural = models.ForeignKey(
        RuralHousehold, models.PROTECT, null=True, db_index=False, db_constraint=False,
        related_name="+", verbose_name="非建档立卡农户",
    )  # fmt: skip
    head_name = models.CharField("户主姓名", max_length=60)
    group_name = models.CharField("村民小组", max_length=60, blank=True)
    persons = models.PositiveSmallIntegerField("人数（人）")

    objects = FrameQuerySet.as_manager()

    class Meta:
        verbose_name = "抽样框中的农户"
        constraints = [
            models.UniqueConstraint(fields=["round", "ref"], name="frame_household_once"),
            models.CheckConstraint(
                condition=Q(
                    kind__in=REGISTERED, household__isnull=False, rural__isnull=True,
                    ref__startswith="R",
                )
                | Q(
                    kind__in=UNREGISTERED, household__isnull=True, rural__isnull=False,
                    ref__startswith="U",
                ),
                name="frame_household_is_one_or_the_other",
            ),
        ]  # fmt: skip
        indexes = [models.Index(fields=["round", "village_code"], name="frame_household_village")]

    def __str__(self) -> str:
        return f"{self.round_id} {self.ref}"
