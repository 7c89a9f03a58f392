"""家庭人口过多。

More members than households have as a rule.
"""

from imports.checks.rule import Household, Rule
from imports.enums import Severity

RULE = Rule(
    code="STR13",
    scope="household",
    severity=Severity.SUSPECT,
    message="家庭人口过多",
    remedy="核对是否把两户合并登记。",
    source="public-code index 23669061269",
    parameters={"n": 7},
    needs=("member_count", "household_no"),
    checks=(Household(condition="f.member_count >= %(n)s"),),
)
