"""省内市外人员重复。

A person of the file is registered in another city of the province.
"""

from imports.checks.rule import Rule
from imports.enums import Severity

RULE = Rule(
    code="DUP03",
    scope="person",
    severity=Severity.ERROR,
    message="省内市外人员重复",
    remedy="由省级核对后通知两地。",
    source="xiAn-povertyCrucial-bigData/rgbMap:backgroundManage/html/rule.html",
    waits_for="省级人员名单（其他市的在册人员证件索引）",
)
