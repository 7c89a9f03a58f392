"""What can be exported: each app names its lists here and how their rows are read."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from core.papers import Printed
from core.scope import Actor

Terms = Mapping[str, Any]


class Rows(Protocol):
    def __call__(
        self, terms: Terms, actor: Actor, *, region: str, full: bool
    ) -> Iterator[Sequence[Any]]:
        """The cells of every row of `Count`; `full` writes numbers out, else masked."""


class Count(Protocol):
    def __call__(self, terms: Terms, actor: Actor, *, region: str, full: bool) -> int:
        """How many rows the actor may see below the prefix `region`; an empty one limits nothing.

        With `full` only rows whose numbers the actor may see.
        """


class Paper(Protocol):
    def __call__(self, terms: Terms, rows: Sequence[Sequence[Any]], printed: Printed) -> bytes:
        """The rows as a PDF that says at its foot who printed it, when and what for."""


@dataclass(frozen=True)
class Kind:
    """A list that can be exported. `reads` and `reveals` are the rights that rows and full numbers need.

    `paper` lays its rows out as a PDF; a list without it cannot be printed.
    """

    name: str
    label: str
    reads: str
    reveals: str
    headers: tuple[str, ...] | Callable[[Terms], tuple[str, ...]]
    count: Count
    rows: Rows
    words: Callable[[Terms], str]
    paper: Paper | None = None

    def heads(self, terms: Terms) -> tuple[str, ...]:
        """The heads of the columns; where columns can be chosen, the terms say which."""
        return self.headers(terms) if callable(self.headers) else self.headers


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    _kinds[kind.name] = kind


def kind_of(name: str) -> Kind:
    return _kinds[name]


def label_of(name: str) -> str:
    return _kinds[name].label if name in _kinds else name


def words_of(name: str, terms: Terms) -> str:
    """The terms as people read them."""
    return _kinds[name].words(terms) if name in _kinds else ""
