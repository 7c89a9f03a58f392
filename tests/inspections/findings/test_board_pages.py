"""The board of problems: each figure is as long as its list, and a place is seen whole or not at all."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from inspections.enums.findings import Look, State
from inspections.models import Finding
from inspections.queries.findings import figures, listing
from inspections.services.findings import stepping
from inspections.services.letters import preparing, sending
from tests.cast import cast
from tests.factories.villages import RegionFactory
from tests.inspections.findings.conftest import COUNTY, DAY, DUE, VILLAGE, Office, entered

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
BOARD = "/findings/board/410324/"
LINK = re.compile(r'<a href="(/findings/\?[^"]+)"[^>]*>([\d,]+)(?: 个)?</a>')


@pytest.fixture
def busy(office: Office) -> Office:
    """Problems in every standing, in two places of the county and in the county itself."""
    office.brought_to(State.FOUND)
    office.brought_to(State.MEASURED)
    office.brought_to(State.VERIFIED)
    office.brought_to(State.WATCHED)
    office.brought_to(State.MERGED)
    office.brought_to(State.SPLIT)
    closed = office.brought_to(State.CLOSED)
    stepping.look(
        finding=closed, result=Look.RELAPSED, words="又见", on=timezone.localdate(),
        by=office.second,
    )  # fmt: skip
    other = RegionFactory(code="410324101200")
    late = entered(office.county, code=other.code)
    stepping.assign(
        finding=late, on=timezone.localdate() - timedelta(days=20),
        duty=stepping.Duty(
            "石庙镇人民政府", "李主任", due_on=timezone.localdate() - timedelta(days=9),
            due_source="方案",
        ),
        by=office.county,
    )  # fmt: skip
    entered(office.county, code=COUNTY)
    return office


def body_of(client: Client, path: str = BOARD) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_every_figure_is_as_long_as_its_list(busy: Office, as_user: SignIn) -> None:
    client = as_user(busy.county)
    links = LINK.findall(body_of(client))
    assert len(links) >= 30
    for href, many in links:
        listed = body_of(client, unescape(href))
        assert f"共 {many} 个问题" in listed, href


def test_bars_and_kpis_are_as_long_as_their_lists(busy: Office, as_user: SignIn) -> None:
    client = as_user(busy.county)
    answer = client.get(BOARD)
    for row in answer.context["late"]:
        assert f"共 {row['many']} 个问题" in body_of(client, row["href"])
    kpis = answer.context["kpis"]
    assert [one["value"] for one in kpis[:2]] == ["9", "3"]
    for kpi in kpis[:2]:
        assert f"共 {kpi['value']} 个问题" in body_of(client, kpi["href"])


def test_rates_are_two_integers_until_they_are_shown(busy: Office) -> None:
    whole = figures.board(COUNTY, timezone.localdate()).whole
    assert whole.closing == (1, 10)
    assert whole.oldest == DUE


def test_it_says_what_is_late_first(busy: Office, as_user: SignIn) -> None:
    body = body_of(as_user(busy.county))
    assert "3 个问题逾期未整改" in body
    assert f"最长已逾期 {(timezone.localdate() - DUE).days} 天" in body


def test_without_problems_it_says_so(office: Office, as_user: SignIn) -> None:
    assert "没有登记的问题" in body_of(as_user(office.county))


def test_the_days_narrow_figures_and_lists_alike(busy: Office, as_user: SignIn) -> None:
    client = as_user(busy.county)
    body = body_of(client, f"{BOARD}?found_from=2019-01-01&found_to=2019-12-31")
    assert "没有登记的问题" in body
    body = body_of(client, f"{BOARD}?found_from={DAY}&found_to={DAY}")
    for href, many in LINK.findall(body):
        assert f"共 {many} 个问题" in body_of(client, unescape(href)), href
    assert body_of(client, f"{BOARD}?found_from=gestern")


def test_letters_are_counted_by_kind(busy: Office, as_user: SignIn) -> None:
    on = DUE + timedelta(days=1)
    (draft,) = preparing.prepare(
        today=on, prefix="410324", only=Finding.objects.filter(state=State.MEASURED)
    )
    sending.issue(letter=draft, on=on, reply_due_on=on + timedelta(days=5), by=busy.county)
    answer = as_user(busy.county).get(BOARD)
    assert [many for _, many, _, _ in answer.context["letters"]] == [1, 0, 0]


def test_home_is_the_widest_place(busy: Office, city_leader: User, as_user: SignIn) -> None:
    assert "洛阳市问题整改" in body_of(as_user(city_leader), "/findings/board/")
    assert "栾川县" in body_of(as_user(busy.county), "/findings/board/")


@pytest.mark.parametrize(
    "path", ["/findings/board/410325/", "/findings/board/99/", "/findings/board/x/"]
)
def test_other_places_are_not_there(busy: Office, as_user: SignIn, path: str) -> None:
    RegionFactory(code="410325000000")
    assert as_user(busy.county).get(path).status_code == 404


def test_a_village_sees_its_own_and_not_the_county(busy: Office, as_user: SignIn) -> None:
    client = as_user(busy.village)
    assert client.get(BOARD).status_code == 404
    assert client.get(f"/findings/board/{VILLAGE}/").status_code == 200


def test_who_reads_nothing_is_refused(busy: Office, as_user: SignIn) -> None:
    assert as_user(cast("system_admin")).get(BOARD).status_code == 403
    assert as_user(busy.county).post(BOARD).status_code == 405


def test_as_many_queries_for_more(busy: Office, as_user: SignIn) -> None:
    client = as_user(busy.county)

    def asked() -> int:
        client.get(BOARD)
        with CaptureQueriesContext(connection) as queries:
            client.get(BOARD)
        return len(queries)

    before = asked()
    for code in ("410324102200", "410324103200", "410324104200"):
        RegionFactory(code=code)
        entered(busy.county, code=code)
    assert asked() == before


def test_late_ones_by_place_and_letter(busy: Office) -> None:
    told: dict[str, Any] = figures.late(COUNTY, timezone.localdate())
    assert (told[""].open, told[""].overdue, told[""].rungs) == (9, 3, (3, 0, 0, 0))
    assert told["410324101"].overdue == 1
    assert told[""].oldest == DUE
    assert listing.OVERDUE == "overdue"
