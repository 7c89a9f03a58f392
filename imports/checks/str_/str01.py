"""贫困户无户主。

Nobody in the household is its head.
"""

from imports.checks.rule import Household, Rule
from imports.enums import Severity

RULE = Rule(
    code="STR01",
    scope="household",
    severity=Severity.ERROR,
    message="贫困户无户主",
    remedy="把一名成员的“与户主关系”改为户主。",
    source="xiAn-povertyCrucial-bigData/rgbMap:backgroundManage/html/rule.html ; public-code index 23669061269 ; Gzuwkj/fuping:rules/3_02_012.py ; Gzuwkj/fuping:rules/3_11_001.py",
    needs=("relation_to_head", "household_no"),
    checks=(Household(blames="relation_to_head", of="members", condition="f.heads = 0"),),
)
