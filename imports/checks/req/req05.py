"""劳动能力为空（16-65岁）。

Of working age, and nobody says whether the person can work.

The sets of rules differ on working age, 16-65 until 2017 and 16-59 in 2023: parameters.
"""

from imports.checks.rule import Row, Rule
from imports.enums import Severity

RULE = Rule(
    code="REQ05",
    scope="person",
    severity=Severity.ERROR,
    message="劳动能力为空（16-65岁）",
    remedy="补填劳动技能；不能劳动的选“无劳动力”或“丧失劳动力”。",
    source="xiAn-povertyCrucial-bigData/rgbMap:backgroundManage/html/rule.html ; Gzuwkj/fuping:rules/2_01_003.py ; Gzuwkj/fuping:rules/2_12_001.py",
    parameters={"from_age": 16, "to_age": 65},
    needs=("labour_capacity", "id_no|birth_date"),
    checks=(Row(condition="@blank(labour_capacity) AND @age BETWEEN %(from_age)s AND %(to_age)s"),),
    quotes=False,
)
