"""两列对应同一指标。

Two columns mean the same, so which one counts cannot be told.
"""

from imports.checks.rule import Elsewhere, Rule
from imports.enums import Severity

RULE = Rule(
    code="IMP04",
    scope="file",
    severity=Severity.ERROR,
    message="两列对应同一指标",
    remedy="删去其中一列后重新上传。",
    source="derived",
    checks=(Elsewhere(module="imports.catalog.recognising"),),
    is_structural=True,
)
