"""一户多个户主。

More than one member is head. Told at each of them; the others stay.
"""

from households.enums import HEAD
from imports.checks.rule import Member, Rule
from imports.enums import Severity

RULE = Rule(
    code="STR02",
    scope="household",
    severity=Severity.ERROR,
    message="一户多个户主",
    remedy="只保留一名户主。",
    source="public-code index 23669061269 ; public-code index 6542487859 ; Gzuwkj/fuping:rules/3_02_011.py ; Gzuwkj/fuping:rules/3_11_002.py",
    needs=("relation_to_head", "household_no"),
    checks=(
        Member(
            of="members",
            blames="relation_to_head",
            condition=f"r.relation_to_head = '{HEAD}' AND f.heads > 1",
            other="CASE WHEN r.row_no = f.row_no THEN f.last_head ELSE f.row_no END",
        ),
    ),
    is_structural=True,
)
