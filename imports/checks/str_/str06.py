"""户主与配偶同性别。

Head and spouse are of one sex.
"""

from imports.checks.rule import Member, Rule
from imports.checks.staged import SPOUSE
from imports.enums import Severity

RULE = Rule(
    code="STR06",
    scope="household",
    severity=Severity.ERROR,
    message="户主与配偶同性别",
    remedy="核对两人的性别、证件号码和与户主关系。",
    source="xiAn-povertyCrucial-bigData/rgbMap:backgroundManage/html/rule.html ; Gzuwkj/fuping:rules/2_02_001.py ; Gzuwkj/fuping:rules/2_11_003.py ; Gzuwkj/fuping:rules/2_12_008.py ; public-code index 6542487859",
    needs=("relation_to_head", "sex|id_no", "household_no"),
    checks=(
        Member(
            of="members",
            blames="relation_to_head",
            condition=f"r.relation_to_head = '{SPOUSE}' AND @sex = f.head_sex",
        ),
    ),
)
