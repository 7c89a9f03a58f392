"""Fields that the tables of a project share."""

from typing import Any

from django.conf import settings
from django.db import models


def person(label: str, *, null: bool = False) -> "models.ForeignKey[Any, Any]":
    return models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=null, db_index=False, related_name="+",
        verbose_name=label,
    )  # fmt: skip


def yuan(label: str, **options: Any) -> "models.DecimalField[Any, Any]":
    """An amount in yuan, to the fen."""
    return models.DecimalField(label, max_digits=14, decimal_places=2, **options)


def measured(label: str, **options: Any) -> "models.DecimalField[Any, Any]":
    """A quantity with the unit that stands beside it."""
    return models.DecimalField(label, max_digits=14, decimal_places=2, **options)


def region_code() -> "models.CharField[Any, Any]":
    """Of the division the project belongs to: scope of every row of it."""
    return models.CharField("区划代码", max_length=12)
