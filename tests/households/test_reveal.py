"""Full numbers: to whom, how many at once, and what stays on record."""

import time
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.db import DatabaseError
from django.test import Client

from accounts.enums import Role
from accounts.models import Grant
from core import ledger
from core.ledger.models import AccessEntry
from households.models import PersonYear
from tests.factories.households import NEIGHBOUR, household

As = Callable[[Any], Client]

pytestmark = [
    pytest.mark.django_db, pytest.mark.may_show_numbers("what is asked for is shown in full"),
]  # fmt: skip

HTMX = {"HX-Request": "true"}


def asked(row: Any, **changes: Any) -> dict[str, Any]:
    return {
        "year": 2018, "whom": "household", "purpose": "VISIT", "words": "入户核对户主证件", **changes,
    }  # fmt: skip


def address(row: Any) -> str:
    return f"/households/{row.household.household_no}/reveal/"


_LAST = [0]


@pytest.fixture(autouse=True)
def entries_of_before(db: None) -> None:
    """The ledger forgets nothing, not even between tests in a browser."""
    _LAST[0] = AccessEntry.objects.order_by("id").values_list("id", flat=True).last() or 0


def reveals() -> list[AccessEntry]:
    """Entries about full numbers made in this test, oldest first."""
    found = AccessEntry.objects.filter(act=ledger.Act.REVEAL, id__gt=_LAST[0])
    return list(found.order_by("id"))


@pytest.fixture
def family(db: None) -> Any:
    return household(head_id_no="990324196203151230")


def members(row: Any) -> list[PersonYear]:
    return list(PersonYear.objects.filter(household=row.household).select_related("person"))


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_household_is_shown_in_full(
    as_user: As, luanchuan_clerk: Any, family: Any, headers: Any
) -> None:
    response = as_user(luanchuan_clerk).post(address(family), asked(family), headers=headers)
    text = response.content.decode()
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    for shown in (
        "990324196203151230",
        family.phone,
        family.bank_account,
        "已记入访问台账",
        "入户核查：入户核对户主证件",
    ):
        assert shown in text
    assert ("<html" in text) == (not headers)
    for member in members(family):
        assert member.person.id_no not in text
        assert member.member_phone not in text


def test_member_is_shown_alone(as_user: As, luanchuan_clerk: Any, family: Any) -> None:
    one, other = members(family)
    form = asked(family, whom=one.person.person_no)
    text = as_user(luanchuan_clerk).post(address(family), form).content.decode()
    for shown in (one.person.id_no, one.member_phone, "患有大病", one.person.name):
        assert shown in text
    for hidden in (other.person.id_no, family.phone, family.bank_account, family.head_id_no):
        assert hidden not in text


def test_who_and_why_is_on_the_ledger_without_the_number(
    as_user: As, luanchuan_clerk: Any, family: Any
) -> None:
    one = members(family)[0]
    as_user(luanchuan_clerk).post(address(family), asked(family, whom=one.person.person_no))
    (entry,) = reveals()
    assert entry.subject == family.household.household_no
    assert entry.region == family.village_code
    assert entry.purpose == "入户核查：入户核对户主证件"
    assert entry.detail["person_no"] == one.person.person_no
    assert set(entry.detail["fields"]) == {
        "id_no",
        "member_phone",
        "health_status",
        "disability_type",
    }
    assert one.person.id_no not in str(entry.detail) + entry.purpose + entry.subject
    assert entry.actor_name == str(luanchuan_clerk)


def test_nothing_is_shown_that_cannot_be_noted(
    as_user: As, luanchuan_clerk: Any, family: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any, **kwargs: Any) -> int:
        raise DatabaseError("ledger gone")

    monkeypatch.setattr(ledger, "note", broken)
    with pytest.raises(DatabaseError, match="ledger gone"):
        as_user(luanchuan_clerk).post(address(family), asked(family))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"purpose": ""}, "请选择用途。"), ({"purpose": "FUN"}, "请选择用途。"),
        ({"words": ""}, "请写明具体事由。"), ({"words": "看看"}, "具体事由太短"),
        ({"words": "核对 13900001234 的号码"}, "不要填写证件号码"),
        ({"whom": "86319999999999"}, "本户没有这名成员。"),
    ],
)  # fmt: skip
def test_without_a_purpose_nothing_is_shown(
    as_user: As, luanchuan_clerk: Any, family: Any, changes: dict[str, str], words: str
) -> None:
    response = as_user(luanchuan_clerk).post(
        address(family), asked(family, **changes), headers=HTMX
    )
    text = response.content.decode()
    assert response.status_code == 422
    assert words in text
    assert family.phone not in text
    assert reveals() == []


def test_neighbour_finds_no_such_household(as_user: As, songxian_clerk: Any, family: Any) -> None:
    assert as_user(songxian_clerk).post(address(family), asked(family)).status_code == 404
    assert reveals() == []


def test_reader_without_the_right_is_refused(as_user: As, city_leader: Any, family: Any) -> None:
    assert as_user(city_leader).post(address(family), asked(family)).status_code == 403
    assert (
        'id="reveal"'
        not in as_user(city_leader)
        .get(f"/households/{family.household.household_no}/?year=2018")
        .content.decode()
    )
    assert reveals() == []


def test_the_right_holds_where_it_was_granted(as_user: As, luanchuan_clerk: Any) -> None:
    """A reader of the whole city who may reveal in one county sees the other masked."""
    Grant.objects.create(
        user=luanchuan_clerk, role=Role.LEADER, region_prefix="4103", valid_from=date(2016, 1, 1)
    )
    foreign = household(code=NEIGHBOUR)
    client = as_user(luanchuan_clerk)
    page = client.get(f"/households/{foreign.household.household_no}/?year=2018")
    assert page.status_code == 200
    assert 'id="reveal"' not in page.content.decode()
    assert client.post(address(foreign), asked(foreign)).status_code == 404
    assert reveals() == []


@pytest.mark.parametrize("year", ["2017", "", "x", "20180", "２０１８"])
def test_year_that_the_household_has_not(
    as_user: As, luanchuan_clerk: Any, family: Any, year: str
) -> None:
    response = as_user(luanchuan_clerk).post(address(family), asked(family, year=year))
    assert response.status_code == 404


def test_unknown_household(as_user: As, luanchuan_clerk: Any, family: Any) -> None:
    response = as_user(luanchuan_clerk).post("/households/86300000000099/reveal/", asked(family))
    assert response.status_code == 404


def test_revealing_is_a_post(as_user: As, luanchuan_clerk: Any, family: Any) -> None:
    assert as_user(luanchuan_clerk).get(address(family), asked(family)).status_code == 405


def test_revealing_is_limited(
    as_user: As, luanchuan_clerk: Any, family: Any, settings: Any
) -> None:
    settings.RATELIMIT_ENABLE = True
    settings.RATELIMIT_CACHE_PREFIX = f"test:reveal:{time.monotonic_ns()}:"
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "reveal": "2/h"}
    client = as_user(luanchuan_clerk)
    answers = [client.post(address(family), asked(family)).status_code for _ in range(3)]
    assert answers == [200, 200, 429]
    assert len(reveals()) == 2


def test_page_offers_it_and_stays_masked(as_user: As, luanchuan_clerk: Any, family: Any) -> None:
    page = as_user(luanchuan_clerk).get(f"/households/{family.household.household_no}/?year=2018")
    text = page.content.decode()
    assert 'id="reveal"' in text
    for member in members(family):
        assert f'<option value="{member.person.person_no}">{member.person.name}</option>' in text
        assert member.person.id_no not in text
    assert family.phone not in text
