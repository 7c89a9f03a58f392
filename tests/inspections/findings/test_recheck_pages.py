"""Second looks on their pages: drawn, proven, looked at, and what has to be watched."""

from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.enums import Role
from accounts.models import User
from core import walls
from inspections.enums.findings import State
from inspections.models import Finding, Recheck, RecheckItem
from inspections.services.findings import rechecking, stepping
from tests.conftest import person
from tests.factories.villages import RegionFactory
from tests.inspections.findings.conftest import COUNTY, DAY, Office
from tests.inspections.findings.test_rechecking import ON, SEED, SINCE, UNTIL

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
ASKED = {
    "region": COUNTY, "since": SINCE.isoformat(), "until": UNTIL.isoformat(), "share": "50",
    "seed": SEED,
}  # fmt: skip
SEEN = {"result": "HOLDS", "words": "现场查看，公示栏已更新", "on": ON.isoformat()}


def drawn(office: Office, many: int = 2, share: Fraction = Fraction(1)) -> Recheck:
    for _ in range(many):
        office.brought_to(State.CLOSED)
    return rechecking.draw(
        region=RegionFactory(code=COUNTY), since=SINCE, until=UNTIL, share=share, seed=SEED,
        by=office.county,
    )  # fmt: skip


def page_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_drawn_and_proven(as_user: SignIn, office: Office) -> None:
    for _ in range(3):
        office.brought_to(State.CLOSED)
    county = as_user(office.county)
    assert "还没有抽取过复查" in page_of(county, "/findings/rechecks/")
    made = county.post("/findings/rechecks/", ASKED)
    one = Recheck.objects.get()
    assert made["Location"] == f"/findings/rechecks/{one.pk}/"
    assert (one.frame_size, one.items.count(), one.seed) == (3, 2, SEED)
    shows = page_of(county, f"/findings/rechecks/{one.pk}/")
    assert "重新抽取结果一致" in shows
    assert one.frame_digest in shows
    assert SEED in shows
    for item in one.items.all():
        assert item.finding.number in shows
    assert "1/2" in page_of(county, "/findings/rechecks/")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"share": "0"}, "大于或等于"),
        ({"share": "101"}, "小于或等于"),
        ({"seed": "xyz"}, "有效"),
        ({"until": "2018-08-01"}, "不能早于起日"),
        ({"until": "2999-01-01"}, "不能晚于今天"),
        ({"region": "410325000000"}, "有效"),
        ({"since": "2018-10-01", "until": "2018-10-31"}, "没有已销号"),
    ],
)
def test_unfit_draws_come_back(
    as_user: SignIn, office: Office, changes: dict[str, str], words: str
) -> None:
    RegionFactory(code="410325000000", name="嵩县")
    office.brought_to(State.CLOSED)
    answer = as_user(office.county).post("/findings/rechecks/", ASKED | changes)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Recheck.objects.exists()


def test_one_holds_and_one_came_back(as_user: SignIn, office: Office) -> None:
    one = drawn(office)
    first, second = one.items.all()
    looker, address = as_user(office.second), f"/findings/rechecks/{one.pk}/"
    assert "未复查" in page_of(looker, address)
    refused = looker.post(f"{address}items/{first.pk}/", SEEN | {"words": ""})
    assert refused.status_code == 422
    assert looker.post(f"{address}items/{first.pk}/", SEEN)["Location"] == address
    back = looker.post(f"{address}items/{second.pk}/", SEEN | {"result": "RELAPSED"})
    assert back["Location"] == f"/findings/{second.finding_id}/"
    assert Finding.objects.get(pk=second.finding_id).state == State.RETURNED
    shows = page_of(looker, address)
    assert "反弹率 50.00%（1 / 2）" in shows
    assert SEEN["words"] in shows
    again = looker.post(f"{address}items/{first.pk}/", SEEN)
    assert again.status_code == 422
    assert "已经复查" in again.content.decode()
    listed = page_of(looker, "/findings/rechecks/")
    assert "50.00%" in listed
    assert "1 / 2" in listed


def test_whoever_claimed_it_does_not_look(as_user: SignIn, office: Office) -> None:
    finding = office.brought_to(State.MEASURED)
    office.prove(finding)
    stepping.claim(finding=finding, words="完成", on=DAY + timedelta(3), by=office.county)
    finding = Finding.objects.get(pk=finding.pk)
    office.take(finding, State.VERIFIED, DAY + timedelta(4))
    office.take(Finding.objects.get(pk=finding.pk), State.CLOSED, DAY + timedelta(5))
    one = drawn(office, many=0)
    item, county = one.items.get(), as_user(office.county)
    assert "报完成的人不能复查" in page_of(county, f"/findings/rechecks/{one.pk}/")
    answer = county.post(f"/findings/rechecks/{one.pk}/items/{item.pk}/", SEEN)
    assert answer.status_code == 422


def test_who_may_not(
    as_user: SignIn, office: Office, songxian_clerk: User, city_leader: User
) -> None:
    one = drawn(office)
    item = one.items.all()[0]
    address = f"/findings/rechecks/{one.pk}/"
    act = f"{address}items/{item.pk}/"
    other = as_user(person("songxian_office", Role.COUNTY_OFFICE, "410325"))
    assert other.get(address).status_code == other.post(act, SEEN).status_code == 404
    assert "还没有抽取过复查" in page_of(other, "/findings/rechecks/")
    assert as_user(songxian_clerk).get(address).status_code == 404
    leader = as_user(city_leader)
    assert "登记复查" not in page_of(leader, address)
    assert "抽取</button>" not in page_of(leader, "/findings/rechecks/")
    assert leader.post(act, SEEN).status_code == 403
    assert leader.post("/findings/rechecks/", ASKED).status_code == 403
    county = as_user(office.county)
    assert county.get(act).status_code == county.post(address).status_code == 405
    assert county.post("/findings/watched/").status_code == 405
    assert county.get("/findings/rechecks/999999/").status_code == 404
    assert county.post(f"{address}items/999999/", SEEN).status_code == 404
    with walls.scoped(songxian_clerk):
        assert not RecheckItem.objects.exists()
    elsewhere = drawn(office)
    assert (
        county.post(f"/findings/rechecks/{elsewhere.pk}/items/{item.pk}/", SEEN).status_code == 404
    )


def test_a_list_that_is_another_is_told(as_user: SignIn, office: Office) -> None:
    """A draw whose items or digest somebody made up does not come out again."""
    one = drawn(office, many=3, share=Fraction(1, 3))
    drawn_one = one.items.get()
    left = Finding.objects.exclude(pk=drawn_one.finding_id)[0]
    false = Recheck.objects.create(
        region=one.region, region_code=COUNTY, since=SINCE, until=UNTIL, numerator=1,
        denominator=3, seed=SEED, algorithm=1, frame_size=3, frame_digest=one.frame_digest,
        created_by=office.county,
    )  # fmt: skip
    RecheckItem.objects.create(recheck=false, region_code=COUNTY, finding=left, rank=1)
    proof = rechecking.drawn_again(false)
    assert (proof.frame_agrees, proof.draw_agrees) == (True, False)
    shows = page_of(as_user(office.county), f"/findings/rechecks/{false.pk}/")
    assert "重新抽取结果不一致" in shows
    assert rechecking.drawn_again(one) == rechecking.Proof(3, True, True)


@pytest.mark.django_db(transaction=True)
def test_what_came_back_later_was_mended_then(office: Office) -> None:
    """The list is put together as it stood at the draw, whatever happened since."""
    one = drawn(office)
    watched = office.brought_to(State.WATCHED)
    again = rechecking.draw(
        region=one.region, since=SINCE, until=UNTIL, share=Fraction(1), by=office.county
    )
    rechecking.look(
        item=one.items.all()[0], result="RELAPSED", words="又坏", on=ON, by=office.second
    )
    stepping.close(finding=watched, words="销号", on=ON, by=office.second)
    office.brought_to(State.CLOSED)
    assert rechecking.drawn_again(one) == rechecking.Proof(2, True, True)
    assert rechecking.drawn_again(again) == rechecking.Proof(3, True, True)


def test_watched_ones_wait(as_user: SignIn, office: Office, songxian_clerk: User) -> None:
    finding = office.brought_to(State.WATCHED)
    county = as_user(office.county)
    shows = page_of(county, "/findings/watched/")
    assert finding.number in shows
    assert "登记复查" in shows
    assert "长期坚持问题 1" in page_of(county, "/findings/rechecks/")
    assert "登记复查" not in page_of(as_user(office.village), "/findings/watched/")
    assert finding.number not in page_of(as_user(songxian_clerk), "/findings/watched/")
    stepping.look(
        finding=finding, result="HOLDS", words="保持", on=timezone.localdate(), by=office.second
    )
    assert "本月都已复查" in page_of(county, "/findings/watched/")


def test_lists_cost_the_same_for_many(as_user: SignIn, office: Office) -> None:
    county = as_user(office.county)

    def cost(address: str) -> int:
        county.get(address)
        with CaptureQueriesContext(connection) as asked:
            page_of(county, address)
        return len(asked)

    one = drawn(office, many=1)
    office.brought_to(State.WATCHED)
    lists = ("/findings/rechecks/", "/findings/watched/")
    few = [cost(address) for address in lists]
    items = cost(f"/findings/rechecks/{one.pk}/")
    office.brought_to(State.WATCHED)
    more = drawn(office, many=3)
    drawn(office)
    assert [cost(address) for address in lists] == few
    assert cost(f"/findings/rechecks/{more.pk}/") == items


def test_pages_of_items_go_through_all(
    as_user: SignIn, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = drawn(office, many=3)
    page: Any = __import__("inspections.queries.findings.rechecks", fromlist=["x"])
    monkeypatch.setattr(page.items_page, "__defaults__", ("", 2))
    county, seen, query = as_user(office.county), [], ""
    while True:
        answer = county.get(f"/findings/rechecks/{one.pk}/?{query}")
        seen += [row["one"].rank for row in answer.context["rows"]]
        if not (query := answer.context["next"]):
            break
    assert seen == [1, 2, 3]
