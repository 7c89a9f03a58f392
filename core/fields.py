"""Model fields that carry the facts of a registry field: national code, unit, code table.

The facts are stated once, on the model; forms, filters, table heads, workbooks and the API schema
read them from there. They are not part of the column, so they never cause a migration.
"""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models


class _Fact:
    def __init__(
        self,
        *args: Any,
        national: str = "",
        unit: str = "",
        table: str = "",
        sensitive: bool = False,
        **kwargs: Any,
    ) -> None:
        self.national = national
        self.unit = unit
        self.table = table
        self.sensitive = sensitive
        super().__init__(*args, **kwargs)


class Text(_Fact, models.CharField):
    """Free text, empty when missing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("blank", True)
        kwargs.setdefault("default", "")
        super().__init__(*args, **kwargs)


class Code(Text):
    """A code of a code table; the label comes from the table, empty when missing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 4)
        super().__init__(*args, **kwargs)


class Codes(_Fact, ArrayField):
    """A set of codes in the order they were declared; empty when missing."""

    def __init__(self, verbose_name: str | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("base_field", models.CharField(max_length=4))
        kwargs.setdefault("default", list)
        kwargs.setdefault("blank", True)
        super().__init__(verbose_name=verbose_name, **kwargs)


class YesNo(_Fact, models.BooleanField):
    """Three values: yes, no, missing. Missing is never counted as met."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("null", True)
        super().__init__(*args, **kwargs)


class Amount(_Fact, models.DecimalField):
    """Yuan or another measured quantity with two places; null when missing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 14)
        kwargs.setdefault("decimal_places", 2)
        kwargs.setdefault("null", True)
        super().__init__(*args, **kwargs)


class Count(_Fact, models.PositiveSmallIntegerField):
    """A whole number (people, months, a year); null when missing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("null", True)
        super().__init__(*args, **kwargs)


class Day(_Fact, models.DateField):
    """A date; null when missing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("null", True)
        super().__init__(*args, **kwargs)
