"""Pages by key, chosen fields and strict search terms: what every list of the API does alike."""

from typing import Any
from urllib.parse import urlencode

from django_filters import MultipleChoiceFilter
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from api.errors import invalid
from core.sharing import PERSONAL, FieldGroup
from households.catalog import facts
from households.models.groups import GROUP_OF, KEYS
from households.queries.keyset import BadCursorError, Keyset, Page

LIMIT, LARGEST = 100, 1000
PAGE_TERMS = {"limit", "cursor", "count"}
# Terms that search facts of another group than the basic ones, and such as search none.
GROUP_OF_TERM: dict[str, FieldGroup | None] = {
    **dict.fromkeys(("year", "region", "county", "town", "village", "poor_village"), None),
    **dict.fromkeys(("income_below", "income_above", "below_line"), FieldGroup.INCOME),
    **dict.fromkeys(
        ("status", "cause", "attribute", "exit_year", "relation", "education", "student",
         "labour", "work_area", "mark", "q"),
        FieldGroup.BASIC,
    ),
    # Its values are facts of all groups: each is looked at by itself.
    "missing": None,
}  # fmt: skip


def refuse_unknown(request: Request, known: set[str]) -> None:
    """A misspelt term must not silently select everything."""
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        raise invalid({name: ["没有这个参数。"] for name in unknown})


def refuse_repeated(request: Request, repeatable: set[str]) -> None:
    """Of two values for one term nobody can know which was meant."""
    twice = [
        name
        for name, values in request.query_params.lists()
        if len(values) > 1 and name not in repeatable
    ]
    if twice:
        raise invalid({name: ["这个参数只能出现一次。"] for name in twice})


class KeysetPagination(BasePagination):
    """`limit` rows after `cursor`; `count=1` also counts them all.

    The view names its order (`keyset`). Views may hand in tuples that begin with the key and turn
    them into rows afterwards.
    """

    limit = LIMIT

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.request = request
        keyset: Keyset = view.keyset
        self.limit = _limit(request)
        wants_count = _wants_count(request)
        try:
            self.page: Page[Any] = keyset.page(
                queryset, size=self.limit, after=request.query_params.get("cursor", "")
            )
        except BadCursorError as error:
            raise invalid({"cursor": ["游标无效，请从第一页重新读取。"]}) from error
        self.total = queryset.order_by().count() if wants_count else None
        return self.page.rows

    def get_paginated_response(self, data: Any) -> Response:
        cursor = self.page.next or None
        body: dict[str, Any] = {"next": self._address(cursor), "next_cursor": cursor}
        if self.total is not None:
            body["count"] = self.total
        return Response({**body, "results": data})

    def _address(self, cursor: str | None) -> str | None:
        if cursor is None:
            return None
        terms = [
            (name, value)
            for name, values in self.request.query_params.lists()
            for value in values
            if name not in ("cursor", "count")
        ]
        query = urlencode([*terms, ("cursor", cursor)])
        return self.request.build_absolute_uri(f"{self.request.path}?{query}")

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["next", "next_cursor", "results"],
            "properties": {
                "next": {"type": "string", "format": "uri", "nullable": True},
                "next_cursor": {"type": "string", "nullable": True},
                "count": {"type": "integer", "description": "总数，仅在 count=1 时给出"},
                "results": schema,
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        bounds = {"type": "integer", "minimum": 1, "maximum": LARGEST, "default": LIMIT}
        told = (
            ("limit", "每页条数", bounds),
            ("cursor", "上一页返回的 next_cursor", {"type": "string", "maxLength": 160}),
            ("count", "为 1 时返回总数", {"type": "string", "enum": ["0", "1"]}),
        )
        return [
            {"name": name, "in": "query", "required": False, "description": text, "schema": schema}
            for name, text, schema in told
        ]


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", str(LIMIT))
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= 4 else 0
    if not 1 <= number <= LARGEST:
        raise invalid({"limit": [f"应为 1 至 {LARGEST} 的整数。"]})
    return number


def _wants_count(request: Request) -> bool:
    text = request.query_params.get("count", "0")
    if text not in ("0", "1"):
        raise invalid({"count": ["应为 0 或 1。"]})
    return text == "1"


class StrictFilterBackend(DjangoFilterBackend):
    """The view's FilterSet, where an unknown, repeated or invalid term is a 400, never a shrug.

    `partition` is the API's word for what an address of a page calls `year`.
    """

    def filter_queryset(self, request: Request, queryset: Any, view: Any) -> Any:
        filterset = self.get_filterset(request, queryset, view)
        if filterset is None:
            return queryset
        several = {
            name for name, one in filterset.filters.items() if isinstance(one, MultipleChoiceFilter)
        }
        _withhold(filterset, view, request.user)
        refuse_unknown(request, {*filterset.filters, *PAGE_TERMS, *view.own_terms})
        refuse_repeated(request, several)
        if not filterset.is_valid():
            raise invalid(_worded(request, filterset.errors))
        filterset.refuse_foreign_places()
        return filterset.qs

    def get_filterset_kwargs(self, request: Request, queryset: Any, view: Any) -> dict[str, Any]:
        data: Any = request.query_params.copy()
        if "partition" in view.own_terms and "partition" in data:
            if data.get("year", data["partition"]) != data["partition"]:
                raise invalid({"partition": ["partition 与 year 不一致。"]})
            data["year"] = data["partition"]
        return {"data": data, "queryset": queryset, "request": request, "actor": request.user}


def _withhold(filterset: Any, view: Any, client: Any) -> None:
    """Take away what would search facts the client is not given: who can ask, can find out."""
    if view.resource not in PERSONAL:
        return
    given: frozenset[str] = client.field_groups
    for name in list(filterset.filters):
        # A term that nobody has put into a group is nobody's.
        group = GROUP_OF_TERM.get(name, FieldGroup.IDENTITY_FULL)
        if group is not None and group not in given:
            del filterset.filters[name]
    missing = filterset.filters.get("missing")
    if missing is not None:
        missing.extra["choices"] = [
            (fact, words)
            for fact, words in missing.extra["choices"]
            if fact in KEYS or GROUP_OF.get(_name_of(fact)) in given
        ]


def _name_of(identifier: str) -> str:
    return facts()[identifier].name


def _worded(request: Request, errors: Any) -> dict[str, list[str]]:
    """The form's errors, under the name that the caller used for the year."""
    found = {name: [str(one) for one in words] for name, words in errors.items()}
    if "partition" in request.query_params and "year" in found:
        found["partition"] = found.pop("year")
    return found
