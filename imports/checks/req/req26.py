"""已脱贫户脱贫年度为空。

An exited household without the year of its exit.
"""

from imports.checks.rule import Household, Rule
from imports.enums import Severity

RULE = Rule(
    code="REQ26",
    scope="household",
    severity=Severity.ERROR,
    message="已脱贫户脱贫年度为空",
    remedy="补填脱贫年度。",
    source="derived",
    needs=("exit_year", "exit_status", "household_no"),
    checks=(
        Household(
            blames="exit_year",
            condition="@blank(exit_year) AND f.exit_status IN ('1', '4')",
        ),
    ),
    quotes=False,
)
