"""返贫户返贫原因为空。

A relapsed household without the cause.
"""

from imports.checks.rule import Household, Rule
from imports.enums import Severity

RULE = Rule(
    code="REQ27",
    scope="household",
    severity=Severity.ERROR,
    message="返贫户返贫原因为空",
    remedy="补填返贫原因。",
    source="derived",
    needs=("relapse_cause", "exit_status", "household_no"),
    checks=(
        Household(
            blames="relapse_cause",
            condition="@blank(relapse_cause) AND f.exit_status = '3'",
        ),
    ),
    quotes=False,
)
