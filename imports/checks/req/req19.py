"""是危房户但危房级别为空。

The house is dangerous, and how much is not stated.
"""

from imports.checks.rule import Household, Rule
from imports.enums import Severity

RULE = Rule(
    code="REQ19",
    scope="household",
    severity=Severity.ERROR,
    message="是危房户但危房级别为空",
    remedy="补填危房级别（C 级或 D 级）。",
    source="public-code index 23669061269",
    needs=("dangerous_house_level", "is_dangerous_house", "household_no"),
    checks=(Household(condition="@blank(dangerous_house_level) AND f.is_dangerous_house"),),
    quotes=False,
)
