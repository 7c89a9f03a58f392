"""联系电话不是11位手机号。

A telephone that is no mobile number. Landlines are allowed.
"""

from imports.checks.rule import Rule, Said
from imports.enums import Severity

RULE = Rule(
    code="IDN15",
    scope="person",
    severity=Severity.SUSPECT,
    message="联系电话不是11位手机号",
    remedy="补全手机号；座机可忽略。",
    source="public-code index 6542487859 ; Gzuwkj/fuping:rules/2_01_013.py ; Gzuwkj/fuping:rules/4_02_001.py ; Gzuwkj/fuping:rules/5_13_003.py",
    checks=(Said(words=("no_mobile",)),),
)
