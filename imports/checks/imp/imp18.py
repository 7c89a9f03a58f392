"""该年度已关闭或与文件年度不一致。

The row says it is of another year than the one it is loaded into.
"""

from imports.checks.rule import Row, Rule
from imports.enums import Severity

RULE = Rule(
    code="IMP18",
    scope="row",
    severity=Severity.ERROR,
    message="该年度已关闭或与文件年度不一致",
    remedy="选择正确的年度后重新上传。",
    source="derived",
    needs=("partition",),
    checks=(Row(condition="r.partition <> '' AND left(r.partition, 4) <> %(partition)s::text"),),
    is_structural=True,
)
