"""Other keys: every current row under them, nothing else changed, also after it was broken off."""

import errno
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from core import sealing, vault
from core.history import images
from core.ledger import Act
from core.ledger.models import AccessEntry
from households.models import HouseholdYear, Partition, Person, PersonYear
from imports import services
from imports.models import Batch, Problem
from imports.services.rotating import KeysUnsettledError, rotate
from imports.services.staging import register_version
from tests.workbooks import family, id_number, member

Load = Callable[..., Batch]

pytestmark = pytest.mark.django_db


@pytest.fixture
def ring_file(settings: Any, tmp_path: Path) -> Path:
    """The suite's own ring, in a file that may be changed."""
    file = tmp_path / "field_keys"
    file.touch(mode=0o600)
    file.write_text(vault.ring().written())
    settings.FIELD_KEYS, settings.FIELD_KEYS_FILE = "", str(file)
    vault.forget_keys()
    return file


@pytest.fixture
def register(load_rows: Load, ring_file: Path) -> None:
    """Two households with images of a changed telephone, a problem, and a closed year."""
    load_rows(family(1, 联系电话="19933334444"), partition=2017)
    Partition.objects.filter(year=2017).update(closed_at="2018-01-31T00:00Z")
    load_rows([*family(1), *family(2, 健康状况="残疾、长期慢性病")])
    load_rows([*family(1, 联系电话="19955556666"), member(5, 3, 联系电话="6631")])


def under(model: Any, column: str) -> set[int]:
    """The keys that a column's values are under."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT get_byte({column}, 1) FROM {model._meta.db_table}"
            f" WHERE {column} IS NOT NULL"
        )
        return {number for (number,) in cursor.fetchall()}


def everything() -> list[Any]:
    return [
        *Person.objects.order_by("pk").values_list("pk", "id_no", "birth_date"),
        *HouseholdYear.objects.order_by("pk").values_list("pk", "phone", "changed_at"),
        *PersonYear.objects.order_by("pk").values_list("pk", "health_status", "changed_at"),
        *Problem.objects.order_by("pk").values_list("pk", "value"),
    ]


def marks_and_images() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM households_dirtyregion"
            " UNION ALL SELECT count(*) FROM households_person_history"
            " UNION ALL SELECT count(*) FROM households_householdyear_history"
            " UNION ALL SELECT count(*) FROM households_personyear_history"
        )
        return [count for (count,) in cursor.fetchall()]


WHERE = (
    (Person, "id_no"), (HouseholdYear, "phone"), (PersonYear, "health_status"), (Problem, "value"),
)  # fmt: skip


def test_rows_come_under_the_new_key(register: None, ring_file: Path, load_rows: Load) -> None:
    old, before, kept = vault.ring(), everything(), marks_and_images()
    out = StringIO()
    call_command("rotate_keys", "--new", stdout=out)
    new = vault.ring()
    assert new.current != old.current
    assert new.index == old.index
    assert ring_file.stat().st_mode & 0o777 == 0o600
    assert all(under(*place) == {new.current} for place in WHERE)
    assert everything() == before
    assert marks_and_images() == kept
    assert "households_person：已更新 5 行" in out.getvalue()
    # Old images open under the key that stays in the ring, and the triggers are back.
    year = HouseholdYear.objects.get(household__household_no="86300000000001", partition=2018)
    (image,) = images(HouseholdYear, year.pk)
    assert vault.open_sealed("phone", image["phone"]) == "19900001111"
    assert bytes(image["phone"])[1] == old.current
    year.phone = "19977778888"
    year.save()
    assert len(images(HouseholdYear, year.pk)) == 2
    entry = AccessEntry.objects.filter(act=Act.KEY_ROTATION).order_by("id").last()
    assert entry is not None
    assert entry.detail == {"key": new.current, "new": True, "index": False}
    # The same file again: compared under one key, nothing has changed but the telephone.
    batch = load_rows([*family(1, 联系电话="19977778888"), *family(2, 健康状况="残疾、长期慢性病")])
    assert batch.counts("persons") == {"created": 0, "updated": 0, "unchanged": 4, "rejected": 0}
    assert batch.counts("households")["unchanged"] == 2


def test_work_that_was_broken_off_goes_on(
    register: None, monkeypatch: pytest.MonkeyPatch, stage: Load
) -> None:
    monkeypatch.setattr(sealing, "RESEALED_AT_ONCE", 2)
    before = everything()

    def stop(text: str) -> None:
        if text.startswith("households_person：已更新 2 行"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rotate(new=True, say=stop)
    current = vault.ring().current
    assert under(Person, "id_no") > {current}
    assert everything() == before
    with pytest.raises(KeysUnsettledError, match="rotate_keys"):
        stage(family(9))
    said: list[str] = []
    left = rotate(say=said.append)
    assert all(under(*place) == {current} for place in WHERE)
    assert everything() == before
    # What was done before was not done again.
    assert not any(line.startswith("households_person：已更新 5 行") for line in said)
    assert left > 0
    assert rotate() == 0
    assert stage(family(9)).persons_created == 2


def test_indexes_are_made_anew(register: None, load_rows: Load) -> None:
    old = {one.pk: (bytes(one.id_index), one.id_tail) for one in Person.objects.all()}
    rotate(index=True)
    for one in Person.objects.all():
        assert bytes(one.id_index) == vault.index("id_no", one.id_no[:18])
        assert one.id_tail == vault.tail("id_no.tail", one.id_no[14:18])
        assert (bytes(one.id_index), one.id_tail) != old[one.pk]
    # A person is still found by the number alone.
    batch = load_rows([member(1, 1, 人编号="86310000000077"), member(2, 1)])
    assert batch.persons_created == 0
    assert Person.objects.get(id_no=id_number(1)).person_no == "86310000000077"


def test_preview_of_before_is_not_written_after(register: None, stage: Load) -> None:
    batch = stage(family(1))
    version = batch.register_version
    rotate(new=True)
    assert not services.is_staged(batch)
    assert register_version() > version


def test_keys_of_the_environment_are_not_changed(register: None, settings: Any) -> None:
    settings.FIELD_KEYS = vault.ring().written()
    with pytest.raises(CommandError, match="--print-new"):
        call_command("rotate_keys", "--new", stdout=StringIO())
    out = StringIO()
    call_command("rotate_keys", "--print-new", stdout=out)
    longer = vault.read_ring(out.getvalue())
    assert set(longer.keys) > set(vault.ring().keys)
    settings.FIELD_KEYS = out.getvalue()
    assert rotate() > 0
    assert under(Person, "id_no") == {longer.current}


def printed(*words: str) -> vault.Ring:
    out = StringIO()
    call_command("rotate_keys", "--print-new", *words, stdout=out, stderr=StringIO())
    return vault.read_ring(out.getvalue())


@pytest.mark.parametrize("word", ["--new", "--index"])
def test_file_that_cannot_be_replaced_is_told_in_words(
    ring_file: Path, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    """A container's secret is mounted read-only."""

    def read_only(*_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    before = ring_file.read_text()
    monkeypatch.setattr(Path, "touch", read_only)
    with pytest.raises(CommandError, match=r"不能改写.*--print-new.*--index.*重启.*rotate_keys"):
        call_command("rotate_keys", word, stdout=StringIO())
    assert ring_file.read_text() == before
    assert [one.name for one in ring_file.parent.iterdir()] == [ring_file.name]


def test_printed_ring_carries_the_keys_on(register: None, settings: Any) -> None:
    old, before = vault.ring(), everything()
    longer = printed()
    assert longer.keys.items() > old.keys.items()
    assert (longer.current in old.keys, longer.index) == (False, old.index)
    both = printed("--index")
    assert both.keys.items() > old.keys.items()
    assert both.index != old.index
    # Nothing was changed by printing; put in place, the ring is worked with.
    assert vault.ring() == old
    settings.FIELD_KEYS = both.written()
    assert everything() == before
    call_command("rotate_keys", stdout=StringIO())
    assert all(under(*place) == {both.current} for place in WHERE)
    for one in Person.objects.all():
        assert bytes(one.id_index) == vault.index("id_no", one.id_no[:18])
    assert everything() == before


def test_damaged_ring_is_not_replaced_by_a_fresh_one(ring_file: Path) -> None:
    ring_file.write_text("{")
    vault.forget_keys()
    with pytest.raises(CommandError, match="无法读取"):
        printed()
    # An empty file waits for its first ring, a file that is not there too.
    ring_file.write_text("")
    assert len(printed().keys) == 1
    ring_file.unlink()
    assert len(printed("--index").keys) == 1
    vault.forget_keys()


def test_first_ring_is_printed_where_there_is_none(settings: Any) -> None:
    settings.FIELD_KEYS, settings.FIELD_KEYS_FILE = "", ""
    out = StringIO()
    call_command("rotate_keys", "--print-new", stdout=out)
    assert len(vault.read_ring(out.getvalue()).keys) == 1


def test_lost_key_stops_the_work_with_words(register: None, settings: Any) -> None:
    stranger = vault.new_ring()
    settings.FIELD_KEYS = stranger.written()
    with pytest.raises(CommandError, match=r"没有编号|不符"):
        call_command("rotate_keys", stdout=StringIO())
