from collections.abc import Callable
from dataclasses import dataclass

HEADS = ["户编号", "姓名", "备注"]


@dataclass(frozen=True)
class Case:
    """`rows` is what is read below the heads, by the number the spreadsheet shows.

    All columns are read as text; the third as `kind`. `sheet` and `encoding` are as they are told.
    """

    build: Callable[[], bytes]
    rows: dict[int, list[str]]
    name: str = "贫困人员.xlsx"
    kind: str = "text"
    header_row: int = 0
    sheet: str = ""
    sheets: tuple[str, ...] = ()
    encoding: str = ""
