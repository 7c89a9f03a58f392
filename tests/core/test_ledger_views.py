"""The audit pages: who may open them, what they list, what they leave behind on the ledger."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.enums import Role
from accounts.models import User
from core import ledger
from core.ledger import alerts, seals
from core.ledger.enums import Act, AlertState
from core.ledger.models import AccessEntry, Alert, Seal
from tests.conftest import person
from tests.factories.households import id_no

pytestmark = pytest.mark.django_db

As = Callable[[User], Client]
LIST, SEARCH, TODAY = (reverse(f"ledger:{name}") for name in ("list", "search", "today"))


@pytest.fixture
def auditor(db: None) -> User:
    """审计管理员 of the whole city."""
    return person("auditor", Role.AUDIT_ADMIN, "4103")


@pytest.fixture
def county_auditor(db: None) -> User:
    return person("county_auditor", Role.AUDIT_ADMIN, "410324")


@pytest.fixture
def begun(db: None) -> int:
    """Entries of other tests that committed lie below this number."""
    return ledger.note(Act.PRINT, purpose="起点")


def about(subject: str, region: str = "410324100203", **more: Any) -> int:
    return ledger.note(Act.REVEAL, subject_kind="household", subject=subject, region=region, **more)


def numbers(response: Any) -> list[int]:
    return [entry.pk for entry in response.context["entries"]]


def day_page(day: Any) -> str:
    return reverse("ledger:day", args=[day])


# --- the short list ----------------------------------------------------------------------------


def pages(user: User) -> list[str]:
    return [LIST, day_page(timezone.localdate()), reverse("ledger:user", args=[user.pk])]


def test_pages_open(as_user: As, auditor: User, luanchuan_clerk: User) -> None:
    about("86300000000001", actor=luanchuan_clerk, purpose="核对证件")
    client = as_user(auditor)
    for page in pages(luanchuan_clerk):
        response = client.get(page)
        assert response.status_code == 200, page
        assert "luanchuan" in response.content.decode(), page
    assert client.get(TODAY).url == day_page(timezone.localdate())


def test_reader_without_the_right_is_refused(
    as_user: As, city_admin: User, luanchuan_clerk: User
) -> None:
    about("86300000000001", actor=luanchuan_clerk)
    client = as_user(city_admin)
    for page in [*pages(luanchuan_clerk), TODAY]:
        assert client.get(page).status_code == 403, page
    assert client.post(SEARCH, {"subject": "86300000000001"}).status_code == 403
    assert 'href="/ledger/"' not in client.get("/jobs/").content.decode()


def test_nobody_is_sent_to_sign_in(client: Client, luanchuan_clerk: User) -> None:
    for page in [*pages(luanchuan_clerk), TODAY]:
        assert client.get(page).status_code == 302


def test_bad_ids(as_user: As, auditor: User) -> None:
    client = as_user(auditor)
    tomorrow = timezone.localdate() + timedelta(days=1)
    for page in (
        reverse("ledger:user", args=[987654]),
        "/ledger/days/2018-13-45/",
        "/ledger/days/1999-12-31/",
        day_page(tomorrow),
        f"{LIST}?after=nonsense",
        f"{LIST}?before=1_99999999999999999999",
        f"{LIST}?after=9999999999999999999_1",
    ):
        assert client.get(page).status_code == 404, page
    assert client.post(reverse("ledger:acknowledge", args=[987654])).status_code == 404


def test_wrong_methods(as_user: As, auditor: User, luanchuan_clerk: User) -> None:
    about("86300000000001", actor=luanchuan_clerk)
    client = as_user(auditor)
    for page in [*pages(luanchuan_clerk), TODAY]:
        assert client.post(page).status_code == 405, page
    for page in (SEARCH, reverse("ledger:acknowledge", args=[1])):
        assert client.get(page).status_code == 405, page


def test_neighbour_county_is_not_there(
    as_user: As, county_auditor: User, songxian_clerk: User, luanchuan_clerk: User, begun: int
) -> None:
    foreign = about("86300000000009", region="410325100201", actor=songxian_clerk)
    own = about("86300000000001", actor=luanchuan_clerk)
    client = as_user(county_auditor)
    assert numbers(client.get(LIST)) == [own]
    assert numbers(client.get(f"{LIST}?subject=86300000000009")) == []
    assert numbers(client.get(f"{LIST}?region=410325")) == []
    assert client.get(reverse("ledger:user", args=[songxian_clerk.pk])).status_code == 404
    text = client.get(day_page(timezone.localdate())).content.decode()
    assert "luanchuan" in text
    assert "songxian" not in text
    assert foreign not in numbers(client.get(LIST))


def test_queries_do_not_grow_with_the_rows(
    as_user: As, auditor: User, luanchuan_clerk: User
) -> None:
    client = as_user(auditor)

    def count(page: str) -> int:
        client.get(page)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert client.get(page).status_code == 200
        return len(captured)

    about("86300000000001", actor=luanchuan_clerk)
    few = [count(page) for page in pages(luanchuan_clerk)]
    for number in range(3):
        about(f"8630000000000{number}", actor=luanchuan_clerk, rows=1)
        ledger.note(Act.EXPORT, actor=luanchuan_clerk, rows=3)
    assert [count(page) for page in pages(luanchuan_clerk)] == few


# --- searching ---------------------------------------------------------------------------------


def test_who_saw_this_household(as_user: As, auditor: User, luanchuan_clerk: User) -> None:
    one = about("86300000000001", actor=luanchuan_clerk, detail={"person_no": "86310000000001"})
    about("86300000000002", actor=luanchuan_clerk)
    client = as_user(auditor)
    answer = client.post(SEARCH, {"subject": "８６３０００００００００01 "})
    assert answer.url == f"{LIST}?subject=86300000000001"
    assert numbers(client.get(answer.url)) == [one]
    assert numbers(client.get(f"{LIST}?subject=86310000000001")) == [one]


@pytest.mark.parametrize("typed", [id_no(1), "13900001234", id_no(1) + "43"])
def test_personal_numbers_get_into_no_address_and_no_entry(
    as_user: As, auditor: User, begun: int, typed: str
) -> None:
    client = as_user(auditor)
    answer = client.post(SEARCH, {"subject": typed})
    assert answer.status_code == 422
    assert "不要填写证件号码" in answer.content.decode()
    assert typed not in answer.content.decode()
    assert client.get(LIST, {"subject": typed}).url == LIST
    written = str(list(AccessEntry.objects.filter(pk__gt=begun).values()))
    assert typed[:11] not in written


def test_search_by_every_term(
    as_user: As, auditor: User, luanchuan_clerk: User, begun: int
) -> None:
    one = about("86300000000001", actor=luanchuan_clerk)
    other = ledger.note(Act.REFUSED, outcome="refused", region="410325", subject="x")
    client = as_user(auditor)
    today = timezone.localdate().isoformat()
    for typed, found in (
        ({"act": "REVEAL"}, [one]),
        ({"outcome": "refused"}, [other]),
        ({"who": "luanchuan"}, [one]),
        ({"region": "410325"}, [other]),
        ({"since": today, "until": today, "act": "REFUSED"}, [other]),
        ({"until": "2018-12-31"}, []),
        ({"act": "PRINT", "outcome": "failed"}, []),
    ):
        answer = client.post(SEARCH, typed)
        assert answer.status_code == 302, typed
        shown = [n for n in numbers(client.get(answer.url)) if n in (one, other)]
        assert shown == found, typed
    address = client.post(SEARCH, {"who": "luanchuan"}).url
    assert address == f"{LIST}?user={luanchuan_clerk.pk}"
    assert "luanchuan的记录" in client.get(address).content.decode()


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"who": "谁也不是"}, "没有这个用户。"),
        ({"region": "栾川"}, "应为 2、4、6、9 或 12 位区划代码。"),
        ({"since": "2018-12-31", "until": "2018-01-01"}, "截止日期早于起始日期。"),
        ({"act": "DANCE"}, "选择一个有效的选项"),
        ({"until": "9999-12-31"}, "年份应在 2000 至 2100 之间。"),
        ({"since": "0001-01-01"}, "年份应在 2000 至 2100 之间。"),
        ({"subject": "<script>"}, "请填户编号、人编号或用户名。"),
    ],
)
def test_wrong_terms_are_explained(as_user: As, auditor: User, typed: Any, words: str) -> None:
    client = as_user(auditor)
    answer = client.post(SEARCH, typed)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert client.get(LIST, typed).status_code == 200


def test_namesakes_are_not_mixed_up(as_user: As, auditor: User) -> None:
    for name in ("li1", "li2"):
        User.objects.create(username=name, display_name="李明")
    answer = as_user(auditor).post(SEARCH, {"who": "李明"})
    assert "有同名用户" in answer.content.decode()


def test_pages_by_key(as_user: As, auditor: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.ledger.views.PAGE_SIZE", 2)
    made = [about("86300000000001") for _ in range(5)]
    client = as_user(auditor)
    address, seen, back = f"{LIST}?subject=86300000000001", [], []
    while address:
        response = client.get(address)
        seen += numbers(response)
        last, query = address, response.context["page"]["next"]
        address = f"{LIST}?{query}" if query else ""
    assert seen == made[::-1]
    address = last
    while address:
        response = client.get(address)
        back = numbers(response) + back
        query = response.context["page"]["previous"]
        address = f"{LIST}?{query}" if query else ""
    assert back == made[::-1]


# --- looking is on the ledger ------------------------------------------------------------------


def looked(begun: int) -> list[AccessEntry]:
    return list(AccessEntry.objects.filter(pk__gt=begun, act=Act.LEDGER).order_by("id"))


def test_each_search_is_noted_once(
    as_user: As, auditor: User, begun: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.ledger.views.PAGE_SIZE", 1)
    about("86300000000001")
    about("86300000000001")
    client = as_user(auditor)
    first = client.get(f"{LIST}?subject=86300000000001&act=REVEAL")
    client.get(f"{LIST}?{first.context['page']['next']}")
    (entry,) = looked(begun)
    assert (entry.actor, entry.subject, entry.detail) == (
        *(auditor.pk, ""),
        {"act": "REVEAL", "about": "86300000000001"},
    )
    assert entry.route == "ledger:list"
    client.get(day_page(timezone.localdate()))
    assert [one.subject_kind for one in looked(begun)] == ["", "day"]


# --- the day -----------------------------------------------------------------------------------


def test_day_shows_sums_exports_and_the_root(
    as_user: As, auditor: User, luanchuan_clerk: User, settings: Any, tmp_path: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    settings.SEAL_ANCHOR_FILE = str(tmp_path / "seals.log")
    today = timezone.localdate()
    ledger.note(Act.EXPORT, actor=luanchuan_clerk, rows=1234, purpose="核查", region="410324",
                detail={"terms": ["county", "status"]})  # fmt: skip
    seals.seal()
    client = as_user(auditor)
    text = client.get(day_page(today)).content.decode()
    for words in ("1,234", "核查", "条件：县区、状态", "当日尚未结束"):
        assert words in text
    tomorrow = timezone.now() + timedelta(days=1)
    monkeypatch.setattr(seals._Chain, "_now", lambda chain: tomorrow)
    seals.seal()
    closing = Seal.objects.filter(table="").order_by("-no")[0]
    assert closing.day == today
    text = client.get(day_page(today)).content.decode()
    root = bytes(closing.root).hex()
    assert all(root[start : start + 8] in text for start in range(0, 64, 8))
    assert f"第 {closing.no} 号存证" in text


def test_day_without_anything(as_user: As, auditor: User) -> None:
    text = as_user(auditor).get(day_page("2018-01-01")).content.decode()
    assert "当日没有存证" in text
    assert "没有记录" in text


# --- alerts ------------------------------------------------------------------------------------


@pytest.fixture
def alert(settings: Any, luanchuan_clerk: User) -> Alert:
    settings.LEDGER_ALERTS = [{"name": "试验规则", "act": "REVEAL", "count": 2, "minutes": 60}]
    about("86300000000001", actor=luanchuan_clerk)
    about("86300000000002", actor=luanchuan_clerk)
    assert alerts.raise_alerts() == 1
    return Alert.objects.get(rule="试验规则")


def test_alert_stands_on_top_until_somebody_looked(
    as_user: As, auditor: User, alert: Alert, begun: int
) -> None:
    client = as_user(auditor)
    text = client.get(LIST).content.decode()
    assert "试验规则" in text
    assert "共 2 次（阈值 2 次）" in text
    page = reverse("ledger:acknowledge", args=[alert.pk])
    assert client.post(page).url == LIST
    alert.refresh_from_db()
    assert (alert.state, alert.seen_by) == (AlertState.SEEN, auditor)
    response = client.get(LIST)
    assert list(response.context["alerts"]) == []
    assert AccessEntry.objects.filter(pk__gt=begun, act=Act.ALERT, actor=auditor.pk).count() == 1
    assert "已有人查看" in client.post(page, follow=True).content.decode()
    assert "auditor 已于" in client.get(day_page(timezone.localdate())).content.decode()


def test_neighbours_alert_is_not_there(as_user: As, alert: Alert) -> None:
    neighbour = person("neighbour", Role.AUDIT_ADMIN, "410325")
    client = as_user(neighbour)
    assert client.post(reverse("ledger:acknowledge", args=[alert.pk])).status_code == 404
    assert list(client.get(LIST).context["alerts"]) == []


def test_reader_cannot_acknowledge(as_user: As, city_admin: User, alert: Alert) -> None:
    page = reverse("ledger:acknowledge", args=[alert.pk])
    assert as_user(city_admin).post(page).status_code == 403
    alert.refresh_from_db()
    assert alert.state == AlertState.OPEN


# --- what is on paper --------------------------------------------------------------------------


def test_printing_leaves_a_trace(as_user: As, luanchuan_clerk: User, begun: int) -> None:
    answer = as_user(luanchuan_clerk).post("/ledger/printed/", {"page": "/households/"})
    assert answer.status_code == 204
    entry = AccessEntry.objects.filter(pk__gt=begun, act=Act.PRINT).get()
    assert (entry.subject_kind, entry.subject) == ("route", "households:list")
    assert entry.actor == luanchuan_clerk.pk


@pytest.mark.parametrize("page", ["", "no/such/page", "https://elsewhere.example/"])
def test_what_is_no_page_is_not_noted(
    as_user: As, luanchuan_clerk: User, begun: int, page: str
) -> None:
    client = as_user(luanchuan_clerk)
    assert client.post("/ledger/printed/", {"page": page}).status_code == 422
    assert client.get("/ledger/printed/").status_code == 405
    assert not AccessEntry.objects.filter(pk__gt=begun, act=Act.PRINT).exists()
