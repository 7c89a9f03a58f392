"""The rows of a file as they stood in it: kept sealed, found by any text, shown masked."""

import zlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from core import retention, vault, walls
from core.acting import acting
from core.scope import Maintenance
from core.workbooks import reader
from imports import services
from imports.catalog.plan import Plan
from imports.models import Batch, RawBlock
from imports.queries import raws, rows
from imports.services.rotating import rotate
from imports.services.sealing import raw_rows
from tests.imports.test_rotating import ring_file
from tests.workbooks import family, id_number, member

__all__ = ["ring_file"]

Load = Callable[..., Batch]
NOTE = "对接干部 13900001234，网格 7-乙"
ROWS = [*family(1, 网格员="张三"), *family(2, 网格员=NOTE, 健康状况="残疾")]


def found(batch: Batch, text: str) -> list[int]:
    return [row.row_no for row in raws.search(batch, text)]


@pytest.fixture(params=["staged", "applied"])
def batch(stage: Load, request: Any) -> Batch:
    one = stage(ROWS)
    if request.param == "applied":
        with acting(by=None):
            services.apply(batch=one)
    return one


def test_unknown_columns_are_found(batch: Batch) -> None:
    (first, second) = raws.search(batch, "网格 7")
    assert (first.row_no, second.row_no) == (4, 5)
    cells = {head: (text, hit) for head, text, hit in first.cells}
    assert cells["网格员"] == ("对接干部 *******，网格 7-乙", True)
    assert cells["姓名"] == ("何梅德", False)


def test_numbers_are_masked_and_found_whole_only(batch: Batch) -> None:
    number = id_number(1)
    (row,) = raws.search(batch, number.lower())
    cells = {head: text for head, text, _ in row.cells}
    assert cells["证件号码"] == f"{number[:6]}********{number[-4:]}"
    assert cells["联系电话"] == "***********"
    assert cells["健康状况"] == "已脱敏"
    assert found(batch, number[:12]) == []
    assert found(batch, number[2:]) == []
    assert found(batch, "19900001111") == [2, 3, 4, 5]
    assert found(batch, "1990000") == []
    # A quoted number cannot be felt for, and an illness is not told by asking for it.
    assert found(batch, "1390000") == []
    assert found(batch, "残疾") == []


def test_register_numbers_and_names_are_found(batch: Batch) -> None:
    assert found(batch, "86300000000002") == [4, 5]
    assert found(batch, "86310000000003") == [4]
    assert found(batch, "梅德") == [2, 3, 4, 5]
    assert [row.row_no for row in raws.search(batch, "梅德", limit=3)] == [2, 3, 4]


@pytest.mark.parametrize("text", ["", " ", "张", "长" * 101])
def test_too_short_or_too_long(batch: Batch, text: str) -> None:
    with pytest.raises(ValueError, match="text too short or too long"):
        raws.search(batch, text)


def test_cells_are_not_run_together(batch: Batch) -> None:
    assert found(batch, f"陈家门村{reader.RAW_SEPARATOR}8630") == []


def test_separator_in_a_cell_moves_no_column(stage: Load) -> None:
    """Shifted by one, the telephone would stand under another head and without its mask."""
    one = stage(family(1, 姓名=f"何{reader.RAW_SEPARATOR}德", 网格员="张三"))
    (first, _) = raws.search(one, "张三")
    cells = {head: text for head, text, _ in first.cells}
    number = id_number(1)
    assert cells["姓名"] == f"何{reader.RAW_STAND_IN}德"
    assert cells["证件号码"] == f"{number[:6]}********{number[-4:]}"
    assert cells["联系电话"] == "***********"
    assert cells["网格员"] == "张三"
    assert len(first.cells) == len(one.header_map)


def test_blocks_are_packed_and_sealed(load_rows: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    one = load_rows(ROWS)
    (block,) = RawBlock.objects.filter(batch=one)
    assert (block.first_row, block.last_row, block.rows) == (2, 5, 4)
    assert "张三".encode() not in bytes(block.sealed)
    lines = zlib.decompress(vault.open_bytes(raws.RAW, block.sealed)).decode()
    assert lines.startswith("2\t")
    assert "张三" in lines


def test_several_blocks(stage: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every row is in the block that says so, whichever block a row is asked from."""
    one = stage([member(serial, serial) for serial in range(1, 12)])
    plan = Plan.of_batch(one)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT raw FROM {plan.rows} WHERE raw IS NOT NULL")
        lines = raws.unpacked(cursor.fetchone()[0]).splitlines(keepends=True)
        for start in range(0, 11, 4):
            sealed = vault.seal_bytes(raws.RAW, raws.packed(b"".join(lines[start : start + 4])))
            cursor.execute(
                f"UPDATE {plan.rows} SET raw = %s WHERE row_no = %s", [sealed, start + 2]
            )
    assert [row_no for row_no, _ in raw_rows(plan, {2, 5, 6, 12})] == [2, 5, 6, 12]
    with acting(by=None):
        services.apply(batch=one)
    blocks = RawBlock.objects.filter(batch=one).order_by("first_row")
    assert list(blocks.values_list("first_row", "last_row", "rows")) == [
        (2, 5, 4), (6, 9, 4), (10, 12, 3),
    ]  # fmt: skip
    assert [row_no for row_no, _ in raws.raw_lines(one, {2, 5, 6, 12})] == [2, 5, 6, 12]
    assert [row_no for row_no, _ in raws.raw_lines(one)] == list(range(2, 13))


def test_page_of_what_was_not_written_opens_its_own_blocks(
    load_rows: Load, stage: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which rows stayed the same or went back is put down with the blocks, not looked for in them."""
    load_rows([member(serial, serial) for serial in range(1, 10)])
    again = [member(serial, serial) for serial in range(1, 10)]
    again[8] = again[8] | {"与户主关系": "外星人"}
    one = stage(again)
    plan = Plan.of_batch(one)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT raw FROM {plan.rows} WHERE raw IS NOT NULL")
        lines = raws.unpacked(cursor.fetchone()[0]).splitlines(keepends=True)
        for start in range(0, 9, 3):
            sealed = vault.seal_bytes(raws.RAW, raws.packed(b"".join(lines[start : start + 3])))
            cursor.execute(
                f"UPDATE {plan.rows} SET raw = %s WHERE row_no = %s", [sealed, start + 2]
            )
    with acting(by=None):
        services.apply(batch=one)
    blocks = RawBlock.objects.filter(batch=one).order_by("first_row")
    assert list(blocks.values_list("households_unchanged", "rows_unchanged", "rows_rejected")) == [
        ([2, 3, 4], [2, 3, 4], []), ([5, 6, 7], [5, 6, 7], []), ([8, 9], [8, 9], [10]),
    ]  # fmt: skip
    opened: list[int] = []

    def count(blob: Any, unpack: Any = raws.unpacked) -> bytes:
        opened.append(1)
        return bytes(unpack(blob))

    monkeypatch.setattr(raws, "unpacked", count)
    monkeypatch.setattr(rows, "PAGE", 3)
    for kind in ("persons", "households"):
        opened.clear()
        page = rows.page(one, kind, "S")
        assert ([row.row_no for row in page.rows], len(opened)) == ([2, 3, 4], 2)
        opened.clear()
        last = rows.page(one, kind, "S", rows.page(one, kind, "S", page.next).next)
        assert [row.row_no for row in last.rows] == [8, 9]
        assert all(row.household_no for row in last.rows)
        opened.clear()
        (bad,) = rows.page(one, kind, "R").rows
        assert (bad.row_no, len(opened)) == (10, 1)
        assert bad.reasons


def test_another_key_reseals_them(load_rows: Load, ring_file: Any) -> None:
    one = load_rows(ROWS)
    said: list[str] = []
    rotate(new=True, say=said.append)
    (block,) = RawBlock.objects.filter(batch=one)
    assert bytes(block.sealed)[1] == vault.ring().current
    assert found(one, "张三") == [2, 3]
    assert "imports_rawblock：已更新 1 块" in said
    assert rotate() == 0


def test_first_rows_are_resealed_too(stage: Load, ring_file: Any) -> None:
    one = stage(ROWS, titles=("标题",))
    head = one.head
    assert "标题" in head
    rotate(new=True)
    one.refresh_from_db()
    assert one.head == head
    with connection.cursor() as cursor:
        cursor.execute("SELECT get_byte(head, 1) FROM imports_batch WHERE id = %s", [one.pk])
        assert cursor.fetchone() == (vault.ring().current,)
    # What is staged lies under the former key: it is read again before it is written.
    assert not services.is_staged(one)


def test_no_rows_is_said(load_rows: Load) -> None:
    one = load_rows(ROWS)
    RawBlock.objects.all().delete()
    with pytest.raises(raws.NoRawRowsError):
        raws.search(one, "张三")


# --- retention -----------------------------------------------------------------------------------

RULES = {rule.name: rule for rule in retention.rules()}


def swept() -> int | None:
    with transaction.atomic():
        return retention.apply(RULES["raws"]).removed


def test_kept_for_ever_unless_days_are_set(load_rows: Load, settings: Any) -> None:
    one = load_rows(ROWS)
    Batch.objects.filter(pk=one.pk).update(applied_at=timezone.now() - timedelta(days=4000))
    assert settings.RETAIN_RAW_DAYS == 0
    assert swept() == 0
    settings.RETAIN_RAW_DAYS = 4001
    assert swept() == 0
    settings.RETAIN_RAW_DAYS = 3999
    assert swept() == 1
    assert RawBlock.objects.count() == 0
    assert swept() == 0


# --- scope ---------------------------------------------------------------------------------------


def test_neighbour_has_no_rows(load_rows: Load) -> None:
    own = load_rows(family(1), region="410324")
    with transaction.atomic():
        walls.assume(Maintenance("410325"))
        with pytest.raises(raws.NoRawRowsError):
            raws.search(own, "梅德")
    with transaction.atomic():
        walls.assume(Maintenance("410324"))
        assert found(own, "梅德") == [2, 3]
