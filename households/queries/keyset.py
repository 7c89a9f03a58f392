"""Turning pages by key: the next page starts after the last row seen, wherever it now stands.

No page numbers and no offsets: page 2,000 costs what page 1 costs, and rows that come or go
meanwhile neither repeat nor hide a row.
"""

import binascii
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Generic, TypeVar

from django.db.models import Q, QuerySet

Row = TypeVar("Row")
_TEXT = re.compile(r"[0-9A-Za-z_]{0,24}")
_LARGEST = 2**63 - 1
# Long enough for every key in use, short enough that nobody can nest anything inside.
_TOKEN = re.compile(r"[0-9A-Za-z_-]{4,160}")


class BadCursorError(ValueError):
    """The text is no cursor of this list."""


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows with the cursors of the pages beside them, empty at the ends."""

    rows: list[Row]
    previous: str = ""
    next: str = ""


@dataclass(frozen=True)
class Keyset:
    """A total order of rows by fields, each a text or a whole number, all rising."""

    fields: tuple[str, ...]
    kinds: tuple[type, ...]

    def page(
        self, rows: QuerySet[Any], *, size: int, after: str = "", before: str = ""
    ) -> Page[Any]:
        """One page; the rows may be objects, or tuples that begin with the key."""
        if before:
            return self._back(rows, size, self.read(before))
        found = rows.order_by(*self.fields)
        if after:
            found = found.filter(self._beyond(self.read(after), "gt"))
        taken = list(found[: size + 1])
        shown = taken[:size]
        return Page(
            shown,
            previous=self.write(shown[0]) if after and shown else "",
            next=self.write(shown[-1]) if len(taken) > size else "",
        )

    def _back(self, rows: QuerySet[Any], size: int, key: Sequence[Any]) -> Page[Any]:
        falling = [f"-{field}" for field in self.fields]
        taken = list(rows.order_by(*falling).filter(self._beyond(key, "lt"))[: size + 1])
        shown = taken[:size][::-1]
        return Page(
            shown,
            previous=self.write(shown[0]) if len(taken) > size else "",
            next=self.write(shown[-1]) if shown else "",
        )

    def _beyond(self, key: Sequence[Any], sense: str) -> Q:
        """(a, b, c) > key, spelt so that an index on (a, b, c) is entered at a."""
        combined = Q()
        for field, value in reversed(list(zip(self.fields, key, strict=True))):
            beyond = Q(**{f"{field}__{sense}": value})
            combined = beyond | Q(**{field: value}) & combined if combined else beyond
        return Q(**{f"{self.fields[0]}__{sense}e": key[0]}) & combined

    def write(self, row: Any) -> str:
        """The cursor that stands at a row."""
        key = row[: len(self.fields)] if isinstance(row, tuple) else self._key(row)
        text = json.dumps(list(key), separators=(",", ":"))
        return urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def _key(self, row: Any) -> tuple[Any, ...]:
        return tuple(attrgetter(field.replace("__", "."))(row) for field in self.fields)

    def read(self, token: str) -> list[Any]:
        """The key in a cursor. Everything that this list cannot have written is refused."""
        if not _TOKEN.fullmatch(token):
            raise BadCursorError
        try:
            key = json.loads(urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        except (binascii.Error, ValueError, RecursionError) as error:
            raise BadCursorError from error
        if not isinstance(key, list) or len(key) != len(self.fields):
            raise BadCursorError
        if not all(_is(kind, value) for kind, value in zip(self.kinds, key, strict=True)):
            raise BadCursorError
        return key


def _is(kind: type, value: Any) -> bool:
    if kind is str:
        return isinstance(value, str) and bool(_TEXT.fullmatch(value))
    return type(value) is int and 0 <= value <= _LARGEST


HOUSEHOLDS = Keyset(("village_code", "household_id"), (str, int))
PERSONS = Keyset(("village_code", "household_id", "id"), (str, int, int))
