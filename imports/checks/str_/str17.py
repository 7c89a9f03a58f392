"""与户主关系为空。

A member whose relation to the head is not stated.
"""

from imports.checks.rule import Row, Rule
from imports.enums import Severity

RULE = Rule(
    code="STR17",
    scope="person",
    severity=Severity.ERROR,
    message="与户主关系为空",
    remedy="补填与户主关系。",
    source="Gzuwkj/fuping:rules/3_01_001.py",
    needs=("relation_to_head",),
    checks=(Row(of="members", condition="@blank(relation_to_head)"),),
    quotes=False,
)
