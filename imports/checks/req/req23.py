"""是否参加大病保险为空。

Whether the person is insured against major illness is not stated.
"""

from imports.checks.rule import Row, Rule
from imports.enums import Severity

RULE = Rule(
    code="REQ23",
    scope="person",
    severity=Severity.ERROR,
    message="是否参加大病保险为空",
    remedy="补填是否参加大病保险。",
    source="Gzuwkj/fuping:rules/2_01_006.py ; Gzuwkj/fuping:rules/2_12_010.py",
    needs=("in_major_illness_insurance",),
    checks=(Row(condition="@blank(in_major_illness_insurance)"),),
    quotes=False,
)
