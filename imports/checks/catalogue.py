"""All rules, collected from the packages beside this file: one module, one rule, named alike."""

from importlib import import_module
from pathlib import Path

from imports.checks.rule import Rule, Said

GROUPS = ("imp", "idn", "dup", "str_", "req", "ext")


def _collected() -> dict[str, Rule]:
    found = {}
    for group in GROUPS:
        for path in sorted((Path(__file__).parent / group).glob("[!_]*.py")):
            rule: Rule = import_module(f"{__package__}.{group}.{path.stem}").RULE
            if rule.code.lower() != path.stem:
                raise ValueError(f"{path.stem} holds {rule.code}")
            found[rule.code] = rule
    return found


RULES: dict[str, Rule] = _collected()

# What the parsing child says of a cell → the rule it breaks.
WORDS: dict[str, str] = {
    word: rule.code
    for rule in RULES.values()
    for check in rule.checks
    if isinstance(check, Said)
    for word in check.words
}
