"""Pages of an import: the same short list for every screen."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.enums import Role
from accounts.models import Grant, User
from core.jobs.models import Job
from imports.enums import BatchState
from imports.models import Batch
from tests.conftest import LONG_AGO, OF_THE_SCOPE, person
from tests.workbooks import build, family, id_number, member

AsUser = Callable[[User], Client]
Stage = Callable[..., Batch]


def book(name: str = "贫困人员.xlsx", content: bytes | None = None) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content if content is not None else build(family(1)))


def form(**changes: Any) -> dict[str, Any]:
    return {"file": book(), "partition": 2018, "region": "410324"} | changes


@pytest.fixture
def batch(stage: Stage) -> Batch:
    return stage(
        [*family(1), member(3, 2, 致贫原因="因懒", 证件号码="990324197001010010")], region="410324"
    )


def test_upload_opens_a_batch_and_asks_for_work(
    as_user: AsUser, city: None, luanchuan_clerk: User
) -> None:
    answer = as_user(luanchuan_clerk).post("/imports/upload/", form())
    found = Batch.objects.get()
    assert answer.url == f"/imports/{found.pk}/"
    assert (found.region_prefix, found.created_by, found.state) == (
        "410324",
        luanchuan_clerk,
        "UPLOADED",
    )
    assert found.path.read_bytes()[:2] == b"PK"
    assert Job.objects.get().params == {"batch": found.pk}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"region": "410325"}, "选择"),
        ({"partition": 1918}, "2010"),
        ({"file": book(content=b"nothing")}, "不是 XLSX 工作簿"),
        ({"file": book(content=b"")}, "空"),
    ],
)
def test_upload_that_cannot_be_taken(
    as_user: AsUser, city: None, luanchuan_clerk: User, changes: dict[str, Any], words: str
) -> None:
    answer = as_user(luanchuan_clerk).post("/imports/upload/", form(**changes))
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Batch.objects.exists()


def test_reader_may_not_upload(as_user: AsUser, city: None, city_leader: User) -> None:
    client = as_user(city_leader)
    assert client.get("/imports/").status_code == 403
    assert client.get("/imports/upload/").status_code == 403
    assert client.post("/imports/upload/", form()).status_code == 403


def test_preview_shows_counts_and_masks_numbers(
    as_user: AsUser, batch: Batch, luanchuan_clerk: User
) -> None:
    page = as_user(luanchuan_clerk).get(f"/imports/{batch.pk}/")
    text = page.content.decode()
    assert page.context["preview"]["persons"] == {
        "created": 2,
        "updated": 0,
        "unchanged": 0,
        "rejected": 1,
    }
    assert "990324197001010010" not in text
    assert "990324********0010" in text
    assert "确认写入" in text


def test_changes_are_shown_field_by_field(
    as_user: AsUser, load_rows: Stage, stage: Stage, luanchuan_clerk: User
) -> None:
    load_rows(family(1), region="410324")
    changed = stage(family(1, 联系电话="19900002222", 致贫原因="因残"), region="410324")
    page = as_user(luanchuan_clerk).get(f"/imports/{changed.pk}/")
    shown = {row["field"]: (row["old"], row["new"]) for row in page.context["change_rows"]}
    assert shown == {"主要致贫原因": ("因病", "因残"), "联系电话": ("*" * 11, "*" * 11)}


def test_neighbour_finds_no_such_batch(
    as_user: AsUser, batch: Batch, songxian_clerk: User, luanchuan_clerk: User
) -> None:
    neighbour = as_user(songxian_clerk)
    assert list(neighbour.get("/imports/").context["batches"]) == []
    assert neighbour.get(f"/imports/{batch.pk}/").status_code == 404
    assert neighbour.post(f"/imports/{batch.pk}/apply/").status_code == 404
    assert as_user(luanchuan_clerk).get("/imports/99999999/").status_code == 404


@pytest.fixture
def loads_next_door(db: None) -> User:
    """Reads 栾川县 and loads workbooks in 嵩县 only."""
    clerk = person("nextdoor", Role.COUNTY_CLERK, "410325")
    Grant.objects.create(user=clerk, role=Role.LEADER, region_prefix="410324", valid_from=LONG_AGO)
    return clerk


def test_loading_in_one_county_opens_no_batch_of_another(
    as_user: AsUser, batch: Batch, stage: Stage, loads_next_door: User
) -> None:
    own = stage(family(9), region="410325")
    client = as_user(loads_next_door)
    assert list(client.get("/imports/").context["batches"]) == [own]
    assert client.get(f"/imports/{batch.pk}/").status_code == 404
    for act in ("apply", "discard"):
        assert client.post(f"/imports/{batch.pk}/{act}/").status_code == 404
    batch.refresh_from_db()
    assert batch.state == BatchState.STAGED
    assert not Job.objects.filter(kind="imports.apply").exists()
    assert client.get(f"/imports/{own.pk}/").status_code == 200
    assert client.post(f"/imports/{own.pk}/discard/").status_code == 302


def test_days_of_birth_are_shown_by_their_year(
    as_user: AsUser, load_rows: Stage, stage: Stage, luanchuan_clerk: User
) -> None:
    """Beside a masked number the day would make it whole again."""
    load_rows([member(1, 出生日期="1970-01-01")], region="410324")
    changed = stage(
        [
            member(1, 出生日期="1981-01-02"),
            member(3, 2, 出生日期="1971-03-04"),
            member(5, 3, 出生日期="1972-13-05"),
        ],
        region="410324",
    )
    page = as_user(luanchuan_clerk).get(f"/imports/{changed.pk}/")
    shown = {row["field"]: (row["old"], row["new"]) for row in page.context["change_rows"]}
    assert shown["出生日期"] == ("1970 年", "1981 年")
    told = {row["rule"]: row["value"] for row in page.context["problem_rows"]}
    assert told["IDN10"] == "1971 年"
    text = page.content.decode()
    for day in ("1970-01-01", "1981-01-02", "1971-03-04", "1972-13-05"):
        assert day not in text


@pytest.mark.parametrize("act", ["apply", "discard"])
def test_wrong_method(as_user: AsUser, batch: Batch, luanchuan_clerk: User, act: str) -> None:
    assert as_user(luanchuan_clerk).get(f"/imports/{batch.pk}/{act}/").status_code == 405
    assert as_user(luanchuan_clerk).post("/imports/").status_code == 405


def test_apply_once(as_user: AsUser, batch: Batch, luanchuan_clerk: User) -> None:
    client = as_user(luanchuan_clerk)
    for _ in range(2):
        assert client.post(f"/imports/{batch.pk}/apply/").status_code == 302
    batch.refresh_from_db()
    assert batch.state == BatchState.APPLYING
    assert Job.objects.filter(kind="imports.apply").count() == 1


def test_discard(as_user: AsUser, batch: Batch, luanchuan_clerk: User) -> None:
    as_user(luanchuan_clerk).post(f"/imports/{batch.pk}/discard/")
    batch.refresh_from_db()
    assert batch.state == BatchState.DISCARDED


@pytest.mark.parametrize("number", [1, 3])
def test_list_takes_the_same_queries_for_any_number(
    as_user: AsUser,
    stage: Stage,
    luanchuan_clerk: User,
    number: int,
    django_assert_num_queries: Any,
) -> None:
    for household in range(1, number + 1):
        stage(family(household), region="410324")
    client = as_user(luanchuan_clerk)
    client.get("/imports/")
    with django_assert_num_queries(5 + OF_THE_SCOPE):
        assert len(client.get("/imports/").context["batches"]) == number


def test_no_identity_number_reaches_the_job_rows(
    as_user: AsUser, city: None, luanchuan_clerk: User
) -> None:
    as_user(luanchuan_clerk).post("/imports/upload/", form())
    assert id_number(1) not in str(list(Job.objects.values()))
