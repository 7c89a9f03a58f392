"""贫困户空挂。

A household of nobody: no row names a person, or the household says it has none.
"""

from imports.checks.rule import Household, Rule
from imports.enums import Severity

RULE = Rule(
    code="STR03",
    scope="household",
    severity=Severity.ERROR,
    message="贫困户空挂",
    remedy="补录家庭成员；确已销户的办理清退。",
    source="xiAn-povertyCrucial-bigData/rgbMap:backgroundManage/html/rule.html",
    needs=("household_no",),
    checks=(
        Household(of="members", needs=("person_no",), condition="f.members = 0"),
        Household(of="households", needs=("member_count",), condition="f.member_count = 0"),
    ),
)
