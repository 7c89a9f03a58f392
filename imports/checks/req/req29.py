"""户联系电话为空。

The household cannot be called.
"""

from imports.checks.rule import Household, Rule
from imports.enums import Severity

RULE = Rule(
    code="REQ29",
    scope="household",
    severity=Severity.SUSPECT,
    message="户联系电话为空",
    remedy="补填户联系电话；确无电话的可忽略。",
    source="public-code index 23669061269 ; Gzuwkj/fuping:rules/4_02_001.py",
    needs=("phone", "household_no"),
    checks=(Household(condition="@blank(phone)"),),
    quotes=False,
)
