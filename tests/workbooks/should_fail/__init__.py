"""Hostile and useless files by name: how each is made, and the stable code it is refused with."""

from tests.workbooks.should_fail import archives, kinds, markup, sizes, texts
from tests.workbooks.should_fail.case import Case

__all__ = ["CASES", "Case"]

CASES: dict[str, Case] = {
    **archives.CASES,
    **kinds.CASES,
    **markup.CASES,
    **sizes.CASES,
    **texts.CASES,
}
