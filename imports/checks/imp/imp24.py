"""同一条记录在文件中出现多次。

One spell of work, or one village, in two rows.
"""

from imports.checks.rule import Elsewhere, Rule
from imports.enums import Severity

RULE = Rule(
    code="IMP24",
    scope="row",
    severity=Severity.ERROR,
    message="同一条记录在文件中出现多次",
    remedy="保留正确的一行，删去其余。",
    source="derived",
    checks=(Elsewhere(module="imports.services.joined"),),
    is_structural=True,
)
