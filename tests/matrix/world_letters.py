"""The three letters, in each of the relations."""

from typing import Any


def make(world: Any, relation: str, code: str, official: Any) -> None:
    """Add the objects of this lot."""
