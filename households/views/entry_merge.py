"""What a clerk took of an entry that others changed too."""

from collections.abc import Sequence
from typing import Any

from households.services import editing


def without(edit: editing.Edit, wheres: Sequence[str]) -> editing.Edit:
    """The edit without these fields: they stay as the others left them."""
    told = edit.told()
    for where in wheres:
        *path, name = where.split(".")
        at: Any = told
        for part in path:
            if isinstance(at, list):
                at = at[int(part)] if part.isdecimal() and int(part) < len(at) else {}
            else:
                at = at.get(part, {})
        if isinstance(at, dict):
            at.pop(name, None)
    return editing.Edit.read(told)


def is_gone(merge: editing.Merge) -> bool:
    part, _, number = merge.where.partition(".")
    return part == "members" and number.isdecimal()


def shifted(where: str, gone: Sequence[int]) -> str:
    """The place in the merged edit, which has no rows for those who are gone."""
    part, _, rest = where.partition(".")
    number, _, name = rest.partition(".")
    if part != "members" or not number.isdecimal() or not name:
        return where
    return f"members.{int(number) - sum(one < int(number) for one in gone)}.{name}"
