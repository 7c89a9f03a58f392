"""主要燃料类型为空。

What the household burns is not stated.
"""

from imports.checks.rule import Household, Rule
from imports.enums import Severity

RULE = Rule(
    code="REQ16",
    scope="household",
    severity=Severity.SUSPECT,
    message="主要燃料类型为空",
    remedy="补填主要燃料类型。",
    source="xiAn-povertyCrucial-bigData/rgbMap:backgroundManage/html/rule.html",
    needs=("main_fuel", "household_no"),
    checks=(Household(condition="@blank(main_fuel)"),),
    quotes=False,
)
