"""既是帮扶责任人又是贫困人口。

A helper is registered as a poor person.
"""

from imports.checks.rule import Rule
from imports.enums import Severity

RULE = Rule(
    code="DUP09",
    scope="person",
    severity=Severity.ERROR,
    message="既是帮扶责任人又是贫困人口",
    remedy="核对帮扶责任人；更换责任人或更正证件号码。",
    source="xiAn-povertyCrucial-bigData/rgbMap:backgroundManage/html/rule.html",
    waits_for="帮扶责任人的证件号码（结对帮扶名单）",
)
