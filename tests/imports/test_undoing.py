"""Undoing a written batch: the register as it was, or a word for what is in the way."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError
from django.utils import timezone

from core import vault, walls
from core.acting import acting
from core.history import images
from core.jobs.models import Job, JobState
from core.jobs.services import claim
from core.jobs.tasks import carry_out
from core.scope import Maintenance
from exits.models import FlowFigure, Snapshot
from exits.services.figures import recompute
from households.models import (
    Assignment,
    FormerPlace,
    Household,
    HouseholdYear,
    Partition,
    Person,
    PersonYear,
    StatusEvent,
)
from imports import services
from imports.enums import BatchState, Target
from imports.models import Batch, RawBlock, Touch
from imports.queries.touched import MODELS
from imports.services import obstructing
from imports.services.receiving import WrongStateError
from imports.services.rotating import rotate
from imports.services.undoing import ObstructedError, obstacles
from imports.workbooks import layout_of
from tests.cast import cast
from tests.imports.test_rotating import ring_file
from tests.workbooks import build, family, member
from villages.models import VillageYear

__all__ = ["ring_file"]

Load = Callable[..., Batch]
MOVED = {"乡镇": "栾川乡", "行政村": "养子沟村"}
TABLES = (
    "households_household", "households_householdyear", "households_person",
    "households_personyear", "households_workspell", "households_formerplace",
    "households_assignment",
)  # fmt: skip


def register() -> dict[str, str]:
    """A print of every row of every register table, without when it was touched."""
    found = {}
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT (to_jsonb(t) - 'changed_at')::text FROM {table} t ORDER BY id")
            words = "\n".join(text for (text,) in cursor.fetchall())
            found[table] = hashlib.sha256(words.encode()).hexdigest()
    return found


def movements() -> list[tuple[Any, ...]]:
    """What the ledger of movement adds up to, in every way it is added up."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT village_code, partition_id, kind, is_opening, sum(households), sum(persons)"
            " FROM households_statusevent GROUP BY 1, 2, 3, 4"
            " HAVING sum(households) <> 0 OR sum(persons) <> 0"
            " UNION ALL SELECT village_code, partition_id, kind, is_poor, 0, sum(persons)"
            " FROM households_membershipevent GROUP BY 1, 2, 3, 4 HAVING sum(persons) <> 0"
            " ORDER BY 1, 2, 3, 4"
        )
        return list(cursor.fetchall())


def figures(*years: int) -> list[tuple[Any, ...]]:
    for year in years:
        recompute(prefix="4103", partition=year)
    return [
        *Snapshot.objects.exclude(numerator=0)
        .order_by("region_code", "partition", "metric", "category")
        .values_list("region_code", "partition", "metric", "category", "numerator", "denominator"),
        *FlowFigure.objects.exclude(persons=0, households=0)
        .order_by("region_code", "partition", "flow")
        .values_list("region_code", "partition", "flow", "persons", "households"),
    ]


def carried_out(job: Job) -> Job:
    run = claim(job.pk)
    assert run is not None
    carry_out(run)
    job.refresh_from_db()
    return job


def loaded(rows: list[dict[str, Any]], region: str = "4103", partition: int = 2018) -> Batch:
    """By jobs, as the product does it."""
    batch = services.receive(
        chunks=[build(rows)], file_name="贫困人员.xlsx", partition=partition,
        region_prefix=region, by=None,
    )  # fmt: skip
    for ask in (services.request_stage, services.request_apply):
        job = carried_out(ask(batch=batch, by=None))
        assert job.state == JobState.DONE, job.error
        batch.refresh_from_db()
    return batch


def undone(batch: Batch) -> Batch:
    job = carried_out(services.request_undo(batch=batch, by=None))
    assert job.state == JobState.DONE, job.error
    batch.refresh_from_db()
    assert batch.state == BatchState.UNDONE
    return batch


FIRST = [
    *family(1),
    *family(2, 健康状况="残疾、长期慢性病", 联系电话="19933334444"),
    *family(3, 脱贫属性="已脱贫（享受政策）", 脱贫年度="2017"),
]


def changed_rows() -> list[dict[str, Any]]:
    """Health codes, telephones, names, a head's change, a moved household, an exit, new persons."""
    first = family(1, 健康状况="长期慢性病", 联系电话="19977778888", **MOVED)
    second = family(2, 脱贫属性="已脱贫（享受政策）", 脱贫年度="2018", 人均纯收入="9000")
    second[0]["与户主关系"], second[1]["与户主关系"] = "配偶", "本人或户主"
    third = [*family(3, 姓名="何改名"), member(7, 3, 与户主关系="之子")]
    return [*first, *second, *third, *family(9)]


def test_first_load_leaves_nothing(city: None) -> None:
    before, sums = register(), movements()
    batch = loaded(FIRST)
    assert Person.objects.count() == 6
    touched = dict.fromkeys(Target.values, 0)
    for target in batch.touches.values_list("target", flat=True):
        touched[target] += 1
    assert (touched["H"], touched["P"], touched["HY"], touched["PY"]) == (3, 6, 0, 0)
    raw, problems = batch.raw_blocks.count(), batch.problems.count()
    undone(batch)
    assert register() == before
    assert movements() == sums == []
    assert StatusEvent.objects.filter(reason__contains="撤销").count() == 4
    # What it was, and that it was, stays.
    assert (batch.raw_blocks.count(), batch.problems.count()) == (raw, problems)
    assert batch.undone_at > batch.applied_at
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM households_personyear_history WHERE history_act = 'D'")
        assert cursor.fetchone() == (6,)


@pytest.mark.parametrize("by_job", [True, False])
def test_update_is_taken_back_to_the_letter(city: None, load_rows: Load, by_job: bool) -> None:
    load_rows(FIRST, partition=2017)
    loaded(FIRST)
    before, sums, told = register(), movements(), figures(2017, 2018)
    batch = loaded(changed_rows()) if by_job else load_rows(changed_rows())
    assert batch.households_updated >= 3
    assert batch.persons_created == 3
    assert register() != before
    assert movements() != sums
    assert figures(2017, 2018) != told
    assert FormerPlace.objects.count() > 0
    undone(batch)
    assert register() == before
    assert movements() == sums
    assert figures(2017, 2018) == told
    # And once more: what is new is found new again.
    assert loaded(changed_rows()).persons_created == 3


def test_undo_leaves_images_of_its_own(city: None) -> None:
    loaded(FIRST)
    batch = loaded(changed_rows())
    undone(batch)
    year = HouseholdYear.objects.get(household__household_no="86300000000002")
    reasons = [one["history_reason"] for one in images(HouseholdYear, year.pk)]
    assert reasons == [f"撤销导入 批次{batch.pk}", f"导入工作簿 批次{batch.pk}"]
    assert year.changed_at > batch.applied_at


def test_later_batch_must_go_first(city: None) -> None:
    before = register()
    first = loaded(FIRST)
    between = register()
    second = loaded(changed_rows())
    with pytest.raises(ObstructedError, match=f"由批次 {second.pk} 的导入写入") as refused:
        services.request_undo(batch=first, by=None)
    assert any("8630000000000" in sentence for sentence in refused.value.obstacles)
    undone(second)
    assert register() == between
    assert obstacles(first) == []
    undone(first)
    assert register() == before
    assert movements() == []


def test_batch_that_changed_nothing_can_be_undone(city: None) -> None:
    loaded(FIRST)
    again = loaded(FIRST)
    before = register()
    assert again.touches.count() == 0
    undone(again)
    assert register() == before


def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the words find nothing, as when something happens a moment after they were asked."""
    look = obstructing.gathered_obstacles
    monkeypatch.setattr(obstructing, "gathered_obstacles", lambda batch: look(batch) and [])
    monkeypatch.setattr("imports.services.undoing.obstacles", lambda _: [])


def test_edit_behind_the_first_look_is_seen_by_the_second(
    city: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = loaded(FIRST)
    job = services.request_undo(batch=batch, by=None)
    HouseholdYear.objects.filter(household__household_no="86300000000001").update(main_cause="02")
    blind(monkeypatch)
    before = register()
    assert carried_out(job).state == JobState.FAILED
    assert "又有改动" in job.error
    assert register() == before


def test_edit_since_is_named(city: None) -> None:
    batch = loaded(FIRST)
    clerk = cast("town_clerk")
    year = HouseholdYear.objects.get(household__household_no="86300000000001")
    with acting(by=clerk, reason="更正"):
        year.main_cause = "02"
        year.save()
    (sentence,) = obstacles(batch)
    assert f"经办人 {clerk}" in sentence
    assert "86300000000001" in sentence
    with pytest.raises(ObstructedError):
        services.request_undo(batch=batch, by=None)
    batch.refresh_from_db()
    assert batch.state == BatchState.APPLIED


def test_edit_between_asking_and_doing_leaves_all_as_it_is(city: None) -> None:
    batch = loaded(FIRST)
    job = services.request_undo(batch=batch, by=None)
    HouseholdYear.objects.filter(household__household_no="86300000000001").update(main_cause="02")
    before = register()
    assert carried_out(job).state == JobState.FAILED
    assert "又有改动" in job.error
    batch.refresh_from_db()
    assert (batch.state, register()) == (BatchState.APPLIED, before)


def test_key_that_words_do_not_know_of_is_told_all_the_same(
    city: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What refers to a created row stops the undo inside, not when all is committed."""
    batch = loaded(family(1))
    job = services.request_undo(batch=batch, by=None)
    loaded(family(1), partition=2017)
    blind(monkeypatch)
    before = register()
    assert carried_out(job).state == JobState.FAILED
    assert job.error == "本批新增的户或人已被其他记录引用，不能撤销。"
    batch.refresh_from_db()
    assert (batch.state, register()) == (BatchState.APPLIED, before)


def test_closed_year_stays(city: None) -> None:
    batch = loaded(FIRST)
    Partition.objects.filter(pk=2018).update(closed_at=timezone.now())
    assert obstacles(batch) == ["2018 年度已关闭，不能撤销。"]


def test_year_closed_at_the_last_moment_stays(city: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock on the year tells what a look before it could not."""
    batch = loaded(FIRST)
    job = services.request_undo(batch=batch, by=None)
    Partition.objects.filter(pk=2018).update(closed_at=timezone.now())
    blind(monkeypatch)
    before = register()
    assert carried_out(job).state == JobState.FAILED
    assert job.error == "2018 年度已关闭，不能撤销。"
    batch.refresh_from_db()
    assert (batch.state, register()) == (BatchState.APPLIED, before)


def test_large_batch_is_looked_at_by_the_job(city: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page cannot look at every row of a city; the job does, and says what is in the way."""
    first = loaded(FIRST)
    second = loaded(changed_rows())
    monkeypatch.setattr(obstructing, "LOOKED_AT_ONCE", 1)
    assert obstacles(first) == []
    job = services.request_undo(batch=first, by=None)
    before = register()
    assert carried_out(job).state == JobState.FAILED
    assert f"由批次 {second.pk} 的导入写入" in job.error
    first.refresh_from_db()
    assert (first.state, register()) == (BatchState.APPLIED, before)
    Partition.objects.filter(pk=2018).update(closed_at=timezone.now())
    assert obstacles(first) == ["2018 年度已关闭，不能撤销。"]


def test_later_year_is_named(city: None) -> None:
    batch = loaded(FIRST)
    loaded(FIRST, partition=2019)
    assert any("以后年度" in sentence and "3 户" in sentence for sentence in obstacles(batch))


def test_assigned_household_is_named(city: None) -> None:
    batch = loaded(FIRST)
    household = Household.objects.get(household_no="86300000000001")
    Assignment.objects.create(
        household=household, village_code=household.village_code, user=cast("helper"), reason="帮扶"
    )
    assert any("分派" in one and household.household_no in one for one in obstacles(batch))


def test_member_who_came_later_is_named(city: None) -> None:
    batch = loaded(family(1))
    loaded([*family(1), member(9, 1, 与户主关系="之子")])
    assert any("本批以外的成员" in sentence for sentence in obstacles(batch))


def test_only_a_written_batch_can_be_undone(stage: Load) -> None:
    batch = stage(family(1))
    with pytest.raises(ObstructedError):
        services.request_undo(batch=batch, by=None)
    Batch.objects.filter(pk=batch.pk).update(applied_from=timezone.now(), applied_at=timezone.now())
    batch.refresh_from_db()
    with pytest.raises(WrongStateError):
        services.request_undo(batch=batch, by=None)


def test_keys_changed_in_between(city: None, ring_file: Any, load_rows: Load) -> None:
    """What comes back is sealed and indexed as everything else is by then."""
    loaded(FIRST)
    batch = loaded(changed_rows())
    rotate(new=True, index=True)
    undone(batch)
    current = vault.ring().current
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM households_householdyear WHERE get_byte(phone, 1) <> %s",
            [current],
        )
        assert cursor.fetchone() == (0,)
    for one in Person.objects.all():
        assert bytes(one.id_index) == vault.index("id_no", one.id_no[:18])
    again = load_rows(FIRST)
    assert again.counts("persons")["unchanged"] == 6
    assert again.counts("households")["unchanged"] == 3


# --- spells of work and villages -----------------------------------------------------------------

WORK = {"户编号": "86300000000001", "人编号": "86310000000001", "是否已务工": "是"}


def test_spells_and_answers_are_taken_back(load_rows: Load) -> None:
    headers = layout_of("WORK2023").headers
    load_rows([*family(1), *family(2)])
    before = register()
    first = load_rows(
        [
            WORK | {"开始时间": "201802", "务工月收入": "2,800"},
            WORK | {"开始时间": "201807", "就业渠道": "外出务工"},
            WORK | {"人编号": "86310000000002", "是否已务工": "否"},
        ],
        headers=headers,
    )
    between = register()
    assert between != before
    second = load_rows(
        [WORK | {"开始时间": "201807", "结束时间": "201812"}, WORK | {"开始时间": "201811"}],
        headers=headers,
    )
    assert second.counts("entries") == {"created": 1, "updated": 1, "unchanged": 0, "rejected": 0}
    assert any("务工记录" in sentence for sentence in obstacles(first))
    undone(second)
    assert register() == between
    undone(first)
    assert register() == before


def test_households_of_spells_stay_while_these_do(load_rows: Load) -> None:
    batch = load_rows(family(1))
    load_rows([WORK | {"开始时间": "201802"}], headers=layout_of("WORK2023").headers)
    assert any("务工记录" in sentence for sentence in obstacles(batch))


def test_villages_are_taken_back(load_rows: Load) -> None:
    headers = [name for name in layout_of("V2023").headers if name != "行政村代码"]
    place = {"县": "栾川县", "乡": "城关镇", "村": "陈家门村"}

    def known() -> list[dict[str, Any]]:
        return list(VillageYear.objects.order_by("pk").values())

    before = known()
    first = load_rows([place | {"是否出列": "是", "总户数": "321"}], headers=headers)
    between = known()
    second = load_rows([place | {"是否出列": "是", "总户数": "322"}], headers=headers)
    assert known() != between
    assert any("陈家门" in one or "410324100203" in one for one in obstacles(first))
    undone(second)
    assert known() == between
    undone(first)
    assert known() == before


# --- scope ---------------------------------------------------------------------------------------

NEIGHBOUR = {"行政县": "嵩县", "乡镇": "城关镇", "行政村": "陈家门村"}


def test_county_undoes_its_own(city: None) -> None:
    own = loaded(family(1), region="410324")
    other = loaded(family(5, **NEIGHBOUR), region="410325")
    undone(own)
    assert set(Household.objects.values_list("household_no", flat=True)) == {"86300000000005"}
    assert Touch.objects.filter(batch=other).count() == 3


def remove(batch: Batch, target: str, scope: Any) -> None:
    with transaction.atomic():
        walls.assume(scope)
        with connection.cursor() as cursor:
            cursor.execute("SELECT imports_remove_created(%s, %s)", [batch.pk, target])


def test_touches_of_others_rows_remove_nothing(city: None) -> None:
    """Whoever could write touches could not delete beyond the scope by them."""
    own = loaded(family(1), region="410324")
    loaded(family(5, **NEIGHBOUR), region="410325")
    foreign = Household.objects.get(household_no="86300000000005")
    Touch.objects.create(batch=own, target="H", row_id=foreign.pk, verdict="C")
    for person in foreign.persons.all():
        Touch.objects.create(batch=own, target="P", row_id=person.pk, verdict="C")
    Batch.objects.filter(pk=own.pk).update(state=BatchState.UNDOING)
    for target in ("PY", "HY", "P", "H"):
        with pytest.raises(DatabaseError, match="outside the scope: 410325"):
            remove(own, target, Maintenance("410324"))
    assert Household.objects.filter(pk=foreign.pk).exists()


@pytest.mark.parametrize("scope", [Maintenance("410325"), Maintenance(), None])
def test_nobody_else_calls_the_function(city: None, scope: Any) -> None:
    own = loaded(family(1), region="410324")
    Batch.objects.filter(pk=own.pk).update(state=BatchState.UNDOING)
    with pytest.raises(DatabaseError, match="outside the scope"):
        remove(own, "PY", scope)
    assert PersonYear.objects.count() == 2


def test_function_wants_a_batch_that_is_being_undone(city: None) -> None:
    own = loaded(family(1))
    with (
        pytest.raises(DatabaseError, match="not being undone"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT imports_remove_created(%s, 'PY')", [own.pk])


def forged(batch: Batch, target: str, row_id: int) -> Batch:
    """As somebody would who may write batches and touches, but not delete rows of the register."""
    Touch.objects.create(batch=batch, target=target, row_id=row_id, verdict="C")
    Batch.objects.filter(pk=batch.pk).update(state=BatchState.UNDOING)
    return batch


def rows_of(target: str) -> list[int]:
    return list(MODELS[Target(target)].objects.order_by("pk").values_list("pk", flat=True))


@pytest.mark.parametrize("target", ["PY", "HY", "P", "H"])
def test_rows_of_an_earlier_batch_are_not_removed(city: None, target: str) -> None:
    loaded(family(1), region="410324")
    before = rows_of(target)
    later = forged(loaded(family(5), region="410324"), target, before[0])
    with pytest.raises(DatabaseError, match="were not created by batch"):
        remove(later, target, Maintenance("410324"))
    assert set(before) < set(rows_of(target))


@pytest.mark.parametrize("target", ["PY", "HY"])
def test_rows_that_the_batch_only_changed_are_not_removed(city: None, target: str) -> None:
    loaded(family(1), region="410324")
    before = rows_of(target)
    changed = family(1, 联系电话="19977778888", 人均纯收入="4000", 务工时间="5")
    later = loaded(changed, region="410324")
    assert later.households_updated == 1
    forged(later, target, before[0])
    with pytest.raises(DatabaseError, match="were not created by batch"):
        remove(later, target, Maintenance("410324"))
    assert rows_of(target) == before


def test_batch_that_was_never_written_removes_nothing(city: None) -> None:
    loaded(family(1), region="410324")
    made = services.receive(
        chunks=[build(family(2))], file_name="a.xlsx", partition=2018, region_prefix="410324",
        by=None,
    )  # fmt: skip
    with pytest.raises(DatabaseError, match="is not being undone"):
        remove(forged(made, "PY", rows_of("PY")[0]), "PY", Maintenance("410324"))


def test_nothing_of_a_closed_year_is_removed(city: None) -> None:
    own = loaded(family(1), region="410324")
    Batch.objects.filter(pk=own.pk).update(state=BatchState.UNDOING)
    Partition.objects.filter(pk=2018).update(closed_at=timezone.now())
    with pytest.raises(DatabaseError, match="year 2018 is closed"):
        remove(own, "PY", Maintenance("410324"))
    assert PersonYear.objects.count() == 2


def test_web_process_undoes_nothing(city: None) -> None:
    """Who signed in decides; the role of the transaction does not."""
    own = loaded(family(1), region="410324")
    Batch.objects.filter(pk=own.pk).update(state=BatchState.UNDOING)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = session_user")
        if not cursor.fetchone()[0]:
            cursor.execute(
                "SELECT pg_get_functiondef('imports_remove_created(bigint,text)'::regprocedure)"
            )
            assert "session_user <> 'povertyops_worker'" in cursor.fetchone()[0]
            return
        cursor.execute("SET LOCAL SESSION AUTHORIZATION povertyops_web")
        with (
            pytest.raises(DatabaseError, match="only background work undoes"),
            transaction.atomic(),
        ):
            cursor.execute("SELECT imports_remove_created(%s, 'PY')", [own.pk])
        cursor.execute("SET LOCAL SESSION AUTHORIZATION DEFAULT")
    assert PersonYear.objects.count() == 2


@pytest.mark.parametrize("table", ["imports_touch", "households_workspell", "villages_villageyear"])
def test_processes_delete_no_rows_of_the_register(db: None, table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT has_table_privilege(role, %s, 'DELETE') FROM"
            " unnest(ARRAY['povertyops_web', 'povertyops_worker', 'povertyops_city']) AS role",
            [table],
        )
        assert {told for (told,) in cursor.fetchall()} == {False}


def test_worker_that_lost_its_lease_undoes_nothing(city: None) -> None:
    batch = loaded(FIRST)
    job = services.request_undo(batch=batch, by=None)
    run = claim(job.pk)
    assert run is not None
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    second = claim(job.pk)
    before = register()
    carry_out(run)
    assert register() == before
    assert second is not None
    carry_out(second)
    batch.refresh_from_db()
    assert batch.state == BatchState.UNDONE
    assert RawBlock.objects.filter(batch=batch).exists()
