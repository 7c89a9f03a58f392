"""How one fact of the register is written out for people, masked where it tells too much."""

import re
from decimal import Decimal
from typing import Any

from core.templatetags.show import mask_phone
from households.catalog import FieldFact, label
from households.queries.rows import MISSING, hidden, masked_id

# A day as a database, a page or a workbook writes it; not the serial number of a day.
_DAY = re.compile(r"((?:18|19|20)\d\d)(?:\D.*|\d{4})?", re.DOTALL)
_ANSWERS = {True: "是", False: "否", None: MISSING}


def written(fact: FieldFact, value: Any) -> str:
    """The value in words with its unit; 未填 when there is none."""
    if fact.kind == "yes_no":
        return _ANSWERS[value]
    if value in (None, "", []):
        return MISSING
    if fact.sensitive:
        return _masked(fact, str(value))
    if is_birth_date(fact):
        return birth_year(value)
    if fact.kind == "codes":
        return "、".join(label(fact.table, code) for code in value)
    return f"{_plain(fact, value)} {fact.unit}".rstrip()


def is_birth_date(fact: FieldFact) -> bool:
    """Whether the fact is the day that a masked number leaves out: both together are the number."""
    return fact.name == "birth_date"


def birth_year(value: Any) -> str:
    """Of a day of birth no more than the year."""
    found = _DAY.fullmatch(str(value).strip())
    return f"{found[1]} 年" if found else hidden(value)


def in_full(fact: FieldFact, value: Any) -> str:
    """A sensitive value in words, unmasked: for whoever may look, after it was put on record."""
    if not value:
        return MISSING
    if fact.kind == "codes":
        return "、".join(label(fact.table, code) for code in value)
    return str(value)


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
