"""含空格或全角字符。

Blanks, full-width digits, tabs or line breaks; read as if they were not there.
"""

from imports.checks.rule import Rule, Said
from imports.enums import Severity

RULE = Rule(
    code="IMP07",
    scope="cell",
    severity=Severity.SUSPECT,
    message="含空格或全角字符",
    remedy="无需处理；建议在原系统中改正。",
    source="derived",
    checks=(Said(words=("blanks",)),),
)
