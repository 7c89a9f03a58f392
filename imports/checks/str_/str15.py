"""户主未满16岁。

The head is a child.
"""

from imports.checks.rule import Household, Rule
from imports.enums import Severity

RULE = Rule(
    code="STR15",
    scope="household",
    severity=Severity.SUSPECT,
    message="户主未满16岁",
    remedy="核对户主及其出生日期；孤儿户请注明监护人。",
    source="derived",
    parameters={"age": 16},
    needs=("relation_to_head", "id_no|birth_date", "household_no"),
    checks=(
        Household(
            of="members",
            blames="relation_to_head",
            condition="%(partition)s - date_part('year', f.head_born)::int < %(age)s",
        ),
    ),
)
