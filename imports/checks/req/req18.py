"""是否危房户为空。

Whether the house is dangerous is not stated.
"""

from imports.checks.rule import Household, Rule
from imports.enums import Severity

RULE = Rule(
    code="REQ18",
    scope="household",
    severity=Severity.ERROR,
    message="是否危房户为空",
    remedy="补填是否危房户。",
    source="Gzuwkj/fuping:rules/3_02_009.py ; Gzuwkj/fuping:rules/5_19_006.py",
    needs=("is_dangerous_house", "household_no"),
    checks=(Household(condition="@blank(is_dangerous_house)"),),
    quotes=False,
)
