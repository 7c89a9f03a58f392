"""应为数字。

A text where a number should stand.
"""

from imports.checks.rule import Rule, Said
from imports.enums import Severity

RULE = Rule(
    code="IMP14",
    scope="cell",
    severity=Severity.ERROR,
    message="应为数字",
    remedy="只填数字，可带小数点和千分位逗号。",
    source="derived",
    checks=(Said(words=("not_a_number",)),),
    is_structural=True,
)
