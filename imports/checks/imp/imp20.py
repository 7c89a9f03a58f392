"""编号含有数字和字母以外的字符，或超过 20 位。

A number with characters that no number has.
"""

from collections.abc import Iterable

from imports.checks.rule import EachColumn, Rule, Said
from imports.checks.staged import Staged
from imports.enums import Severity


def _odd(staged: Staged) -> Iterable[tuple[str, str]]:
    for name in ("household_no", "person_no"):
        if staged.has(name):
            # Counting in the pattern would cost ten times as much.
            yield f"length(r.{name}) > 20 OR r.{name} ~ '[^0-9A-Za-z]'", name


RULE = Rule(
    code="IMP20",
    scope="cell",
    severity=Severity.ERROR,
    message="编号含有数字和字母以外的字符，或超过 20 位",
    remedy="核对编号，去掉多余字符。",
    source="derived",
    checks=(
        Said(words=("not_storable",)),
        EachColumn(conditions=_odd),
    ),
    is_structural=True,
)
