"""How one fact of the register is written out for people, masked where it tells too much."""

from decimal import Decimal
from typing import Any

from core.templatetags.show import mask_phone
from households.catalog import FieldFact, label
from households.queries.rows import MISSING, hidden, masked_id

_ANSWERS = {True: "是", False: "否", None: MISSING}


def written(fact: FieldFact, value: Any) -> str:
    """The value in words with its unit; 未填 when there is none."""
    if fact.kind == "yes_no":
        return _ANSWERS[value]
    if value in (None, "", []):
        return MISSING
    if fact.sensitive:
        return _masked(fact, str(value))
    if fact.kind == "codes":
        return "、".join(label(fact.table, code) for code in value)
    return f"{_plain(fact, value)} {fact.unit}".rstrip()


def _masked(fact: FieldFact, value: str) -> str:
    if fact.name.endswith("id_no"):
        return masked_id(value)
    return mask_phone(value) if fact.name.endswith("phone") else hidden(value)


def _plain(fact: FieldFact, value: Any) -> str:
    if fact.kind == "code":
        return label(fact.table, value)
    if isinstance(value, Decimal):
        # Money to the fen; an area or a distance as it was measured.
        return f"{value:,.2f}" if fact.unit.startswith("元") else f"{value.normalize():f}"
    return str(value)
