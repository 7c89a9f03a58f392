"""结束时间早于开始时间。

A spell of work that ended before it began.
"""

from imports.checks.rule import Elsewhere, Rule
from imports.enums import Severity

RULE = Rule(
    code="IMP25",
    scope="row",
    severity=Severity.ERROR,
    message="结束时间早于开始时间",
    remedy="核对外出和返回的时间。",
    source="derived",
    checks=(Elsewhere(module="imports.services.joined"),),
    is_structural=True,
)
