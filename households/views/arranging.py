"""How a list is shown: its order, its columns, and the address that says so."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from core.web import require
from households.forms import ColumnsForm
from households.models import Listing
from households.queries import cells, rows
from households.queries.keyset import HOUSEHOLDS, PERSONS, Keyset
from households.queries.sorting import HOUSEHOLD_ORDERS, PERSON_ORDERS, Order
from households.services.saving import choose_columns, chosen_columns
from households.views.record import READ

MOST_COLUMNS = ColumnsForm.MOST
_VILLAGE = ("village", "所在村", "")


@dataclass(frozen=True)
class Head:
    """The head of a column; `href` sorts by it, `sense` says how it is sorted now."""

    label: str
    css: str = ""
    href: str = ""
    sense: str = ""


@dataclass(frozen=True)
class ListOf:
    """One of the two lists: its rows, orders and columns."""

    listing: str
    route: str
    columns_route: str
    unit: str
    keyset: Keyset
    orders: Mapping[str, Order]
    read: Callable[[Sequence[Any], int], list[Any]]
    beside: Callable[[Sequence[Any], Sequence[str], int], dict[int, list[str]]]
    every: Callable[[], dict[str, str]]
    # Heads that always stand there, and those that chosen columns replace: order, label, class.
    fixed: tuple[tuple[str, str, str], ...]
    usual: tuple[tuple[str, str, str], ...]
    # Column → the order it is sorted by.
    sorted_by: Mapping[str, str] = field(default_factory=dict)

    def choices(self) -> dict[str, str]:
        """Column → label of what can be chosen; what stands there anyhow is not among them."""
        known = self.every()
        return {name: text for name, text in known.items() if name not in _STANDING}


_STANDING = {
    "county_code", "town_code", "village_code", "household_no", "head_name", "name",
}  # fmt: skip
_SORTED_FACTS = {
    "member_count": "members", "net_income_per_capita": "income", "exit_status": "status",
}  # fmt: skip
OF_HOUSEHOLDS = ListOf(
    Listing.HOUSEHOLDS, "households:list", "households:columns", "户", HOUSEHOLDS,
    HOUSEHOLD_ORDERS, rows.household_rows, cells.beside_households, cells.household_columns,
    fixed=(("number", "户编号", ""), ("name", "户主", ""), _VILLAGE),
    usual=(
        ("members", "人口", "num"), ("", "主要致贫原因", ""), ("income", "人均纯收入（元）", "num"),
        ("status", "脱贫状态", ""), ("updated", "更新", ""),
    ),
    sorted_by=_SORTED_FACTS,
)  # fmt: skip
OF_PERSONS = ListOf(
    Listing.PERSONS, "households:persons", "households:person-columns", "人", PERSONS,
    PERSON_ORDERS, rows.person_rows, cells.beside_persons, cells.person_columns,
    fixed=(("name", "姓名", ""), _VILLAGE, ("number", "户编号", "")),
    usual=(
        ("relation", "与户主关系", ""), ("sex", "性别", ""), ("age", "年龄", "num"),
        ("", "健康状况", ""),
    ),
    sorted_by={"relation_to_head": "relation", "sex": "sex"},
)  # fmt: skip


@dataclass(frozen=True)
class Arrangement:
    """What an address asks for of order and columns; what it asks wrongly is left out."""

    of: ListOf
    sort: str
    falling: bool
    columns: list[str]
    # Whether the address itself names the columns: then the pages beside it do too.
    is_named: bool

    @classmethod
    def asked(cls, request: HttpRequest, of: ListOf) -> "Arrangement":
        text = request.GET.get("sort", "")
        name, falling = text.removeprefix("-"), text.startswith("-")
        known = of.choices()
        is_named = "cols" in request.GET
        wanted = (
            request.GET["cols"].split(",") if is_named else chosen_columns(request.user, of.listing)
        )
        columns = [one for one in dict.fromkeys(wanted) if one in known][:MOST_COLUMNS]
        return cls(of, name if name in of.orders else "", falling, columns, is_named)

    @property
    def order(self) -> Order | None:
        return self.of.orders.get(self.sort)

    def keep(self, asked: QueryDict, size: str) -> QueryDict:
        """The search with what the address says of order, columns and length."""
        kept = asked.copy()
        sort = f"-{self.sort}" if self.sort and self.falling else self.sort
        cols = ",".join(self.columns) if self.is_named else ""
        for name, value in (("size", size), ("sort", sort), ("cols", cols)):
            if value:
                kept[name] = value
        return kept

    def heads(self, address: Callable[[str], str], sorted_now: bool) -> list[Head]:
        """The heads in their order; `address` makes the list's address under another order."""
        known = self.of.choices()
        other = [(self.of.sorted_by.get(one, ""), known[one], "") for one in self.columns]
        head = partial(self._head, address=address, sorted_now=sorted_now)
        return [head(*one) for one in (*self.of.fixed, *(other or self.of.usual))]

    def _head(
        self, name: str, label: str, css: str, *, address: Callable[[str], str], sorted_now: bool
    ) -> Head:
        if name == "village":
            # The order of the list itself: back to it is one click on its head.
            return Head(label, css, address(""), "" if sorted_now else "ascending")
        if not name:
            return Head(label, css)
        here = sorted_now and name == self.sort
        sense = ("descending" if self.falling else "ascending") if here else ""
        return Head(label, css, address(f"-{name}" if here and not self.falling else name), sense)


@require_http_methods(["GET", "POST"])
def household_columns(request: HttpRequest) -> HttpResponse:
    """Choosing the columns of the list of households."""
    return _choosing(request, OF_HOUSEHOLDS)


@require_http_methods(["GET", "POST"])
def person_columns(request: HttpRequest) -> HttpResponse:
    """Choosing the columns of the list of persons."""
    return _choosing(request, OF_PERSONS)


def _choosing(request: HttpRequest, of: ListOf) -> HttpResponse:
    """The columns are remembered for whoever chose them; the search one came with stays."""
    require(request, READ)
    arranged = Arrangement.asked(request, of)
    query = request.GET.copy()
    query.pop("cols", None)
    back = f"{reverse(of.route)}?{query.urlencode()}"
    form = ColumnsForm(
        request.POST or None, known=of.choices(), initial={"columns": arranged.columns}
    )
    if request.method == "POST" and form.is_valid():
        choose_columns(listing=of.listing, columns=form.chosen, by=request.user)
        messages.success(request, "已更换显示的列。" if form.chosen else "已恢复常用列。")
        return redirect(back)
    context = {"form": form, "list": of, "back": back, "title": Listing(of.listing).label}
    status = 200 if request.method == "GET" else 422
    return render(request, "households/columns.html", context, status=status)
