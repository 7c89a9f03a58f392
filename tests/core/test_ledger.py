"""The access ledger: what an entry carries, that nobody edits it, and what strikes the rules."""

import contextlib
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django import forms
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection, transaction
from django.test import RequestFactory

from accounts.enums import Role
from accounts.models import Grant, MachineClient, User
from core import ledger
from core.acting import request_id
from core.ledger import alerts, seals, tasks
from core.ledger.enums import Act, AlertState
from core.ledger.forms import is_personal
from core.ledger.models import AccessEntry, Alert, Seal
from core.ledger.queries import Search, entries_about, search, visible_alerts, visible_entries
from core.ledger.services import client_address, terms_of
from core.scope import Maintenance
from povertyops.celery import app
from tests.conftest import LONG_AGO, person
from tests.factories.households import id_no

pytestmark = pytest.mark.django_db


def entry(number: int) -> AccessEntry:
    return AccessEntry.objects.get(pk=number)


def run(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, list(values))


# --- what an entry carries ---------------------------------------------------------------------


def test_entry_carries_who_what_and_the_database_clock(luanchuan_clerk: User) -> None:
    number = ledger.note(
        Act.REVEAL,
        actor=luanchuan_clerk,
        subject_kind="household",
        subject="86300000000001",
        region="410324100203",
        rows=1,
        purpose="核对证件",
        detail={"fields": ["id_no"]},
    )
    found = entry(number)
    with connection.cursor() as cursor:
        cursor.execute("SELECT now() <= %s AND %s <= clock_timestamp()", [found.at, found.at])
        assert cursor.fetchone()[0] is True
    assert (found.actor, found.client) == (luanchuan_clerk.pk, None)
    assert (found.actor_name, found.act, found.outcome) == ("luanchuan", "REVEAL", "ok")
    assert (found.subject_kind, found.subject) == ("household", "86300000000001")
    assert (found.region, found.rows) == ("410324100203", 1)
    assert (found.purpose, found.detail) == ("核对证件", {"fields": ["id_no"]})


def test_entry_carries_the_request_but_not_its_address(luanchuan_clerk: User) -> None:
    request = RequestFactory().get(
        "/households/86300000000001/?q=张三", headers={"user-agent": "Chrome/87 " + "x" * 500}
    )
    request.user = luanchuan_clerk
    request.session = SimpleNamespace(session_key="a-session-key-that-opens-doors")
    request.resolver_match = SimpleNamespace(view_name="households:detail")
    token = request_id.set("0123456789abcdef")
    try:
        found = entry(ledger.note(Act.REFUSED, request, outcome=ledger.Outcome.REFUSED))
    finally:
        request_id.reset(token)
    assert (found.route, found.method, found.request) == (
        *("households:detail", "GET"),
        "0123456789abcdef",
    )
    assert (found.actor, found.address) == (luanchuan_clerk.pk, "127.0.0.1")
    assert found.agent.startswith("Chrome/87 ")
    assert len(found.agent) == 120
    assert len(found.session) == 16
    written = str(vars(found))
    assert "张三" not in written
    assert "opens-doors" not in written


def test_client_is_no_user(db: None) -> None:
    client = MachineClient(pk=77, name="民政系统")
    found = entry(ledger.note(Act.API_PULL, actor=client, rows=100))
    assert (found.actor, found.client, found.actor_name) == (None, 77, "民政系统")


def test_nobody_signed_in() -> None:
    request = RequestFactory().post("/accounts/login/")
    request.user = AnonymousUser()
    found = entry(
        ledger.note(
            Act.SIGN_IN_FAILED, request, outcome="failed", subject_kind="user", subject="wang"
        )
    )
    assert (found.actor, found.actor_name, found.subject) == (None, "", "wang")


def test_personal_numbers_are_struck_out() -> None:
    number = id_no(1)
    found = entry(
        ledger.note(
            Act.EXPORT,
            subject=number,
            purpose=f"核对{number}和13900001234",
            detail={
                "q": number,
                "more": [{"bank": "6217000012345678901"}],
                "certificate": number + "43",
            },
        )
    )
    written = f"{found.subject}{found.purpose}{found.detail}"
    assert "（号码略）" in found.purpose
    for text in (number, "13900001234", "6217000012345678901"):
        assert text not in written


def test_register_numbers_stay_whatever_their_length() -> None:
    long = "410324196203151230"
    found = entry(
        ledger.note(Act.REVEAL, subject_kind="household", subject=long, detail={"person_no": long})
    )
    assert (found.subject, found.detail) == (long, {"person_no": long})


@pytest.mark.parametrize("wrong", [{"act": "DANCE"}, {"act": Act.PRINT, "outcome": "perhaps"}])
def test_unknown_words_are_a_fault_of_the_program(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="is not a valid"):
        ledger.note(**wrong)


def test_odd_values_are_cut_or_dropped_not_refused() -> None:
    found = entry(
        ledger.note(
            Act.PRINT,
            subject="长" * 900,
            purpose="a\0b",
            region="栾川",
            detail={"when": timedelta(1)},
        )
    )
    assert (len(found.subject), found.purpose, found.region) == (200, "ab", "")
    assert found.detail == {"when": "1 day, 0:00:00"}


@pytest.mark.parametrize(
    ("secure", "forwarded", "expected"),
    [
        (True, "10.1.1.1, 10.2.2.2", "10.2.2.2"),
        (True, "", "127.0.0.1"),
        (True, "nonsense", None),
        (False, "10.1.1.1", "127.0.0.1"),
    ],
)
def test_address_is_the_proxys_word_only_behind_a_proxy(
    settings: Any, secure: bool, forwarded: str, expected: str | None
) -> None:
    settings.SECURE = secure
    headers = {"x-forwarded-for": forwarded} if forwarded else {}
    assert client_address(RequestFactory().get("/", headers=headers)) == expected


def test_terms_of_a_filter_keep_codes_and_hide_words() -> None:
    class Filter(forms.Form):
        county = forms.ChoiceField(choices=[("410324", "栾川县")], required=False)
        status = forms.MultipleChoiceField(choices=[("0", "未脱贫")], required=False)
        q = forms.CharField(required=False)
        age = forms.IntegerField(required=False)

    form = Filter({"county": "410324", "status": ["0"], "q": "张三"})
    assert form.is_valid()
    assert terms_of(form) == {"county": "410324", "status": ["0"], "q": "（已填）"}


def test_entry_survives_what_is_rolled_back_before_it() -> None:
    with transaction.atomic():
        with contextlib.suppress(ZeroDivisionError), transaction.atomic():
            ledger.note(Act.PRINT)
            raise ZeroDivisionError
        number = ledger.note(Act.REFUSED, outcome="refused")
    assert [found.act for found in AccessEntry.objects.filter(pk__gte=number - 1)] == ["REFUSED"]


# --- nobody edits it ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE core_accessentry SET purpose = ''",
        "DELETE FROM core_accessentry",
        "TRUNCATE core_accessentry",
        "TRUNCATE core_accessentry_rest",
        "UPDATE core_seal SET rows = 0",
        "DELETE FROM core_seal",
        "TRUNCATE core_seal",
    ],
)
def test_ledger_and_seals_refuse_changes_even_from_their_owner(statement: str) -> None:
    ledger.note(Act.PRINT)
    seals.seal()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        run(statement)


@pytest.mark.parametrize("role", ["povertyops_web", "povertyops_worker"])
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO core_accessentry DEFAULT VALUES",
        "UPDATE core_accessentry SET purpose = ''",
        "DELETE FROM core_accessentry",
        "TRUNCATE core_accessentry",
        "INSERT INTO core_seal DEFAULT VALUES",
        "DELETE FROM core_seal",
        "INSERT INTO households_person_history DEFAULT VALUES",
        "DELETE FROM households_person_history",
        "TRUNCATE households_person_history",
        "ALTER TABLE core_accessentry DISABLE TRIGGER append_only",
    ],
)
def test_roles_of_the_product_write_only_through_the_functions(role: str, statement: str) -> None:
    run(f"SET LOCAL ROLE {role}")
    with (
        pytest.raises(DatabaseError, match=r"permission denied|must be owner"),
        transaction.atomic(),
    ):
        run(statement)
    assert ledger.note(Act.PRINT) > 0


# --- who reads what ----------------------------------------------------------------------------


@pytest.fixture
def places() -> dict[str, int]:
    """One entry on each of several regions, by region."""
    regions = ("", "4103", "410324", "410324100203", "410325")
    return {region: ledger.note(Act.PRINT, region=region) for region in regions}


@pytest.mark.parametrize(
    ("prefix", "seen"),
    [
        ("4103", {"", "4103", "410324", "410324100203", "410325"}),
        ("410324", {"410324", "410324100203"}),
        ("410324100", {"410324100203"}),
    ],
)
def test_entries_of_the_own_region(places: dict[str, int], prefix: str, seen: set[str]) -> None:
    found = visible_entries(Maintenance(prefix)).filter(pk__in=places.values())
    assert {one.region for one in found} == seen


def test_right_in_one_region_and_office_in_another(places: dict[str, int]) -> None:
    """A right holds only where it was granted, not wherever the register may be read."""
    auditor = person("auditor", Role.AUDITOR, "410324")
    Grant.objects.create(
        user=auditor, role=Role.FINANCE, region_prefix="410325", valid_from=LONG_AGO
    )
    found = visible_entries(User.objects.get(pk=auditor.pk)).filter(pk__in=places.values())
    assert {one.region for one in found} == {"410324", "410324100203"}


def test_who_saw_this_household(luanchuan_clerk: User) -> None:
    one = ledger.note(Act.REVEAL, actor=luanchuan_clerk, subject_kind="household", subject="H1",
                      detail={"person_no": "P1"})  # fmt: skip
    two = ledger.note(Act.PRINT, subject_kind="household", subject="H1")
    ledger.note(Act.REVEAL, subject_kind="household", subject="H2", detail={"person_no": "P2"})
    assert [found.pk for found in entries_about("H1")] == [two, one]
    assert [found.pk for found in entries_about("P1")] == [one]
    city = Maintenance("4103")
    assert {found.pk for found in search(city, Search(subject="H1", act=Act.PRINT))} == {two}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (id_no(1), True), (id_no(1) + "43", True), ("13900001234", True),
        (id_no(1)[:17] + ("0" if id_no(1)[17] != "0" else "1"), False),
        ("86300000000001", False), ("wang", False),
    ],
)  # fmt: skip
def test_personal_numbers_are_no_search_terms(text: str, expected: bool) -> None:
    assert is_personal(text) is expected


# --- alerts ------------------------------------------------------------------------------------


@pytest.fixture
def three_reveals(settings: Any) -> None:
    settings.LEDGER_ALERTS = [
        {"name": "试验", "act": "REVEAL", "by": "actor", "count": 3, "minutes": 60}
    ]


def reveal(actor: User, times: int, region: str = "410324100203") -> None:
    for _ in range(times):
        ledger.note(Act.REVEAL, actor=actor, region=region)


def test_alert_once_per_user_and_window(
    three_reveals: None, luanchuan_clerk: User, songxian_clerk: User
) -> None:
    reveal(luanchuan_clerk, 2)
    assert alerts.raise_alerts() == 0
    reveal(luanchuan_clerk, 1, region="410324100204")
    reveal(songxian_clerk, 2)
    assert alerts.raise_alerts() == 1
    assert alerts.raise_alerts() == 0
    reveal(luanchuan_clerk, 2)
    assert alerts.raise_alerts() == 0
    alert = Alert.objects.get()
    assert (alert.rule, alert.who, alert.who_name) == (
        *("试验", f"user:{luanchuan_clerk.pk}"),
        "luanchuan",
    )
    assert (alert.count, alert.threshold, alert.region) == (5, 3, "41032410020")
    assert alert.window_end - alert.window_start == timedelta(minutes=60)
    assert AccessEntry.objects.filter(act=Act.ALERT, subject=str(alert.pk)).count() == 1


def test_next_window_raises_again(three_reveals: None, luanchuan_clerk: User) -> None:
    reveal(luanchuan_clerk, 3)
    alerts.raise_alerts()
    Alert.objects.update(
        window_start=alerts.Now() - timedelta(hours=3), window_end=alerts.Now() - timedelta(hours=2)
    )
    assert alerts.raise_alerts() == 1
    assert alerts.raise_alerts() == 0


def test_acts_spread_wider_than_the_window_raise_nothing(
    three_reveals: None, luanchuan_clerk: User
) -> None:
    run("ALTER TABLE core_accessentry DISABLE TRIGGER USER")
    for hours in (0, 2, 4):
        reveal(luanchuan_clerk, 1)
        run(
            "UPDATE core_accessentry SET at = at - make_interval(hours => %s)"
            " WHERE id = (SELECT max(id) FROM core_accessentry)",
            hours,
        )
    assert alerts.raise_alerts() == 0


def test_failures_count_by_name_and_by_address(settings: Any) -> None:
    settings.LEDGER_ALERTS = [
        {"name": "账号", "act": "SIGN_IN_FAILED", "by": "subject", "count": 2, "minutes": 10},
        {"name": "地址", "act": "SIGN_IN_FAILED", "by": "address", "count": 3, "minutes": 10},
    ]
    request = RequestFactory().post("/accounts/login/")
    for name in ("wang", "wang", "li"):
        ledger.note(
            Act.SIGN_IN_FAILED, request, outcome="failed", subject_kind="user", subject=name
        )
    assert alerts.raise_alerts() == 2
    assert set(Alert.objects.values_list("rule", "who", "count")) == {
        ("账号", "name:wang", 2),
        ("地址", "address:127.0.0.1", 3),
    }


def test_product_has_rules_of_its_own_and_none_is_none(settings: Any) -> None:
    settings.LEDGER_ALERTS = None
    assert {rule.act for rule in alerts.rules()} == {
        *(Act.REVEAL, Act.REFUSED, Act.EXPORT, Act.SIGN_IN_FAILED)
    }
    settings.LEDGER_ALERTS = []
    assert alerts.rules() == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"act": "DANCE", "count": 1, "minutes": 1},
        {"act": "REVEAL", "count": 0, "minutes": 1},
        {"act": "REVEAL", "count": 1, "minutes": 100_000},
        {"act": "REVEAL", "count": 1, "minutes": 1, "by": "colour"},
        {"act": "REVEAL", "minutes": 1},
        "REVEAL",
    ],
)
def test_wrong_rule_is_named(settings: Any, wrong: Any) -> None:
    settings.LEDGER_ALERTS = [wrong]
    with pytest.raises(ImproperlyConfigured, match="rule 1"):
        alerts.rules()


def test_alert_is_acknowledged_by_the_first(
    three_reveals: None, luanchuan_clerk: User, city_admin: User
) -> None:
    reveal(luanchuan_clerk, 3)
    alerts.raise_alerts()
    alert = Alert.objects.get()
    alerts.acknowledge(alert=alert, by=city_admin)
    alert.refresh_from_db()
    assert (alert.state, alert.seen_by) == (AlertState.SEEN, city_admin)
    assert alert.seen_at is not None
    with pytest.raises(alerts.AlreadySeenError):
        alerts.acknowledge(alert=alert, by=luanchuan_clerk)


def test_alert_spanning_counties_is_for_the_city(three_reveals: None, city_admin: User) -> None:
    reveal(city_admin, 2, region="410324100203")
    reveal(city_admin, 1, region="410325100201")
    alerts.raise_alerts()
    assert visible_alerts(Maintenance("4103")).count() == 1
    assert visible_alerts(Maintenance("410324")).count() == 0


def test_beat_asks_for_all_of_it(settings: Any) -> None:
    names = {"core.seal_ledgers", "core.raise_alerts", "core.keep_months"}
    assert names <= {one["task"] for one in settings.CELERY_BEAT_SCHEDULE.values()}
    assert names <= set(app.tasks)


def test_tasks_do_their_work_as_the_worker(
    settings: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "close_old_connections", lambda: None)
    settings.SEAL_ANCHOR_FILE = str(tmp_path / "seals.log")
    ledger.note(Act.PRINT)
    run("SET LOCAL ROLE povertyops_worker")
    tasks.seal_ledgers()
    tasks.raise_alerts()
    tasks.keep_months()
    assert Seal.objects.filter(table="core_accessentry").exists()
