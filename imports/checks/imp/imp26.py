"""同户有行被退回，本户一并退回。

Nothing is wrong with the row, but with another one of its household, and whole households were
asked for.
"""

from imports.checks.rule import Elsewhere, Rule
from imports.enums import Severity

RULE = Rule(
    code="IMP26",
    scope="household",
    severity=Severity.SUSPECT,
    message="同户有行被退回，本户一并退回",
    remedy="先更正同户被退回的行；或改选“写入合格的行”。",
    source="derived",
    checks=(Elsewhere(module="imports.services.accepting"),),
    quotes=False,
    is_structural=True,
)
