"""Odd files that are sound: how each is made, and the rows it must be read as."""

from tests.workbooks.should_pass import books, old, texts
from tests.workbooks.should_pass.case import HEADS, Case

__all__ = ["CASES", "HEADS", "Case"]

CASES: dict[str, Case] = {**books.CASES, **old.CASES, **texts.CASES}
