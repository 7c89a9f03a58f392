"""Model fields that carry the facts of a registry field: national code, unit, code table.

The facts are stated once, on the model; forms, filters, table heads, workbooks and the API schema
read them from there. They are not part of the column, so they never cause a migration.
"""

import re
from operator import attrgetter
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models

from core import idnumbers, vault


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


class Secret(_Fact, models.Field):
    """Text that is sealed at rest: str in Python, bytea in the database, '' is NULL.

    Equal texts are equal bytes, so that `exact` and `in` work; nothing else can be asked of it.
    `shape` is a pattern that every text must fit. `salted_by` is the path to the person's number
    for values of which there are few different ones: equal texts of two persons are different bytes
    then, and only `isnull` can be asked. A value written by `update` gets a salt of its own.
    """

    lookups: tuple[str, ...] = ("exact", "in", "isnull")

    def __init__(
        self,
        *args: Any,
        shape: str = "",
        salted_by: str = "",
        sealed_as: str = "",
        **kwargs: Any,
    ) -> None:
        self.shape, self.salted_by, self._sealed_as = shape, salted_by, sealed_as
        kwargs.setdefault("blank", True)
        kwargs.setdefault("default", "")
        kwargs.setdefault("null", True)
        super().__init__(*args, **kwargs)

    @property
    def sealed_name(self) -> str:
        """The name that is authenticated with the value; changing it makes what is stored unreadable."""
        return self._sealed_as or self.name

    @property
    def is_salted(self) -> bool:
        return bool(self.salted_by)

    def get_internal_type(self) -> str:
        return "BinaryField"

    def get_lookup(self, lookup_name: str) -> Any:
        allowed = ("isnull",) if self.is_salted else self.lookups
        return super().get_lookup(lookup_name) if lookup_name in allowed else None

    def from_db_value(self, value: Any, _expression: Any = None, _connection: Any = None) -> Any:
        return self.from_text("" if value is None else vault.open_sealed(self.sealed_name, value))

    def to_python(self, value: Any) -> Any:
        return self.from_text("") if value is None else value

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = super().pre_save(model_instance, add)
        if self.is_salted and value and not hasattr(value, "resolve_expression"):
            return self.seal(value, salt=str(attrgetter(self.salted_by)(model_instance)))
        return value

    def get_prep_value(self, value: Any) -> bytes | None:
        value = super().get_prep_value(value)
        if value is None or isinstance(value, bytes | memoryview):
            return None if value is None else bytes(value)
        return self.seal(value, salt=vault.random_salt() if self.is_salted else "")

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        value = super().get_db_prep_value(value, connection, prepared)
        return None if value is None else connection.Database.Binary(value)

    def seal(self, value: Any, salt: str = "") -> bytes | None:
        """The bytes to store. Raises ValueError for a text that does not fit; never shows it."""
        text = self.to_text(value)
        if not text:
            return None
        if self.max_length is not None and len(text) > self.max_length:
            raise ValueError(f"{self.name}: longer than {self.max_length} characters")
        if self.shape and not re.fullmatch(self.shape, text):
            raise ValueError(f"{self.name}: not of the shape {self.shape}")
        return vault.seal(self.sealed_name, text, salt)

    def to_text(self, value: Any) -> str:
        return str(value)

    def from_text(self, text: str) -> Any:
        return text


class SecretCodes(Secret):
    """A set of codes in the order they were declared, sealed as one salted text; empty is NULL."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("default", list)
        super().__init__(*args, **kwargs)

    def to_text(self, value: Any) -> str:
        return ",".join(value)

    def from_text(self, text: str) -> list[str]:
        return text.split(",") if text else []


class BlindIndex(models.BinaryField):
    """The keyed index of a document number beside it; NULL where no number stands for a person.

    Of the first 18 characters: a disability certificate begins with the identity number.
    """

    def __init__(self, *args: Any, source: str = "", **kwargs: Any) -> None:
        self.source = source
        kwargs.setdefault("null", True)
        kwargs.setdefault("editable", False)
        super().__init__(*args, **kwargs)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = self.of(getattr(model_instance, self.source))
        setattr(model_instance, self.attname, value)
        return value

    def of(self, number: str) -> bytes | None:
        return vault.index("id_no", idnumbers.matched(number))


class TailIndex(models.IntegerField):
    """The keyed index of the last four of the 18 characters, as a number; several persons share one."""

    def __init__(self, *args: Any, source: str = "", **kwargs: Any) -> None:
        self.source = source
        kwargs.setdefault("null", True)
        kwargs.setdefault("editable", False)
        super().__init__(*args, **kwargs)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = self.of(getattr(model_instance, self.source))
        setattr(model_instance, self.attname, value)
        return value

    def of(self, number: str) -> int | None:
        return vault.tail("id_no.tail", idnumbers.matched(number)[14:])
