"""Lists of what is missing that come back filled in: what each row would become, and doing it.

A row is matched to what was missing by its signed key, never by its words. A measure is filed for a
problem, a check on the spot is put down for an item that is proven by one; everything else is done
on its own page, and its row comes back saying which. Rows that say nothing are passed over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.core import signing
from django.db import connection, transaction

from core.ledger.services import without_numbers
from core.scope import Actor, covers
from exits.enums import Evidence, Outcome
from exits.models import Attestation, StandardItem
from exits.queries.standards import items_of
from exits.services.standards import StandardRefusedError, attest
from households.models import Household
from inspections.enums.findings import State
from inspections.models import Finding
from inspections.queries import gaps
from inspections.queries.gaps import Gap
from inspections.queries.gaps_shown import item_of
from inspections.services.common import UnfitError
from inspections.services.findings import stepping
from inspections.services.findings.common import MEND, may_mend
from projects.services.loading import Fault, Line, day
from villages.models import Region

EDIT = "households.edit"
(KEY, SOURCE, PLACE, HOME, WHAT, HOW, OWNER, DUE, WORDS, ON, PROOF) = HEADS = (
    "编号（请勿改动）", "来源", "所在区划", "户", "缺什么", "怎样补", "责任人", "期限", "整改情况",
    "完成日期", "佐证说明",
)  # fmt: skip
FILLED_IN = (WORDS, ON, PROOF)
# Rows of one sheet, and how many of them may be filled in at once.
MAX_ROWS, MAX_FILLED = 2_000, 500
_LONGEST, _LONGEST_PROOF = 700, 200
_SALT = "inspections.gaps"
_PARTS = 6
_ELSEWHERE: dict[str, str] = {
    gaps.MARK: "请在“我的工作”的核查和任务中办结，写明核查结果。",
    gaps.TASK: "请在任务页面登记完成。",
    gaps.PROCEDURE: "请在“识别与退出程序”中办理。",
    gaps.EXIT: "请在“村县退出程序”中办理。",
    gaps.EXTENSION: "请在问题页面批复延期申请。",
    gaps.LOOK: "请在问题页面登记复查。",
    gaps.LETTER: "请把书面答复交县里，由县在文书页面登记。",
}
_STANDARDS = (gaps.UNMET, gaps.UNKNOWN, gaps.GATE_UNMET, gaps.GATE_UNKNOWN)
GONE = "已不在缺项清单中（已经办理，或情况有变动），未作改动。"
NOT_YOURS = "不在您办理整改的范围内，请删除本行或交由有权限的人员上传。"
BAD_KEY = "编号被改动，或不是从本系统下载的清单，请重新下载后填写。"


@dataclass(frozen=True)
class Key:
    """What a row is about, as it was when the sheet was written."""

    kind: str
    ref: int
    item: str
    place: str
    year: int
    # Of a problem: how many steps it had. A sheet of before the last return files nothing.
    position: int

    @property
    def of_gap(self) -> tuple[str, int, str]:
        return self.kind, self.ref, self.item


@dataclass(frozen=True)
class Ready:
    """A row that can be taken over, and what it becomes."""

    line: Line
    on: date
    words: str
    proof: str
    becomes: str
    finding: Finding | None = None
    gap: Gap | None = None
    year: int = 0


@dataclass
class Judged:
    """Every filled row is ready, known, or wrong."""

    read: int = 0
    ready: list[Ready] = field(default_factory=list)
    known: list[tuple[Line, str]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    @property
    def wrong(self) -> set[int]:
        return {fault.row_no for fault in self.faults}


# --- keys --------------------------------------------------------------------------------------


def _signer() -> signing.Signer:
    return signing.Signer(salt=_SALT)


def tokens(rows: Sequence[Gap], year: int | None) -> dict[tuple[str, int, str], str]:
    """The signed key of each row; one query for the problems among them."""
    keys = [row.ref for row in rows if row.kind == gaps.FINDING]
    steps = dict(Finding.objects.filter(pk__in=keys).values_list("pk", "position"))
    return {
        row.key: _signer().sign(
            ".".join(
                (row.kind, str(row.ref), row.item, row.place, str(year or 0),
                 str(steps.get(row.ref, 0) if row.kind == gaps.FINDING else 0))
            )
        )
        for row in rows
    }  # fmt: skip


def key_of(token: str) -> Key | None:
    """None for what the product did not write."""
    try:
        parts = _signer().unsign(token).split(".")
    except signing.BadSignature:
        return None
    if len(parts) != _PARTS or parts[0] not in gaps.SOURCE_OF:
        return None
    kind, ref, item, place, year, position = parts
    return Key(kind, int(ref), item, place, int(year), int(position))


# --- judging -----------------------------------------------------------------------------------


@dataclass
class _Known:
    """What the rows refer to, read at once."""

    today: date
    by: Any
    findings: Mapping[int, Finding]
    open: Mapping[tuple[int, tuple[str, int, str]], Gap]
    standards: dict[int, tuple[Any, Any]]
    checked: set[tuple[Any, ...]]


def filled(lines: Sequence[Line]) -> list[Line]:
    """The rows that say something. Raises UnfitError when they are too many."""
    found = [line for line in lines if any(line.told(head) for head in FILLED_IN)]
    if len(found) > MAX_FILLED:
        raise UnfitError(f"一次最多上传 {MAX_FILLED} 行已填写的内容，请分批上传。")
    return found


def judged(*, lines: Sequence[Line], today: date, by: Any) -> Judged:
    """What each row would become; nothing is changed."""
    done = Judged(read=len(lines))
    keys = {line.row_no: key_of(line.told(KEY)) for line in lines}
    known = _known([key for key in keys.values() if key], today, by)
    met: dict[Key, int] = {}
    for line in lines:
        key = keys[line.row_no]
        if key is None:
            done.faults.append(Fault(line.row_no, KEY, BAD_KEY))
        elif key in met:
            done.faults.append(Fault(line.row_no, KEY, f"与第 {met[key]} 行重复，请只保留一行。"))
        else:
            met[key] = line.row_no
            _judge(line, key, known, done)
    return done


def _known(keys: Sequence[Key], today: date, by: Any) -> _Known:
    found = Finding.objects.visible_to(by).filter(
        pk__in=[key.ref for key in keys if key.kind == gaps.FINDING]
    )
    open_: dict[tuple[int, tuple[str, int, str]], Gap] = {}
    standards: dict[int, tuple[Any, Any]] = {}
    checked: set[tuple[Any, ...]] = set()
    for year in {key.year for key in keys if key.kind != gaps.FINDING}:
        told = [key.of_gap for key in keys if key.year == year and key.kind != gaps.FINDING]
        asked = gaps.Asked(actor=by, year=year or None, day=today)
        open_ |= {(year, one): gap for one, gap in gaps.of_keys(asked, told).items()}
        if any(kind in _STANDARDS for kind, _, _ in told):
            forced = gaps.in_force(gaps.standards_of(year))
            standards[year] = forced, items_of(list(forced.values()))
            checks = Attestation.objects.visible_to(by).filter(
                partition=year, outcome=Outcome.MET, item__in={item for _, _, item in told}
            )
            places = {gap.place for gap in open_.values()}
            checked |= set(
                checks.filter(region_code__in=places).values_list(
                    "region_code", "household_id", "item", "checked_on", "evidence"
                )
            )
    return _Known(today, by, {one.pk: one for one in found}, open_, standards, checked)


def _judge(line: Line, key: Key, known: _Known, done: Judged) -> None:
    if key.kind == gaps.FINDING:
        why = _judge_finding(line, key, known, done)
    else:
        why = _judge_other(line, key, known, done)
    if why:
        done.faults.append(Fault(line.row_no, *why))


def _judge_finding(line: Line, key: Key, known: _Known, done: Judged) -> tuple[str, str] | None:
    finding = known.findings.get(key.ref)
    if finding is None or not may_mend(known.by, finding):
        return KEY, NOT_YOURS
    if finding.position != key.position:
        done.known.append(
            (line, f"{finding.number} 现为“{finding.get_state_display()}”，未作改动。")
        )
        return None
    if finding.state == State.MEASURED:
        return WORDS, "整改措施已经报送；报完成请在问题页面上传佐证材料后办理。"
    told = _told(line, known, needs_words=True)
    if isinstance(told, tuple):
        return told
    if finding.state_on and told.on < finding.state_on:
        return ON, f"早于上一步的日期（{finding.state_on:%Y-%m-%d}），请核对。"
    becomes = f"{finding.number}：报送整改措施；报完成仍须在问题页面上传佐证材料"
    done.ready.append(Ready(line, told.on, told.words, told.proof, becomes, finding=finding))
    return None


def _judge_other(line: Line, key: Key, known: _Known, done: Judged) -> tuple[str, str] | None:
    gap = known.open.get((key.year, key.of_gap))
    if not covers(known.by, key.place, MEND):
        return KEY, NOT_YOURS
    if gap is None:
        done.known.append((line, GONE))
        return None
    if key.kind not in _STANDARDS:
        return WORDS, _ELSEWHERE[key.kind]
    item = item_of(gap, *known.standards[key.year])
    if item is None or not _is_checked_on_the_spot(gap, item):
        return WORDS, f"这一项由系统按登记信息判定，不能在这里填报。{_where(item)}"
    if not covers(known.by, key.place, EDIT):
        return WORDS, "登记现场核实需要录入权限，请交由有权限的人员上传。"
    told = _told(line, known, needs_words=False)
    if isinstance(told, tuple):
        return told
    if not told.proof:
        return PROOF, "请写明看到了什么、凭什么认定达标。"
    if (gap.place, gap.household, gap.item, told.on, told.proof) in known.checked:
        done.known.append((line, "同样的核实结果已经登记，等待重新判定，未作改动。"))
        return None
    becomes = f"{item.label}：登记现场核实达标"
    done.ready.append(Ready(line, told.on, told.words, told.proof, becomes, gap=gap, year=key.year))
    return None


def _is_checked_on_the_spot(gap: Gap, item: StandardItem) -> bool:
    if item.evidence == Evidence.CHECK:
        return True
    return gap.kind == gaps.GATE_UNKNOWN and item.evidence == Evidence.FACTS


def _where(item: StandardItem | None) -> str:
    if item is not None and item.evidence == Evidence.FACTS:
        return "请更新村年度信息。"
    if item is not None and item.evidence == Evidence.SAMPLE:
        return "请在“评估检查”中开展抽样评估。"
    return "请更新贫困户档案。"


@dataclass(frozen=True)
class _Told:
    words: str
    on: date
    proof: str


def _told(line: Line, known: _Known, *, needs_words: bool) -> _Told | tuple[str, str]:
    """What was filled in, or the column that is wrong and why."""
    words = without_numbers(line.told(WORDS)).strip()
    proof = without_numbers(line.told(PROOF)).strip()
    if needs_words and not words:
        return WORDS, "请填写整改情况。"
    if len(words) > _LONGEST:
        return WORDS, f"超过 {_LONGEST} 字，请精简。"
    if len(proof) > _LONGEST_PROOF:
        return PROOF, f"超过 {_LONGEST_PROOF} 字，请精简。"
    on = day(line.told(ON))
    if on is None:
        return ON, "请填写日期，如 2018-09-28。"
    if on > known.today:
        return ON, "晚于今天，请核对。"
    return _Told(words, on, proof)


# --- taking over -------------------------------------------------------------------------------


def take_over(*, lines: Sequence[Line], today: date, by: Any) -> tuple[int, Judged]:
    """Do what the rows say, looked over again; how many were done, and what came back.

    Each row is an act of its own: one that is refused is taken back whole and named.
    """
    found = judged(lines=lines, today=today, by=by)
    done = 0
    with transaction.atomic():
        places = {one.gap.place for one in found.ready if one.gap}
        regions = {one.code: one for one in Region.objects.valid_on(today).filter(code__in=places)}
        homes = Household.objects.visible_to(by).in_bulk(
            [one.gap.household for one in found.ready if one.gap and one.gap.household]
        )
        for one in found.ready:
            try:
                _do(one, regions, homes, today, by)
            except (UnfitError, StandardRefusedError) as refusal:
                found.faults.append(Fault(one.line.row_no, WORDS, str(refusal)))
            else:
                done += 1
    return done, found


def _do(
    one: Ready, regions: Mapping[str, Region], homes: Mapping[int, Household], today: date, by: Any
) -> None:
    if one.finding is not None:
        measure = f"{one.words}\n佐证：{one.proof}" if one.proof else one.words
        stepping.file_measure(finding=one.finding, measure=measure, on=one.on, by=by)
        return
    gap = one.gap
    if gap is None or gap.place not in regions:
        raise UnfitError("所在区划已经变动，请重新下载清单。")
    household = homes.get(gap.household) if gap.household else None
    if gap.household and household is None:
        raise UnfitError("农户已经迁出，请重新下载清单。")
    with transaction.atomic():
        # Confirmed twice at once it is put down once.
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
                [f"gaps {gap.place} {gap.household} {gap.item}"],
            )
        same = Attestation.objects.visible_to(by).filter(
            region_code=gap.place, household=household, partition=one.year, item=gap.item,
            outcome=Outcome.MET, checked_on=one.on, evidence=one.proof,
        )  # fmt: skip
        if same.exists():
            return
        attest(
            region=regions[gap.place], household=household, partition=one.year, item=gap.item,
            outcome=Outcome.MET, evidence=one.proof, checked_on=one.on, today=today, by=by,
        )  # fmt: skip


# --- between looking over and taking over ------------------------------------------------------


def kept(lines: Sequence[Line], by: Actor) -> str:
    """The rows as a signed text that only whoever handed them in can hand back."""
    told = [[line.row_no, [line.told(head) for head in HEADS]] for line in lines]
    value = {"by": getattr(by, "pk", None), "lines": told}
    return signing.dumps(value, salt=f"{_SALT}.kept", compress=True)


HOUR = 3600


def given_back(text: str, by: Actor) -> list[Line]:
    """Raises UnfitError."""
    try:
        value = signing.loads(text, salt=f"{_SALT}.kept", max_age=HOUR)
    except signing.BadSignature as error:
        raise UnfitError("核对结果已经失效，请重新上传。") from error
    if value["by"] != getattr(by, "pk", None):
        raise UnfitError("核对结果不是您上传的，请重新上传。")
    return [Line(row_no, dict(zip(HEADS, cells, strict=True))) for row_no, cells in value["lines"]]
