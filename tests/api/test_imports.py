"""Workbooks from other systems: handed in once, seen by region, decided about by whoever sent them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.clients import services as clients
from accounts.clients.services import Wish
from accounts.enums import Role
from accounts.models import MachineClient
from core.jobs.models import Job
from core.jobs.services import claim
from core.jobs.tasks import carry_out
from core.ledger.models import AccessEntry
from core.sharing import Access
from households.models import Household, Partition
from imports.enums import Acceptance, BatchState
from imports.models import Batch, Push
from tests.conftest import person
from tests.register import stage
from tests.workbooks import build, family, id_number, member

__all__ = ["stage"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("city")]

IMPORTS = "/api/v1/imports/"
Stage = Callable[..., Batch]


def book(rows: list[dict[str, Any]] | None = None, name: str = "户表.xlsx") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, build(rows or family(1)))


def form(**changes: Any) -> dict[str, Any]:
    return {"file": book(), "partition": 2018, "region": "410324"} | changes


def push(client: Client, key: str = "", **changes: Any) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(IMPORTS, form(**changes), headers=headers)


def carry(kind: str) -> None:
    """Do the oldest waiting job of this kind, as a worker would."""
    job = Job.objects.filter(kind=kind, state="QUEUED").earliest("pk")
    run = claim(job.pk)
    assert run is not None
    carry_out(run)
    job.refresh_from_db()
    assert job.state == "DONE", job.error


@pytest.fixture
def reader(db: None) -> Client:
    """Reads imports of 栾川县 and nothing else."""
    client = clients.register(
        name="只读系统", purpose="测试", region_prefix="410324", any_network=True, by=None
    )
    clients.set_scopes(client=client, wishes={"imports": Wish("410324")}, by=None)
    key, text = clients.issue_key(client=client, life=clients.OVERLAP, by=None)
    assert key.client == client
    return Client(headers={"Authorization": f"Bearer {text}"})


# --- handing in --------------------------------------------------------------------------------


def test_a_file_becomes_a_batch_and_is_read(luanchuan: Client) -> None:
    answer = push(luanchuan)
    assert answer.status_code == 202
    found = Batch.objects.get()
    assert answer["Location"] == f"http://testserver{IMPORTS}{found.pk}/"
    told = answer.json()
    assert (told["id"], told["state"], told["partition"], told["region"]) == (
        found.pk, "UPLOADED", 2018, "410324",
    )  # fmt: skip
    assert told["is_own"] is True
    assert told["job"]["state"] == "QUEUED"
    assert (found.created_by, found.job.created_by) == (None, None)
    assert Push.objects.get().batch == found
    carry("imports.stage")
    told = luanchuan.get(f"{IMPORTS}{found.pk}/").json()
    assert (told["state"], told["layout"], told["header_row"]) == ("STAGED", "P2018", 1)
    assert told["counts"]["persons"] == {
        "read": 2, "created": 2, "updated": 0, "unchanged": 0, "rejected": 0,
    }  # fmt: skip
    assert {"header": "致贫原因", "identifier": "main_cause"} in told["columns"]
    assert sum(told["seconds"].values()) > 0


def test_written_on_demand(luanchuan: Client) -> None:
    number = push(luanchuan).json()["id"]
    early = luanchuan.post(f"{IMPORTS}{number}/apply/")
    assert (early.status_code, early.json()["code"]) == (409, "wrong_state")
    carry("imports.stage")
    assert luanchuan.post(f"{IMPORTS}{number}/apply/").status_code == 202
    carry("imports.apply")
    told = luanchuan.get(f"{IMPORTS}{number}/").json()
    assert told["state"] == BatchState.APPLIED
    assert told["applied_at"]
    assert Household.objects.get().household_no == "86300000000001"
    again = luanchuan.post(f"{IMPORTS}{number}/discard/")
    assert (again.status_code, again.json()["code"]) == (409, "wrong_state")
    steps = AccessEntry.objects.filter(act="IMPORT", subject=str(number)).order_by("id")
    assert [one.detail["step"] for one in steps] == ["received", "applied"]
    assert {one.client for one in steps} == {MachineClient.objects.get().pk}


def test_given_up(luanchuan: Client) -> None:
    number = push(luanchuan).json()["id"]
    answer = luanchuan.post(f"{IMPORTS}{number}/discard/")
    assert (answer.status_code, answer.json()["state"]) == (200, "DISCARDED")


def test_another_acceptance_is_judged_before_it_is_written(luanchuan: Client) -> None:
    rows = [member(1), member(2, 健康状况="未知病况"), *family(2)]
    number = push(luanchuan, file=book(rows)).json()["id"]
    carry("imports.stage")
    address = f"{IMPORTS}{number}/apply/"
    wish = {"acceptance": Acceptance.HOUSEHOLDS}
    first = luanchuan.post(address, wish, content_type="application/json")
    assert (first.status_code, first.json()["state"]) == (202, "STAGED")
    carry("imports.judge")
    told = luanchuan.get(f"{IMPORTS}{number}/").json()
    assert (told["acceptance"], told["counts"]["persons"]["rejected"]) == ("HOUSEHOLDS", 2)
    second = luanchuan.post(address, wish, content_type="application/json")
    assert second.json()["state"] == "APPLYING"
    odd = luanchuan.post(address, {"acceptance": "SOME"}, content_type="application/json")
    assert (odd.status_code, set(odd.json()["errors"])) == (400, {"acceptance"})


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"file": "x"}, "file"),
        ({"partition": 1999}, "partition"),
        ({"partition": "x"}, "partition"),
        ({"region": "x"}, "region"),
        ({"region": "41032"}, "region"),
        ({"corrects": 0}, "corrects"),
        ({"corrects": 99999999}, "corrects"),
    ],
)
def test_what_is_said_wrong(luanchuan: Client, changes: dict[str, Any], field: str) -> None:
    answer = push(luanchuan, **changes)
    assert answer.status_code == 400
    assert set(answer.json()["errors"]) == {field}
    assert not Batch.objects.exists()


def test_a_hostile_file_is_refused_with_its_code(luanchuan: Client) -> None:
    file = SimpleUploadedFile("表.xlsx", b"%PDF-1.7 nothing")
    answer = push(luanchuan, file=file)
    assert answer.status_code == 422
    assert answer.json()["code"]
    assert not Batch.objects.exists()
    assert push(luanchuan, file=SimpleUploadedFile("空.xlsx", b"")).status_code == 400


def test_a_closed_year_takes_nothing(luanchuan: Client) -> None:
    Partition.objects.create(year=2018, closed_at="2019-03-01T00:00:00Z")
    answer = push(luanchuan)
    assert (answer.status_code, answer.json()["code"]) == (409, "closed_year")


@pytest.mark.parametrize("region", ["410325", "4103", "410399", "410324999999"])
def test_no_region_but_the_own(luanchuan: Client, region: str) -> None:
    assert push(luanchuan, region=region).status_code == 404
    assert not Batch.objects.exists()


def test_a_mended_file_names_the_batch_it_mends(luanchuan: Client, stage: Stage) -> None:
    first = push(luanchuan, file=SimpleUploadedFile("a.xlsx", build([*family(1), *family(2)])))
    number = first.json()["id"]
    carry("imports.stage")
    answer = push(luanchuan, corrects=number)
    assert answer.json()["corrects"] == number
    carry("imports.stage")
    words = f"第 {number} 批还有未写入的行，请先写入第 {number} 批合格的行。"
    for one in (number, answer.json()["id"]):
        assert luanchuan.get(f"{IMPORTS}{one}/").json()["notice"] == words
    for foreign in (stage(family(9), region="410325"), stage(family(9), region="410324")):
        assert push(luanchuan, corrects=foreign.pk).status_code == 400
    for other in ({"partition": 2019}, {"region": "410324100"}):
        refused = push(luanchuan, corrects=number, **other)
        assert (refused.status_code, set(refused.json()["errors"])) == (400, {"corrects"})
    assert Batch.objects.get(pk=number).state == BatchState.STAGED


def test_a_year_closed_meanwhile_is_said(luanchuan: Client) -> None:
    number = push(luanchuan).json()["id"]
    carry("imports.stage")
    Partition.objects.filter(pk=2018).update(closed_at="2019-03-01T00:00:00Z")
    answer = luanchuan.post(f"{IMPORTS}{number}/apply/")
    assert (answer.status_code, answer.json()["code"]) == (409, "closed_year")


# --- the same call twice -----------------------------------------------------------------------


def test_the_same_call_twice_is_one_batch(luanchuan: Client) -> None:
    body = build(family(1))

    def send(**changes: Any) -> Any:
        return push(luanchuan, "week-34", file=SimpleUploadedFile("a.xlsx", body), **changes)

    first, second = send(), send()
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["id"] == second.json()["id"]
    assert first["Location"] == second["Location"]
    assert Batch.objects.count() == Push.objects.count() == 1
    assert Job.objects.filter(kind="imports.stage").count() == 1
    for changes in ({"partition": 2019}, {"region": "410324100"}):
        other = send(**changes)
        assert (other.status_code, other.json()["code"]) == (422, "key_reused")
    other = push(luanchuan, "week-34", file=SimpleUploadedFile("a.xlsx", build(family(2))))
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")
    assert push(luanchuan, "week-35").json()["id"] != first.json()["id"]


def test_without_a_key_every_call_is_another_batch(luanchuan: Client) -> None:
    assert push(luanchuan).json()["id"] != push(luanchuan).json()["id"]


def test_a_key_belongs_to_its_client(luanchuan: Client, calling: Callable[[str], Client]) -> None:
    other = calling("410324")
    assert push(luanchuan, "k").json()["id"] != push(other, "k").json()["id"]


@pytest.mark.parametrize("key", ["x" * 101, "two words", "中"])
def test_keys_of_another_shape(luanchuan: Client, key: str) -> None:
    answer = push(luanchuan, key)
    assert (answer.status_code, set(answer.json()["errors"])) == (400, {"Idempotency-Key"})


# --- who sees and who decides ------------------------------------------------------------------


def test_a_reader_sees_and_changes_nothing(reader: Client, stage: Stage) -> None:
    found = stage(family(1), region="410324")
    told = reader.get(f"{IMPORTS}{found.pk}/").json()
    assert (told["state"], told["is_own"]) == ("STAGED", False)
    assert push(reader).status_code == 403
    for act in ("apply", "discard"):
        assert reader.post(f"{IMPORTS}{found.pk}/{act}/").status_code == 403
    found.refresh_from_db()
    assert found.state == BatchState.STAGED


def test_others_batches_are_seen_and_not_decided_about(luanchuan: Client, stage: Stage) -> None:
    found = stage(family(1), region="410324")
    for act in ("apply", "discard"):
        answer = luanchuan.post(f"{IMPORTS}{found.pk}/{act}/")
        assert (answer.status_code, "本客户端" in answer.json()["detail"]) == (403, True)


def test_a_neighbours_batch_is_not_there(
    luanchuan: Client, calling: Callable[[str], Client], stage: Stage
) -> None:
    found = stage(family(9, 行政县="嵩县"), region="410325")
    for path in ("", "problems/"):
        assert luanchuan.get(f"{IMPORTS}{found.pk}/{path}").status_code == 404
    for act in ("apply", "discard"):
        assert luanchuan.post(f"{IMPORTS}{found.pk}/{act}/").status_code == 404
    assert luanchuan.get(IMPORTS).json()["results"] == []
    assert [one["id"] for one in calling("4103").get(IMPORTS).json()["results"]] == [found.pk]


def test_writing_waits_for_a_second_person(db: None, client: Client) -> None:
    one, two = (person(f"安全{n}", Role.SECURITY_ADMIN, "4103") for n in (1, 2))
    system = clients.register(
        name="推送系统", purpose="每周推送", region_prefix="410324", any_network=True, by=one
    )
    (waiting,) = clients.set_scopes(
        client=system, wishes={"imports": Wish("410324", access=Access.WRITE)}, by=one
    )
    _, text = clients.issue_key(client=system, life=clients.OVERLAP, by=one)
    caller = Client(headers={"Authorization": f"Bearer {text}"})
    assert push(caller).status_code == 403
    clients.confirm(grant=waiting, by=two)
    assert push(caller).status_code == 202
    # Less is another scope, which is confirmed anew.
    assert clients.set_scopes(client=system, wishes={"imports": Wish("410324")}, by=one)
    assert push(caller).status_code == 403


def test_only_imports_are_written(db: None) -> None:
    system = clients.register(
        name="甲", purpose="乙", region_prefix="4103", any_network=True, by=None
    )
    for resource in ("households", "regions"):
        with pytest.raises(clients.ClientError, match="只能读取"):
            clients.set_scopes(
                client=system, wishes={resource: Wish("4103", access=Access.WRITE)}, by=None
            )


def test_without_a_key_nothing(client: Client) -> None:
    assert client.get(IMPORTS).status_code == 401
    assert client.post(IMPORTS, form()).status_code == 401


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_wrong_methods(luanchuan: Client, method: str) -> None:
    assert getattr(luanchuan, method)(IMPORTS).status_code == 405
    assert getattr(luanchuan, method)(f"{IMPORTS}1/").status_code == 405


def test_wrong_numbers(luanchuan: Client) -> None:
    for number in ("0", "99999999", "999999999999999999", "x", "-1", "9" * 19):
        assert luanchuan.get(f"{IMPORTS}{number}/").status_code == 404
        assert luanchuan.post(f"{IMPORTS}{number}/apply/").status_code == 404


# --- lists -------------------------------------------------------------------------------------


def test_list_is_narrowed_and_paged(luanchuan: Client, stage: Stage) -> None:
    batches = [stage(family(n), region="410324") for n in (1, 2, 3)]
    Batch.objects.filter(pk=batches[0].pk).update(state=BatchState.DISCARDED, partition=2017)

    def ids(**terms: Any) -> list[int]:
        return [one["id"] for one in luanchuan.get(IMPORTS, terms).json()["results"]]

    assert ids() == [one.pk for one in batches]
    assert ids(state="DISCARDED") == ids(partition=2017) == [batches[0].pk]
    assert ids(region="410324100203") == []
    first = luanchuan.get(IMPORTS, {"limit": 2, "count": 1}).json()
    assert (len(first["results"]), first["count"]) == (2, 3)
    assert ids(cursor=first["next_cursor"]) == [batches[2].pk]
    few = luanchuan.get(IMPORTS, {"fields": "id,state"}).json()["results"]
    assert set(few[0]) == {"id", "state"}
    for terms in ({"state": "x"}, {"fields": "x"}, {"x": 1}, {"region": "x"}, {"cursor": "x"}):
        assert luanchuan.get(IMPORTS, terms).status_code == 400
    assert luanchuan.get(IMPORTS, {"region": "410325"}).status_code == 404


@pytest.mark.usefixtures("still")
@pytest.mark.parametrize("number", [1, 3])
def test_lists_take_the_same_queries_for_any_number(
    luanchuan: Client, stage: Stage, number: int, django_assert_num_queries: Any
) -> None:
    for n in range(1, number + 1):
        found = stage(family(n, 致贫原因="因懒"), region="410324")
    for path, queries in ((IMPORTS, 11), (f"{IMPORTS}{found.pk}/problems/", 14)):
        luanchuan.get(path)
        with django_assert_num_queries(queries):
            assert luanchuan.get(path).status_code == 200


def test_problems_by_page_and_masked(luanchuan: Client, stage: Stage) -> None:
    wrong = f"{id_number(3)[:17]}A"
    found = stage([*family(1, 致贫原因="因懒"), member(3, 2, 证件号码=wrong)], region="410324")
    path = f"{IMPORTS}{found.pk}/problems/"
    told = luanchuan.get(path, {"rule": "IMP06", "limit": 1}).json()
    (one,) = told["results"]
    assert (one["row_no"], one["header"], one["value"]) == (2, "致贫原因", "因懒")
    assert (one["effect"], one["effect_label"]) == ("BACK", "退回")
    assert one["message"]
    assert one["remedy"]
    terms = {"rule": "IMP06", "cursor": told["next_cursor"]}
    assert [one["row_no"] for one in luanchuan.get(path, terms).json()["results"]] == [3]
    rows = [one["row_no"] for one in luanchuan.get(path).json()["results"]]
    assert rows == sorted(rows)
    assert set(rows) >= {2, 3, 4}
    assert wrong not in luanchuan.get(path).content.decode()
    assert luanchuan.get(path, {"rule": "IMP06"}).json()["next"] is None
    assert luanchuan.get(path, {"rule": "x" * 9}).status_code == 400
    assert luanchuan.post(path).status_code == 405


def test_too_many_files_at_once(luanchuan: Client, settings: Any) -> None:
    settings.RATELIMIT_ENABLE = True
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"upload": "1/h"}
    assert push(luanchuan).status_code == 202
    answer = push(luanchuan)
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
