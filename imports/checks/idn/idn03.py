"""15位证件号码需升级为18位。

An old number, read as the new one it stands for: 19 before the year, a check digit behind.
"""

from imports.checks.rule import Rule, Said
from imports.enums import Severity

RULE = Rule(
    code="IDN03",
    scope="person",
    severity=Severity.ERROR,
    message="15位证件号码需升级为18位",
    remedy="已按规则升为 18 位写入，请对照证件核对并在原系统更新。",
    source="xiAn-povertyCrucial-bigData/rgbMap:backgroundManage/html/rule.html",
    checks=(Said(words=("upgraded",)),),
)
