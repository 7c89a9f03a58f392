"""养老保险两项同时为空。

Neither pension is stated, of somebody old enough to pay in.

Asked where the file has both columns: one alone cannot tell that both are blank.
"""

from imports.checks.rule import Row, Rule
from imports.enums import Severity

RULE = Rule(
    code="REQ24",
    scope="person",
    severity=Severity.ERROR,
    message="养老保险两项同时为空",
    remedy="补填城乡居民或城镇职工基本养老保险。",
    source="Gzuwkj/fuping:rules/2_01_007.py ; Gzuwkj/fuping:rules/5_19_001.py",
    parameters={"from_age": 16},
    needs=("in_resident_pension", "in_employee_pension", "id_no|birth_date"),
    checks=(
        Row(
            condition="@blank(in_resident_pension) AND @blank(in_employee_pension) AND @age >= %(from_age)s"
        ),
    ),
    quotes=False,
)
