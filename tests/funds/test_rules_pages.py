"""Pages of rules and findings: who may open them, what they show, what they store."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from funds.models import FundFinding, FundRule
from tests.conftest import person
from tests.factories.households import household
from tests.factories.villages import RegionFactory
from tests.funds.conftest import COUNTY, allotment_of
from tests.projects.conftest import VILLAGE, Office, proposed
from tests.signing_in import sign_in_verified

pytestmark = pytest.mark.django_db
ON = date(2018, 6, 1)


def at(user: User) -> Client:
    client = Client()
    sign_in_verified(client, user)
    return client


def url(name: str, *args: Any) -> str:
    return reverse(f"funds:{name}", args=args)


def found(rule: str, subject: str, key: int, code: str = VILLAGE, **facts: Any) -> FundFinding:
    place = RegionFactory(code=code)
    return FundFinding.objects.create(
        **{
            "rule": FundRule.objects.get(code=rule), "rule_version": 1, "year": 2018,
            "subject": subject, "subject_id": key, "region": place, "region_code": place.code,
            "state": "VIOLATED", "words": f"情况{key}", "opened_on": ON,
        } | facts
    )  # fmt: skip


def test_findings_lead_to_what_they_are_about(
    allotted: Any, office: Office, county_cashier: User
) -> None:
    project, row = proposed(office.village), household().household
    account = allotment_of(allotted)
    voucher = account.entries.get().voucher
    place = RegionFactory(code=COUNTY)
    for subject, key, page in (
        ("PROJECT", project.pk, reverse("projects:project", args=[project.pk])),
        ("HOUSEHOLD", row.pk, reverse("households:detail", args=[row.household_no])),
        ("ACCOUNT", account.pk, reverse("funds:account", args=[account.pk])),
        ("VOUCHER", voucher.pk, reverse("funds:voucher", args=[voucher.pk])),
        ("REGION", place.pk, reverse("villages:village", args=[COUNTY])),
    ):
        one = found("unpaid", subject, key)
        client = at(county_cashier)
        for address in (url("finding", one.pk), url("findings") + f"?subject={subject}"):
            text = client.get(address).content.decode()
            assert f'href="{page}"' in text
            assert f"情况{key}" in text
        assert client.get(page).status_code == 200


def test_list_is_narrowed_and_shows_units(county_cashier: User) -> None:
    share = {"numerator": Decimal("29.99"), "denominator": Decimal(100), "threshold": "0.3"}
    found("department-share", "REGION", 1, **share)
    found("publicity-days", "PROJECT", 2, numerator=9, threshold=10, state="UNKNOWN")
    found("deep-village", "REGION", 3, numerator="499999.99", threshold=500000, year=2017)
    found("unpaid", "PROJECT", 4, closed_on=ON)
    client = at(county_cashier)
    shown = client.get(url("findings")).content.decode()
    for words in ("29.99%", "30%", "9 天", "10 天", "499,999.99 元", "500,000.00 元"):
        assert words in shown
    for query, keys in (
        ("", {1, 2, 3}), ("?standing=closed", {4}), ("?standing=all", {1, 2, 3, 4}),
        ("?rule=publicity-days", {2}), ("?state=UNKNOWN", {2}), ("?year=2017", {3}),
        ("?region=410325", set()), ("?region=410324&subject=REGION", {1, 3}), ("?year=x", {1, 2, 3}),
    ):  # fmt: skip
        text = client.get(url("findings") + query).content.decode()
        assert {key for key in range(1, 5) if f"情况{key}<" in text} == keys, query


def test_pages_go_on_by_key(county_cashier: User) -> None:
    from funds.queries import findings

    for key in range(5):
        found("unpaid", "PROJECT", key)
    seen = []
    actor, after = county_cashier, ""
    while True:
        page = findings.page(findings.visible(actor), after, 2)
        seen += [one.subject_id for one in page.rows]
        if not (after := page.after):
            break
    assert seen == [4, 3, 2, 1, 0]


def test_number_of_queries_does_not_grow(office: Office, county_cashier: User) -> None:
    def counted(many: int) -> dict[str, int]:
        for _ in range(many):
            found("unpaid", "PROJECT", proposed(office.village).pk)
            found("same-subsidy", "HOUSEHOLD", household().household_id)
        numbers = {}
        for name in ("findings", "rules"):
            with CaptureQueriesContext(connection) as asked:
                assert client.get(url(name)).status_code == 200
            numbers[name] = len(asked)
        return numbers

    client = at(county_cashier)
    counted(0)
    one, three = counted(1), counted(2)
    assert one == three
    assert max(one.values()) <= 22


def test_former_states_and_source_stand_on_the_page(county_cashier: User) -> None:
    one = found("unpaid", "PROJECT", 1, evidence={"vouchers": [[7, 8], [9]]})
    FundFinding.objects.filter(pk=one.pk).update(closed_on=ON)
    text = at(county_cashier).get(url("finding", one.pk)).content.decode()
    assert "已消除" in text
    assert "以前的判定" in text
    assert one.rule.source in text
    assert all(f"凭证 {key}" in text for key in (7, 8, 9))


def test_city_finance_revises_a_rule(checker: User) -> None:
    rule = FundRule.objects.get(code="negative-county")
    client = at(checker)
    page = client.get(url("rule", rule.pk))
    start = {name: field.initial for name, field in page.context["form"].fields.items()}
    told = {
        "requirement": rule.requirement, "region_prefix": "4103", "valid_from": "2018",
        "valid_to": "", "is_active": "on", "source": "洛财〔2018〕9号", "reason": "本市适用",
        "param_words": "奖金、 楼堂馆所，奖金", "param_types": "12", "param_kinds": "",
    }  # fmt: skip
    assert set(told) <= {*start, "reason"}
    assert client.post(url("rule", rule.pk), told).status_code == 302
    rule.refresh_from_db()
    assert (rule.version, rule.is_active, rule.region_prefix, rule.source) == (
        2, True, "4103", "洛财〔2018〕9号",
    )  # fmt: skip
    assert rule.params == {"words": ["奖金", "楼堂馆所"], "types": ["12"], "kinds": []}
    text = client.get(url("rule", rule.pk)).content.decode()
    assert "以前的版本" in text
    assert "洛财〔2018〕9号" in client.get(url("rules")).content.decode()


def test_an_empty_threshold_is_shown_as_not_judged(checker: User) -> None:
    rule = FundRule.objects.get(code="idle-money")
    client = at(checker)
    assert "未设置标准，不核查" in client.get(url("rules")).content.decode()
    told = {
        "requirement": rule.requirement, "region_prefix": "", "valid_from": "2014",
        "valid_to": "", "is_active": "on", "source": "洛财〔2018〕9号", "reason": "本市规定",
        "threshold": "180",
    }  # fmt: skip
    assert client.post(url("rule", rule.pk), told).status_code == 302
    rule.refresh_from_db()
    assert rule.threshold == 180
    assert client.post(url("rule", rule.pk), told | {"threshold": ""}).status_code == 302
    rule.refresh_from_db()
    assert rule.threshold is None


def test_what_is_wrong_is_told_and_nothing_stored(checker: User, county_cashier: User) -> None:
    rule = FundRule.objects.get(code="deep-share")
    told = {
        "requirement": "x", "region_prefix": "4103", "valid_from": "2018", "valid_to": "2020",
        "is_active": "on", "source": "x", "reason": "x", "threshold": "1.5",
        "param_base": "YEAR", "param_kinds": "31",
    }  # fmt: skip
    for user, changes, words in (
        (checker, {}, "0 到 1"), (checker, {"source": ""}, "必填"),
        (checker, {"threshold": "0.3", "param_kinds": "00"}, "没有“00”"),
        (county_cashier, {"threshold": "0.3"}, "市级财政"),
    ):  # fmt: skip
        answer = at(user).post(url("rule", rule.pk), told | changes)
        assert answer.status_code == 422
        assert words in answer.content.decode()
    assert at(checker).post(url("rule", rule.pk), {}).status_code == 422
    rule.refresh_from_db()
    assert rule.version == 1


def test_doors(county_cashier: User, songxian_clerk: User, county_office: User) -> None:
    one, rule = found("unpaid", "PROJECT", 1), FundRule.objects.get(code="unpaid")
    stranger = at(songxian_clerk)
    assert stranger.get(url("finding", one.pk)).status_code == 404
    assert "情况1<" not in stranger.get(url("findings")).content.decode()
    client = at(county_cashier)
    assert client.get(url("finding", 10**9)).status_code == 404
    assert client.get(url("rule", 10**9)).status_code == 404
    for name, *args in (("findings",), ("finding", one.pk), ("rules",)):
        assert client.post(url(name, *args)).status_code == 405
    # Reads money, revises no rule.
    reader = at(county_office)
    assert reader.get(url("rules")).status_code == 200
    assert reader.get(url("rule", rule.pk)).status_code == 403
    assert reader.post(url("rule", rule.pk), {}).status_code == 403
    nobody = at(person("bare", "SYSTEM_ADMIN", "410324"))  # type: ignore[arg-type]
    for name, *args in (("findings",), ("finding", one.pk), ("rules",)):
        assert nobody.get(url(name, *args)).status_code == 403
