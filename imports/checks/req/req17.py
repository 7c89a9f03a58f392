"""有无卫生厕所为空。

Whether there is a sanitary toilet is not stated.
"""

from imports.checks.rule import Household, Rule
from imports.enums import Severity

RULE = Rule(
    code="REQ17",
    scope="household",
    severity=Severity.ERROR,
    message="有无卫生厕所为空",
    remedy="补填有无卫生厕所。",
    source="xiAn-povertyCrucial-bigData/rgbMap:backgroundManage/html/rule.html ; Gzuwkj/fuping:rules/3_02_003.py",
    needs=("has_sanitary_toilet", "household_no"),
    checks=(Household(condition="@blank(has_sanitary_toilet)"),),
    quotes=False,
)
