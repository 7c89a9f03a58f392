"""How somebody likes to look at the lists: searches kept by name, and columns chosen."""

from typing import Any, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.scope import READ_REGISTER


class Listing(models.TextChoices):
    """The lists that can be arranged."""

    HOUSEHOLDS = "households", "贫困户档案"
    PERSONS = "persons", "贫困人口"


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    def seen_by(self, user: Any) -> Self:
        """Own views, and those that an office shares to which the user belongs today."""
        seen = Q(owner=user)
        for grant in user.grants_with(READ_REGISTER):
            seen |= Q(
                is_shared=True, region_prefix=grant.region_prefix, department=grant.department
            )
        return self.filter(seen)


class SavedView(models.Model):
    """The terms, order and columns of a list, kept by name without the year or any searched text.

    A shared view belongs to an office: everybody with a grant in the same region and department
    sees it, its owner alone changes it. What it finds depends on who opens it.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+",
        verbose_name="建立人",
    )  # fmt: skip
    listing = models.CharField("清单", max_length=12, choices=Listing.choices)
    name = models.CharField("名称", max_length=30)
    query = models.CharField("条件", max_length=2000, blank=True)
    is_shared = models.BooleanField("本单位共用", default=False)
    # The office, as the owner's grant said it when the view was shared.
    region_prefix = models.CharField("区划前缀", max_length=12, blank=True)
    department = models.CharField("责任部门", max_length=100, blank=True)
    created_at = models.DateTimeField("建立时间", db_default=Now())
    changed_at = models.DateTimeField("更新时间", db_default=Now())

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        verbose_name = "常用视图"
        constraints = [
            models.UniqueConstraint(fields=["owner", "listing", "name"], name="saved_view_name"),
            models.CheckConstraint(
                condition=Q(listing__in=Listing.values) & ~Q(name=""), name="saved_view_named"
            ),
            models.CheckConstraint(
                condition=Q(is_shared=False) | ~Q(region_prefix=""), name="saved_view_shared_where"
            ),
            # What names a person is no part of a view.
            models.CheckConstraint(
                condition=~Q(query__regex=r"(^|&)q="), name="saved_view_without_words"
            ),
        ]
        indexes = [
            models.Index(
                fields=["region_prefix", "department"],
                condition=Q(is_shared=True),
                name="saved_view_office",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ChosenColumns(models.Model):
    """The columns somebody wants in a list, until they choose others."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+",
        verbose_name="用户",
    )  # fmt: skip
    listing = models.CharField("清单", max_length=12, choices=Listing.choices)
    columns = ArrayField(models.CharField(max_length=60), verbose_name="列")

    objects: Any = models.Manager()

    class Meta:
        verbose_name = "自选列"
        constraints = [
            models.UniqueConstraint(fields=["owner", "listing"], name="chosen_columns_once"),
        ]

    def __str__(self) -> str:
        return self.listing
