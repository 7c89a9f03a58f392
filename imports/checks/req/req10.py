"""入户路类型为空。

What the way to the house is made of is not stated.
"""

from imports.checks.rule import Household, Rule
from imports.enums import Severity

RULE = Rule(
    code="REQ10",
    scope="household",
    severity=Severity.ERROR,
    message="入户路类型为空",
    remedy="补填入户路类型。",
    source="xiAn-povertyCrucial-bigData/rgbMap:backgroundManage/html/rule.html ; Gzuwkj/fuping:rules/3_02_007.py ; Gzuwkj/fuping:rules/5_19_004.py",
    needs=("access_road_type", "household_no"),
    checks=(Household(condition="@blank(access_road_type)"),),
    quotes=False,
)
