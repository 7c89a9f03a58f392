"""林地面积为空。

The forest is not stated; who has none says 0.
"""

from imports.checks.rule import Household, Rule
from imports.enums import Severity

RULE = Rule(
    code="REQ21",
    scope="household",
    severity=Severity.SUSPECT,
    message="林地面积为空",
    remedy="补填林地面积（亩），没有的填 0。",
    source="Gzuwkj/fuping:rules/3_02_005.py ; Gzuwkj/fuping:rules/5_14_016.py",
    needs=("forest_mu", "household_no"),
    checks=(Household(condition="@blank(forest_mu)"),),
    quotes=False,
)
