"""日期格式错误。

A date in none of the accepted forms.
"""

from imports.checks.rule import Rule, Said
from imports.enums import Severity

RULE = Rule(
    code="IMP12",
    scope="cell",
    severity=Severity.SUSPECT,
    message="日期格式错误",
    remedy="写成 2018-12-31、20181231、201812 或 2018年12月。",
    source="Gzuwkj/fuping:rules/5_17_013.py",
    checks=(Said(words=("not_a_date",)),),
    is_structural=True,
)
