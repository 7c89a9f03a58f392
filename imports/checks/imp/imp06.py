"""代码表外的取值。

A text that the column's code list does not know, under any wording.
"""

from imports.checks.rule import Rule, Said
from imports.enums import Severity

RULE = Rule(
    code="IMP06",
    scope="cell",
    severity=Severity.ERROR,
    message="代码表外的取值",
    remedy="改为下拉选项中的规范名称；确属新选项的，请管理员先登记。",
    source="public-code index 6542487859",
    checks=(Said(words=("unknown_label",)),),
    is_structural=True,
)
