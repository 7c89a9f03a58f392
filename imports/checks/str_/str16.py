"""疑似拆户、分户（子女有赡养能力）。

An old person registered alone while an able child lives elsewhere.
"""

from imports.checks.rule import Rule
from imports.enums import Severity

RULE = Rule(
    code="STR16",
    scope="household",
    severity=Severity.SUSPECT,
    message="疑似拆户、分户（子女有赡养能力）",
    remedy="入户核实赡养情况。",
    source="m.2word.com id=622166",
    waits_for="户与户之间的亲属关系，财政供养人员名单",
)
