"""证件号码地区码无效。

The first two digits are no province's.

Read by the parsing child, so a changed list holds for files read after the change. Numbers of
the demonstration belong to nobody and begin with 99; a city without it empties that list.
"""

from imports.checks.rule import Rule, Said
from imports.enums import Severity

_RANGES = ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (71, 71), (81, 82))
PROVINCES = [str(code) for first, last in _RANGES for code in range(first, last + 1)]

RULE = Rule(
    code="IDN11",
    scope="person",
    severity=Severity.SUSPECT,
    message="证件号码地区码无效",
    remedy="对照证件原件改正前 6 位。",
    source="GB 11643-1999",
    parameters={"provinces": PROVINCES, "demonstration": ["99"]},
    checks=(Said(words=("province",)),),
)
