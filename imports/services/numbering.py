"""Whose number a row without one is about: found by the document number, before rows are sealed.

What is sealed of a person is salted with the person's number, so the number has to be known while
the rows still stream in. Exports of 2016 number no persons at all; joined ones may leave the number
out. Somebody who is not registered gets a provisional number from a full export, which begins with
X as our own codes do and is replaced by the national one when an export brings it; from a joined
export nobody is taken in.
"""

from collections.abc import Sequence

from django.db import connection

from core import vault
from imports.catalog.plan import Plan, in_front
from imports.models import Batch

Column = Sequence[bytes]

# Twenty characters hold it, and it can be told from every national number by the letter.
_DIGITS = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_LENGTH = 19
_INDEX = "person_no.provisional"


class Numbers:
    """Persons of the batch's region by what a row says of them instead of a number."""

    def __init__(self, batch: Batch, plan: Plan, names: list[str]) -> None:
        self.may_add = not plan.is_joined
        rest = [name for name in in_front(names) if name not in _in_front_of_rest(plan)]
        # What the document number tells stands first in what is left of a line.
        self.places = {name: 3 + at for at, name in enumerate(rest)}
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT encode(id_index, 'hex'), person_no FROM households_person"
                " WHERE id_index IS NOT NULL AND village_code LIKE %s",
                [f"{batch.region_prefix}%"],
            )
            self.by_index = {
                rb"\\x" + index.encode(): number.encode() for index, number in cursor.fetchall()
            }
            cursor.execute(
                "SELECT h.household_no, p.name, p.person_no FROM households_person p"
                " JOIN households_household h ON h.id = p.household_id"
                " WHERE p.id_index IS NULL AND p.village_code LIKE %s ORDER BY p.id DESC",
                [f"{batch.region_prefix}%"],
            )
            self.by_name = {
                (home.encode(), name.encode()): number.encode()
                for home, name, number in cursor.fetchall()
            }

    def column(self, indexes: Column, rests: Column) -> list[bytes]:
        """The numbers of rows with these indexes; NULL where nobody is found or may be added."""
        return [
            self.by_index.get(index) or self._other(index, rest)
            for index, rest in zip(indexes, rests, strict=True)
        ]

    def _other(self, index: bytes, rest: bytes) -> bytes:
        if index != vault.COPY_NULL:
            return self._provisional(index) if self.may_add else vault.COPY_NULL
        # No number stands for this person: the household and the name do.
        home, name = self._said(rest, "household_no"), self._said(rest, "name")
        if not home or not name:
            return vault.COPY_NULL
        if known := self.by_name.get((home, name)):
            return known
        return self._provisional(home + b"\x1f" + name) if self.may_add else vault.COPY_NULL

    def _said(self, rest: bytes, name: str) -> bytes:
        at = self.places.get(name)
        return b"" if at is None else rest.split(b"\t")[at]

    def _provisional(self, said: bytes) -> bytes:
        digest = vault.index(_INDEX, said.decode()) or b""
        value, digits = int.from_bytes(digest, "big"), ""
        for _ in range(_LENGTH):
            value, digit = divmod(value, len(_DIGITS))
            digits += _DIGITS[digit]
        return f"X{digits}".encode()


def _in_front_of_rest(plan: Plan) -> set[str]:
    return {"person_no", *(fact.identifier for fact in plan.sealed)}
