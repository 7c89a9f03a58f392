"""Changes of the register on their way through review, what was decided about them, and by whom."""

import json
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.fields import Secret
from core.history import tracked
from core.scope import ScopedQuerySet, within
from households.models.household import Household
from households.models.partition import Partition

VILLAGE, TOWN, COUNTY, CITY = 12, 9, 6, 4
# In the order in which they are asked; a level is the length of its region's prefix.
LEVELS = {VILLAGE: "第一书记初审", TOWN: "乡镇复审", COUNTY: "县级终审", CITY: "市级审批"}
CHAIN = (VILLAGE, TOWN, COUNTY)
# A closed year is opened by two offices, whatever the county's own chain is.
CORRECTION_CHAIN = (COUNTY, CITY)


class ChangeKind(models.TextChoices):
    EDIT = "EDIT", "变更"
    CORRECTION = "CORRECTION", "已关闭年度更正"


class ChangeState(models.TextChoices):
    PENDING = "PENDING", "待审核"
    RETURNED = "RETURNED", "已退回"
    APPLIED = "APPLIED", "已生效"
    WITHDRAWN = "WITHDRAWN", "已撤回"


class ChangeAct(models.TextChoices):
    SUBMIT = "SUBMIT", "提交"
    APPROVE = "APPROVE", "通过"
    RETURN = "RETURN", "退回"
    STALE = "STALE", "数据已变动，退回"
    WITHDRAW = "WITHDRAW", "撤回"


DECISIONS = (ChangeAct.APPROVE, ChangeAct.RETURN, ChangeAct.STALE)


def _person(label: str) -> "models.ForeignKey":
    return models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+",
        verbose_name=label,
    )  # fmt: skip


def _chain(label: str) -> "ArrayField":
    return ArrayField(models.PositiveSmallIntegerField(), verbose_name=label, default=list)


class ChangeQuerySet(ScopedQuerySet["Change"]):
    def of_submitter(self, user: Any) -> "ChangeQuerySet":
        """What this person submitted."""
        return self.filter(created_by_id=user.pk)

    def in_places(self, prefixes: Any) -> "ChangeQuerySet":
        """Changes of villages below any of the prefixes."""
        return self.filter(within(prefixes, "village_code"))


@tracked
class Change(models.Model):
    """An edit of one household and year that waits, went back, took effect or was withdrawn.

    The edit itself is sealed; `summary` has what a reviewer reads, numbers masked. `levels` is the
    chain as it stood when this round was submitted, `level` whose turn it is. Each resubmission is a
    round of its own.
    """

    key = models.UUIDField("请求标识", unique=True)
    kind = models.CharField("类别", max_length=10, choices=ChangeKind.choices)
    state = models.CharField("状态", max_length=9, choices=ChangeState.choices)
    level = models.PositiveSmallIntegerField("待审层级", null=True)
    levels = _chain("审核环节")
    round = models.PositiveSmallIntegerField("第几次提交", default=1)
    village_code = models.CharField("村代码", max_length=12)
    # A household that is entered for the first time is none yet.
    household = models.ForeignKey(
        Household, models.PROTECT, null=True, db_index=False, related_name="changes",
        verbose_name="贫困户",
    )  # fmt: skip
    partition = models.ForeignKey(Partition, models.PROTECT, db_index=False, verbose_name="年度")
    head_name = models.CharField("户主姓名", max_length=60, blank=True)
    payload = Secret("变更内容", sealed_as="change_payload", sensitive=True)
    summary = models.JSONField("变更摘要", default=list)
    reason = models.CharField("变更事由", max_length=200, blank=True)
    evidence = ArrayField(
        models.CharField(max_length=4), verbose_name="佐证材料", default=list, blank=True
    )
    created_by = _person("提交人")
    created_at = models.DateTimeField("提交时间", db_default=Now())
    changed_at = models.DateTimeField("更新时间", db_default=Now())

    objects = ChangeQuerySet.as_manager()

    class Meta:
        verbose_name = "变更"
        constraints = [
            models.CheckConstraint(
                condition=Q(state="PENDING", level__isnull=False)
                | (~Q(state="PENDING") & Q(level__isnull=True)),
                name="change_waits_at_a_level",
            ),
            models.CheckConstraint(
                condition=Q(state__in=ChangeState.values, kind__in=ChangeKind.values),
                name="change_state_and_kind",
            ),
            models.CheckConstraint(
                condition=~Q(kind="CORRECTION")
                | (
                    Q(levels=list(CORRECTION_CHAIN), household__isnull=False, evidence__len__gte=1)
                    & ~Q(reason="")
                ),
                name="change_correction_has_grounds",
            ),
            models.UniqueConstraint(fields=["id", "village_code"], name="change_id_village"),
        ]
        indexes = [
            models.Index(
                fields=["level", "village_code", "id"],
                condition=Q(state="PENDING"),
                name="change_waiting",
            ),
            models.Index(fields=["created_by", "state", "id"], name="change_of_submitter"),
            models.Index(
                fields=["household", "id"],
                condition=Q(household__isnull=False),
                name="change_of_household",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.state}"

    @property
    def edit(self) -> dict[str, Any]:
        """The edit as the form sent it."""
        return dict(json.loads(self.payload))


class ChangeStep(models.Model):
    """One act in the life of a change; never altered. One person decides once in a round."""

    change = models.ForeignKey(Change, models.PROTECT, db_index=False, related_name="steps")
    village_code = models.CharField("村代码", max_length=12)
    round = models.PositiveSmallIntegerField("第几次提交")
    act = models.CharField("动作", max_length=8, choices=ChangeAct.choices)
    level = models.PositiveSmallIntegerField("层级", null=True)
    reason = models.CharField("意见", max_length=500, blank=True)
    evidence = ArrayField(
        models.CharField(max_length=4), verbose_name="佐证材料", default=list, blank=True
    )
    # The steps that were taken with one click on a village's batch share it.
    batch = models.UUIDField("批次", null=True)
    created_by = _person("办理人")
    created_at = models.DateTimeField("办理时间", db_default=Now())

    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name = "变更办理记录"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["change", "round", "created_by"],
                condition=Q(act__in=[str(one) for one in DECISIONS]),
                name="change_step_decides_once",
            ),
            models.UniqueConstraint(
                fields=["change", "round", "level"],
                condition=Q(act__in=[str(one) for one in DECISIONS]),
                name="change_step_level_once",
            ),
            models.CheckConstraint(
                condition=~Q(act__in=["RETURN", "STALE"]) | ~Q(reason=""),
                name="change_step_says_why",
            ),
            models.CheckConstraint(condition=Q(act__in=ChangeAct.values), name="change_step_act"),
        ]
        indexes = [models.Index(fields=["change", "id"], name="change_step_order")]

    def __str__(self) -> str:
        return f"{self.change_id} {self.act}"


@tracked
class ReviewChain(models.Model):
    """Which levels review a county's changes from a day on; no levels: changes take effect at once.

    It holds until the day on which a later one of the county begins.
    """

    region_code = models.CharField("县区代码", max_length=6)
    levels = _chain("审核环节")
    valid_from = models.DateField("起始日期")
    reason = models.CharField("设置事由", max_length=200)
    created_by = _person("设置人")
    created_at = models.DateTimeField("设置时间", db_default=Now())

    class Meta:
        verbose_name = "审核环节设置"
        ordering = ["-valid_from"]
        constraints = [
            models.UniqueConstraint(
                fields=["region_code", "valid_from"], name="review_chain_once_a_day"
            ),
            models.CheckConstraint(
                condition=Q(levels__contained_by=list(CHAIN)), name="review_chain_levels"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="review_chain_says_why"),
        ]

    def __str__(self) -> str:
        return f"{self.region_code} {self.valid_from}"
