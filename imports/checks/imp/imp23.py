"""与登记的姓名或村不一致。

A supplement tells another name or village than is registered. It is not written.
"""

from imports.checks.rule import Elsewhere, Rule
from imports.enums import Severity

RULE = Rule(
    code="IMP23",
    scope="row",
    severity=Severity.SUSPECT,
    message="与登记的姓名或村不一致",
    remedy="核对哪一边正确；登记信息有误的在档案中更正。",
    source="derived",
    checks=(Elsewhere(module="imports.services.joined"),),
)
