"""岳父母、公婆与户主性别不符。

A wife's parents in the household of a woman, or a husband's in that of a man.
"""

from households.enums import FEMALE, MALE
from imports.checks.rule import Member, Rule
from imports.enums import Severity

RULE = Rule(
    code="STR12",
    scope="household",
    severity=Severity.SUSPECT,
    message="岳父母、公婆与户主性别不符",
    remedy="岳父母为男户主配偶的父母，公婆为女户主配偶的父母；请核对与户主关系。",
    source="derived",
    parameters={"of_wife": ["13", "14"], "of_husband": ["15", "16"]},
    needs=("relation_to_head", "sex|id_no", "household_no"),
    checks=(
        Member(
            of="members",
            blames="relation_to_head",
            condition="(r.relation_to_head = ANY(%(of_wife)s) AND"
            f" f.head_sex = '{FEMALE}') OR (r.relation_to_head = ANY(%(of_husband)s) AND"
            f" f.head_sex = '{MALE}')",
        ),
    ),
)
