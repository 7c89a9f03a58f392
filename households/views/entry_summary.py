"""What an entry adds up to while it is typed: people, incomes as computed, who a number tells of."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from core import idnumbers
from core.scope import Actor
from households.catalog import label
from households.checks import ABLE, NOT_AT_SCHOOL, Stated, StatedMember
from households.queries.lines import line_at, lines_of
from households.queries.rows import age_at_year_end
from households.services import editing
from households.services.entry_checking import stated_after
from households.services.entry_edit import VILLAGE
from households.services.entry_reading import read
from households.services.entry_state import base_of
from households.views.entry_layout import WANTED, WANTED_OF_MEMBER, WANTED_OF_PERSON

_NOTHING = "—"
# Before the first line of a person is typed.
_NOBODY = StatedMember("", "", {}, {})


def summary_of(edit: editing.Edit, actor: Actor) -> dict[str, Any]:
    """Texts for the page: people, totals by field name, and sex and age by position of the member.

    Incomes are yuan; a total of which a part is not stated has none: missing is not zero.
    """
    del actor
    base = base_of(edit)
    after = stated_after(edit, base, read(edit, base))
    sums = editing.totals(after.year, len(after.members))
    code = base.row.village_code if base.row else str(edit.household.get(VILLAGE, ""))
    line = line_at(lines_of(edit.partition), code) if code else None
    wanted, filled = _progress(after)
    return {
        "members": len(after.members),
        "students": _counted(after, "student_status", lambda code: code not in NOT_AT_SCHOOL),
        "labour": _counted(after, "labour_capacity", lambda code: code in ABLE),
        "wanted": wanted,
        "filled": filled,
        "totals": {name: _money(amount) for name, amount in sums.items()},
        "line": _money(line),
        "is_below": bool(
            line is not None
            and sums["net_income_per_capita"] is not None
            and sums["net_income_per_capita"] < line
        ),
        "people": {
            one.at: _who(one.person, edit.partition) for one in after.members if one.at != ""
        },
    }


def _counted(after: Stated, name: str, counts: Callable[[str], bool]) -> int:
    return sum(counts(str(one.year.get(name) or "")) for one in after.members)


def _progress(after: Stated) -> tuple[int, int]:
    """How many facts a complete entry wants, and how many of them are there."""
    told: list[Any] = [after.year.get(place[5:]) for place in WANTED]
    for one in after.members or (_NOBODY,):
        told += [one.person.get(name) for name in WANTED_OF_PERSON]
        told += [one.year.get(name) for name in WANTED_OF_MEMBER]
    return len(told), sum(value not in (None, "") for value in told)


def _money(amount: Decimal | None) -> str:
    return _NOTHING if amount is None else f"{amount:,.2f}"


def _who(person: Any, year: int) -> str:
    """Sex and age at the end of the year, as the number or else the register tells."""
    number = idnumbers.read(str(person.get("id_no") or "").upper())
    sex = label("sex", number.sex or person.get("sex") or "")
    age = age_at_year_end(number.birth_date or person.get("birth_date"), year)
    told = [sex, "" if age is None else f"{age} 岁"]
    return " · ".join(filter(None, told)) or _NOTHING
