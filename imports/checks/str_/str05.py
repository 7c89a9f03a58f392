"""一户多个配偶。

More than one member is the head's spouse.
"""

from imports.checks.rule import Member, Rule
from imports.checks.staged import SPOUSE
from imports.enums import Severity

RULE = Rule(
    code="STR05",
    scope="household",
    severity=Severity.ERROR,
    message="一户多个配偶",
    remedy="只保留一名配偶，其余改为实际关系。",
    source="public-code index 6542487859",
    needs=("relation_to_head", "household_no"),
    checks=(
        Member(
            of="members",
            blames="relation_to_head",
            condition=f"r.relation_to_head = '{SPOUSE}' AND f.spouses > 1",
        ),
    ),
)
