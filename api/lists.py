"""A list by key with strict terms and chosen fields: what the lists of the API have in common."""

from collections.abc import Sequence
from typing import Any, cast

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from api import serializers
from api.errors import invalid
from api.pages import PAGE_TERMS
from api.pulls import SharedView
from households.queries.keyset import Keyset

FIELDS = OpenApiParameter(
    "fields",
    {"type": "string", "pattern": "^[a-z0-9_]+(,[a-z0-9_]+)*$"},
    description="只返回这些字段，用逗号分隔",
)


class ListView(SharedView, GenericViewSet[Any]):
    """A list by key with strict terms and chosen fields."""

    keyset: Keyset
    serializer_class: type[serializers.ChosenFieldsSerializer]
    filterset_class: Any
    # Terms beyond those of the FilterSet and of paging.
    own_terms: frozenset[str] = frozenset({"fields"})

    def known_terms(self) -> set[str]:
        return {*self.filterset_class.base_filters, *PAGE_TERMS, *self.own_terms}

    def list(self, request: Request) -> Response:
        found = self.filter_queryset(self.get_queryset())
        blank = self.blank()
        rows = self.paginate_queryset(self.keys(found, blank)) or []
        blank.instance = self.read(rows, blank)
        return self.get_paginated_response(_many(blank))

    def blank(self) -> serializers.ChosenFieldsSerializer:
        """The serializer with the fields asked for, still without a row."""
        asked = self.request.query_params.get("fields", "")
        chosen = list(dict.fromkeys(filter(None, asked.split(","))))
        serializer = self.serializer_class(chosen=[], context=self.serializer_context())
        unknown = [name for name in chosen if name not in serializer.fields]
        if unknown or (not chosen and "fields" in self.request.query_params):
            raise invalid({"fields": [f"没有字段：{'、'.join(unknown)[:200]}。"]})
        return self.serializer_class(chosen=chosen, context=self.serializer_context())

    def serializer_context(self) -> dict[str, Any]:
        return {}

    def keys(self, found: QuerySet[Any], blank: serializers.ChosenFieldsSerializer) -> Any:
        """What paging is done over: rows with the columns needed, or keys alone."""
        columns = blank.needed_columns() | set(self.keyset.fields)
        joined = {name.split("__")[0] for name in columns if "__" in name}
        return found.select_related(*joined).only(*columns) if joined else found.only(*columns)

    def read(self, rows: Sequence[Any], blank: serializers.ChosenFieldsSerializer) -> Any:
        return rows


def _many(serializer: serializers.ChosenFieldsSerializer) -> list[dict[str, Any]]:
    return [serializer.to_representation(row) for row in cast("Any", serializer.instance)]
