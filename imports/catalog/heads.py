"""What may be kept as a column's head: words, never a cell of somebody's row.

Heads are stored as they stand, in layouts and batches, and are quoted in refusals. Whoever points
at a row of data, or a file whose head row has somebody's number in it, must not bring a person's
facts there.
"""

import re
from collections.abc import Iterable

from core.idnumbers import mask_quoted

# The longest head of a national export has 24 characters.
LONGEST_HEAD = 60
# Fewer digits than this are a year or a number in a wording.
_MANY_DIGITS = 5
# A telephone, a date, an account or a code: hardly anything but digits.
_DIGIT = re.compile(r"[0-9０-９]")
_DATE = re.compile(r"[12][0-9]{3}[-/.年][01]?[0-9]([-/.月][0-3]?[0-9]日?)?( .*)?")


def is_a_head(text: str) -> bool:
    """Whether a cell may be kept as a head; a blank one may.

    >>> [is_a_head(one) for one in ("2018年人均纯收入", "", "139 0000 1111", "1985-03-12")]
    [True, True, False, False]
    """
    text = text.strip()
    digits = len(_DIGIT.findall(text))
    return (
        len(text) <= LONGEST_HEAD
        and mask_quoted(text) == text
        and not _DATE.fullmatch(text)
        and (digits < _MANY_DIGITS or 2 * digits <= len(re.sub(r"\s", "", text)))
    )


def kept_head(text: str, index: int) -> str:
    """The head as it is kept: in words, or the column's place (`index` from 0)."""
    return text.strip() if is_a_head(text) else f"第{index + 1}列"


def stands_below(cell: str, below: Iterable[str]) -> bool:
    """Whether a cell of the row is found again in its column, as values are and heads are not."""
    return len(cell.strip()) > 1 and cell.strip() in {one.strip() for one in below}
