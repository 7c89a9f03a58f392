from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts.models import MachineClient

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("city")]

PAGES = [
    f"/api/v1/{name}/" for name in ("regions", "households", "persons", "snapshots", "metrics")
]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer nonsense", "Bearer a b", "Basic YTpi", "Bearer é", "Bearer " + "x" * 300],
)  # fmt: skip
def test_without_a_good_key_nothing_is_answered(path: str, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    response = Client(headers=headers).get(path)
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"
    assert set(response.json()) == {"detail", "errors"}


@pytest.mark.parametrize(
    "change",
    [{"revoked_at": timezone.now()}, {"expires_on": timezone.localdate() - timedelta(days=1)}],
)
def test_a_revoked_or_expired_key_is_like_none(
    api_key: Callable[..., str], change: dict[str, Any]
) -> None:
    good, bad = api_key("4103"), api_key("4103", **change)
    answers = [
        Client(headers={"Authorization": f"Bearer {key}"}).get(PAGES[0]) for key in (good, bad, "x")
    ]
    assert [answer.status_code for answer in answers] == [200, 401, 401]
    assert answers[1].json() == answers[2].json()


def test_a_key_works_on_its_last_day(api_key: Callable[..., str]) -> None:
    key = api_key("4103", expires_on=timezone.localdate())
    assert Client(headers={"Authorization": f"bearer {key}"}).get(PAGES[0]).status_code == 200


def test_a_signed_in_person_is_no_machine(as_user: Any, city_leader: Any) -> None:
    assert as_user(city_leader).get(PAGES[0]).status_code == 401


def test_use_is_noted_once_a_minute(luoyang: Client) -> None:
    with time_machine.travel("2018-12-01T00:00:00Z", tick=False) as clock:
        for seconds in (0, 59, 2):
            clock.shift(seconds)
            luoyang.get(PAGES[0])
        noted = MachineClient.objects.get().last_used_at
        assert noted is not None
        assert f"{noted:%M:%S}" == "01:01"


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_everything_is_for_reading(luoyang: Client, path: str, method: str) -> None:
    response = getattr(luoyang, method)(path)
    assert response.status_code == 405
    assert response.json()["detail"] == "本接口只读，不支持这种请求方法。"


def test_unknown_addresses_are_404(luoyang: Client) -> None:
    assert luoyang.get("/api/v1/passwords/").status_code == 404


@pytest.mark.parametrize("path", ["/api/schema/", "/api/docs/"])
def test_the_description_is_for_signed_in_people(
    as_user: Any, luanchuan_clerk: Any, luoyang: Client, path: str
) -> None:
    assert as_user(luanchuan_clerk).get(path).status_code == 200
    assert Client().get(path).status_code == 302
    assert luoyang.get(path).status_code == 302


def test_the_docs_use_our_own_assets_and_no_inline_script(as_user: Any, city_leader: Any) -> None:
    response = as_user(city_leader).get("/api/docs/")
    policy = response["Content-Security-Policy"]
    directives = [directive.strip() for directive in policy.split(";")]
    assert "script-src 'self'" in directives
    assert "https:" not in policy
    assert "//cdn" not in response.content.decode()


def test_key_is_issued_and_shown_once(capsys: Any) -> None:
    call_command("issue_api_key", name="市大数据局", region="410324000000", days=10)
    told = capsys.readouterr()
    key = told.out.strip()
    client = MachineClient.objects.get()
    assert (client.name, client.region_prefix) == ("市大数据局", "410324")
    assert client.expires_on == timezone.localdate() + timedelta(days=10)
    assert key not in told.err
    assert key not in str(MachineClient.objects.values())
    assert Client(headers={"Authorization": f"Bearer {key}"}).get(PAGES[0]).status_code == 200


@pytest.mark.parametrize(
    "options",
    [{"name": " "}, {"name": "x" * 101}, {"region": "41032"}, {"region": "x"}, {"days": 0}, {"days": 9999}],
)  # fmt: skip
def test_key_is_not_issued_for_nonsense(options: dict[str, Any]) -> None:
    with pytest.raises(CommandError):
        call_command("issue_api_key", **{"name": "甲", "region": "4103", "days": 1, **options})
    assert not MachineClient.objects.exists()


def test_key_is_issued_once_per_name() -> None:
    call_command("issue_api_key", name="甲", region="4103")
    with pytest.raises(CommandError, match="已有"):
        call_command("issue_api_key", name="甲", region="4103")
