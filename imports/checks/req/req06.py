"""主要致贫原因为空。

Why the household is poor is not stated.
"""

from imports.checks.rule import Household, Rule
from imports.enums import Severity

RULE = Rule(
    code="REQ06",
    scope="household",
    severity=Severity.ERROR,
    message="主要致贫原因为空",
    remedy="补填主要致贫原因。",
    source="xiAn-povertyCrucial-bigData/rgbMap:backgroundManage/html/rule.html",
    needs=("main_cause", "household_no"),
    checks=(Household(condition="@blank(main_cause)"),),
    quotes=False,
)
