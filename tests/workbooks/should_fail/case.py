from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """`code` is what the file is refused with, `name` what it is called on its way in."""

    code: str
    build: Callable[[], bytes]
    name: str = "贫困人员.xlsx"
