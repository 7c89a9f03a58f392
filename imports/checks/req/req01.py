"""民族为空。

The people of the person is not stated.
"""

from imports.checks.rule import Row, Rule
from imports.enums import Severity

RULE = Rule(
    code="REQ01",
    scope="person",
    severity=Severity.ERROR,
    message="民族为空",
    remedy="补填民族。",
    source="xiAn-povertyCrucial-bigData/rgbMap:backgroundManage/html/rule.html ; Gzuwkj/fuping:rules/2_01_001.py ; Gzuwkj/fuping:rules/2_12_002.py",
    needs=("ethnicity",),
    checks=(Row(condition="@blank(ethnicity)"),),
    quotes=False,
)
