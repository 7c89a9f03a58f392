"""The catalogue itself: complete, consistent, and every rule with a case for and against it."""

import re
from typing import Any

import pytest

from imports.checks import RULES, WORDS
from imports.checks.effects import why
from imports.checks.rule import Elsewhere, Late, Said
from imports.enums import Effect, Severity
from tests.imports.rules import test_cases, test_register
from tests.imports.rules.test_cases import TABLES

pytestmark = pytest.mark.unit

# The check list of the register, group by group: how many rules, and which are suspects.
LISTED = {"IMP": 13, "IDN": 18, "DUP": 9, "STR": 17, "REQ": 30}
SUSPECTS = {
    *(f"IMP{n:02d}" for n in (3, 7, 9, 12, 13)),
    *(f"IDN{n:02d}" for n in (10, 11, 13, 15, 16, 17, 18)),
    "DUP07",
    *(f"STR{n:02d}" for n in (9, 10, 11, 12, 13, 14, 15, 16)),
    *(f"REQ{n:02d}" for n in (8, 16, 21, 22, 29, 30)),
}
WAITING = {"DUP03", "DUP04", "DUP06", "DUP09", "STR16"}
OWN = {*(f"IMP{n}" for n in (*range(14, 28),)), "DUP10", "DUP11", "EXT01"}


def listed() -> set[str]:
    return {f"{group}{n:02d}" for group, count in LISTED.items() for n in range(1, count + 1)}


def test_every_rule_of_the_check_list_is_there_and_ours_are_apart() -> None:
    assert set(RULES) == listed() | OWN
    assert not listed() & OWN


def test_severities_are_those_of_the_check_list() -> None:
    assert {code for code in listed() if RULES[code].severity == Severity.SUSPECT} == SUSPECTS


def test_years_are_those_of_the_check_list() -> None:
    limited = {
        code: (rule.first_year, rule.last_year)
        for code, rule in RULES.items()
        if rule.first_year or rule.last_year
    }
    assert limited == {
        "IDN17": (2022, None),
        "DUP06": (2019, None),
        "REQ13": (None, 2017),
        "REQ14": (None, 2017),
        "REQ15": (2018, None),
    }


def test_every_rule_has_a_case_for_and_against_it() -> None:
    """In the tables a mark tells which; elsewhere a named test shows both."""
    for code, rule in RULES.items():
        cases = [case for case in TABLES.get(rule.group, []) + TABLES["IMP"] if case.code == code]
        marks = {"!" in row for case in cases for home in case.homes for row in home}
        if rule.waits_for:
            assert not cases
            assert not rule.checks
        elif code in test_register.COVERS:
            name = test_register.COVERS[code]
            assert name.startswith("tests.") or hasattr(test_register, name)
        else:
            assert marks == {True, False}, code
    assert hasattr(test_cases, "test_rules_fire_where_they_must_and_nowhere_else")


def test_what_cannot_be_decided_says_what_it_waits_for() -> None:
    assert {code for code, rule in RULES.items() if rule.waits_for} == WAITING
    assert all(rule.checks for code, rule in RULES.items() if code not in WAITING)


@pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
def test_rule_speaks_to_clerks(rule: Any) -> None:
    for text in (rule.message, rule.remedy):
        assert re.search("[一-龥]", text)
        assert not re.search(r"[,;:!?()]", text), text
    assert rule.remedy.endswith("。")
    assert not rule.message.endswith("。")
    assert rule.source
    assert len(rule.code) == 5
    assert why(rule.code, rule.severity)
    assert rule.effect in rule.effects


def test_effects_follow_the_severity_but_for_what_would_break_or_get_lost() -> None:
    effects = {code: rule.effect for code, rule in RULES.items() if not rule.waits_for}
    assert {code for code, effect in effects.items() if effect == Effect.REFUSE} == {
        "IMP01", "IMP02", "IMP04",
    }  # fmt: skip
    assert all(effects[code] in (Effect.FLAG, Effect.NOTE) for code in effects if code[:3] == "REQ")
    for code, effect in effects.items():
        severity = RULES[code].severity
        if effect == Effect.FLAG:
            assert severity == Severity.ERROR, code
        if severity == Severity.ERROR and code[:3] != "IMP":
            assert effect != Effect.NOTE, code
    for code, rule in RULES.items():
        if rule.is_structural:
            assert rule.effects == (rule.effect,), code
            assert rule.effect in (Effect.BACK, Effect.REFUSE), code


def test_late_rules_send_nothing_back() -> None:
    late = [
        rule for rule in RULES.values() if any(isinstance(check, Late) for check in rule.checks)
    ]
    assert {rule.code for rule in late} == {"STR04", "IDN14"}
    assert all(Effect.BACK not in rule.effects for rule in late)


def test_words_of_the_parser_lead_to_one_rule_each() -> None:
    said = [
        word
        for rule in RULES.values()
        for check in rule.checks
        if isinstance(check, Said)
        for word in check.words
    ]
    assert len(said) == len(set(said)) == len(WORDS)


def test_rules_found_elsewhere_name_a_module_that_knows_them() -> None:
    from importlib import import_module
    from pathlib import Path

    for code, rule in RULES.items():
        for check in rule.checks:
            if isinstance(check, Elsewhere):
                source = Path(import_module(check.module).__file__ or "").read_text("utf-8")
                assert f'"{code}"' in source or f"'{code}'" in source, code


def test_every_parameter_changes_something() -> None:
    """Named in the rule's SQL; what the parsing child and the recognising of heads are told, apart."""
    from importlib import import_module
    from pathlib import Path

    from imports.checks.catalogue import GROUPS

    for code, rule in RULES.items():
        group = next(name for name in GROUPS if name.rstrip("_") == rule.group.lower())
        module = import_module(f"imports.checks.{group}.{code.lower()}")
        source = Path(module.__file__ or "").read_text("utf-8")
        if code not in ("IMP01", "IDN11"):
            assert all(f"%({name})s" in source for name in rule.parameters), code
