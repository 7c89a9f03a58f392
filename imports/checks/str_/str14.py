"""全户均为未成年人。

All members are children. Should be orphans' households; asked when all ages are known.
"""

from imports.checks.rule import Household, Rule
from imports.enums import Severity

RULE = Rule(
    code="STR14",
    scope="household",
    severity=Severity.SUSPECT,
    message="全户均为未成年人",
    remedy="核对是否为孤儿或事实无人抚养儿童，是否漏登监护人。",
    source="derived",
    parameters={"age": 16},
    needs=("id_no|birth_date", "household_no"),
    checks=(
        Household(
            of="members",
            blames="household_no",
            condition="f.births = f.rows"
            " AND %(partition)s - date_part('year', f.eldest)::int < %(age)s",
        ),
    ),
)
