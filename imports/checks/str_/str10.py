"""父母与户主年龄差过小。

A father or mother hardly older than the head, or younger. Ages are those of 31 December.
"""

from imports.checks.rule import Member, Rule
from imports.enums import Severity

RULE = Rule(
    code="STR10",
    scope="person",
    severity=Severity.SUSPECT,
    message="父母与户主年龄差过小",
    remedy="核对两人的出生日期和与户主关系（可能为继父母）。",
    source="derived",
    parameters={"gap": 14, "relations": ["11", "12"]},
    needs=("relation_to_head", "id_no|birth_date", "household_no"),
    checks=(
        Member(
            of="members",
            blames="relation_to_head",
            condition="r.relation_to_head = ANY(%(relations)s) AND"
            " date_part('year', f.head_born) - date_part('year', @born) < %(gap)s",
        ),
    ),
)
