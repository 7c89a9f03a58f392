"""在校生情况为空（6-23岁）。

Of school age, and nobody says whether the child goes to one.
"""

from imports.checks.rule import Row, Rule
from imports.enums import Severity

RULE = Rule(
    code="REQ03",
    scope="person",
    severity=Severity.ERROR,
    message="在校生情况为空（6-23岁）",
    remedy="补填在校生状况；不在校的选“非在校生”。",
    source="xiAn-povertyCrucial-bigData/rgbMap:backgroundManage/html/rule.html",
    parameters={"from_age": 6, "to_age": 23},
    needs=("student_status", "id_no|birth_date"),
    checks=(Row(condition="@blank(student_status) AND @age BETWEEN %(from_age)s AND %(to_age)s"),),
    quotes=False,
)
