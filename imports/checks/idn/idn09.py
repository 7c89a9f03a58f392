"""性别与证件号码不符。

The 17th digit says another sex than the column.
"""

from imports.checks.rule import Row, Rule
from imports.enums import Severity

RULE = Rule(
    code="IDN09",
    scope="person",
    severity=Severity.ERROR,
    message="性别与证件号码不符",
    remedy="以证件为准改正性别，或改正号码第 17 位。",
    source="public-code index 23669061269 ; public-code index 6542487859",
    needs=("sex", "id_no"),
    checks=(
        Row(
            blames="sex",
            condition="r.sex <> '' AND r.id_no__sex <> '' AND r.sex <> r.id_no__sex",
        ),
    ),
)
