"""What an entry adds up to while it is typed: people, incomes as computed, who a number tells of."""

from decimal import Decimal
from typing import Any

from core import idnumbers
from core.scope import Actor
from households.catalog import label
from households.queries.lines import line_at, lines_of
from households.queries.rows import age_at_year_end
from households.services import editing
from households.services.entry_checking import stated_after
from households.services.entry_edit import VILLAGE
from households.services.entry_reading import read
from households.services.entry_state import base_of

_NOTHING = "—"
# 在校生状况 that is no school (code list of the national system).
_NOT_AT_SCHOOL = ("", "01")


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
    return {
        "members": len(after.members),
        "students": sum(one.year.get("student_status") not in _NOT_AT_SCHOOL for one in after.members
                        if one.year.get("student_status")),
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
    }  # fmt: skip


def _money(amount: Decimal | None) -> str:
    return _NOTHING if amount is None else f"{amount:,.2f}"


def _who(person: Any, year: int) -> str:
    """Sex and age at the end of the year, as the number or else the register tells."""
    number = idnumbers.read(str(person.get("id_no") or "").upper())
    sex = label("sex", number.sex or person.get("sex") or "")
    age = age_at_year_end(number.birth_date or person.get("birth_date"), year)
    told = [sex, "" if age is None else f"{age} 岁"]
    return " · ".join(filter(None, told)) or _NOTHING
