"""是否通生产用电为空。

Whether power for production reaches the household is not stated.
"""

from imports.checks.rule import Household, Rule
from imports.enums import Severity

RULE = Rule(
    code="REQ07",
    scope="household",
    severity=Severity.ERROR,
    message="是否通生产用电为空",
    remedy="补填是否通生产用电。",
    source="xiAn-povertyCrucial-bigData/rgbMap:backgroundManage/html/rule.html",
    needs=("has_production_power", "household_no"),
    checks=(Household(condition="@blank(has_production_power)"),),
    quotes=False,
)
