"""耕地面积为空。

The farmland is not stated; who has none says 0.
"""

from imports.checks.rule import Household, Rule
from imports.enums import Severity

RULE = Rule(
    code="REQ20",
    scope="household",
    severity=Severity.ERROR,
    message="耕地面积为空",
    remedy="补填耕地面积（亩），没有的填 0。",
    source="Gzuwkj/fuping:rules/3_02_004.py ; Gzuwkj/fuping:rules/5_14_015.py",
    needs=("farmland_mu", "household_no"),
    checks=(Household(condition="@blank(farmland_mu)"),),
    quotes=False,
)
