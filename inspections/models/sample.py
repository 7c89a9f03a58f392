from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from inspections.enums import Reason, Subject
from inspections.models.common import RoundRowQuerySet, held_by, person
from inspections.models.frame import FrameHousehold, FrameVillage
from inspections.models.round import Round


class SampleVillageQuerySet(RoundRowQuerySet):
    pass


class SampleHouseholdQuerySet(RoundRowQuerySet):
    sample_path = "pk"


class ReplacementQuerySet(RoundRowQuerySet):
    pass


def _fraction(prefix: str) -> models.CheckConstraint:
    return models.CheckConstraint(
        condition=Q(numerator__gte=1, denominator__gte=F("numerator")),
        name=f"{prefix}_probability_within_one",
    )


class SampleVillage(models.Model):
    """A drawn village with its inclusion probability as an exact fraction. Append-only."""

    round = models.ForeignKey(
        Round, models.PROTECT, db_constraint=False, db_index=False, related_name="sample_villages",
        verbose_name="轮次",
    )  # fmt: skip
    held_by = held_by()
    frame = models.OneToOneField(FrameVillage, models.PROTECT, verbose_name="抽样框中的村")
    code = models.CharField("村代码（冻结时）", max_length=12)
    stratum = models.CharField("层", max_length=2)
    numerator = models.BigIntegerField("入样概率分子")
    denominator = models.BigIntegerField("入样概率分母")

    objects = SampleVillageQuerySet.as_manager()

    class Meta:
        verbose_name = "样本村"
        constraints = [
            models.UniqueConstraint(fields=["round", "code"], name="sample_village_once"),
            _fraction("sample_village"),
        ]

    def __str__(self) -> str:
        return f"{self.round_id} {self.code}"


class SampleHousehold(models.Model):
    """A drawn household, or one on the replacement list of its village and type. Append-only.

    The fraction is the probability of the second stage given its village; the household's own is
    that times the village's.
    """

    round = models.ForeignKey(
        Round, models.PROTECT, db_constraint=False, db_index=False,
        related_name="sample_households", verbose_name="轮次",
    )  # fmt: skip
    held_by = held_by()
    village = models.ForeignKey(
        SampleVillage, models.PROTECT, related_name="households", verbose_name="样本村"
    )
    frame = models.OneToOneField(FrameHousehold, models.PROTECT, verbose_name="抽样框中的农户")
    village_code = models.CharField("村代码（冻结时）", max_length=12)
    kind = models.CharField("类型", max_length=8, choices=Subject.choices)
    is_reserve = models.BooleanField("候补")
    rank = models.PositiveSmallIntegerField("序号")
    numerator = models.BigIntegerField("第二阶段入样概率分子")
    denominator = models.BigIntegerField("第二阶段入样概率分母")

    objects = SampleHouseholdQuerySet.as_manager()

    class Meta:
        verbose_name = "样本户"
        constraints = [
            models.UniqueConstraint(
                fields=["village", "kind", "is_reserve", "rank"], name="sample_household_rank_once"
            ),
            _fraction("sample_household"),
        ]
        indexes = [models.Index(fields=["round", "village_code"], name="sample_household_village")]

    def __str__(self) -> str:
        return f"{self.round_id} {self.village_code} {self.kind} {self.rank}"


class Replacement(models.Model):
    """A household that could not be asked gives way to the next on the list, for a reason.

    Append-only. A trigger refuses another one than the next, a household that has answered, and one
    that was never due.
    """

    round = models.ForeignKey(
        Round, models.PROTECT, db_constraint=False, db_index=False, related_name="replacements",
        verbose_name="轮次",
    )  # fmt: skip
    held_by = held_by()
    former = models.OneToOneField(
        SampleHousehold, models.PROTECT, related_name="replaced_by", verbose_name="原样本户"
    )
    later = models.OneToOneField(
        SampleHousehold, models.PROTECT, related_name="replaces", verbose_name="替换为"
    )
    reason = models.CharField("原因", max_length=12, choices=Reason.choices)
    note = models.CharField("说明", max_length=200)
    created_by = person("经办人")
    created_at = models.DateTimeField("记录时间", db_default=Now())

    objects = ReplacementQuerySet.as_manager()

    class Meta:
        verbose_name = "样本替换"
        constraints = [
            models.CheckConstraint(
                condition=Q(reason__in=Reason.values) & ~Q(note=""), name="replacement_has_a_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.former_id} → {self.later_id}"
