"""Each check of the driver fails when what it looks for is really broken."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection

from core.acting import acting
from core.jobs import services as jobs
from core.jobs.models import Job
from core.ledger import seals
from exits import services as figures
from imports import services
from imports.models import Batch, Problem
from tests.faults import invariants
from tests.faults.books import EDITED, YEAR, Book, Clerk, household_no
from tests.villages.lists import CITY, load

COUNTY = "410324"


class Office:
    """A county whose clerk uploaded two books that were applied by real jobs, without any fault."""

    def __init__(self) -> None:
        load(CITY)
        self.clerk = Clerk(COUNTY)
        self.apply(self.clerk.opening())
        self.book = self.clerk.next()
        self.batch, self.job = self.apply(self.book)
        figures.recompute(prefix="4103", partition=YEAR)

    def apply(self, book: Book) -> tuple[Batch, Job]:
        batch = services.receive(
            chunks=[book.content], file_name="a.xlsx", partition=YEAR, region_prefix=COUNTY, by=None
        )
        for ask in (services.request_stage, services.request_apply):
            job = ask(batch=Batch.objects.get(pk=batch.pk), by=None)
            run = jobs.claim(job.pk)
            assert run is not None
            jobs.kind(run.kind).run(run)
        self.clerk.applied(book)
        return Batch.objects.get(pk=batch.pk), Job.objects.get(pk=job.pk)

    def broken(self) -> list[str]:
        done = list(Batch.objects.values_list("pk", flat=True))
        return [
            *invariants.loaded_or_rejected(self.batch, self.book),
            *invariants.natural_keys(),
            *invariants.changes_are_history(self.job.pk, self.book),
            *invariants.effects_once(),
            *invariants.acknowledged(self.clerk.incomes, {}, done),
            *invariants.figures_hold(COUNTY),
            *invariants.seals_hold(),
            *invariants.nothing_left_over(),
        ]


def sql(text: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(text, list(values))


@pytest.fixture
def office(db: None, settings: Any, tmp_path: Path) -> Office:
    settings.UPLOAD_DIR = tmp_path / "uploads"
    settings.SEAL_ANCHOR_FILE = str(tmp_path / "seals.log")
    sql("ALTER TABLE core_seal DISABLE TRIGGER USER")
    sql("DELETE FROM core_seal")
    sql("ALTER TABLE core_seal ENABLE TRIGGER USER")
    return Office()


def test_all_holds_without_a_fault(office: Office) -> None:
    assert invariants.previewed(office.batch, office.book) == []
    assert office.broken() == []
    assert invariants.figures_hold("4103") == []


def test_row_that_is_nowhere(office: Office) -> None:
    Problem.objects.filter(batch=office.batch).delete()
    assert [words[:2] for words in invariants.loaded_or_rejected(office.batch, office.book)] == [
        "I1", "I1", "I1",
    ]  # fmt: skip


def test_row_that_is_in_both(office: Office) -> None:
    problem = Problem.objects.filter(batch=office.batch, effect="BACK").first()
    assert problem is not None
    problem.pk, problem.row_no = None, 2
    problem.save(force_insert=True)
    found = invariants.loaded_or_rejected(office.batch, office.book)
    assert f"I1 {office.book.people[0]} 既写入又退回" in found


def test_counts_of_another_book(office: Office) -> None:
    office.batch.households_created += 1
    assert invariants.previewed(office.batch, office.book)


def test_key_that_stands_twice(office: Office) -> None:
    sql(
        "ALTER TABLE households_household DROP CONSTRAINT households_household_household_no_key CASCADE"
    )
    sql(
        "UPDATE households_household SET household_no = %s WHERE household_no = %s",
        household_no(COUNTY, 5),
        household_no(COUNTY, 6),
    )
    assert [words[:2] for words in invariants.natural_keys()] == ["I2"]


def test_change_without_history(office: Office) -> None:
    sql("ALTER TABLE households_householdyear_history DISABLE TRIGGER USER")
    sql(
        "DELETE FROM households_householdyear_history WHERE history_id = (SELECT max(history_id)"
        " FROM households_householdyear_history WHERE history_job = %s)",
        office.job.pk,
    )
    found = invariants.changes_are_history(office.job.pk, office.book)
    assert [words[:2] for words in found] == ["I4"]


def test_effect_stored_twice(office: Office) -> None:
    sql(
        "INSERT INTO households_statusevent (household_id, village_code, partition_id, kind, year,"
        " households, persons, is_opening, reason, job_id)"
        " SELECT household_id, village_code, partition_id, kind, year, households, persons,"
        " is_opening, reason, job_id FROM households_statusevent WHERE job_id = %s LIMIT 1",
        office.job.pk,
    )
    found = invariants.changes_are_history(office.job.pk, office.book)
    assert [words[:2] for words in found] == ["I5"]


def test_effect_of_a_job_that_is_not_done(office: Office) -> None:
    Job.objects.filter(pk=office.job.pk).update(state="FAILED")
    assert {words[:2] for words in invariants.effects_once()} == {"I5"}
    Job.objects.filter(pk=office.job.pk).update(state="DONE", token=0)
    assert invariants.effects_once()


def test_job_that_was_done_again(office: Office) -> None:
    seen = {office.job.pk: (office.job.token, office.job.finished_at)}
    assert invariants.done_once(seen) == []
    Job.objects.filter(pk=office.job.pk).update(token=office.job.token + 1)
    assert [words[:2] for words in invariants.done_once(seen)] == ["I5"]


def test_figure_that_is_not_the_registers(office: Office) -> None:
    sql(
        "UPDATE exits_snapshot SET numerator = numerator + 1 WHERE metric = 'registered'"
        " AND region_code = '410324100203'"
    )
    assert [words[:2] for words in invariants.figures_hold(COUNTY)] == ["I6"]


def test_sealed_row_that_was_altered(office: Office) -> None:
    assert seals.seal() > 0
    sql("ALTER TABLE households_householdyear_history DISABLE TRIGGER USER")
    sql(
        "UPDATE households_householdyear_history SET main_cause = '9' WHERE history_job = %s",
        office.job.pk,
    )
    sql("ALTER TABLE households_householdyear_history ENABLE TRIGGER USER")
    assert {words[:2] for words in invariants.seals_hold()} == {"I7"}


def test_acknowledged_write_that_is_gone(office: Office) -> None:
    with acting(by=None, reason="试验"):
        sql(
            "UPDATE households_householdyear y SET net_income_per_capita = 1 FROM"
            " households_household h WHERE h.id = y.household_id AND h.household_no = %s",
            household_no(COUNTY, 7),
        )
    found = invariants.acknowledged(office.clerk.incomes, {COUNTY: "9"}, [office.batch.pk, 10**6])
    assert [words[:2] for words in found] == ["I9", "I9", "I9"]
    assert household_no(COUNTY, EDITED) in found[1]


def test_leftovers_of_dead_workers(office: Office) -> None:
    sql(f"CREATE UNLOGGED TABLE staging.b{office.batch.pk}_7_rows (row_no integer)")
    folder = Path(django_settings.UPLOAD_DIR)
    (folder / "half.part").write_bytes(b"x")
    assert [words[:7] for words in invariants.nothing_left_over()] == ["I11 暂存表"]
    assert not (folder / "half.part").exists()
    shutil.rmtree(folder)


def test_orphan_that_retention_would_never_find(office: Office) -> None:
    (Path(django_settings.UPLOAD_DIR) / "strange.tmp").write_bytes(b"x")
    assert invariants.nothing_left_over() == ["I11 文件 strange.tmp"]
