"""是否解决安全饮用水为空。

Whether safe water was provided is not stated. The question is asked since 2018.
"""

from imports.checks.rule import Household, Rule
from imports.enums import Severity

RULE = Rule(
    code="REQ15",
    scope="household",
    severity=Severity.ERROR,
    message="是否解决安全饮用水为空",
    remedy="补填是否解决安全饮用水。",
    source="Gzuwkj/fuping:rules/3_02_002.py ; Gzuwkj/fuping:rules/5_19_002.py",
    first_year=2018,
    needs=("safe_water_solved", "household_no"),
    checks=(Household(condition="@blank(safe_water_solved)"),),
    quotes=False,
)
