"""同一人同时在两类户中。

A member of a registered household is on the list of unregistered monitored ones too.
"""

from imports.checks.rule import Rule
from imports.enums import Severity

RULE = Rule(
    code="DUP06",
    scope="person",
    severity=Severity.ERROR,
    message="同一人同时在两类户中",
    remedy="核对后从其中一类中移出。",
    source="Gzuwkj/fuping:rules/1_01_001.py ; Gzuwkj/fuping:rules/1_12_001.py",
    first_year=2019,
    waits_for="未建档立卡的监测对象名单（边缘易致贫户、突发严重困难户）",
)
