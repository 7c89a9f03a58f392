"""残疾人证号码不符合校验规则。

A disability certificate is an identity number, a kind (1-7), a level (1-4), perhaps two more.
"""

from imports.checks.rule import Rule, Said
from imports.enums import Severity

RULE = Rule(
    code="IDN05",
    scope="person",
    severity=Severity.ERROR,
    message="残疾人证号码不符合校验规则",
    remedy="前 18 位为身份证号码，第 19 位为类别 1—7，第 20 位为等级 1—4。",
    source="xiAn-povertyCrucial-bigData/rgbMap:backgroundManage/html/rule.html ; Gzuwkj/fuping:rules/1_01_004.py ; Gzuwkj/fuping:rules/1_12_004.py",
    checks=(Said(words=("certificate",)),),
)
