"""是否通生活用电为空。

Whether power for the house reaches it is not stated.
"""

from imports.checks.rule import Household, Rule
from imports.enums import Severity

RULE = Rule(
    code="REQ12",
    scope="household",
    severity=Severity.ERROR,
    message="是否通生活用电为空",
    remedy="补填是否通生活用电。",
    source="xiAn-povertyCrucial-bigData/rgbMap:backgroundManage/html/rule.html ; Gzuwkj/fuping:rules/2_02_002.py ; Gzuwkj/fuping:rules/5_15_002.py",
    needs=("has_domestic_power", "household_no"),
    checks=(Household(condition="@blank(has_domestic_power)"),),
    quotes=False,
)
