"""A value of the register as the pages of a batch show it: in words, and never a whole number."""

from typing import Any

from core.idnumbers import mask, mask_quoted
from households.catalog import FieldFact, label
from households.queries.values import birth_year, is_birth_date
from imports.checks import RULES


def shown(fact: FieldFact | None, value: Any) -> str:
    if value is None or value in ("", []):
        return "（空）"
    if fact is None:
        return mask_quoted(str(value))
    if fact.sensitive and fact.kind in ("id_number", "identifier"):
        return mask(str(value))
    if fact.sensitive:
        return "已脱敏"
    if is_birth_date(fact):
        return birth_year(value)
    if isinstance(value, bool):
        return "是" if value else "否"
    if fact.table and isinstance(value, list):
        return "、".join(label(fact.table, code) for code in value)
    # A number may have slipped into any column.
    return mask_quoted(label(fact.table, str(value)) if fact.table else str(value))


def rule_of(code: str) -> tuple[str, str]:
    """(what is wrong, how it is mended) by a rule's code, also by one that no longer exists."""
    rule = RULES.get(code)
    return (rule.message, rule.remedy) if rule else (code, "")
