"""姓名格式异常。

Digits, Latin letters or blanks in a name, or a single character.

Names of some peoples carry a middle dot and are long: both are allowed.
"""

from imports.checks.rule import Row, Rule
from imports.enums import Severity

RULE = Rule(
    code="IDN13",
    scope="person",
    severity=Severity.SUSPECT,
    message="姓名格式异常",
    remedy="按户口簿改正姓名；姓与名之间不留空格。",
    source="derived",
    needs=("name",),
    checks=(
        Row(condition="r.name <> '' AND (length(r.name) < 2 OR r.name ~ '[0-9A-Za-z[:space:]]')"),
    ),
)
