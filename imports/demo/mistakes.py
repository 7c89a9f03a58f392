"""Mistakes that clerks and spreadsheets make, planted in a workbook so that an import can be tried."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from imports.demo.places import random_for

Cells = list[str]
_WIDE = {ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789"}


class Mistakes:
    """Changes a share of the rows, every kind in turn; `planted` counts them by kind."""

    def __init__(self, identifiers: Sequence[str], share: float, seed: Sequence[object]) -> None:
        self.share = share
        self.planted: Counter[str] = Counter()
        self._draw = random_for("mistakes", *seed).random
        self._at = {name: at for at, name in enumerate(identifiers) if name}
        self._next = 0

    def applied(self, cells: Cells) -> Iterator[Cells]:
        """The row as it goes into the workbook; a duplicate makes it two."""
        if not self.share or self._draw() >= self.share:
            yield cells
            return
        for _ in KINDS:
            name, change = KINDS[self._next % len(KINDS)]
            self._next += 1
            changed = change(self._at, cells)
            if changed is not None:
                self.planted[name] += 1
                yield from changed
                return
        yield cells


At = dict[str, int]
Change = Callable[[At, Cells], list[Cells] | None]


def _set(at: At, cells: Cells, name: str, text: str) -> list[Cells] | None:
    """The row with another text in one column; nothing where the layout lacks it or it was empty."""
    if name not in at or not cells[at[name]]:
        return None
    changed = cells.copy()
    changed[at[name]] = text
    return [changed]


def _value(at: At, cells: Cells, name: str) -> str:
    return cells[at[name]] if name in at else ""


def _wrong_check_digit(at: At, cells: Cells) -> list[Cells] | None:
    number = _value(at, cells, "id_no")
    if len(number) < 18 or number.startswith("999999"):
        return None
    other = "1" if number[17] != "1" else "2"
    return _set(at, cells, "id_no", number[:17] + other + number[18:])


def _lost_digits(at: At, cells: Cells) -> list[Cells] | None:
    number = _value(at, cells, "household_no")
    return _set(at, cells, "household_no", f"{float(number):.2E}") if number else None


def _unknown_village(at: At, cells: Cells) -> list[Cells] | None:
    return _set(at, cells, "village_code", "查无此村")


def _unknown_label(at: At, cells: Cells) -> list[Cells] | None:
    return _set(at, cells, "health_status", "亚健康") or _set(
        at, cells, "access_road_type", "木板路"
    )


def _duplicate(at: At, cells: Cells) -> list[Cells] | None:
    return [cells, cells.copy()]


def _second_head(at: At, cells: Cells) -> list[Cells] | None:
    head = "本人或户主"
    if _value(at, cells, "relation_to_head") in ("", head):
        return None
    return _set(at, cells, "relation_to_head", head)


def _wide_digits(at: At, cells: Cells) -> list[Cells] | None:
    name = "phone" if _value(at, cells, "phone") else "member_count"
    return _set(at, cells, name, _value(at, cells, name).translate(_WIDE))


def _blanks(at: At, cells: Cells) -> list[Cells] | None:
    name = "name" if "name" in at else "head_name"
    return _set(at, cells, name, f"\u3000{_value(at, cells, name)} ")


def _unknown_cause(at: At, cells: Cells) -> list[Cells] | None:
    return _set(at, cells, "main_cause", "因懒")


KINDS: tuple[tuple[str, Change], ...] = (
    ("身份证校验位错误", _wrong_check_digit),
    ("户编号变成科学计数", _lost_digits),
    ("村名对不上", _unknown_village),
    ("代码表外取值", _unknown_label),
    ("重复行", _duplicate),
    ("一户两个户主", _second_head),
    ("全角数字", _wide_digits),
    ("姓名含空格", _blanks),
    ("致贫原因对不上", _unknown_cause),
)
