"""未识别的列，已原样保存。

A head that no layout and no synonym knows. The column stays with the raw row.
"""

from imports.checks.rule import Rule, Statement
from imports.enums import Severity

RULE = Rule(
    code="IMP03",
    scope="file",
    severity=Severity.SUSPECT,
    message="未识别的列，已原样保存",
    remedy="无需处理；确属登记指标的，请管理员登记该列名的异写。",
    source="derived",
    checks=(Statement(sql="SELECT 0, name, NULL::int FROM unnest(%(unknown)s::text[]) AS name"),),
)
