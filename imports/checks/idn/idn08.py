"""证件号码中的出生日期无效。

The number tells a birth date that is none, lies after the year, or is too long ago.
"""

from imports.checks.rule import Row, Rule, Said
from imports.enums import Severity

RULE = Rule(
    code="IDN08",
    scope="person",
    severity=Severity.ERROR,
    message="证件号码中的出生日期无效",
    remedy="对照证件原件改正第 7—14 位。",
    source="public-code index 23669061269 ; derived",
    parameters={"max_age": 115},
    checks=(
        Said(words=("birth_date",)),
        Row(
            needs=("id_no",),
            blames="id_no",
            condition="r.id_no__born NOT BETWEEN make_date(%(partition)s - %(max_age)s, 1, 1)"
            " AND make_date(%(partition)s, 12, 31)",
        ),
    ),
)
