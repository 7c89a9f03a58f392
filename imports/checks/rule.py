"""What a rule of the catalogue is: its words, its numbers, and SQL that finds who breaks it.

A rule says what is wrong; what an import does about it is its effect (`imports.checks.effects`).
Parameters and years are data and may be changed by a city (`imports.models.RuleSetting`).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from imports.checks.effects import default_effect
from imports.checks.staged import Staged
from imports.enums import Effect, Severity

# SQL, or what writes it for the columns a file has.
Sql = str | Callable[[Staged], str]


@dataclass(frozen=True, kw_only=True)
class Check:
    """One way in which a rule is broken.

    `needs` are columns the file must have beside those the rule needs, `of` what its rows must be:
    "members" (every member of a household has a row), "persons" (a person has one row), "households"
    (a household has one), "full" (no supplement to what is registered), "placed" (the file says
    where), "joined persons" (what persons' rows add to registered ones), "" (anything). `blames` is the column at fault.
    """

    needs: tuple[str, ...] = ()
    of: str = ""
    blames: str = ""


@dataclass(frozen=True, kw_only=True)
class Condition(Check):
    """Something that is true of what breaks the rule."""

    condition: Sql


@dataclass(frozen=True, kw_only=True)
class Select(Check):
    """A SELECT of (row number, column at fault, row it clashes with)."""

    sql: Sql


@dataclass(frozen=True, kw_only=True)
class Said(Check):
    """The parsing child found it in a cell: these words of its (`core.workbooks.cells`)."""

    words: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Row(Condition):
    """Asked of one row `r` and its place `p`."""


@dataclass(frozen=True, kw_only=True)
class EachColumn(Check):
    """(condition on `r`, column at fault) for whichever columns the file has."""

    conditions: Callable[[Staged], Iterable[tuple[str, str]]]


@dataclass(frozen=True, kw_only=True)
class Household(Condition):
    """Asked of a household `f`: what its rows add up to, and the row that speaks for it.

    Told once, at that row; when it sends rows back, all rows of the household go and are told.
    """


@dataclass(frozen=True, kw_only=True)
class Member(Condition):
    """Asked of a row `r` and its household `f`; `other` is the row it clashes with."""

    other: str = "f.row_no"


@dataclass(frozen=True, kw_only=True)
class Statement(Select):
    """Asked of the staged rows and the register, before rows are matched."""


@dataclass(frozen=True, kw_only=True)
class Matched(Select):
    """Asked once rows are matched with registered persons (`@matched`)."""


@dataclass(frozen=True, kw_only=True)
class Late(Select):
    """Asked when it is decided what is written; it sends nothing back."""


@dataclass(frozen=True, kw_only=True)
class Elsewhere(Check):
    """Found by a module that cannot ask in one statement; it reports under the rule's code."""

    module: str


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule of the catalogue.

    `needs` names the columns without which it says nothing; "a|b" is met by either. SQL names
    parameters as `%(max_age)s`. `quotes` is false where the value at fault is a blank.
    `is_structural`: switched off, a constraint would break or what a cell says would be lost, so it
    holds always and sends rows back. `waits_for` tells what the product would have to know first:
    such a rule is listed and never asked.
    """

    code: str
    scope: str
    severity: Severity
    message: str
    remedy: str
    source: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    first_year: int | None = None
    last_year: int | None = None
    needs: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    quotes: bool = True
    is_structural: bool = False
    waits_for: str = ""

    @property
    def group(self) -> str:
        return self.code[:3]

    @property
    def effect(self) -> Effect:
        """What an import does about it unless the city says otherwise."""
        return default_effect(self.code, self.severity)

    @property
    def effects(self) -> tuple[Effect, ...]:
        """What a city may make of it."""
        if self.is_structural or self.waits_for or self.effect == Effect.REFUSE:
            return (self.effect,)
        if any(isinstance(check, Late) for check in self.checks):
            return (Effect.FLAG, Effect.NOTE)
        return (Effect.BACK, Effect.FLAG, Effect.NOTE)

    @property
    def is_of_households(self) -> bool:
        """Whether one hit speaks of all rows of a household."""
        return any(isinstance(check, Household) for check in self.checks)

    def applies(self, check: Check, staged: Staged) -> bool:
        """Whether the file has what this check asks about."""
        return staged.is_of(check.of) and all(map(staged.meets, (*self.needs, *check.needs)))

    def blamed(self, check: Check, staged: Staged) -> str:
        """The column a hit points at: said by the check, else the first one needed that is there."""
        if check.blames:
            return check.blames
        for need in (*check.needs, *self.needs):
            for name in need.split("|"):
                if staged.has(name):
                    return name
        return ""
