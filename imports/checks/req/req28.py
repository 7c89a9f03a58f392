"""识别标准为空。

By which standard the household was identified is not stated.
"""

from imports.checks.rule import Household, Rule
from imports.enums import Severity

RULE = Rule(
    code="REQ28",
    scope="household",
    severity=Severity.ERROR,
    message="识别标准为空",
    remedy="补填识别标准。",
    source="public-code index 23669061269",
    needs=("identification_standard", "household_no"),
    checks=(Household(condition="@blank(identification_standard)"),),
    quotes=False,
)
