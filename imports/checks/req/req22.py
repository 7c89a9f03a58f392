"""牧草地面积为空。

The grassland is not stated; who has none says 0.
"""

from imports.checks.rule import Household, Rule
from imports.enums import Severity

RULE = Rule(
    code="REQ22",
    scope="household",
    severity=Severity.SUSPECT,
    message="牧草地面积为空",
    remedy="补填牧草地面积（亩），没有的填 0。",
    source="Gzuwkj/fuping:rules/3_02_006.py ; Gzuwkj/fuping:rules/5_14_019.py",
    needs=("grassland_mu", "household_no"),
    checks=(Household(condition="@blank(grassland_mu)"),),
    quotes=False,
)
