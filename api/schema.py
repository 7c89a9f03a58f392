"""What drf-spectacular cannot guess: our authentication and our search terms."""

from typing import Any

import django_filters
from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiFilterExtension,
    OpenApiSerializerExtension,
)

from core.sharing import FieldGroup
from households.filters import CodesFilter, PlaceFilter, WholeFilter


class BearerScheme(OpenApiAuthenticationExtension):
    target_class = "api.auth.TokenAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "管理员签发的客户端密钥"}


class ChosenFields(OpenApiSerializerExtension):
    """Any field may be absent from a row: the caller chooses with `fields`, an administrator by
    granting groups of fields."""

    target_class = "api.serializers.ChosenFieldsSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        # The description is the same for every client: it names all groups.
        self.target.root._context = {"groups": frozenset(FieldGroup.values)}
        schema = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        schema.pop("required", None)
        return dict(schema)


class TermsExtension(OpenApiFilterExtension):
    """Each term of a FilterSet as a parameter. Values that are data stay out of the schema."""

    target_class = "api.pages.StrictFilterBackend"
    priority = 1

    def get_schema_operation_parameters(
        self, auto_schema: Any, *args: Any, **kwargs: Any
    ) -> list[dict[str, Any]]:
        filters = auto_schema.view.filterset_class.base_filters
        return [_parameter(name, one) for name, one in filters.items()]


def _parameter(name: str, one: django_filters.Filter) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": name,
        "in": "query",
        "required": False,
        "description": str(one.label),
        "schema": _shape(one),
    }
    return told | ({"explode": True, "style": "form"} if isinstance(one, CodesFilter) else {})


def _shape(one: django_filters.Filter) -> dict[str, Any]:
    if isinstance(one, CodesFilter):
        return {"type": "array", "items": {"type": "string"}}
    if isinstance(one, PlaceFilter):
        return {"type": "string", "pattern": "^[0-9]{2,12}$"}
    if isinstance(one, WholeFilter):
        bounds = {"minimum": one.extra.get("min_value"), "maximum": one.extra.get("max_value")}
        return {"type": "integer", **{k: v for k, v in bounds.items() if v is not None}}
    if isinstance(one, django_filters.DateFilter):
        return {"type": "string", "format": "date"}
    if isinstance(one, django_filters.NumberFilter):
        return {"type": "number"}
    if isinstance(one, django_filters.ChoiceFilter):
        return {"type": "string", "enum": [code for code, _ in one.extra["choices"]]}
    return {"type": "string", "maxLength": one.extra["max_length"]}
