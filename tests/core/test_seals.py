"""Tampering by a superuser of the database: every kind is found, and a clean history verifies."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from core import ledger
from core.history import images, sync
from core.ledger import seals
from core.ledger.models import Seal
from core.ledger.verifying import Fault, Verified, link_of, verify
from households.models import Person
from tests.factories.households import household

TWIN = "households_person_history"


def sql(text: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(text, list(values))
        return list(cursor.fetchall()) if cursor.description else []


def tamper(table: str, *statements: str) -> None:
    """As somebody who can switch triggers off, and who switches them on again."""
    sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    for statement in statements:
        sql(statement)
    sql(f"ALTER TABLE {table} ENABLE TRIGGER USER")


@pytest.fixture(autouse=True)
def _own_chain(db: None, settings: Any, tmp_path: Path) -> None:
    """The chain begins with this test; what other tests left behind is sealed as it lies there."""
    settings.SEAL_ANCHOR_FILE = str(tmp_path / "seals.log")
    tamper("core_seal", "DELETE FROM core_seal")


@pytest.fixture
def history() -> list[int]:
    """Six persons whose names were changed, sealed: the ids of the six old images."""
    row = household(members=6)
    sql(
        "UPDATE households_person SET name = name || '（改）' WHERE household_id = %s",
        row.household_id,
    )
    ledger.note(ledger.Act.PRINT, subject_kind="household", subject=row.household.household_no)
    assert seals.seal() > 0
    ids = [one for (one,) in sql(f"SELECT history_id FROM {TWIN} ORDER BY history_id DESC LIMIT 6")]
    return sorted(ids)


def faults(**how: Any) -> list[Fault]:
    return list(verify(Verified(), **how))


def only_fault(kind: str, table: str = TWIN) -> Fault:
    found = faults()
    assert [(fault.kind, fault.table) for fault in found] == [(kind, table)]
    return found[0]


def test_clean_history_verifies(history: list[int]) -> None:
    report = Verified()
    assert list(verify(report)) == []
    assert report.rows >= 7
    assert report.unsealed == 0
    assert seals.seal() == 0


def test_every_source_has_its_rows_in_the_chain(history: list[int]) -> None:
    for source in seals.sources():
        rows = sql(f"SELECT count(*) FROM {source.table}")[0][0]
        sealed = sql(
            "SELECT coalesce(sum(rows), 0) FROM core_seal WHERE table_name = %s", source.table
        )
        assert rows == sealed[0][0], source.table


def test_altered_row(history: list[int]) -> None:
    tamper(TWIN, f"UPDATE {TWIN} SET name = '某人' WHERE history_id = {history[2]}")
    fault = only_fault("行被改动")
    assert fault.ids == (history[2],)
    assert fault.day == timezone.localdate()


def test_altered_metadata_of_a_row(history: list[int]) -> None:
    tamper(TWIN, f"UPDATE {TWIN} SET history_actor = 1 WHERE history_id = {history[0]}")
    assert only_fault("行被改动").ids == (history[0],)


def test_null_made_empty_text(history: list[int]) -> None:
    tamper(TWIN, f"UPDATE {TWIN} SET history_reason = '' WHERE history_id = {history[0]}")
    assert only_fault("行被改动").ids == (history[0],)


def test_deleted_row(history: list[int]) -> None:
    tamper(TWIN, f"DELETE FROM {TWIN} WHERE history_id = {history[3]}")
    assert only_fault("行缺失").ids == (history[3],)


def test_inserted_row(history: list[int]) -> None:
    columns = ", ".join(
        name for name, in sql(
            "SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = to_regclass(%s)"
            " AND attnum > 0 AND NOT attisdropped AND attname <> 'history_id'", TWIN)
    )  # fmt: skip
    sql(
        f"INSERT INTO {TWIN} (history_id, {columns}) OVERRIDING SYSTEM VALUE"
        f" SELECT -5, {columns} FROM {TWIN} WHERE history_id = {history[0]}"
    )
    assert only_fault("行被插入").ids == (-5,)


def test_row_doubled_under_its_own_id(history: list[int]) -> None:
    columns = "history_id, " + ", ".join(
        name for name, in sql(
            "SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = to_regclass(%s)"
            " AND attnum > 0 AND NOT attisdropped AND attname <> 'history_id'", TWIN)
    )  # fmt: skip
    sql(
        f"INSERT INTO {TWIN} ({columns}) OVERRIDING SYSTEM VALUE"
        f" SELECT {columns} FROM {TWIN} WHERE history_id = {history[0]}"
    )
    assert only_fault("行被改动").ids == (history[0],)


def test_two_rows_that_changed_places(history: list[int]) -> None:
    one, other = history[1], history[4]
    tamper(
        TWIN,
        f"ALTER TABLE {TWIN} ALTER history_id SET GENERATED BY DEFAULT",
        f"DELETE FROM {TWIN} WHERE false",
        f"WITH gone AS (DELETE FROM {TWIN} WHERE history_id IN ({one}, {other}) RETURNING *)"
        f" INSERT INTO {TWIN} SELECT (jsonb_populate_record(NULL::{TWIN}, to_jsonb(gone) ||"
        f" jsonb_build_object('history_id', {one} + {other} - history_id))).* FROM gone",
    )
    assert only_fault("行被改动").ids == (one, other)


def test_emptied_table(history: list[int]) -> None:
    parts = [
        part for (part,) in sql("SELECT relid::regclass::text FROM pg_partition_tree(%s)", TWIN)
    ]
    for part in parts:
        sql(f"ALTER TABLE {part} DISABLE TRIGGER USER")
    sql(f"TRUNCATE {TWIN}")
    for part in parts:
        sql(f"ALTER TABLE {part} ENABLE TRIGGER USER")
    assert set(history) <= set(only_fault("行缺失").ids)


def test_dropped_table(history: list[int]) -> None:
    sql(f"DROP TABLE {TWIN}")
    assert {("表不存在", TWIN), ("防护被破坏", "households_person")} == {
        (fault.kind, fault.table) for fault in faults()
    }


@pytest.mark.parametrize(
    ("table", "trigger"),
    [
        ("households_person", "history_update"),
        ("households_person", "history_delete"),
        (TWIN, "append_only"),
        (f"{TWIN}_rest", "append_only"),
        (f"{TWIN}_rest", "append_only_whole"),
        ("core_accessentry", "append_only"),
        ("core_accessentry_rest", "append_only_whole"),
        ("core_seal", "append_only"),
        ("households_statusevent", "append_only"),
    ],
)
def test_trigger_switched_off(table: str, trigger: str) -> None:
    assert faults() == []
    sql(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
    found = faults()
    assert ("防护被破坏", table) in {(fault.kind, fault.table) for fault in found}
    assert all(trigger in fault.note for fault in found)


def test_dropped_trigger() -> None:
    sql("DROP TRIGGER history_update ON households_person")
    assert only_fault("防护被破坏", "households_person").note == "缺少触发器 history_update"


def test_trigger_that_no_longer_fires_for_every_row() -> None:
    sql(
        f"CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON {TWIN} FOR EACH ROW"
        f" WHEN (old.history_id > 5) EXECUTE FUNCTION refuse_change()"
    )
    assert {fault.kind for fault in faults()} == {"防护被破坏"}


@pytest.mark.parametrize(
    "function", ["history_of_households_person", "refuse_change", "core_accessentry_is_append_only"]
)
def test_function_emptied_behind_its_trigger(function: str) -> None:
    sql(
        f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql"
        f" AS 'BEGIN RETURN NEW; END'"
    )
    assert [fault.note for fault in faults()] == [f"函数 {function} 被改动"]


def test_access_entry_altered(history: list[int]) -> None:
    number = sql("SELECT max(id) FROM core_accessentry")[0][0]
    tamper("core_accessentry", f"UPDATE core_accessentry SET actor = 7 WHERE id = {number}")
    assert only_fault("行被改动", "core_accessentry").ids == (number,)


def test_seal_removed_from_the_middle(history: list[int]) -> None:
    ledger.note(ledger.Act.PRINT)
    assert seals.seal() == 1
    tamper("core_seal", "DELETE FROM core_seal WHERE no = 2")
    found = faults()
    assert found[0].kind == "存证缺失"
    assert found[0].ids == (2,)


def test_last_seal_removed(
    django_capture_on_commit_callbacks: Callable[..., Any], history: list[int]
) -> None:
    """The chain alone would look whole: the file outside the database knows better."""
    with django_capture_on_commit_callbacks(execute=True):
        ledger.note(ledger.Act.PRINT)
        assert seals.seal() == 1
    last = Seal.objects.order_by("-no")[0]
    assert list(seals.anchored()) == [(last.no, bytes(last.root))]
    assert faults() == []
    tamper("core_seal", f"DELETE FROM core_seal WHERE no = {last.no}")
    assert [(fault.kind, fault.ids) for fault in faults()] == [("存证缺失", (last.no,))]


def test_seal_made_anew_over_altered_rows(
    django_capture_on_commit_callbacks: Callable[..., Any], history: list[int]
) -> None:
    """Even with the key: what was printed or exported before contradicts it."""
    exported = {seal.no: bytes(seal.root) for seal in Seal.objects.all()}
    tamper(TWIN, f"UPDATE {TWIN} SET name = '某人' WHERE history_id = {history[2]}")
    tamper("core_seal", "DELETE FROM core_seal")
    seals.seal()
    assert faults() == []
    assert {fault.kind for fault in faults(against=exported)} == {"与库外存证值不符"}


def test_seal_rewritten_without_the_key(history: list[int]) -> None:
    """A superuser can compute every hash, but not the HMAC."""
    tamper(TWIN, f"DELETE FROM {TWIN} WHERE history_id = {history[5]}")
    seal = Seal.objects.filter(table=TWIN).order_by("-no")[0]
    with connection.cursor() as cursor:
        columns = list(seal.columns)
        cursor.execute(
            "SELECT rows, digest, ids, marks FROM seal_digest(%s, 'history_id', %s, %s, %s, NULL)",
            [TWIN, columns, seal.after_id, seal.last_id],
        )
        rows, digest, ids, marks = cursor.fetchone()
    link = replace(
        link_of(seal), rows=rows, digest=bytes(digest), ids=bytes(ids), marks=bytes(marks)
    )
    sql("ALTER TABLE core_seal DISABLE TRIGGER USER")
    sql(
        "UPDATE core_seal SET rows = %s, digest = %s, ids = %s, marks = %s, root = %s WHERE no = %s",
        link.rows, link.digest, link.ids, link.marks, link.root(), link.no,
    )  # fmt: skip
    sql("ALTER TABLE core_seal ENABLE TRIGGER USER")
    assert "存证系伪造" in {fault.kind for fault in faults()}


def test_changed_key_is_told_from_a_forgery(history: list[int], settings: Any) -> None:
    former = settings.SEAL_KEY or settings.SECRET_KEY
    settings.SEAL_KEY = "another key that is long enough for the purpose"
    assert {fault.kind for fault in faults()} == {"密钥不符"}
    settings.SEAL_KEYS_FORMER = [former]
    assert faults() == []


def test_column_gained_later_leaves_old_seals_alone(history: list[int]) -> None:
    sql("ALTER TABLE households_person ADD COLUMN nickname text")
    sync()
    assert faults() == []
    tamper(TWIN, f"UPDATE {TWIN} SET nickname = '某' WHERE history_id = {history[1]}")
    fault = only_fault("行被改动")
    assert (fault.ids, fault.note) == ((history[1],), "后加的列有值")


def test_column_removed_from_a_twin(history: list[int]) -> None:
    sql(f"ALTER TABLE {TWIN} DROP COLUMN sex")
    assert ("列被删除", TWIN) in {(fault.kind, fault.table) for fault in faults()}


def test_session_settings_do_not_matter(history: list[int]) -> None:
    sql("SELECT set_config('timezone', 'Asia/Shanghai', true), set_config('datestyle', 'German', true),"
        " set_config('bytea_output', 'escape', true)")  # fmt: skip
    assert faults() == []
    assert sql("SELECT current_setting('timezone')") == [("Asia/Shanghai",)]


def test_small_links_cover_the_same_rows(
    monkeypatch: pytest.MonkeyPatch, history: list[int]
) -> None:
    monkeypatch.setattr(seals, "LINK_ROWS", 2)
    sql("UPDATE households_person SET name = name || '二'")
    assert seals.seal() >= 3
    assert faults() == []


def test_finished_days_are_closed_once(monkeypatch: pytest.MonkeyPatch, history: list[int]) -> None:
    today = timezone.localdate()
    in_three_days = timezone.now() + timedelta(days=3)
    monkeypatch.setattr(seals._Chain, "_now", lambda chain: in_three_days)
    assert seals.seal() == 3
    assert seals.seal() == 0
    closed = Seal.objects.filter(table="").order_by("no")
    assert [seal.day for seal in closed] == [today + timedelta(days=number) for number in range(3)]
    assert faults() == []


def test_stalled_sealing_is_a_fault(history: list[int]) -> None:
    number = ledger.note(ledger.Act.PRINT)
    tamper(
        "core_accessentry",
        f"UPDATE core_accessentry SET at = now() - interval '2 days' WHERE id = {number}",
    )
    assert only_fault("长期未存证", "core_accessentry").ids == (number,)


def test_since_spares_older_rows(history: list[int]) -> None:
    tamper(TWIN, f"DELETE FROM {TWIN} WHERE history_id = {history[3]}")
    assert faults(since=timezone.localdate() + timedelta(days=1)) == []
    assert faults(since=timezone.localdate()) != []


def test_command_tells_and_exports(history: list[int], tmp_path: Path) -> None:
    told, file = StringIO(), tmp_path / "roots.json"
    call_command("verify_history", export=file, stdout=told)
    assert "核对通过" in told.getvalue()
    exported = json.loads(file.read_text(encoding="utf-8"))
    assert exported["last"]["root"] == bytes(Seal.objects.order_by("-no")[0].root).hex()
    call_command("verify_history", against=file, stdout=told)
    tamper(TWIN, f"DELETE FROM {TWIN} WHERE history_id = {history[3]}")
    with pytest.raises(CommandError) as refused:
        call_command("verify_history", stdout=told)
    assert refused.value.returncode == 1
    assert f"行缺失；表 {TWIN}；存证日 {timezone.localdate()}；行号 {history[3]}" in told.getvalue()


def test_old_images_are_still_read(history: list[int]) -> None:
    person = sql(f"SELECT id FROM {TWIN} WHERE history_id = {history[0]}")[0][0]
    assert [image["history_id"] for image in images(Person, person)] == [history[0]]


@pytest.mark.integration
@pytest.mark.django_db(transaction=True)
def test_late_commit_is_no_insertion(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids are taken in one order and committed in another: the table waits for the slow writer."""
    monkeypatch.setattr(seals, "PATIENCE_SECONDS", 0.1)
    slow, quick = household(members=2), household(members=2)
    change = "UPDATE households_person SET name = name || '（改）' WHERE household_id = %s"
    seals.seal()
    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute(change, [slow.household_id])
        sql(change, quick.household_id)
        assert seals.seal() == 0
        other.commit()
        assert seals.seal() == 1
        assert Seal.objects.order_by("-no")[0].rows == 4
        assert faults() == []
    finally:
        other.close()


@pytest.mark.integration
@pytest.mark.django_db(transaction=True)
def test_two_sealers_make_one_chain() -> None:
    household(members=1)
    sql("UPDATE households_person SET name = name || '（改）'")
    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [seals._LOCK])
        assert seals.seal() == 0
        other.rollback()
        assert seals.seal() > 0
        assert faults() == []
    finally:
        other.close()
