"""证件号码位数异常。

Not 15, 18, 20 or 22 characters.
"""

from imports.checks.rule import Rule, Said
from imports.enums import Severity

RULE = Rule(
    code="IDN02",
    scope="person",
    severity=Severity.ERROR,
    message="证件号码位数异常",
    remedy="身份证 18 位，残疾人证 20 或 22 位。",
    source="xiAn-povertyCrucial-bigData/rgbMap:backgroundManage/html/rule.html ; public-code index 23669061269",
    checks=(Said(words=("length",)),),
)
