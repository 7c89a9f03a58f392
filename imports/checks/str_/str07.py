"""与户主关系和性别不符（应为男）。

The relation is a man's, the person is not. Which relations are is told by their code list.
"""

from households.enums import FEMALE
from imports.checks.rule import Row, Rule
from imports.enums import Severity

RULE = Rule(
    code="STR07",
    scope="person",
    severity=Severity.ERROR,
    message="与户主关系和性别不符（应为男）",
    remedy="核对性别、证件号码和与户主关系。",
    source="xiAn-povertyCrucial-bigData/rgbMap:backgroundManage/html/rule.html ; Gzuwkj/fuping:rules/2_01_004.py",
    needs=("relation_to_head", "sex|id_no"),
    checks=(
        Row(
            blames="relation_to_head",
            condition=f"@sex = '{FEMALE}' AND r.relation_to_head = ANY(%(male_relations)s)",
        ),
    ),
)
