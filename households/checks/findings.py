"""What a check finds, and what it is asked about."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with one field: `where` as an edit names it, in words that say how to mend it.

    `whose` is the same place by the person's number in place of the position in the edit.
    """

    where: str
    message: str
    code: str
    is_query: bool = False
    whose: str = field(default="", compare=False)

    @property
    def key(self) -> str:
        """What an edit's `confirmed` names a query by."""
        return f"{self.code}:{self.where}"


@dataclass(frozen=True, slots=True)
class Findings:
    """Errors block; queries want a reason; `known` stood in the register before this edit.

    `open` are the queries that the edit gives no reason for yet.
    """

    errors: list[Finding] = field(default_factory=list)
    queries: list[Finding] = field(default_factory=list)
    known: list[Finding] = field(default_factory=list)
    open: list[Finding] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class StatedMember:
    """A member as the edit would leave them.

    `at` is the place in the edit ("" for a member whom the edit does not name), `key` the person's
    number or, of a new one, the place.
    """

    at: str
    key: str
    person: Mapping[str, Any]
    year: Mapping[str, Any]
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Stated:
    """A household and year as the edit would leave them: values by field name, None or "" missing."""

    partition: int
    household: Mapping[str, Any]
    year: Mapping[str, Any]
    members: list[StatedMember] = field(default_factory=list)
    is_new: bool = False
