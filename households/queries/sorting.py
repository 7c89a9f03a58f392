"""Lists in another order than by village: results small enough are sorted whole.

No index serves these orders. One for each would have to be kept true through every import, and a
walk along it would pass all that the other conditions leave out. So an order is offered where the
search finds few enough rows to sort, whatever it searched by and however large the city is; a
longer list stays in its order by village, which an index holds.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, ExtractYear, NullIf

from households.models import NameReading, PersonYear
from households.queries.keyset import BadCursorError, Page

# So many rows are sorted, and no more: the households of a county, the persons of some towns. Names
# cost most, twelve pages of an index a row: 150 ms for all of them.
MOST = 12_000
_CURSOR = re.compile(r"[1-9][0-9]{0,17}")


@dataclass(frozen=True)
class Order:
    """Rows by one fact, rising or falling; who does not state it comes last, ties go by number."""

    # The expression sorted by in a year, NULL where nothing is stated.
    value: Callable[[int], Any]
    # Column of the unique number, and of the key that stands in cursors.
    tie: str
    key: str

    def page(
        self,
        rows: QuerySet[Any],
        visible: QuerySet[Any],
        *,
        fields: tuple[str, ...],
        year: int,
        falling: bool,
        size: int,
        after: str = "",
        before: str = "",
    ) -> Page[Any]:
        """One page of `rows` as tuples of `fields`.

        A cursor is the key of a row, never a name or an income; the list goes on from where that
        row now stands, looked for among all `visible` rows of the year. Raises BadCursorError.
        """
        found = rows.annotate(sorted_by=self.value(year))
        if after or before:
            value, number = self._standing(visible, year, before or after)
            beyond = self._before if before else self._after
            found = found.filter(beyond(value, number, falling=falling))
        wanted = found.order_by(*self._sense(falling=falling, back=bool(before)))
        taken = list(wanted.values_list(self.key, *fields)[: size + 1])
        shown = taken[:size][::-1] if before else taken[:size]
        more = len(taken) > size
        return Page(
            [line[1:] for line in shown],
            previous=str(shown[0][0]) if shown and (more if before else after) else "",
            next=str(shown[-1][0]) if shown and (before or more) else "",
        )

    def _standing(self, visible: QuerySet[Any], year: int, cursor: str) -> tuple[Any, str]:
        if not _CURSOR.fullmatch(cursor):
            raise BadCursorError
        at = visible.filter(**{self.key: int(cursor), "partition_id": year})
        found = at.annotate(sorted_by=self.value(year)).values_list("sorted_by", self.tie).first()
        if found is None:
            raise BadCursorError
        return found

    def _sense(self, *, falling: bool, back: bool) -> list[Any]:
        value = F("sorted_by")
        if back:
            way = value.asc if falling else value.desc
            return [way(nulls_first=True), f"-{self.tie}"]
        way = value.desc if falling else value.asc
        return [way(nulls_last=True), self.tie]

    def _after(self, value: Any, number: str, *, falling: bool) -> Q:
        unstated, later = Q(sorted_by__isnull=True), Q(**{f"{self.tie}__gt": number})
        if value is None:
            return unstated & later
        return unstated | Q(**{_side(falling): value}) | Q(sorted_by=value) & later

    def _before(self, value: Any, number: str, *, falling: bool) -> Q:
        unstated, earlier = Q(sorted_by__isnull=True), Q(**{f"{self.tie}__lt": number})
        if value is None:
            return ~unstated | unstated & earlier
        return Q(**{_side(not falling): value}) | Q(sorted_by=value) & earlier


def _side(falling: bool) -> str:
    return "sorted_by__lt" if falling else "sorted_by__gt"


def _read(name: Any) -> Any:
    """How a name is read: a list of names is in the order of their pinyin."""
    return Subquery(NameReading.objects.filter(name=name).values("pinyin")[:1])


def _head(_year: int) -> Any:
    heads = PersonYear.objects.heads().filter(
        household_id=OuterRef(OuterRef("household_id")),
        partition_id=OuterRef(OuterRef("partition_id")),
    )
    return _read(Coalesce(Subquery(heads.values("person__name")[:1]), OuterRef("head_name")))


def _household(value: Callable[[int], Any]) -> Order:
    return Order(value, "household__household_no", "household_id")


def _person(value: Callable[[int], Any]) -> Order:
    return Order(value, "person__person_no", "id")


HOUSEHOLD_ORDERS = {
    "number": _household(lambda _: F("household__household_no")),
    "name": _household(_head),
    "members": _household(lambda _: F("member_count")),
    "income": _household(lambda _: F("net_income_per_capita")),
    "status": _household(lambda _: NullIf("exit_status", Value(""))),
    "updated": _household(lambda _: F("changed_at")),
}
PERSON_ORDERS = {
    "number": _person(lambda _: F("household__household_no")),
    "name": _person(lambda _: _read(OuterRef("person__name"))),
    "relation": _person(lambda _: NullIf("relation_to_head", Value(""))),
    "sex": _person(lambda _: NullIf("person__sex", Value(""))),
    "age": _person(lambda year: Value(year) - ExtractYear("person__birth_date")),
}
