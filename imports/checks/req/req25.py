"""医疗保险两项同时为空。

Neither medical insurance is stated.

A published rule mixes and with or without brackets and fires on the insured; here both blanks
are asked for. Asked where the file has both columns.
"""

from imports.checks.rule import Row, Rule
from imports.enums import Severity

RULE = Rule(
    code="REQ25",
    scope="person",
    severity=Severity.ERROR,
    message="医疗保险两项同时为空",
    remedy="补填城乡居民或城镇职工基本医疗保险。",
    source="Gzuwkj/fuping:rules/2_01_008.py ; Gzuwkj/fuping:rules/2_12_012.py",
    needs=("in_resident_medical", "in_employee_medical"),
    checks=(Row(condition="@blank(in_resident_medical) AND @blank(in_employee_medical)"),),
    quotes=False,
)
