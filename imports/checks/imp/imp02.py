"""缺少必需的列。

A column without which no row finds its household or person is not there.
"""

from imports.checks.rule import Elsewhere, Rule
from imports.enums import Severity

RULE = Rule(
    code="IMP02",
    scope="file",
    severity=Severity.ERROR,
    message="缺少必需的列",
    remedy="补上缺少的列后重新上传。",
    source="derived",
    checks=(Elsewhere(module="imports.catalog.recognising"),),
    is_structural=True,
)
