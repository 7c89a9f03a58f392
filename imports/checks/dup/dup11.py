"""该编号或证件号码已在本次导入的区划以外登记。

The number is taken by somebody whom the person loading may not see.

Only that it is taken is told, not by whom nor where.
"""

from imports.checks.rule import Elsewhere, Rule
from imports.enums import Severity

RULE = Rule(
    code="DUP11",
    scope="row",
    severity=Severity.ERROR,
    message="该编号或证件号码已在本次导入的区划以外登记",
    remedy="请对方先办理转出，或由上一级导入；号码写错的请改正。",
    source="derived from DUP02",
    checks=(Elsewhere(module="imports.services.elsewhere"),),
    is_structural=True,
)
