"""What is being entered and not yet handed in, and which entries were written already."""

import json
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.fields import Secret
from core.scope import ScopedQuerySet
from households.models.household import Household
from households.models.partition import Partition


class Draft(models.Model):
    """An entry that its owner has not handed in: seen by nobody else, gone once it is.

    `key` becomes the key of the change. `seq` counts what the form sent, so that a request that was
    held up cannot put an older state over a younger one. No history is kept: nothing of it is the
    register's yet.
    """

    key = models.UUIDField("请求标识", unique=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+",
        verbose_name="录入人",
    )  # fmt: skip
    # A household that is entered for the first time is none yet.
    household = models.ForeignKey(
        Household, models.PROTECT, null=True, db_index=False, db_constraint=False,
        related_name="drafts", verbose_name="贫困户",
    )  # fmt: skip
    village_code = models.CharField("村代码", max_length=12)
    partition = models.ForeignKey(Partition, models.PROTECT, db_index=False, verbose_name="年度")
    seq = models.PositiveIntegerField("序号", default=0)
    payload = Secret("录入内容", sealed_as="draft_payload", sensitive=True)
    version = models.TextField("所依据的版本", blank=True, default="")
    created_at = models.DateTimeField("建立时间", db_default=Now())
    changed_at = models.DateTimeField("更新时间", db_default=Now())

    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name = "草稿"
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "household", "partition"],
                condition=Q(household__isnull=False),
                name="draft_one_a_household_and_year",
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "-changed_at"], name="draft_of_owner"),
            models.Index(fields=["changed_at"], name="draft_by_age"),
            models.Index(
                fields=["household"], condition=Q(household__isnull=False), name="draft_household"
            ),
        ]

    def __str__(self) -> str:
        return str(self.key)

    @property
    def edit(self) -> dict[str, Any]:
        """The edit as the form sent it."""
        return dict(json.loads(self.payload))


class WrittenEdit(models.Model):
    """An entry that was written, by its key: the same request again writes nothing."""

    key = models.UUIDField("请求标识", unique=True)
    household = models.ForeignKey(
        Household, models.PROTECT, db_index=False, db_constraint=False, related_name="+",
        verbose_name="贫困户",
    )  # fmt: skip
    village_code = models.CharField("村代码", max_length=12)
    partition = models.ForeignKey(Partition, models.PROTECT, db_index=False, verbose_name="年度")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+",
        verbose_name="录入人",
    )  # fmt: skip
    created_at = models.DateTimeField("写入时间", db_default=Now())

    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name = "已写入的录入"
        indexes = [models.Index(fields=["household"], name="written_edit_household")]

    def __str__(self) -> str:
        return str(self.key)
