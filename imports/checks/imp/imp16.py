"""应填“是”或“否”。

Something else than yes or no; an empty cell is missing, not no.
"""

from imports.checks.rule import Rule, Said
from imports.enums import Severity

RULE = Rule(
    code="IMP16",
    scope="cell",
    severity=Severity.ERROR,
    message="应填“是”或“否”",
    remedy="填“是”或“否”，不清楚的留空。",
    source="derived",
    checks=(Said(words=("not_yes_no",)),),
    is_structural=True,
)
