"""文化程度为空（非在校生）。

Whoever does not attend a school has some education; who attends one is told by that.
"""

from imports.checks.rule import Row, Rule
from imports.enums import Severity

RULE = Rule(
    code="REQ02",
    scope="person",
    severity=Severity.ERROR,
    message="文化程度为空（非在校生）",
    remedy="补填文化程度；未上过学的选“文盲或半文盲”，幼儿选“学龄前儿童”。",
    source="xiAn-povertyCrucial-bigData/rgbMap:backgroundManage/html/rule.html ; Gzuwkj/fuping:rules/3_01_003.py",
    needs=("education_level",),
    checks=(Row(condition="@blank(education_level) AND @value(student_status) IN ('', '01')"),),
    quotes=False,
)
