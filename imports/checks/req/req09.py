"""与村主干路距离为空。

The way to the village's main road is not stated, in kilometres.
"""

from imports.checks.rule import Household, Rule
from imports.enums import Severity

RULE = Rule(
    code="REQ09",
    scope="household",
    severity=Severity.ERROR,
    message="与村主干路距离为空",
    remedy="补填与村主干路距离（公里）。",
    source="xiAn-povertyCrucial-bigData/rgbMap:backgroundManage/html/rule.html ; Gzuwkj/fuping:rules/5_14_021.py",
    needs=("distance_to_main_road_km", "household_no"),
    checks=(Household(condition="@blank(distance_to_main_road_km)"),),
    quotes=False,
)
