"""What the rows of division lists and yearly facts must satisfy: pure functions on plain values.

Each function takes raw rows (row number as the spreadsheet shows it, field → text) and returns the
typed rows together with every problem found, so that one run tells all there is to mend.
"""

import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from core.scope import trim
from villages.enums import OWN_DIGITS, Area, Basis, Level, PovertyLevel, Succession

RawRow = tuple[int, Mapping[str, str]]

TWELVE_DIGITS = re.compile(r"[0-9]{12}")
FIRST_YEAR, LAST_YEAR = 2010, 2100
LONGEST_NAME, LONGEST_SOURCE = 60, 200


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in one cell, and how to mend it."""

    row: int
    field: str
    value: str
    message: str
    mend: str

    def __str__(self) -> str:
        return f"第 {self.row} 行「{self.field}」＝「{self.value}」：{self.message}。{self.mend}。"


@dataclass(frozen=True, slots=True)
class DivisionRow:
    """One division in one year's list; `unit_kind` is None when the list does not say."""

    row: int
    code: str
    name: str
    level: str
    parent_code: str
    year: int
    unit_kind: str | None
    statistical_only: bool
    source: str


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """Between two lists one division became another."""

    from_year: int
    to_year: int
    kind: str
    old_code: str
    new_code: str


@dataclass(frozen=True, slots=True)
class PopulationRow:
    row: int
    code: str
    year: int
    basis: str
    persons: int
    source: str


@dataclass(frozen=True, slots=True)
class FactRow:
    """The yearly facts of a county or a village; which one the code's level decides."""

    row: int
    code: str
    year: int
    poverty_level: str
    area: str
    is_deep_poverty: bool
    planned_exit_year: int | None
    exited_year: int | None
    is_poor_village: bool | None
    village_exited_year: int | None
    source: str


Row = TypeVar("Row")
Fact = TypeVar("Fact", PopulationRow, FactRow)
REPEATED = "同一区划、同一年度只能有一行，请删去其中一行"


class Cells:
    """The cells of one row, read one by one; what cannot be read becomes a problem."""

    def __init__(self, row: int, cells: Mapping[str, str], heads: Mapping[str, str]) -> None:
        self.row = row
        self.cells = cells
        self.heads = heads
        self.problems: list[Problem] = []

    def raw(self, field: str) -> str:
        return str(self.cells.get(field) or "").strip()

    def refuse(self, field: str, message: str, mend: str) -> None:
        head = self.heads.get(field, field)
        self.problems.append(Problem(self.row, head, self.raw(field), message, mend))

    def text(self, field: str, longest: int) -> str:
        value = self.raw(field)
        if not value:
            self.refuse(field, "不能为空", "请填写")
        elif len(value) > longest:
            self.refuse(field, f"超过 {longest} 个字符", "请缩短")
        return value

    def whole(self, field: str, low: int, high: int, *, required: bool = True) -> int | None:
        """A whole number between two bounds; None when empty or wrong."""
        value = self.raw(field).replace(",", "")
        if not value and not required:
            return None
        if value.isdecimal() and value.isascii() and low <= int(value[:12]) <= high:
            return int(value)
        self.refuse(field, "不是有效的整数", f"请填 {low} 至 {high} 之间的整数")
        return None

    def choice(self, field: str, words: Mapping[str, str], *, required: bool = True) -> str:
        value = self.raw(field)
        if value in words:
            return words[value]
        if value or required:
            known = "、".join(dict.fromkeys(_labels(words)))
            self.refuse(field, "不是可选的值" if value else "不能为空", f"可填：{known}")
        return ""

    def yes(self, field: str, *, required: bool = False) -> bool | None:
        value = self.choice(field, YES_NO, required=required)
        return None if not value else value == "1"

    def code(self, field: str) -> str:
        """A 12-digit code; the short forms of 2, 4, 6 and 9 digits are filled up with zeros."""
        value = self.raw(field)
        if value.isdecimal() and value.isascii() and len(value) in OWN_DIGITS.values():
            return value.ljust(12, "0")
        self.refuse(field, "不是区划代码", "请填 12 位统计用区划代码，单元格设为文本格式")
        return ""


def _labels(words: Mapping[str, str]) -> Iterable[str]:
    """The Chinese words of a vocabulary; codes are accepted but not advertised."""
    chinese = [word for word in words if not word.isascii()]
    return chinese or list(words)


YES_NO = {
    "是": "1", "否": "0", "1": "1", "0": "0", "true": "1", "false": "0", "True": "1", "False": "0",
}  # fmt: skip
BASES = {
    **{label: value for value, label in Basis.choices},
    **{value: value for value in Basis.values},
    "农业户籍": Basis.AGRICULTURAL_HUKOU.value,
    "乡村人口": Basis.RURAL.value,
}
POVERTY_LEVELS = {
    **{label: value for value, label in PovertyLevel.choices},
    **{value: value for value in PovertyLevel.values},
    "国家重点县": PovertyLevel.NATIONAL.value,
    "省级重点县": PovertyLevel.PROVINCIAL.value,
    "省定贫困县": PovertyLevel.PROVINCIAL.value,
}
AREAS = {
    **{label: value for value, label in Area.choices},
    **{value: value for value in Area.values},
    "中部": Area.CENTRAL.value,
    "西部": Area.WESTERN.value,
}


def code_fits_level(code: str, level: str) -> bool:
    """Whether a 12-digit code can belong to this level: own digits filled, the rest zeros.

    A town may hang under a city directly (东莞): its six-digit part is then the city's.
    """
    own = OWN_DIGITS[level]
    shorter = max((n for n in OWN_DIGITS.values() if n < own), default=0)
    return not code[own:].strip("0") and bool(code[shorter:own].strip("0"))


def lies_below(code: str, parent_code: str) -> bool:
    """Whether a code continues its parent's own digits."""
    return code != parent_code and code.startswith(trim(parent_code))


def divisions(rows: Sequence[RawRow]) -> tuple[list[DivisionRow], list[Problem]]:
    """Read a division list of one or several years."""
    read, problems = _read_all(rows, _division, {})
    by_key: dict[tuple[int, str], DivisionRow] = {}
    for row in read:
        first = by_key.setdefault((row.year, row.code), row)
        if first is not row:
            problems.append(
                Problem(
                    row.row, "code", row.code, f"与第 {first.row} 行重复（{row.year} 年）",
                    "同一年度一个代码只能有一行，请删去其中一行",
                )
            )  # fmt: skip
    for row in read:
        problems.extend(_parent_problems(row, by_key.get((row.year, row.parent_code))))
    return read, sorted(problems, key=lambda problem: problem.row)


def _division(cells: Cells) -> DivisionRow | None:
    code, level = cells.raw("code"), cells.raw("level")
    if not TWELVE_DIGITS.fullmatch(code):
        cells.refuse("code", "不是 12 位数字", "请填 12 位统计用区划代码，单元格设为文本格式")
    elif level in Level.values and not code_fits_level(code, level):
        cells.refuse("code", f"与级别 {level} 不符", "请核对代码和级别")
    if level not in Level.values:
        cells.refuse("level", "没有这个级别", f"可填：{'、'.join(Level.values)}")
    year = cells.whole("year", FIRST_YEAR, LAST_YEAR)
    flag = cells.yes("statistical_only")
    name, source = cells.text("name", LONGEST_NAME), cells.text("source", LONGEST_SOURCE)
    if cells.problems or year is None:
        return None
    unit_kind = cells.raw("unit_kind") if "unit_kind" in cells.cells else None
    parent = cells.raw("parent_code")
    return DivisionRow(cells.row, code, name, level, parent, year, unit_kind, bool(flag), source)


def _parent_problems(row: DivisionRow, parent: DivisionRow | None) -> list[Problem]:
    """A province has no parent; everything else has one in the same year's list, above it."""

    def objection(message: str, mend: str) -> list[Problem]:
        return [Problem(row.row, "parent_code", row.parent_code, message, mend)]

    if row.level == Level.PROVINCE:
        if row.parent_code:
            return objection("省级不应有上级", "请清空这一格")
        return []
    if parent is None:
        return objection(
            f"{row.year} 年的清单里没有这个上级", "请把上级区划的行也放进文件，或改正上级代码"
        )
    if OWN_DIGITS[parent.level] >= OWN_DIGITS[row.level] or not lies_below(row.code, parent.code):
        return objection(f"{parent.name}不可能是 {row.code} 的上级", "请核对代码、级别和上级代码")
    return []


def changes(rows: Sequence[RawRow]) -> tuple[list[ChangeRow], list[Problem]]:
    """Read a change list; rows that only say added or removed carry nothing and are passed over."""
    telling = [row for row in rows if row[1].get("change") not in {"added", "removed"}]
    return _read_all(telling, _change, {})


def _change(cells: Cells) -> ChangeRow | None:
    first = cells.whole("from_year", FIRST_YEAR, LAST_YEAR)
    second = cells.whole("to_year", FIRST_YEAR, LAST_YEAR)
    kind = cells.choice("change", {value: value for value in Succession.values})
    for field in ("old_code", "new_code"):
        if not TWELVE_DIGITS.fullmatch(cells.raw(field)):
            cells.refuse(field, "不是 12 位数字", "请填 12 位统计用区划代码")
    if cells.problems or first is None or second is None:
        return None
    return ChangeRow(first, second, kind, cells.raw("old_code"), cells.raw("new_code"))


def population(
    rows: Sequence[RawRow], heads: Mapping[str, str]
) -> tuple[list[PopulationRow], list[Problem]]:
    """Read population bases (persons); one row per region, year and basis."""
    read, problems = _read_all(rows, _population, heads)
    problems += _repeated(read, lambda row: (row.code, row.year, row.basis), heads)
    return read, sorted(problems, key=lambda problem: problem.row)


def _population(cells: Cells) -> PopulationRow | None:
    code = cells.code("code")
    year = cells.whole("year", FIRST_YEAR, LAST_YEAR)
    basis = cells.choice("basis", BASES)
    persons = cells.whole("persons", 0, 2_000_000_000)
    source = cells.text("source", LONGEST_SOURCE)
    if cells.problems or year is None or persons is None:
        return None
    return PopulationRow(cells.row, code, year, basis, persons, source)


def facts(rows: Sequence[RawRow], heads: Mapping[str, str]) -> tuple[list[FactRow], list[Problem]]:
    """Read the yearly facts of counties and villages; one row per region and year."""
    read, problems = _read_all(rows, _fact, heads)
    problems += _repeated(read, lambda row: (row.code, row.year), heads)
    return read, sorted(problems, key=lambda problem: problem.row)


def _fact(cells: Cells) -> FactRow | None:
    code = cells.code("code")
    year = cells.whole("year", FIRST_YEAR, LAST_YEAR)
    poverty_level = cells.choice("poverty_level", POVERTY_LEVELS, required=False)
    area = cells.choice("area", AREAS, required=False)
    deep = cells.yes("is_deep_poverty")
    planned = cells.whole("planned_exit_year", FIRST_YEAR, LAST_YEAR, required=False)
    exited = cells.whole("exited_year", FIRST_YEAR, LAST_YEAR, required=False)
    poor = cells.yes("is_poor_village")
    village_exit = cells.whole("village_exited_year", FIRST_YEAR, LAST_YEAR, required=False)
    source = cells.text("source", LONGEST_SOURCE)
    if code and year is not None:
        _check_fact_of_level(cells, is_county=code.endswith("000000"), poor=poor)
        _check_exit(cells, "exited_year", exited, year, poverty_level != PovertyLevel.NONE)
        _check_exit(cells, "village_exited_year", village_exit, year, poor is not False)
    if cells.problems or year is None:
        return None
    return FactRow(
        cells.row, code, year, poverty_level, area, bool(deep), planned, exited, poor,
        village_exit, source,
    )  # fmt: skip


COUNTY_FIELDS = ("poverty_level", "area", "planned_exit_year", "exited_year")
VILLAGE_FIELDS = ("is_poor_village", "village_exited_year")


def _check_fact_of_level(cells: Cells, *, is_county: bool, poor: bool | None) -> None:
    """A county's row fills the county's columns and no village column, and the other way round."""
    needed = ("poverty_level", "area") if is_county else ("is_poor_village",)
    foreign, owner = (VILLAGE_FIELDS, "村") if is_county else (COUNTY_FIELDS, "县")
    for field in needed:
        if not cells.raw(field):
            cells.refuse(field, "不能为空", "县填类别和地区，村填是否贫困村")
    for field in foreign:
        if cells.raw(field):
            cells.refuse(field, f"这一列只用于{owner}", "请清空这一格或核对区划代码")


def _check_exit(cells: Cells, field: str, exited: int | None, year: int, may_exit: bool) -> None:
    if exited is None:
        return
    if exited > year:
        cells.refuse(field, f"晚于年度 {year}", "退出年度不能晚于本行年度")
    if not may_exit:
        cells.refuse(field, "不是贫困县（村），不应有退出年度", "请清空这一格或核对类别")


def _read_all(
    rows: Sequence[RawRow], read: Callable[[Cells], Row | None], heads: Mapping[str, str]
) -> tuple[list[Row], list[Problem]]:
    good: list[Row] = []
    problems: list[Problem] = []
    for number, cells in rows:
        reader = Cells(number, cells, heads)
        row = read(reader)
        problems.extend(reader.problems)
        if row is not None:
            good.append(row)
    return good, problems


def _repeated(
    rows: Iterable[Fact], key: Callable[[Fact], Hashable], heads: Mapping[str, str]
) -> list[Problem]:
    seen: dict[Hashable, int] = {}
    problems = []
    for row in rows:
        first = seen.setdefault(key(row), row.row)
        if first != row.row:
            problems.append(
                Problem(
                    row.row, heads.get("code", "code"), row.code, f"与第 {first} 行重复", REPEATED
                )
            )
    return problems
