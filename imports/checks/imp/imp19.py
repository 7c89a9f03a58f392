"""内容过长。

A text longer than its column, or more causes than the form has lines for.
"""

from collections.abc import Iterable

from django.db import models

from imports.checks.rule import EachColumn, Rule, Said
from imports.checks.staged import Staged
from imports.enums import Severity


def _too_long(staged: Staged) -> Iterable[tuple[str, str]]:
    """Free texts; codes and numbers are bounded already, what is sealed was measured before."""
    for fact in staged.facts:
        column = fact.model._meta.get_field(fact.name)
        is_free = fact.kind in ("text", "identifier", "id_number")
        if is_free and isinstance(column, models.CharField) and column.max_length:
            yield f"length(r.{fact.identifier}) > {column.max_length}", fact.identifier
    if staged.has("other_causes"):
        yield "cardinality(r.other_causes) > 2", "other_causes"


RULE = Rule(
    code="IMP19",
    scope="cell",
    severity=Severity.ERROR,
    message="内容过长",
    remedy="缩短后重新上传。",
    source="derived",
    checks=(
        Said(words=("too_long",)),
        EachColumn(conditions=_too_long),
    ),
    is_structural=True,
)
