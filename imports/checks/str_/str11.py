"""孙辈与户主年龄差过小。

A grandchild too close in age to the head. Ages are those of 31 December.
"""

from imports.checks.rule import Member, Rule
from imports.enums import Severity

RULE = Rule(
    code="STR11",
    scope="person",
    severity=Severity.SUSPECT,
    message="孙辈与户主年龄差过小",
    remedy="核对两人的出生日期和与户主关系。",
    source="derived",
    parameters={"gap": 28, "relations": ["07", "08", "09", "10"]},
    needs=("relation_to_head", "id_no|birth_date", "household_no"),
    checks=(
        Member(
            of="members",
            blames="relation_to_head",
            condition="r.relation_to_head = ANY(%(relations)s) AND"
            " date_part('year', @born) - date_part('year', f.head_born) < %(gap)s",
        ),
    ),
)
