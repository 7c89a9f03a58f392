"""Problems by workbook: rows are kept, looked over, and taken over at once for one inspection.

A problem is known by its number in the feedback: the same workbook again adds nothing, and what is
on the ledger is never overwritten. Every row is new, known or wrong.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import connection

from core import idnumbers
from core.acting import acting
from core.ledger.services import without_numbers
from core.scope import covers, trim
from households.models import Household, Person
from inspections.enums.findings import ObjectKind, Origin, Severity, State
from inspections.models import Campaign, Finding, FindingClass, FindingStep, FindingWorkbook
from inspections.services.common import UnfitError
from inspections.services.findings.common import FIND, refused, require_find
from projects.models import Project
from projects.services.loading import Fault, Line, day
from villages.models import Region

(
    TOLD, PLACE, FACT, CATEGORY, SEVERITY, BASIS, KIND, OBJECT, CADRE, FOUND, WATCH,
) = (
    "反馈序号", "区划代码", "问题事实", "问题类别", "严重程度", "违反的规定", "问题对象", "对象编号",
    "干部姓名、职务", "发现日期", "需长期坚持",
)  # fmt: skip
# What a payment is has no number that people write down: it is entered by hand.
KINDS: dict[str, str] = {
    str(label): code for code, label in ObjectKind.choices if code != ObjectKind.PAYMENT
}
SEVERITIES: dict[str, str] = {str(label): code for code, label in Severity.choices}
YES_NO = {"是": True, "否": False, "": False}
EXAMPLE = "示例"
MAX_ROWS = 20_000
_CHUNK = 1_000


@dataclass(frozen=True)
class Column:
    """A column of the workbook; everything that is said of it is said here.

    `words` are those that may be chosen, `longest` how many characters the ledger takes.
    """

    head: str
    example: str
    width: int = 16
    longest: int = 0
    is_needed: bool = False
    is_day: bool = False
    words: tuple[str, ...] = ()


COLUMNS = (
    Column(TOLD, EXAMPLE, 12, 40, is_needed=True),
    Column(PLACE, "410324100203", 16, 12, is_needed=True),
    Column(FACT, "公示栏内容没有更新（此行是填写示例，导入前请删除）", 50, 1000, is_needed=True),
    Column(CATEGORY, "", 18, 60),
    Column(SEVERITY, "一般", 12, is_needed=True, words=tuple(SEVERITIES)),
    Column(BASIS, "", 30, 300),
    Column(KIND, "县、乡镇、村", 16, is_needed=True, words=tuple(KINDS)),
    Column(OBJECT, "", 20, 30),
    Column(CADRE, "", 20, 60),
    Column(FOUND, "2018-09-03", 14, is_needed=True, is_day=True),
    Column(WATCH, "否", 12, words=("是", "否")),
)
NEEDED = tuple(one.head for one in COLUMNS if one.is_needed)


@dataclass
class Judged:
    """What each row is: a problem that is new, one that is known (with what differs), or faults."""

    read: int = 0
    new: list[tuple[Line, Finding]] = field(default_factory=list)
    # Row, number in the feedback, what differs.
    known: list[tuple[Line, str, str]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    @property
    def wrong(self) -> set[int]:
        """The rows with faults, by the number Excel shows."""
        return {fault.row_no for fault in self.faults}


def keep(*, campaign: Campaign, lines: Sequence[Line], by: Any) -> FindingWorkbook:
    """Keep the rows to be looked over; what was handed in before and not taken over is given up.

    Numbers of persons are struck out before anything is written. Raises UnfitError.
    """
    require_find(campaign.region_code, by)
    if not lines:
        raise UnfitError("工作簿里没有数据行。")
    with acting(by=by, reason="上传问题工作簿"):
        FindingWorkbook.objects.filter(campaign=campaign, created_by=by, made__isnull=True).delete()
        return FindingWorkbook.objects.create(
            campaign=campaign, region_code=campaign.region_code, created_by=by,
            lines=[[line.row_no, _struck(line.cells)] for line in lines],
        )  # fmt: skip


def _struck(cells: Mapping[str, str]) -> dict[str, str]:
    told = {head: text if head == OBJECT else without_numbers(text) for head, text in cells.items()}
    if _is_id(told.get(OBJECT, "")):
        # Register numbers may be as long; a number of identity has its check digit.
        told[OBJECT] = without_numbers(told[OBJECT])
    return told


def _is_id(text: str) -> bool:
    body, last = text[:17], text[17:].upper()
    return (
        len(body) == 17
        and body.isascii()
        and body.isdigit()
        and last == (idnumbers.check_digit(body))
    )


def lines_of(workbook: FindingWorkbook) -> list[Line]:
    return [Line(row_no, cells) for row_no, cells in workbook.lines]


# --- what each row is --------------------------------------------------------------------------


class _Known:
    """Everything the rows name, read once."""

    def __init__(self, lines: Sequence[Line], campaign: Campaign, today: date, by: Any) -> None:
        self.campaign, self.today, self.by = campaign, today, by
        codes = {line.told(PLACE).ljust(12, "0") for line in lines}
        self.places = {
            one.code: one for one in Region.objects.valid_on(today).filter(code__in=codes)
        }
        self.classes: dict[str, FindingClass] = {}
        for one in FindingClass.objects.all():
            self.classes |= {one.code: one, one.name: one}
        self.there = dict(
            Finding.objects.filter(campaign=campaign)
            .exclude(told_as="")
            .values_list("told_as", "fact")
        )
        numbers: dict[str, set[str]] = {}
        for line in lines:
            kind = KINDS.get(line.told(KIND), "")
            numbers.setdefault(kind, set()).add(line.told(OBJECT))
        self.households = {
            one.household_no: one
            for one in Household.objects.visible_to(by).filter(
                household_no__in=numbers.get(ObjectKind.HOUSEHOLD, ())
            )
        }
        self.persons = {
            one.person_no: one
            for one in Person.objects.visible_to(by)
            .filter(person_no__in=numbers.get(ObjectKind.PERSON, ()))
            .select_related("household")
        }
        self.projects = {
            one.number: one
            for one in Project.objects.visible_to(by).filter(
                number__in=numbers.get(ObjectKind.PROJECT, ())
            )
        }
        self.rows: dict[str, int] = {}


def judged(*, lines: Sequence[Line], campaign: Campaign, today: date, by: Any) -> Judged:
    """What would become of the rows; writes nothing. A handful of queries, however many rows."""
    done, known = Judged(read=len(lines)), _Known(lines, campaign, today, by)
    for line in lines:
        told = line.told(TOLD)
        if told and told in known.there and told not in known.rows:
            known.rows[told] = line.row_no
            differs = known.there[told] != line.told(FACT)
            note = "台账中的内容与本行不同，不会改动。" if differs else "内容相同。"
            done.known.append((line, told, note))
            continue
        faults = [*_plain_faults(line, known)]
        if told and told != EXAMPLE:
            known.rows.setdefault(told, line.row_no)
        about, missing = _about(line, known)
        faults += missing
        if faults:
            done.faults += [Fault(line.row_no, head, text) for head, text in faults]
        else:
            done.new.append((line, _finding(line, about, known)))
    return done


def _plain_faults(line: Line, known: _Known) -> list[tuple[str, str]]:
    if line.told(TOLD) == EXAMPLE:
        return [(TOLD, "这是填写示例，请删除本行。")]
    found = [
        (one.head, f"不能为空，请填写{one.head}。") for one in COLUMNS
        if one.is_needed and not one.is_day and not line.told(one.head)
    ]  # fmt: skip
    found += [
        (one.head, f"超过 {one.longest} 字，请缩短。") for one in COLUMNS
        if one.longest and len(line.told(one.head)) > one.longest
    ]  # fmt: skip
    found += [
        (one.head, f"只能填写：{'、'.join(one.words)}。") for one in COLUMNS
        if one.words and line.told(one.head) and line.told(one.head) not in one.words
    ]  # fmt: skip
    told = line.told(TOLD)
    if told and told in known.rows:
        found.append((TOLD, f"与第 {known.rows[told]} 行重复，同一序号只留一行。"))
    if line.told(CATEGORY) and line.told(CATEGORY) not in known.classes:
        found.append((CATEGORY, "没有这个问题类别，请填写类别代码或名称，或留空。"))
    on = day(line.told(FOUND))
    if on is None:
        found.append((FOUND, "须是日期，如 2018-09-03。"))
    elif on > known.today:
        found.append((FOUND, "晚于今天，请核对发现日期。"))
    place = line.told(PLACE)
    if place and (why := _place_fault(place.ljust(12, "0"), known)):
        found.append((PLACE, why))
    return found


def _place_fault(code: str, known: _Known) -> str:
    if code not in known.places:
        return "没有这个区划代码，请填写现行的 12 位代码。"
    if not covers(known.by, code, FIND):
        return "不在您的权限范围内，请删除本行或交由有权限的单位导入。"
    if not trim(code).startswith(trim(known.campaign.region_code)):
        return "不在被检查的区划之内，请核对区划代码，或换一次检查。"
    return ""


def _about(line: Line, known: _Known) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The fields that name what a problem is about, and what is wrong with them."""
    kind, number, cadre = KINDS.get(line.told(KIND), ""), line.told(OBJECT), line.told(CADRE)
    place = trim(line.told(PLACE).ljust(12, "0"))
    faults = []
    if kind != ObjectKind.CADRE and cadre:
        faults.append((CADRE, "问题对象不是“干部”，请清空本格。"))
    if kind == ObjectKind.CADRE and not cadre:
        faults.append((CADRE, "请填写干部的姓名、职务。"))
    if kind in ("", ObjectKind.PLACE, ObjectKind.CADRE):
        if kind and number:
            faults.append((OBJECT, "这类问题不需要对象编号，请清空本格。"))
        return {}, faults
    found: dict[str, Any] = {}
    where = ""
    if kind == ObjectKind.HOUSEHOLD and (household := known.households.get(number)):
        found, where = {"household": household}, household.village_code
    elif kind == ObjectKind.PERSON and (person := known.persons.get(number)):
        found = {"household": person.household, "person": person}
        where = person.household.village_code
    elif kind == ObjectKind.PROJECT and (project := known.projects.get(number)):
        found, where = {"project": project}, project.region_code
    if not found:
        what = {"HOUSEHOLD": "户编号", "PERSON": "人编号", "PROJECT": "项目编号"}[kind]
        faults.append((OBJECT, f"没有找到，请填写您辖区内的{what}（不是证件号码）。"))
    elif not where.startswith(place):
        faults.append((OBJECT, "不在本行的区划之内，请核对区划代码和对象编号。"))
    return found, faults


def _finding(line: Line, about: dict[str, Any], known: _Known) -> Finding:
    place = known.places[line.told(PLACE).ljust(12, "0")]
    campaign = known.campaign
    return Finding(
        campaign=campaign, source=campaign.source, level=campaign.level, told_as=line.told(TOLD),
        category=known.classes.get(line.told(CATEGORY)), severity=SEVERITIES[line.told(SEVERITY)],
        fact=line.told(FACT), basis=line.told(BASIS), object_kind=KINDS[line.told(KIND)],
        region=place, region_code=place.code, cadre=line.told(CADRE),
        found_on=day(line.told(FOUND)) or known.today, needs_watch=YES_NO[line.told(WATCH)],
        origin=Origin.WORKBOOK, entered_by=known.by, **about,
    )  # fmt: skip


# --- taken over --------------------------------------------------------------------------------


def take_over(*, workbook: FindingWorkbook, today: date, by: Any) -> FindingWorkbook:
    """Enter the new problems of a workbook in one transaction; wrong rows stay on it.

    Rows are looked over again: what somebody entered meanwhile is known now. Raises UnfitError.
    """
    with acting(by=by, reason="导入问题"), refused():
        # Two workbooks of one inspection wait in turn.
        campaign = Campaign.objects.select_for_update(no_key=True).get(pk=workbook.campaign_id)
        require_find(campaign.region_code, by)
        kept = FindingWorkbook.objects.select_for_update().get(pk=workbook.pk)
        if kept.made is not None:
            raise UnfitError("这个工作簿已经导入。")
        lines = lines_of(kept)
        done = judged(lines=lines, campaign=campaign, today=today, by=by)
        made = [finding for _, finding in done.new]
        _number(made)
        Finding.objects.bulk_create(made, batch_size=_CHUNK)
        FindingStep.objects.bulk_create(
            (
                FindingStep(
                    finding=one, region_code=one.region_code, position=0, state=State.FOUND,
                    on=one.found_on, words="登记（导入）", created_by=by,
                )
                for one in made
            ),
            batch_size=_CHUNK,
        )  # fmt: skip
        kept.lines = [row for row in kept.lines if row[0] in done.wrong]
        kept.made, kept.known = len(made), len(done.known)
        kept.save(update_fields=["lines", "made", "known"])
    return kept


def _number(rows: Sequence[Finding]) -> None:
    """The next numbers of their county and year, a statement for each of these."""
    groups: dict[tuple[str, int], list[Finding]] = {}
    for one in rows:
        groups.setdefault((one.region_code[:6], one.found_on.year), []).append(one)
    with connection.cursor() as cursor:
        for (county, year), group in sorted(groups.items()):
            cursor.execute(
                "SELECT inspections_findings_reserve(%s, %s, %s)", [county, year, len(group)]
            )
            first = cursor.fetchone()[0] - len(group) + 1
            for place, one in enumerate(group, first):
                one.number = f"W{year}{county}{place:05}"
