"""不在本次导入的区划范围内。

The village lies outside the region this import is for.
"""

from imports.checks.rule import Row, Rule
from imports.enums import Severity

RULE = Rule(
    code="IMP17",
    scope="row",
    severity=Severity.ERROR,
    message="不在本次导入的区划范围内",
    remedy="删去该行，或由有权限的人员导入。",
    source="derived",
    needs=("village_code|region_code",),
    checks=(Row(of="placed", condition="p.village_code NOT LIKE %(region)s"),),
    is_structural=True,
)
