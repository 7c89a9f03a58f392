"""Entering and correcting one household and year: open, check, compare, write.

The pieces stand beside this file, by noun: `entry_edit` what a form tells, `entry_loading` what it is
opened with, `entry_state` what the register holds, `entry_reading`, `entry_checking`, `entry_diff`,
`entry_merging`, `entry_writing`.

Values of an edit, as `load` gives them and any form may send them back: codes by their code, several
codes as a list, 是 or 否, days as 2018-12-31, months as 201812, amounts as 1200.50; "" is not stated.
Sensitive facts and days of birth are never loaded: they are absent, shown masked (`masked`), stay as
they are while they are absent, and are replaced by what is typed.
"""

from households.checks import Finding, Findings, totals
from households.services.changing import UnfitError
from households.services.entry_checking import check, check_fields
from households.services.entry_diff import FieldChange, diff
from households.services.entry_edit import Edit
from households.services.entry_loading import blank, from_last_year, load, masked
from households.services.entry_merging import Merge, StaleError, require_fresh, three_way
from households.services.entry_writing import apply

__all__ = [
    "Edit", "FieldChange", "Finding", "Findings", "Merge", "StaleError", "UnfitError", "apply",
    "blank", "check", "check_fields", "diff", "from_last_year", "load", "masked", "require_fresh",
    "three_way", "totals",
]  # fmt: skip
