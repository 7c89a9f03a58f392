"""是否加入农民专业合作社为空。

Whether the household is in a cooperative is not stated.
"""

from imports.checks.rule import Household, Rule
from imports.enums import Severity

RULE = Rule(
    code="REQ08",
    scope="household",
    severity=Severity.SUSPECT,
    message="是否加入农民专业合作社为空",
    remedy="补填是否加入农民专业合作社。",
    source="xiAn-povertyCrucial-bigData/rgbMap:backgroundManage/html/rule.html",
    needs=("in_cooperative", "household_no"),
    checks=(Household(condition="@blank(in_cooperative)"),),
    quotes=False,
)
