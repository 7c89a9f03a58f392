"""开户银行或银行卡号为空。

Without bank or account nothing can be paid out. Asked of whichever column the file has.
"""

from imports.checks.rule import Household, Rule
from imports.enums import Severity

RULE = Rule(
    code="REQ30",
    scope="household",
    severity=Severity.SUSPECT,
    message="开户银行或银行卡号为空",
    remedy="补填开户银行和银行卡号。",
    source="public-code index 23669061269",
    needs=("bank_account|bank_name", "household_no"),
    checks=(Household(condition="@blank(bank_name) OR @blank(bank_account)"),),
    quotes=False,
)
