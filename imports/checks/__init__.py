"""The checks an import makes: the rule catalogue, one module per rule.

`docs/rules.md` tells how a rule is written. Rule codes and wording follow the check list of the
register (groups IMP, IDN, DUP, STR, REQ); codes it does not have are our own and marked as derived.
"""

from imports.checks.catalogue import RULES, WORDS
from imports.checks.effective import Active, Change, complaints, effective
from imports.checks.rule import Rule

__all__ = ["RULES", "WORDS", "Active", "Change", "Rule", "complaints", "effective"]
