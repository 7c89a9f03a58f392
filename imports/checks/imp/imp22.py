"""该编号本年度尚未登记。

A supplement to what is registered names a household, person or village that is not.
"""

from imports.checks.rule import Elsewhere, Rule
from imports.enums import Severity

RULE = Rule(
    code="IMP22",
    scope="row",
    severity=Severity.ERROR,
    message="该编号本年度尚未登记",
    remedy="先导入户、人的登记表，或核对编号。",
    source="derived",
    checks=(Elsewhere(module="imports.services.joined"),),
    is_structural=True,
)
