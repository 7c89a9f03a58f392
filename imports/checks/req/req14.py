"""饮水是否安全为空。

Whether the water is safe is not stated. The question was asked until 2017.
"""

from imports.checks.rule import Household, Rule
from imports.enums import Severity

RULE = Rule(
    code="REQ14",
    scope="household",
    severity=Severity.ERROR,
    message="饮水是否安全为空",
    remedy="补填饮水是否安全。",
    source="xiAn-povertyCrucial-bigData/rgbMap:backgroundManage/html/rule.html",
    last_year=2017,
    needs=("drinking_safe", "household_no"),
    checks=(Household(condition="@blank(drinking_safe)"),),
    quotes=False,
)
