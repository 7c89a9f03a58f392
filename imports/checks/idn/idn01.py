"""证件号码为空。

No document number at all. Who has none is given a placeholder, which IDN07 tells.
"""

from imports.checks.rule import Rule, Said
from imports.enums import Severity

RULE = Rule(
    code="IDN01",
    scope="person",
    severity=Severity.ERROR,
    message="证件号码为空",
    remedy="补填证件号码；确无证件的填 999999 开头的占位号。",
    source="public-code index 23669061269",
    checks=(Said(words=("blank",)),),
    quotes=False,
)
