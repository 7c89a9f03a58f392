"""Which villages the rows of a file name: by names from the top down, by code, by former names."""

from datetime import date
from typing import Any

from django.db import connection

from imports.catalog.plan import Plan
from imports.models import Batch
from villages.formulas import match_key
from villages.queries import former_names, resolution_rows

Found = tuple[int | None, str | None, bool]
_NOWHERE: Found = (None, None, False)
_CODE_DIGITS = 12


def resolve_places(batch: Batch, plan: Plan) -> None:
    """Find every village the file names, by names and codes valid at the year's end.

    Makes the table of places: the words of the file, the village, and whether it was found through
    a former name or code only.
    """
    with connection.cursor() as cursor:
        if "region_code" in plan.confirming:
            # A code says more than names do, and is shorter to compare.
            cursor.execute(
                f"UPDATE {plan.rows} SET county = '', town = '', village = region_code"
                f" WHERE region_code ~ '^[0-9]{{12}}$'"
            )
        cursor.execute(f"SELECT DISTINCT county, town, village FROM {plan.rows}")
        named = cursor.fetchall()
        villages = Villages(batch.region_prefix[:4], batch.partition, batch.region_prefix)
        fill_places(cursor, plan, [(*names, *villages.find(*names)) for names in named])


def fill_places(cursor: Any, plan: Plan, rows: list[tuple[Any, ...]]) -> None:
    cursor.execute(
        f"CREATE UNLOGGED TABLE {plan.places} (county text, town text, village text,"
        f" village_id bigint, village_code text, is_former boolean)"
    )
    cursor.executemany(f"INSERT INTO {plan.places} VALUES (%s, %s, %s, %s, %s, %s)", rows)
    cursor.execute(f"ANALYZE {plan.places}")


class Villages:
    """Names → village. A name is unique inside its town only, so all given levels must agree.

    `region_prefix` is where the file is loaded: without a county, a town and village stand for those
    in there, and for one elsewhere in the city only where there are none.
    """

    def __init__(self, city_prefix: str, partition: int, region_prefix: str = "") -> None:
        self.city_prefix, self.day = city_prefix, date(partition, 12, 31)
        self.region_prefix = region_prefix
        self.exact: dict[tuple[str, str, str], tuple[int, str]] = {}
        # For layouts without a county column.
        self.by_town: dict[tuple[str, str], set[tuple[int, str]]] = {}
        self.by_code: dict[str, tuple[int, str]] = {}
        for county, town, village, pk, code in resolution_rows(city_prefix, self.day):
            self.exact[county, town, village] = (pk, code)
            self.by_town.setdefault((town, village), set()).add((pk, code))
            self.by_code[code] = (pk, code)
        self._former: dict[tuple[str, str, str], set[tuple[int, str]]] | None = None

    def find(self, county: str, town: str, village: str) -> Found:
        """(village id, its code, whether only a former name or code led to it)."""
        if _is_code(village):
            if found := self.by_code.get(village):
                return (*found, False)
            return _only(self.former.get(("", "", village), set()))
        keys = [match_key(name) if name else "" for name in (county, town, village)]
        if keys[0]:
            if found := self.exact.get((keys[0], keys[1], keys[2])):
                return (*found, False)
        else:
            fitting = self._near(self.by_town.get((keys[1], keys[2]), set()))
            if len(fitting) == 1:
                return (*next(iter(fitting)), False)
            if fitting:
                return _NOWHERE
        former = self.former.get((keys[0], keys[1], keys[2]), set())
        return _only(former if keys[0] else self._near(former))

    @property
    def former(self) -> dict[tuple[str, str, str], set[tuple[int, str]]]:
        """Former names and codes → villages of today; asked for only when something is not found."""
        if self._former is None:
            self._former = former_names(self.city_prefix, self.day)
        return self._former

    def _near(self, found: set[tuple[int, str]]) -> set[tuple[int, str]]:
        """Those in the region of the file, if any are."""
        return {one for one in found if one[1].startswith(self.region_prefix)} or found


def _only(found: set[tuple[int, str]]) -> Found:
    """One village or none: what two became cannot be told from the name."""
    return (*next(iter(found)), True) if len(found) == 1 else _NOWHERE


def _is_code(text: str) -> bool:
    return len(text) == _CODE_DIGITS and text.isdecimal() and text.isascii()
