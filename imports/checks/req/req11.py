"""住房面积为空。

The floor area is not stated, or is nothing.

A blank and a nought are the same fault; a small house is another rule's. One published housing
rule fires unless two measures are both there; this one asks about one.
"""

from imports.checks.rule import Household, Rule
from imports.enums import Severity

RULE = Rule(
    code="REQ11",
    scope="household",
    severity=Severity.ERROR,
    message="住房面积为空",
    remedy="补填住房面积（平方米）。",
    source="xiAn-povertyCrucial-bigData/rgbMap:backgroundManage/html/rule.html ; Gzuwkj/fuping:rules/3_02_008.py ; Gzuwkj/fuping:rules/5_19_005.py",
    needs=("house_area_m2", "household_no"),
    checks=(Household(condition="@blank(house_area_m2) OR f.house_area_m2 = 0"),),
    quotes=False,
)
