"""Workbooks made from a batch: the same rows in the same places, with what is wrong in them."""

from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.test import TestCase
from django.utils import timezone
from openpyxl import Workbook, load_workbook

from accounts.enums import Role
from core import retention
from core.jobs.models import JobState
from core.jobs.services import claim
from core.jobs.tasks import carry_out
from core.ledger import Act
from core.ledger.models import AccessEntry
from households.models import Person
from imports import services
from imports.enums import BatchState
from imports.models import Batch, Problem, ReturnedFile
from imports.services import returning, superseding
from imports.services.receiving import ForeignCorrectionError, WrongStateError, drop_stage
from tests.cast import cast
from tests.conftest import person
from tests.workbooks import P2018, build, family, id_number, member

Stage = Callable[..., Batch]
RED, AMBER = "FFF4B6B6", "FFFFE39A"
TITLES = ("贫困人员信息", "导出日期 2018")


@pytest.fixture(autouse=True)
def uploads(settings: Any, tmp_path: Path) -> None:
    settings.UPLOAD_DIR = tmp_path / "uploads"


def returned(batch: Batch, kind: str, by: Any = None, **more: Any) -> ReturnedFile:
    file = services.request_return(batch=batch, kind=kind, by=by, **more)
    run = claim(file.job_id)
    assert run is not None
    carry_out(run)
    file.refresh_from_db()
    assert file.job.state == JobState.DONE, file.job.error
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert file.size == file.path.stat().st_size
    return file


def loader() -> Any:
    """Somebody who may load into the whole city."""
    return person("city_office", Role.CITY_OFFICE, "4103")


def sheet_of(file: ReturnedFile) -> Any:
    return load_workbook(file.path).active


def texts(sheet: Any, row: int) -> list[str]:
    return [cell.value or "" for cell in sheet[row]]


BAD = member(4, 2, 危房户="不详", 证件号码="990324197001010010", 网格员="+1+1")


def blank_lines(content: bytes, *rows: int) -> bytes:
    """The same workbook with rows pushed down by blank ones before these rows."""
    book = load_workbook(BytesIO(content))
    for row in rows:
        book.active.insert_rows(row)
    out = BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.fixture
def staged(city: None) -> Batch:
    content = blank_lines(build([*family(1), BAD, *family(3)], titles=TITLES), 5)
    return staged_from(content)


def staged_from(content: bytes, **more: Any) -> Batch:
    batch = services.receive(
        chunks=[content], file_name="贫困人员.xlsx", partition=2018, region_prefix="4103",
        by=None, **more,
    )  # fmt: skip
    job = services.request_stage(batch=batch, by=None)
    run = claim(job.pk)
    assert run is not None
    carry_out(run)
    batch.refresh_from_db()
    job.refresh_from_db()
    assert batch.state == BatchState.STAGED, (batch.refusal, job.state, job.error)
    return batch


def applied(batch: Batch) -> Batch:
    run = claim(services.request_apply(batch=batch, by=None).pk)
    assert run is not None
    carry_out(run)
    batch.refresh_from_db()
    assert batch.state == BatchState.APPLIED
    return batch


@pytest.mark.parametrize("when", ["staged", "applied"])
def test_same_workbook_with_the_reasons(staged: Batch, when: str) -> None:
    batch = applied(staged) if when == "applied" else staged
    file = returned(batch, "WHOLE")
    original = load_workbook(batch.path).active
    sheet = sheet_of(file)
    assert sheet.max_row == original.max_row == 9
    heads = texts(sheet, 3)
    assert heads == [*P2018, "网格员", "问题说明"]
    for row in range(1, 10):
        was = [str(cell.value or "") for cell in original[row]]
        now = texts(sheet, row)[: len(was)]
        if row != 3:
            assert now == was, row
        assert all(cell.data_type in ("s", "n", "inlineStr") for cell in sheet[row])
    # A blank row stays blank, and the bad one keeps its number.
    assert not any(texts(sheet, 5))
    bad = 7
    assert texts(sheet, bad)[heads.index("户编号")] == "86300000000002"
    assert texts(sheet, bad)[heads.index("网格员")] == "+1+1"
    coloured = {
        (cell.row, heads[cell.column - 1]): cell.fill.fgColor.rgb
        for row in sheet.iter_rows(min_row=4)
        for cell in row
        if cell.fill.fill_type
    }
    assert coloured[bad, "危房户"] == coloured[bad, "证件号码"] == RED
    assert {row for row, _ in coloured} <= set(Problem.objects.values_list("row_no", flat=True))
    said = texts(sheet, bad)[-1]
    assert "应填“是”或“否”" in said
    assert "；" in said
    note = sheet.cell(bad, heads.index("危房户") + 1).comment
    assert "应填“是”或“否”" in note.text
    # Untouched rows have neither colour nor word.
    good = set(range(4, 10)) - {row for row, _ in coloured}
    assert all(texts(sheet, row)[-1] == "" for row in good)
    assert file.rows == 5


def test_what_is_written_but_odd_has_another_colour(stage: Stage) -> None:
    batch = stage([*family(1), member(3, 2)])
    batch.problems.all().delete()
    Problem.objects.create(
        batch=batch, row_no=2, rule="IMP06", severity="ERROR", effect="FLAG",
        identifier="main_cause", header="致贫原因",
    )  # fmt: skip
    Problem.objects.create(
        batch=batch, row_no=3, rule="IMP07", severity="SUSPECT", effect="NOTE", identifier="name"
    )
    sheet = sheet_of(returned(batch, "WHOLE"))
    heads = texts(sheet, 1)
    assert sheet.cell(2, heads.index("致贫原因") + 1).fill.fgColor.rgb == AMBER
    assert texts(sheet, 3)[-1] == ""
    assert not any(cell.fill.fill_type for cell in sheet[3])


def test_only_the_bad_rows(staged: Batch) -> None:
    file = returned(staged, "BAD_ROWS")
    sheet = sheet_of(file)
    heads = texts(sheet, 1)
    assert heads == [*P2018, "网格员", "问题说明", "原行号"]
    assert (sheet.max_row, file.rows) == (2, 1)
    assert texts(sheet, 2)[-1] == "7"
    assert texts(sheet, 2)[heads.index("姓名")] == "何梅德"


@pytest.mark.parametrize("kind", ["WHOLE", "BAD_ROWS"])
def test_corrected_file_continues_the_batch(staged: Batch, kind: str) -> None:
    file = returned(staged, kind)
    book = load_workbook(file.path)
    sheet = book.active
    head_row = 3 if kind == "WHOLE" else 1
    heads = texts(sheet, head_row)
    row = 7 if kind == "WHOLE" else 2
    sheet.cell(row, heads.index("危房户") + 1).value = "否"
    sheet.cell(row, heads.index("证件号码") + 1).value = id_number(4)
    out = BytesIO()
    book.save(out)
    again = staged_from(out.getvalue(), corrects=staged)
    staged.refresh_from_db()
    if kind == "WHOLE":
        assert (staged.state, staged.stage) == (BatchState.DISCARDED, "")
    else:
        # Its good rows stand nowhere else.
        assert staged.state == BatchState.STAGED
    assert (again.corrects, list(staged.corrections.all())) == (staged, [again])
    assert again.persons_rejected == 0
    assert again.rows_read == (5 if kind == "WHOLE" else 1)
    # Our columns are not doubled when the file is handed back once more.
    heads = texts(sheet_of(returned(again, "WHOLE")), again.header_row)
    assert heads.count("问题说明") == 1


@pytest.mark.parametrize("first", ["old", "new"])
def test_good_rows_outlive_a_correction_of_the_bad_ones(city: None, first: str) -> None:
    """Three good rows and a bad one, of which only the bad one comes again: all four are written."""
    rows = [*family(1), *family(2)]
    mended = rows[3]["人编号"]
    rows[3] = rows[3] | {"与户主关系": "外星人"}
    old = staged_from(build(rows))
    assert (old.persons_created, old.persons_rejected) == (3, 1)
    new = staged_from(build(family(2)[1:]), corrects=old)
    old.refresh_from_db()
    assert old.state == BatchState.STAGED
    words = f"第 {old.pk} 批还有未写入的行，请先写入第 {old.pk} 批合格的行。"
    assert superseding.unwritten(old) == superseding.unwritten(new) == words
    for batch in (old, new) if first == "old" else (new, old):
        batch.refresh_from_db()
        run = claim(services.request_apply(batch=batch, by=None).pk)
        assert run is not None
        carry_out(run)
        batch.refresh_from_db()
        if batch.state == BatchState.STAGED:
            # The other one was written meanwhile: the counts are confirmed again.
            applied(batch)
    assert Person.objects.count() == 4
    assert Person.objects.filter(person_no=mended).exists()
    old.refresh_from_db()
    new = Batch.objects.get(pk=new.pk)
    assert superseding.unwritten(old) == superseding.unwritten(new) == ""


def test_correction_without_the_bad_row_takes_the_place(city: None) -> None:
    """What is compared is what would have been written; the order of the rows is not."""
    rows = [*family(1), *family(2)]
    bad = rows[3] | {"与户主关系": "外星人"}
    old = staged_from(build([*rows[:3], bad]))
    staged_from(build(rows[2::-1]), corrects=old)
    old.refresh_from_db()
    assert old.state == BatchState.DISCARDED


def test_correction_whose_old_rows_are_lost_gives_nothing_up(staged: Batch) -> None:
    """Nobody can tell what was in them."""
    drop_stage(staged)
    staged_from(build(family(8)), corrects=staged)
    staged.refresh_from_db()
    assert staged.state == BatchState.STAGED


def test_batch_without_a_row_is_given_up(city: None) -> None:
    old = services.receive(
        chunks=[b"a,b\n1,2\n"], file_name="a.csv", partition=2018, region_prefix="4103", by=None
    )
    Batch.objects.filter(pk=old.pk).update(state=BatchState.REFUSED)
    staged_from(build(family(8)), corrects=old)
    old.refresh_from_db()
    assert old.state == BatchState.DISCARDED


@pytest.mark.parametrize("other", [{"partition": 2017}, {"region_prefix": "410324"}])
def test_correction_belongs_where_the_batch_does(staged: Batch, other: dict[str, Any]) -> None:
    place = {"partition": 2018, "region_prefix": "4103"} | other
    with pytest.raises(ForeignCorrectionError):
        services.receive(
            chunks=[build(family(1))], file_name="a.xlsx", corrects=staged, by=None, **place
        )
    # Whoever stored one all the same gives nothing up by it.
    foreign = staged_from(build(family(8)), corrects=staged)
    Batch.objects.filter(pk=staged.pk).update(state=BatchState.REFUSED)
    Batch.objects.filter(pk=foreign.pk).update(**other)
    superseding.supersede(Batch.objects.get(pk=foreign.pk))
    staged.refresh_from_db()
    assert staged.state == BatchState.REFUSED


def test_written_batch_stays_what_it_is(staged: Batch) -> None:
    applied(staged)
    staged_from(build(family(8)), corrects=staged)
    staged.refresh_from_db()
    assert staged.state == BatchState.APPLIED


def test_changes_as_a_workbook(load_rows: Stage, stage: Stage) -> None:
    load_rows([*family(1), *family(2)])
    batch = stage([*family(1, 联系电话="19977778888", 人均纯收入="4000"), *family(2)])
    sheet = sheet_of(returned(batch, "CHANGES"))
    rows = [texts(sheet, row) for row in range(1, sheet.max_row + 1)]
    assert rows[0][:2] == ["行号", "户编号"]
    assert [row[4] for row in rows[1:]] == ["人均纯收入", "联系电话"]
    assert "19977778888" not in str(rows)
    narrow = sheet_of(returned(batch, "CHANGES", field="net_income_per_capita"))
    assert narrow.max_row == 2


def test_too_many_notes_are_left_out(staged: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(returning, "MOST_NOTES", 1)
    assert not returning.has_notes(staged)
    sheet = sheet_of(returned(staged, "WHOLE"))
    assert not any(cell.comment for row in sheet.iter_rows() for cell in row)
    assert texts(sheet, 7)[-1]


def test_batch_without_rows_says_so(staged: Batch) -> None:
    applied(staged)
    staged.raw_blocks.all().delete()
    file = services.request_return(batch=staged, kind="WHOLE", by=None)
    run = claim(file.job_id)
    assert run is not None
    carry_out(run)
    file.refresh_from_db()
    assert file.job.state == JobState.FAILED
    assert "原始行已不在" in file.job.error
    assert list(file.path.parent.iterdir()) == []


def test_refused_batch_has_nothing_to_hand_back(city: None) -> None:
    batch = services.receive(
        chunks=[build(family(1))], file_name="a.xlsx", partition=2018, region_prefix="4103", by=None
    )
    with pytest.raises(WrongStateError):
        services.request_return(batch=batch, kind="WHOLE", by=None)
    with pytest.raises(ValueError, match="PDF"):
        services.request_return(batch=batch, kind="PDF", by=None)


# --- who may -------------------------------------------------------------------------------------


def test_whoever_may_load_there_may_have_it(city: None, stage: Stage) -> None:
    own = stage(family(1), region="410324")
    office = cast("county_office")
    file = returned(own, "WHOLE", by=office)
    with returning.open_file(file, by=office) as book:
        assert book.read(2) == b"PK"
    entry = AccessEntry.objects.filter(act=Act.EXPORT).latest("id")
    assert (entry.subject, entry.region, entry.rows) == (str(own.pk), "410324", 2)
    assert entry.detail["full"] is True


@pytest.mark.parametrize("who", ["county_leader", "auditor", "county_system_admin"])
def test_nobody_else(stage: Stage, who: str) -> None:
    own = stage(family(1), region="410324")
    file = returned(own, "WHOLE")
    someone = cast(who)
    with pytest.raises(PermissionDenied):
        services.request_return(batch=own, kind="WHOLE", by=someone)
    for nobody in (someone, None):
        with pytest.raises(PermissionDenied):
            returning.open_file(file, by=nobody)


def test_neighbour_may_not(stage: Stage) -> None:
    place = {"行政县": "嵩县", "乡镇": "城关镇", "行政村": "陈家门村"}
    other = stage(family(1, **place), region="410325")
    with pytest.raises(PermissionDenied):
        services.request_return(batch=other, kind="WHOLE", by=cast("county_office"))


def test_removed_after_its_time(staged: Batch) -> None:
    file, fresh = returned(staged, "WHOLE"), returned(staged, "BAD_ROWS")
    ReturnedFile.objects.filter(pk=file.pk).update(made_at=timezone.now() - timedelta(days=8))
    rule = next(one for one in retention.rules() if one.name == "returned")
    assert retention.apply(rule, dry_run=True).due == 1
    with TestCase.captureOnCommitCallbacks(execute=True):
        assert retention.apply(rule).removed == 1
    file.refresh_from_db()
    assert (file.sha256, file.path.exists(), fresh.path.exists()) == ("", False, True)
    assert file.made_at is not None
    with pytest.raises(WrongStateError):
        returning.open_file(file, by=loader())
    assert retention.apply(rule).removed == 0


def test_first_rows_and_quotes_go_with_the_workbook(staged: Batch) -> None:
    Batch.objects.filter(pk=staged.pk).update(created_at=timezone.now() - timedelta(days=400))
    rule = next(one for one in retention.rules() if one.name == "quotes")
    retention.apply(rule)
    staged.refresh_from_db()
    # Somebody may still decide about it.
    assert staged.head
    Batch.objects.filter(pk=staged.pk).update(state=BatchState.DISCARDED)
    assert retention.apply(rule).removed == 1
    staged.refresh_from_db()
    assert not staged.head
    assert retention.apply(rule).removed == 0


def test_frozen_worker_puts_nothing_in_place(staged: Batch) -> None:
    file = services.request_return(batch=staged, kind="WHOLE", by=None)
    run = claim(file.job_id)
    assert run is not None
    file.job.token = run.token + 1
    file.job.save(update_fields=["token"])
    carry_out(run)
    file.refresh_from_db()
    assert (file.sha256, file.path.exists()) == ("", False)


def test_large_texts_and_odd_cells_survive(city: None) -> None:
    book = Workbook()
    sheet = book.active
    sheet.append([*P2018, "备注"])
    row = member(1) | {"备注": "第一行\n第二行\t缩进 \\ 斜线"}
    sheet.append([row.get(name) for name in [*P2018, "备注"]])
    out = BytesIO()
    book.save(out)
    again = sheet_of(returned(staged_from(out.getvalue()), "WHOLE"))
    assert again.cell(2, len(P2018) + 1).value == "第一行\n第二行\t缩进 \\ 斜线"


def test_separator_in_a_cell_moves_no_column(stage: Stage) -> None:
    plain = stage([member(1), member(2, 1, 危房户="不详")])
    odd = stage([member(1, 姓名="何␟德"), member(2, 1, 姓名="何␟德", 危房户="不详")])
    (problem,) = odd.problems.filter(effect="BACK")
    (sound,) = plain.problems.filter(effect="BACK")
    assert (problem.header, problem.value) == (sound.header, sound.value) == ("危房户", "不详")
    ours, theirs = (sheet_of(returned(one, "WHOLE")) for one in (plain, odd))
    at = texts(ours, 1).index("姓名")
    for row in (2, 3):
        expected = texts(ours, row)
        expected[at] = "何␞德"
        assert texts(theirs, row) == expected
