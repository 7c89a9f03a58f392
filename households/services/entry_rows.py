"""The rows that an entry writes: values as a table takes them, one statement for all rows."""

from operator import attrgetter
from typing import Any

from django.db.models import Model

from core.fields import Secret
from households.models import HouseholdYear, Person


def stated(values: dict[str, Any]) -> dict[str, Any]:
    """Without what is not stated: a new row has it by itself."""
    return {name: value for name, value in values.items() if value not in (None, "", [])}


def indexed(values: dict[str, Any]) -> dict[str, Any]:
    """A document number takes its indexes along."""
    if "id_no" in values:
        for name in ("id_index", "id_tail"):
            field: Any = Person._meta.get_field(name)
            values[name] = field.of(values["id_no"] or "")
    return values


def update(model: type[Model], told: list[tuple[Any, dict[str, Any]]]) -> list[int]:
    """One statement for all rows that change; their keys."""
    changed = [(row, values) for row, values in told if values]
    names = sorted({name for _, values in changed for name in values})
    for row, values in changed:
        for name, value in values.items():
            setattr(row, name, value)
    rows = [row for row, _ in changed]
    for name in names:
        field = model._meta.get_field(name)
        if isinstance(field, Secret) and field.is_salted:
            for row in rows:
                # With the person's own salt, as a row is saved: a salt by chance would look like a
                # change to whatever compares sealed bytes.
                salt = str(attrgetter(field.salted_by)(row))
                setattr(row, name, field.seal(getattr(row, name), salt=salt))
    if rows:
        model._default_manager.bulk_update(rows, names)
    return [row.pk for row in rows]


def again(row: HouseholdYear) -> HouseholdYear:
    """The row as the database has it now, with its household."""
    return HouseholdYear.objects.select_related("household").get(pk=row.pk)
