"""What is asked of a household's entry as it is typed: plain values in, findings out, no database.

Codes and wording are those of the import's catalogue wherever it asks the same, so that a page and a
returned workbook say the same thing; a test holds them together.
"""

from households.checks.fields import found_in
from households.checks.findings import Finding, Findings, Stated, StatedMember
from households.checks.households import of_household
from households.checks.income import totals
from households.checks.people import ABLE, NOT_AT_SCHOOL, of_members, told_by_number

__all__ = [
    "ABLE", "NOT_AT_SCHOOL", "Finding", "Findings", "Stated", "StatedMember", "found_in", "of_household", "of_members",
    "told_by_number", "totals",
]  # fmt: skip
