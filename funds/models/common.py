"""Fields that the tables of the ledger share."""

from typing import Any

from django.conf import settings
from django.db import models

from core import vault
from core.fields import BlindIndex

# Ten billion yuan less one fen: three times what a city moves in a year fits into one document.
DIGITS, PLACES = 14, 2


def person(label: str, *, null: bool = False) -> "models.ForeignKey[Any, Any]":
    return models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=null, db_index=False, related_name="+",
        verbose_name=label,
    )  # fmt: skip


def yuan(label: str, **options: Any) -> "models.DecimalField[Any, Any]":
    """An amount in yuan, to the fen."""
    return models.DecimalField(label, max_digits=DIGITS, decimal_places=PLACES, **options)


def region_code() -> "models.CharField[Any, Any]":
    return models.CharField("区划代码", max_length=12)


class AccountIndex(BlindIndex):
    """The keyed index of a bank account, whole; NULL where none was given."""

    def of(self, number: str) -> bytes | None:
        return vault.index("bank_account", number)
