"""What a batch changes, field by field, and the rows behind its counts."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from core import walls
from core.acting import acting
from core.scope import Maintenance
from households.queries.keyset import BadCursorError
from imports import services
from imports.models import Batch
from imports.queries import changes, rows
from tests.workbooks import family, member

Load = Callable[..., Batch]
MOVED = {"乡镇": "栾川乡", "行政村": "养子沟村"}
BEFORE = [*family(1), *family(2), *family(3), *family(4)]
AFTER = [
    *family(1),
    *family(2, 人均纯收入="4,000", 联系电话="19977778888"),
    *family(3, 健康状况="残疾", 姓名="何改名", **MOVED),
    member(7, 4),
    member(8, 4, 务工时间="十二"),
    *family(5),
]


@pytest.fixture
def staged(load_rows: Load, stage: Load) -> Batch:
    load_rows(BEFORE)
    return stage(AFTER)


def told(batch: Batch, **terms: Any) -> list[tuple[int, str, str, str]]:
    return [(one.row_no, one.field, one.old, one.new) for one in changes.page(batch, **terms).rows]


def test_old_against_new(staged: Batch) -> None:
    assert told(staged) == [
        (4, "人均纯收入", "3219.50", "4000.00"),
        (4, "联系电话", "***********", "***********"),
        (6, "行政村", "陈家门村", "养子沟村"),
        (6, "姓名", "何梅德", "何改名"),
        (6, "健康状况", "已脱敏", "已脱敏"),
        (7, "姓名", "何梅德", "何改名"),
        (7, "健康状况", "已脱敏", "已脱敏"),
    ]
    (first, *_) = changes.page(staged).rows
    assert (first.household_no, first.village, first.name) == ("86300000000002", "陈家门村", "")


def test_by_field_and_by_village(staged: Batch) -> None:
    counted = {name: count for name, _, count in changes.fields(staged)}
    assert counted == {
        "net_income_per_capita": 1, "phone": 1, "name": 2, "health_status": 2, "village_code": 1,
    }  # fmt: skip
    for name, count in counted.items():
        assert len(told(staged, field=name)) == count, name
    assert changes.villages(staged) == [
        ("410324100203", "陈家门村", 1), ("410324200201", "养子沟村", 2),
    ]  # fmt: skip
    assert changes.villages(staged, "name") == [("410324200201", "养子沟村", 2)]
    assert {row for row, *_ in told(staged, village_code="410324200201")} == {6, 7}
    assert told(staged, field="name", village_code="410324100203") == []
    assert told(staged, field="no_such_field") == []


def test_by_page(staged: Batch) -> None:
    pages, after = [], ""
    while True:
        page = changes.page(staged, after=after, size=1)
        pages.append({one.row_no for one in page.rows})
        after = page.next
        if not after:
            break
    assert pages == [{4}, {6}, {7}]
    assert [one.row_no for one in changes.every(staged)] == [4, 4, 6, 6, 6, 7, 7]
    with pytest.raises(BadCursorError):
        changes.page(staged, after="nonsense!")


def test_all_at_once_are_those_of_the_pages(staged: Batch, monkeypatch: Any) -> None:
    """One pass over the staged rows, however many there are, and not one for every page of them."""
    monkeypatch.setattr(changes, "STREAMED", 2)
    for terms in ({}, {"field": "name"}, {"village_code": "410324200201"}):
        paged = changes.page(staged, **terms).rows
        with CaptureQueriesContext(connection) as asked:
            assert list(changes.every(staged, **terms)) == paged
        scans = [one["sql"] for one in asked if f"{staged.stage}_rows" in one["sql"]]
        assert len(scans) == 1
    assert list(changes.every(staged, "no_such_field")) == []


def test_what_changes_has_an_index(load_rows: Load, stage: Load) -> None:
    """A page of a city's changes is read from it; a file that changes nothing has none to keep."""
    for batch, is_indexed in ((load_rows(BEFORE), False), (stage(AFTER), True)):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT tablename FROM pg_indexes WHERE schemaname = 'staging'"
                " AND starts_with(tablename, %s) AND indexdef LIKE '%%(row_no)%%'",
                [f"{batch.stage}_" if batch.stage else "none"],
            )
            tables = {name.removeprefix(batch.stage) for (name,) in cursor.fetchall()}
        assert tables == ({"_rows", "_h", "_p"} if is_indexed else set())
    services.restage_judgement(batch)
    assert changes.page(batch).rows


def test_nothing_once_written(staged: Batch) -> None:
    with acting(by=None):
        services.apply(batch=staged)
    assert changes.page(staged).rows == []
    assert changes.villages(staged) == []
    assert {name for name, *_ in changes.fields(staged)} >= {"name"}


def test_silent_file_carries_no_change(load_rows: Load, stage: Load) -> None:
    """A status that the file leaves out is carried over, not blanked."""
    load_rows(family(1))
    batch = stage(family(1, 人均纯收入="1.00", 脱贫属性=""))
    assert {field for _, field, _, _ in told(batch)} == {"人均纯收入"}


KINDS = ("households", "persons")
VERDICTS = {"C": "created", "U": "updated", "S": "unchanged", "R": "rejected"}


@pytest.mark.parametrize("when", ["staged", "applied"])
def test_rows_behind_every_count(staged: Batch, when: str) -> None:
    if when == "applied":
        with acting(by=None):
            services.apply(batch=staged)
    for kind in KINDS:
        for verdict, name in VERDICTS.items():
            found = rows.page(staged, kind, verdict).rows
            assert len(found) == staged.counts(kind)[name], (kind, name)
    (bad,) = rows.page(staged, "persons", "R").rows
    assert (bad.row_no, bad.household_no, bad.name) == (9, "86300000000004", "何梅德")
    assert any("数字" in reason for reason in bad.reasons)
    assert {row.household_no for row in rows.page(staged, "persons", "C").rows} == {
        "86300000000005"
    }
    moved = rows.page(staged, "households", "U").rows
    assert {row.village for row in moved} == {"陈家门村", "养子沟村"}
    assert rows.page(staged, "entries", "C").rows == []


@pytest.mark.parametrize("when", ["staged", "applied"])
def test_rows_by_page(stage: Load, when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = stage([row for household in range(1, 6) for row in family(household)])
    if when == "applied":
        with acting(by=None):
            services.apply(batch=batch)
    monkeypatch.setattr(rows, "PAGE", 3)
    seen, after = [], ""
    while True:
        page = rows.page(batch, "persons", "C", after)
        seen += page.rows
        after = page.next
        if not after:
            break
    assert len(seen) == len({row.key for row in seen}) == 10


def test_what_does_not_exist(staged: Batch) -> None:
    with pytest.raises(ValueError, match="cows"):
        rows.page(staged, "cows", "C")
    with pytest.raises(ValueError, match="X"):
        rows.page(staged, "persons", "X")
    with pytest.raises(BadCursorError):
        rows.page(staged, "persons", "C", "nonsense!")


def test_neighbour_sees_none_of_it(load_rows: Load) -> None:
    batch = load_rows(family(1), region="410324")
    for scope, count in (("410324", 2), ("410325", 0)):
        with transaction.atomic():
            walls.assume(Maintenance(scope))
            assert len(rows.page(batch, "persons", "C").rows) == count
