"""健康状况为空。

The state of health is not stated; blank is not healthy.
"""

from imports.checks.rule import Row, Rule
from imports.enums import Severity

RULE = Rule(
    code="REQ04",
    scope="person",
    severity=Severity.ERROR,
    message="健康状况为空",
    remedy="补填健康状况。",
    source="xiAn-povertyCrucial-bigData/rgbMap:backgroundManage/html/rule.html ; Gzuwkj/fuping:rules/2_01_002.py ; Gzuwkj/fuping:rules/2_12_003.py",
    needs=("health_status",),
    checks=(Row(condition="@blank(health_status)"),),
    quotes=False,
)
