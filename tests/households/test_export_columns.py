"""Lists as files in chosen columns, persons among them, and a file read back by the import."""

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core.exports.kinds import kind_of
from core.exports.models import ExportFile, ExportRelease
from core.exports.services import mark_of
from core.workbooks import writing
from households.models import HouseholdYear, PersonYear
from households.queries import cells
from households.queries.cells import household_columns, person_columns
from imports import services
from imports.catalog.recognising import recognise
from imports.models import Batch
from imports.services.staging import save_problems
from tests.factories.households import NEIGHBOUR, household
from tests.workbooks import family

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("city")]

As = Callable[[Any], Client]
PERSONS, HOUSEHOLDS = reverse("households:export-persons"), reverse("households:export")
FORM = {"file_format": "xlsx", "numbers": "masked", "purpose": "核对栾川县名单"}
CHOSEN = {**FORM, "layout": "chosen"}


def sheet(response: Any) -> list[list[Any]]:
    assert response.status_code == 200
    read = openpyxl.load_workbook(io.BytesIO(response.content)).active
    return [list(row) for row in read.iter_rows(values_only=True)]


# --- persons -----------------------------------------------------------------------------------


def test_persons_come_in_the_national_columns_masked(as_user: As, luanchuan_clerk: Any) -> None:
    row = household()
    household(code=NEIGHBOUR)
    _, head, *lines = sheet(as_user(luanchuan_clerk).post(PERSONS, FORM))
    assert head == list(cells.NATIONAL_PERSON.values())
    assert len(lines) == PersonYear.objects.filter(household=row.household).count() > 0
    found = [dict(zip(head, line, strict=True)) for line in lines]
    assert {one["户编号"] for one in found} == {row.household.household_no}
    assert all(one["证件号码"][6:14] == "********" for one in found)
    assert {one["联系电话"] for one in found} == {"139****1234"}


def test_what_is_only_hidden_shows_no_more_than_that_it_is_there(
    as_user: As, luanchuan_clerk: Any
) -> None:
    row = household()
    form = {**CHOSEN, "columns": ["bank_account", "birth_date"]}
    _, head, *lines = sheet(as_user(luanchuan_clerk).post(PERSONS, form))
    account, born = head.index("银行卡号"), head.index("出生日期")
    assert lines
    assert {line[account] for line in lines} == {"已脱敏"}
    # Day and masked number together would be the number.
    assert all(re.fullmatch(r"\d{4} 年", line[born]) for line in lines)
    HouseholdYear.objects.filter(pk=row.pk).update(bank_account="")
    _, _, *lines = sheet(as_user(luanchuan_clerk).post(PERSONS, form))
    assert {line[account] for line in lines} == {None}


def test_chosen_columns_stand_in_the_order_of_the_form(as_user: As, luanchuan_clerk: Any) -> None:
    row = household()
    form = {**CHOSEN, "columns": ["main_cause", "household_no", "village_code"]}
    _, head, line = sheet(as_user(luanchuan_clerk).post(HOUSEHOLDS, form))
    assert head == ["行政村", "户编号", "主要致贫原因"]
    assert line[1] == row.household.household_no
    assert line[0]
    assert line[2] == "因病"


@pytest.mark.parametrize("columns", [[], ["id_index"], ["household_no", "nothing"]])
@pytest.mark.parametrize("address", [PERSONS, HOUSEHOLDS])
def test_columns_that_are_none_export_nothing(
    as_user: As, luanchuan_clerk: Any, address: str, columns: list[str]
) -> None:
    household()
    response = as_user(luanchuan_clerk).post(address, {**CHOSEN, "columns": columns})
    assert response.status_code == 422


def test_a_csv_is_marked_as_utf8_and_computes_nothing(as_user: As, luanchuan_clerk: Any) -> None:
    row = household(head="=1+1")
    form = {**CHOSEN, "file_format": "csv", "columns": ["household_no", "name"]}
    body = as_user(luanchuan_clerk).post(PERSONS, form).content
    assert body.startswith(b"\xef\xbb\xbf")
    lines = list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))
    assert [f"'{row.household.household_no}", "'=1+1"] in lines


# --- the list of every page --------------------------------------------------------------------


@pytest.mark.parametrize("query", ["region=410325", "county=410325", "region=x"])
def test_a_neighbours_persons_are_not_there(as_user: As, luanchuan_clerk: Any, query: str) -> None:
    household()
    household(code=NEIGHBOUR)
    client = as_user(luanchuan_clerk)
    assert client.get(f"{PERSONS}?{query}").status_code == 404
    assert client.post(f"{PERSONS}?{query}", FORM).status_code == 404


def test_exporting_persons_needs_the_right(as_user: As, stranger: Any, client: Client) -> None:
    household()
    assert as_user(stranger).get(PERSONS).status_code == 403
    assert as_user(stranger).post(PERSONS, FORM).status_code == 403
    assert client.post(PERSONS, FORM).status_code == 302


def test_exporting_persons_is_got_or_posted(as_user: As, luanchuan_clerk: Any) -> None:
    household()
    client = as_user(luanchuan_clerk)
    assert client.put(PERSONS).status_code == 405
    text = client.get(PERSONS, {"relation": "01"}).content.decode()
    assert "国家系统人员导出各列" in text
    assert "自选各列" in text


def test_three_households_cost_the_queries_of_one(
    as_user: As, city_leader: Any, monkeypatch: Any
) -> None:
    for place in ("households.queries.years", "households.catalog"):
        monkeypatch.setattr(f"{place}.monotonic", lambda: 0.0)
    client = as_user(city_leader)
    household(members=1)
    taken = []
    for count in (1, 3):
        client.post(PERSONS, FORM)
        with CaptureQueriesContext(connection) as captured:
            assert len(sheet(client.post(PERSONS, FORM))) == count + 2
        taken.append(len(captured))
        household(members=1)
        household(members=1, code=NEIGHBOUR)
    assert taken[0] == taken[1]


def test_chunks_lose_and_repeat_no_person(as_user: As, city_leader: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("households.queries.cells.CHUNK", 2)
    for _ in range(3):
        household(members=3)
    _, head, *lines = sheet(as_user(city_leader).post(PERSONS, FORM))
    numbers = [line[head.index("人编号")] for line in lines]
    assert len(numbers) == len(set(numbers)) == 9


def test_many_persons_are_written_in_the_background(
    as_user: As, luanchuan_clerk: Any, monkeypatch: Any
) -> None:
    for place in ("core.exports.services", "households.views.exporting"):
        monkeypatch.setattr(f"{place}.AT_ONCE", 1)
    household()
    form = {**CHOSEN, "columns": ["name", "id_no"]}
    assert as_user(luanchuan_clerk).post(PERSONS, form).url == reverse("exports:list")
    file = ExportFile.objects.get()
    assert (file.kind, file.terms["columns"]) == ("persons", ["name", "id_no"])


def test_who_releases_is_told_which_closed_columns(as_user: As, luanchuan_clerk: Any) -> None:
    household()
    form = {**CHOSEN, "numbers": "full", "columns": ["name", "health_status"]}
    as_user(luanchuan_clerk).post(PERSONS, form)
    release = ExportRelease.objects.get()
    assert kind_of("persons").words(release.terms).endswith("列：2 列（含健康状况）")


# --- back through the import -------------------------------------------------------------------


def exported(path: Path, file_format: str, by: Any, terms: dict[str, Any]) -> bytes:
    """The file a released export of 栾川县 holds."""
    kind = kind_of("persons")
    writing.write(
        path, file_format, kind.label, kind.heads(terms),
        kind.rows(terms, by, region="410324", full=True), mark=mark_of(by, "核对名单"),
    )  # fmt: skip
    return path.read_bytes()


def staged(body: bytes, name: str) -> Batch:
    batch = services.receive(
        chunks=[body], file_name=name, partition=2018, region_prefix="4103", by=None
    )
    plan = services.stage(batch=batch, stage_name=f"b{batch.pk}_0")
    save_problems(batch, plan)
    batch.save()
    return batch


@pytest.mark.parametrize("file_format", ["xlsx", "csv"])
@pytest.mark.may_show_numbers("a released file holds whole numbers")
def test_an_exported_county_reads_back_unchanged(
    load_rows: Any, luanchuan_clerk: Any, tmp_path: Path, file_format: str
) -> None:
    rows = [
        *family(1),
        *family(2, 健康状况="长期慢性病", 脱贫属性="已脱贫", 脱贫年度="2018"),
        *family(3),
    ]
    first = load_rows(rows)
    assert (first.persons_created, first.persons_rejected) == (6, 0)
    name = f"persons.{file_format}"
    body = exported(tmp_path / name, file_format, luanchuan_clerk, {"year": 2018})
    batch = staged(body, name)
    assert batch.layout_id == "P2018"
    assert (batch.persons_unchanged, batch.households_unchanged) == (6, 3)
    assert not batch.persons_rejected + batch.persons_updated + batch.persons_created
    assert not batch.households_rejected + batch.households_updated + batch.households_created


@pytest.mark.parametrize("chosen", ["all", "some"])
@pytest.mark.may_show_numbers("a released file holds whole numbers")
def test_a_village_in_chosen_columns_reads_back_unchanged(
    load_rows: Any, luanchuan_clerk: Any, tmp_path: Path, chosen: str
) -> None:
    """Whatever columns somebody ticked, the import finds nothing to change in them."""
    first = load_rows([*family(1), *family(2, 健康状况="长期慢性病"), *family(3)])
    assert (first.persons_created, first.persons_rejected) == (6, 0)
    some = ("county_code", "town_code", "village_code", "household_no", "person_no", "name",
            "id_no", "relation_to_head", "health_status", "main_cause", "net_income_per_capita")  # fmt: skip
    columns = list(person_columns()) if chosen == "all" else list(some)
    village = HouseholdYear.objects.earliest("pk").village_code
    terms = {"year": 2018, "village": village, "columns": columns}
    body = exported(tmp_path / "village.xlsx", "xlsx", luanchuan_clerk, terms)
    there = PersonYear.objects.filter(village_code=village).count()
    batch = staged(body, "village.xlsx")
    assert (batch.persons_unchanged, batch.state) == (there, "STAGED")
    assert there > 0
    assert not batch.persons_rejected + batch.persons_updated + batch.persons_created
    assert not batch.households_rejected + batch.households_updated + batch.households_created


@pytest.mark.parametrize("known", [person_columns, household_columns])
def test_no_head_is_read_as_another_fact(known: Callable[[], dict[str, str]]) -> None:
    """The import may not know a head; what it knows by it is the fact that stands there."""
    columns = known()
    found = recognise([list(columns.values())])
    read = dict(zip(columns, (column.identifier for column in found.columns), strict=True))
    wrong = {name: one for name, one in read.items() if one not in ("", None, name)}
    assert not wrong
