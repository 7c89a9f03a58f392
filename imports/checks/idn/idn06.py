"""证件类型与号码位数不一致。

The column says identity card, the number is a certificate's, or the other way round.
"""

from households.enums import DISABILITY_ID, RESIDENT_ID
from imports.checks.rule import Row, Rule
from imports.enums import Severity

RULE = Rule(
    code="IDN06",
    scope="person",
    severity=Severity.ERROR,
    message="证件类型与号码位数不一致",
    remedy="按号码改正证件类型：18 位为居民身份证，20 或 22 位为残疾人证。",
    source="public-code index 23669061269",
    needs=("id_type", "id_no"),
    checks=(
        Row(
            condition=f"(r.id_type = '{RESIDENT_ID}' AND r.id_no__is_certificate) OR (r.id_type ="
            f" '{DISABILITY_ID}' AND NOT r.id_no__is_certificate AND r.id_no__born IS NOT NULL)"
        ),
    ),
)
