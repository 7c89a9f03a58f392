"""身份证号码不符合校验规则。

The check digit of an identity number does not fit the others, or it is none.
"""

from imports.checks.rule import Rule, Said
from imports.enums import Severity

RULE = Rule(
    code="IDN04",
    scope="person",
    severity=Severity.ERROR,
    message="身份证号码不符合校验规则",
    remedy="对照身份证原件改正，最易错的是末位和相邻两位颠倒。",
    source="GB 11643-1999 ; xiAn-povertyCrucial-bigData/rgbMap:backgroundManage/html/rule.html ; Gzuwkj/fuping:rules/1_01_003.py ; Gzuwkj/fuping:rules/1_12_002.py",
    checks=(Said(words=("letters", "checksum")),),
)
