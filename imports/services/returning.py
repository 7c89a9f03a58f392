"""Handing a batch back: the same workbook with what is wrong in it, or what it would change.

Every cell of a returned workbook is a text as it stood. Only cells that a rule speaks of are
coloured; the reason is a note on the cell and stands in a column of our own, which a corrected file
may keep: it is not read.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from core import ledger
from core.acting import acting
from core.jobs.services import enqueue
from core.ledger import Act
from core.scope import covers
from core.workbooks.writing import Book
from households.catalog import facts
from imports.enums import BatchState, Effect, ReturnKind
from imports.models import Batch, ReturnedFile
from imports.queries import changes
from imports.queries.raws import NoRawRowsError, raw_lines
from imports.queries.showing import rule_of
from imports.services.receiving import WrongStateError
from imports.services.staging import Progress, quiet

LOAD = "imports.load_workbook"
REASONS, ROW_NO = "问题说明", "原行号"
# A spreadsheet opens a sheet with more notes than this only after minutes.
MOST_NOTES = 20_000
_COLOURS = {Effect.REFUSE: "#F4B6B6", Effect.BACK: "#F4B6B6", Effect.FLAG: "#FFE39A"}
_MARKED = tuple(effect.value for effect in _COLOURS)
_BACK = (Effect.BACK.value, Effect.REFUSE.value)
_WITH_ROWS = (
    BatchState.STAGED, BatchState.APPLYING, BatchState.APPLIED, BatchState.UNDOING, BatchState.UNDONE,
)  # fmt: skip
_WITH_CHANGES = (BatchState.STAGED,)
_HEADS_OF_CHANGES = ("行号", "户编号", "姓名", "村", "指标", "登记的原值", "文件中的新值")
_TOLD_EVERY = 5_000
# Columns of long numbers, shown to their last digit.
_NUMBERS = frozenset(
    {"household_no", "person_no", "id_no", "head_id_no", "bank_account", "phone", "member_phone"}
)
_NUMBER_WIDTH = 21


class NothingToReturnError(Exception):
    """The rows are not there any more; the text says what to do."""


@dataclass(frozen=True)
class Made:
    """A whole workbook that is not in its place yet."""

    path: Path
    rows: int


# --- asking ------------------------------------------------------------------------------------


def request_return(
    *, batch: Batch, kind: str, field: str = "", village_code: str = "", by: Any
) -> ReturnedFile:
    """Ask for a workbook made from the batch; the same wish that still waits is not doubled.

    `field` and `village_code` narrow what changes. Rows are handed back as they were loaded, with
    full numbers: PermissionDenied unless `by` (None: the system itself) may load into the region.
    Raises WrongStateError when the batch has no such rows, ValueError for a kind that is none.
    """
    wanted = ReturnKind(kind)
    if by is not None and not covers(by, batch.region_prefix, LOAD):
        raise PermissionDenied
    if batch.state not in (_WITH_CHANGES if wanted == ReturnKind.CHANGES else _WITH_ROWS):
        raise WrongStateError
    with acting(by=by, reason=f"请求退回文件 批次{batch.pk}"):
        returned = ReturnedFile.objects.create(
            batch=batch,
            kind=wanted.value,
            field=field[:60],
            village_code=village_code[:12],
            created_by=by,
        )
        returned.job = enqueue(
            "imports.return",
            subject=f"导入批次 {batch.pk}",
            scope=batch.region_prefix,
            params={"returned": returned.pk},
            key=f"imports.return:{returned.pk}",
            by=by,
        )
        returned.save(update_fields=["job"])
    return returned


def open_file(returned: ReturnedFile, *, request: Any = None, by: Any = None) -> IO[bytes]:
    """The finished workbook, opened for reading, after it was put on record who takes it.

    Raises PermissionDenied unless `by` (the request's user where there is none) may load into the
    region, WrongStateError while it is being made and after it was removed.
    """
    actor = by if by is not None else getattr(request, "user", None)
    batch = returned.batch
    if actor is None or not covers(actor, batch.region_prefix, LOAD):
        raise PermissionDenied
    if not returned.sha256:
        raise WrongStateError
    try:
        file = returned.path.open("rb")
    except FileNotFoundError as error:
        raise WrongStateError from error
    ledger.note(
        Act.EXPORT, request=request, actor=actor, subject_kind="batch", subject=str(batch.pk),
        region=batch.region_prefix, rows=returned.rows, purpose="导入退回文件",
        detail={
            "kind": returned.kind, "full": returned.kind != ReturnKind.CHANGES, "step": "downloaded",
        },
    )  # fmt: skip
    return file


def has_notes(batch: Batch) -> bool:
    """Whether cells carry notes; where there are too many, the reasons stand in the column alone."""
    return batch.problems.filter(effect__in=_MARKED, row_no__gt=0).count() <= MOST_NOTES


# --- making ------------------------------------------------------------------------------------


def make(returned: ReturnedFile, *, mark: str, progress: Progress = quiet) -> Made:
    """Write the workbook beside its place; `mark` keeps two workers out of each other's file.

    Raises NothingToReturnError.
    """
    folder = Path(settings.UPLOAD_DIR) / "returned"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{returned.pk}.{mark}.part"
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    batch = returned.batch
    try:
        if returned.kind == ReturnKind.CHANGES:
            rows = _write_changes(path, returned, progress)
        else:
            rows = _write_rows(path, batch, ReturnKind(returned.kind), progress)
    except NoRawRowsError as error:
        path.unlink(missing_ok=True)
        raise NothingToReturnError("本批的原始行已不在，不能生成；请重新上传原文件。") from error
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return Made(path, rows)


def put_in_place(returned: ReturnedFile, made: Made) -> None:
    """Move the workbook to its place and note its print; inside the act's transaction."""
    digest = hashlib.sha256()
    with made.path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
        os.fsync(file.fileno())
    size = made.path.stat().st_size
    made.path.replace(returned.path)
    ReturnedFile.objects.filter(pk=returned.pk).update(
        sha256=digest.hexdigest(), size=size, rows=made.rows, made_at=timezone.now()
    )


def _write_changes(path: Path, returned: ReturnedFile, progress: Progress) -> int:
    with Book(path, "变更对照", _HEADS_OF_CHANGES, widths=(8, 20, 12, 14, 20, 24, 24)) as book:
        for one in changes.every(returned.batch, returned.field, returned.village_code):
            book.append(
                (one.row_no, one.household_no, one.name, one.village, one.field, one.old, one.new)
            )
            if book.rows % _TOLD_EVERY == 0:
                progress("生成对照表", book.rows, None)
        return book.rows


# --- rows with their reasons -------------------------------------------------------------------


@dataclass(frozen=True)
class _Columns:
    """Where a file's columns and ours stand in the returned workbook, from 0."""

    width: int
    reasons: int
    row_no: int | None
    by_identifier: dict[str, int]

    @classmethod
    def of(cls, batch: Batch, kind: ReturnKind) -> "_Columns":
        """A corrected file may bring our columns along: they are written anew where they stand."""
        heads = [header for header, _ in batch.header_map]
        width = len(heads)
        ours: dict[str, int] = {}
        for name in (REASONS, *([ROW_NO] if kind == ReturnKind.BAD_ROWS else [])):
            if name in heads:
                ours[name] = heads.index(name)
            else:
                ours[name], width = width, width + 1
        places = {
            identifier: at for at, (_, identifier) in reversed(list(enumerate(batch.header_map)))
            if identifier
        }  # fmt: skip
        return cls(width, ours[REASONS], ours.get(ROW_NO), places)


# (row number, rule, identifier, effect, row it clashes with)
_Fault = tuple[int, str, str, str, int | None]


def _write_rows(path: Path, batch: Batch, kind: ReturnKind, progress: Progress) -> int:
    columns = _Columns.of(batch, kind)
    with_notes = has_notes(batch)
    title = batch.sheet_name or "Sheet1"
    faults = _faults_by_row(batch, _BACK if kind == ReturnKind.BAD_ROWS else _MARKED)
    wanted = None
    if kind == ReturnKind.BAD_ROWS:
        wanted = set(batch.problems.filter(effect__in=_BACK, row_no__gt=0)
                     .values_list("row_no", flat=True))  # fmt: skip
    total = len(wanted) if wanted is not None else batch.rows_read
    coming = next(faults, None)
    of_the_file: list[_Fault] = []
    if coming is not None and coming[0] == 0:
        of_the_file, coming = coming[1], next(faults, None)
    count = 0
    with Book(path, title, (), widths=_widths(batch, columns)) as book:
        _write_heads(book, batch, kind, columns, of_the_file)
        for row_no, cells in raw_lines(batch, wanted):
            while coming is not None and coming[0] < row_no:
                coming = next(faults, None)
            found = coming[1] if coming is not None and coming[0] == row_no else []
            at = 0 if kind == ReturnKind.BAD_ROWS else row_no
            _write_row(book, at, row_no, cells, columns, found, with_notes)
            count += 1
            if count % _TOLD_EVERY == 0:
                progress("生成退回文件", count, total)
    return count


def _faults_by_row(batch: Batch, effects: Sequence[str]) -> Iterator[tuple[int, list[_Fault]]]:
    rows = (
        batch.problems.filter(effect__in=effects)
        .order_by("row_no", "rule", "pk")
        .values_list("row_no", "rule", "identifier", "effect", "other_row")
    )
    for row_no, faults in groupby(rows.iterator(chunk_size=5_000), key=itemgetter(0)):
        yield row_no, list(faults)


def _widths(batch: Batch, columns: _Columns) -> list[int]:
    widths = [
        max(min(30, max(10, 2 * len(header) + 2)), _NUMBER_WIDTH if name in _NUMBERS else 0)
        for header, name in batch.header_map
    ]
    widths += [10] * (columns.width - len(widths))
    widths[columns.reasons] = 60
    return widths


def _write_heads(
    book: Book, batch: Batch, kind: ReturnKind, columns: _Columns, of_the_file: list[_Fault]
) -> None:
    """Title rows and heads as they stood; of the bad rows alone, the heads are the first row."""
    rows: list[list[str]] = json.loads(batch.head) if batch.head else []
    if not rows:
        rows = [[header for header, _ in batch.header_map]]
    header_row = batch.header_row or len(rows)
    first = header_row - len(rows) + 1
    *titles, heads = rows
    heads = _padded(heads, columns.width)
    heads[columns.reasons] = REASONS
    if columns.row_no is not None:
        heads[columns.row_no] = ROW_NO
    if kind == ReturnKind.WHOLE:
        for at, title in enumerate(titles):
            book.append_texts(title, at=first + at)
    notes = {columns.reasons: "；".join(map(_words, of_the_file))} if of_the_file else None
    book.append_texts(heads, at=header_row if kind == ReturnKind.WHOLE else 0, notes=notes)


def _write_row(
    book: Book,
    at: int,
    row_no: int,
    cells: list[str],
    columns: _Columns,
    faults: list[_Fault],
    with_notes: bool,
) -> None:
    texts = _padded(cells, columns.width)
    texts[columns.reasons] = "；".join(dict.fromkeys(map(_words, faults)))
    if columns.row_no is not None:
        texts[columns.row_no] = str(row_no)
    fills: dict[int, str] = {}
    notes: dict[int, str] = {}
    # What sends the row back has its colour over what only flags it.
    for fault in sorted(faults, key=lambda one: one[3] in _BACK):
        place = columns.by_identifier.get(fault[2], columns.reasons)
        fills[place] = _COLOURS[Effect(fault[3])]
        if with_notes:
            notes[place] = "；".join(filter(None, (notes.get(place, ""), _words(fault))))
    book.append_texts(texts, at=at, fills=fills, notes=notes)


def _padded(cells: Sequence[str], width: int) -> list[str]:
    return [*cells, *[""] * (width - len(cells))]


def _words(fault: _Fault) -> str:
    """A reason and its remedy, as a clerk reads it: 姓名：必填项为空，补填后重新上传。"""
    _, code, identifier, _, other_row = fault
    message, remedy = rule_of(code)
    known = facts()
    about = f"{known[identifier].label}：" if identifier in known else ""
    clash = f"（与第 {other_row} 行有关）" if other_row else ""
    told = f"{about}{message}{clash}"
    return f"{told}。{remedy}".rstrip("。") if remedy else told
