"""饮水是否困难为空。

Whether water is hard to come by is not stated. The question was asked until 2017.
"""

from imports.checks.rule import Household, Rule
from imports.enums import Severity

RULE = Rule(
    code="REQ13",
    scope="household",
    severity=Severity.ERROR,
    message="饮水是否困难为空",
    remedy="补填饮水是否困难。",
    source="xiAn-povertyCrucial-bigData/rgbMap:backgroundManage/html/rule.html",
    last_year=2017,
    needs=("drinking_difficult", "household_no"),
    checks=(Household(condition="@blank(drinking_difficult)"),),
    quotes=False,
)
