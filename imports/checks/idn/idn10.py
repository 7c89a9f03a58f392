"""出生日期与证件号码不符。

The column says another birth date than the number.
"""

from imports.checks.rule import Row, Rule
from imports.enums import Severity

RULE = Rule(
    code="IDN10",
    scope="person",
    severity=Severity.SUSPECT,
    message="出生日期与证件号码不符",
    remedy="以证件为准改正。",
    source="public-code index 23669061269",
    needs=("birth_date", "id_no"),
    checks=(Row(blames="birth_date", condition="r.birth_date <> r.id_no__born"),),
)
