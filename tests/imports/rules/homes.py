"""Households for the cases of rules: nothing is wrong with them but what a case puts there.

A case is some households; a member is what its row has beside the usual. The rows at which the
rule must fire carry the mark `FIRES`; at all others of the case it must not.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from tests.workbooks import id_number, member

FIRES = {"!": True}
Row = dict[str, Any]
Home = list[Row]
# What a household of one, two, three … members usually is: relation, sex, birth date.
_USUAL = (
    ("本人或户主", "男", "19700101"),
    ("配偶", "女", "19710101"),
    ("之子", "男", "19980101"),
    ("之女", "女", "20050101"),
)


@dataclass(frozen=True)
class Case:
    """`homes` of one file that may share it with other cases."""

    code: str
    homes: list[Home]
    year: int = 2018
    # Told from other cases of the same rule.
    note: str = ""


@dataclass
class People:
    """Makes rows of members whom nobody else shares a number, name, telephone or account with."""

    persons: Iterator[int] = field(default_factory=lambda: count(1))
    households: Iterator[int] = field(default_factory=lambda: count(1))

    def rows(self, home: Home) -> Iterator[tuple[Row, bool]]:
        """(row, whether the rule must fire at it) of each member."""
        number = next(self.households)
        for at, changes in enumerate(home):
            serial = next(self.persons)
            relation, sex, born = _USUAL[min(at, len(_USUAL) - 1)]
            own = {
                "姓名": f"何{chr(0x4E00 + serial)}",
                "与户主关系": relation,
                "人数": str(len(home)),
                "联系电话": f"199{number:08d}",
                "在校生状况": "非在校生",
                "证件号码": document(serial, sex, born),
            }
            row = member(serial, number, **own) | changes
            fires = row.pop("!", False)
            # A number that has to know the person's serial is written when the row is.
            yield {k: v(serial) if callable(v) else v for k, v in row.items()}, fires


def document(serial: int, sex: str = "男", born: str = "19700101", region: str = "") -> str:
    """A right document number of nobody; no two serials share one."""
    last = (serial % 400) * 2 + (sex == "男")
    return id_number(last, born, region or f"9903{24 + serial // 400:02d}")


def born(day: str, sex: str = "男", region: str = "") -> Callable[[int], str]:
    """The document number of somebody born on that day."""
    return lambda serial: document(serial, sex, day, region)


def home(*changes: Row, **shared: Any) -> Home:
    """A household with these members; what is shared stands in all rows."""
    return [one | shared for one in changes]


def one(**changes: Any) -> Home:
    """A head who lives alone."""
    return [changes]


def bad(**changes: Any) -> Home:
    """The same, and the rule fires."""
    return [changes | FIRES]
