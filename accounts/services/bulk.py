"""A list of people who are to get accounts, judged row by row before anything is written."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from accounts.models import User
from accounts.queries import places_by_name, places_called
from accounts.roles import MANAGE_USERS
from accounts.services.users import USERNAME, USERNAME_WORDS, Applicant

COLUMNS = ("用户名", "姓名", "单位", "县", "乡镇", "村")
PLACES = COLUMNS[3:]
_LONGEST = {"姓名": 60, "单位": 100}


@dataclass(frozen=True)
class Line:
    """One row of the list: its number in the workbook and its cells by column."""

    row_no: int
    cells: dict[str, str]


@dataclass(frozen=True)
class Fault:
    """What is wrong in a row, in which column, and what to do about it."""

    row_no: int
    column: str
    value: str
    message: str
    remedy: str


def judge(lines: Sequence[Line], by: User) -> tuple[list[Applicant], list[Fault]]:
    """The people of the sound rows, and the faults of the others, in the order of the rows."""
    names = [line.cells["用户名"] for line in lines]
    repeated = {name for name, count in Counter(names).items() if count > 1}
    taken = set(User.objects.filter(username__in=names).values_list("username", flat=True))
    places = _Places(lines, by)
    applicants, faults = [], []
    for line in lines:
        home, found = places.find(line)
        found = [*_of_name(line, taken, repeated), *_of_texts(line), *found]
        faults += found
        if not found:
            cells = line.cells
            applicants.append(Applicant(cells["用户名"], cells["姓名"], cells["单位"], home))
    return applicants, faults


def _of_name(line: Line, taken: set[str], repeated: set[str]) -> list[Fault]:
    name = line.cells["用户名"]
    if not USERNAME.fullmatch(name):
        return [_fault(line, "用户名", "用户名不合规则", USERNAME_WORDS)]
    if name in taken:
        return [_fault(line, "用户名", "用户名已被使用", "换一个用户名；若是同一人，不必再建。")]
    if name in repeated:
        return [_fault(line, "用户名", "表内重复", "每人一个用户名，不得共用账号。")]
    return []


def _of_texts(line: Line) -> list[Fault]:
    faults = []
    if not line.cells["姓名"]:
        faults.append(_fault(line, "姓名", "姓名为空", "填写使用人的真实姓名，不得用岗位名代替。"))
    for column, most in _LONGEST.items():
        if len(line.cells[column]) > most:
            faults.append(_fault(line, column, f"超过 {most} 个字", "请缩短。"))
    return faults


class _Places:
    """Names of county, town and village → prefix, inside the administrator's own region."""

    def __init__(self, lines: Sequence[Line], by: User) -> None:
        self.own = by.prefixes_for(MANAGE_USERS)
        named = {line.cells[column] for line in lines for column in PLACES} - {""}
        self.known = places_by_name(self.own, named) if named else {}
        self.counties = {
            name: prefix for (_, name), prefix in self.known.items() if len(prefix) == 6
        }
        # Whoever administers one county need not write its name.
        self.start = self.own[0] if len(self.own) == 1 else ""
        self.start_name = dict(places_called(self.own)).get(self.start, "")

    def find(self, line: Line) -> tuple[str, list[Fault]]:
        place = self.start
        deepest = max((at for at, column in enumerate(PLACES) if line.cells[column]), default=-1)
        for column in PLACES[: deepest + 1]:
            name = line.cells[column]
            if column == "县" and len(self.start) == 6 and name in ("", self.start_name):
                continue
            found = self.counties.get(name) if column == "县" else self.known.get((place, name))
            if not found:
                upper = (
                    "请先填写上一级。"
                    if not name
                    else "请按行政区划页上的名称填写，且须在您的管辖范围内。"
                )
                return "", [_fault(line, column, "没有这个区划" if name else "为空", upper)]
            place = found
        if not place:
            return "", [_fault(line, "县", "为空", "填写账号所属的县。")]
        return place, []


def _fault(line: Line, column: str, message: str, remedy: str) -> Fault:
    return Fault(line.row_no, column, line.cells[column], message, remedy)
