"""The catalogue's pages: column names, code tables, rules, remembered layouts."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import Client

from accounts.models import User
from core.history import history_table
from core.ledger.models import AccessEntry
from households.models import CodeEntry, CodeSynonym
from imports.checks import RULES
from imports.enums import BatchState, Effect, Grain
from imports.models import Batch, HeaderSynonym, Layout, LayoutHeader, RuleSetting
from imports.services import cataloguing
from imports.services.cataloguing import CatalogError
from tests.conftest import OF_THE_MENU, OF_THE_SCOPE
from tests.workbooks import P2018, family, member

AsUser = Callable[[User], Client]
Stage = Callable[..., Batch]

CATALOG = "/imports/catalog/"
PAGES = [
    ("", "get", 200), ("", "post", 422), ("codes/", "get", 200), ("codes/sex/", "get", 200),
    ("codes/sex/label/", "post", 422), ("codes/sex/code/", "post", 422), ("rules/", "get", 200),
    ("rules/IDN09/", "get", 200), ("rules/IDN09/", "post", 422), ("rules/IDN09/reset/", "post", 302),
    ("layouts/", "get", 200), ("layouts/P2018/", "get", 200), ("layouts/P2018/retire/", "post", 302),
]  # fmt: skip
MISSING = ["codes/nothing/", "rules/XXX99/", "layouts/nothing/"]
# A rule that a city may change in every way, one that holds whatever it says, one that waits.
FREE = "IDN09"
STRUCTURAL = next(
    code for code, rule in RULES.items() if cataloguing.is_locked(rule) and rule.is_structural
)
WAITING = next((code for code, rule in RULES.items() if rule.waits_for), "")


@pytest.fixture
def admin(as_user: AsUser, city: None, city_admin: User) -> Client:
    return as_user(city_admin)


@pytest.mark.parametrize(("below", "method", "status"), PAGES)
def test_the_city_office_gets_an_answer(
    admin: Client, below: str, method: str, status: int
) -> None:
    assert getattr(admin, method)(f"{CATALOG}{below}").status_code == status


@pytest.mark.parametrize(("below", "method", "_status"), PAGES)
def test_others_may_not(
    as_user: AsUser, city: None, luanchuan_clerk: User, below: str, method: str, _status: int
) -> None:
    """The catalogue is the city's: a county's clerk loads workbooks and changes nothing here."""
    client = as_user(luanchuan_clerk)
    assert getattr(client, method)(f"{CATALOG}{below}").status_code == 403
    assert "核对规则" not in client.get("/imports/").content.decode()


def test_what_does_not_exist(admin: Client) -> None:
    for below in MISSING:
        assert admin.get(f"{CATALOG}{below}").status_code == 404
    for below in ("headers/99999999/remove/", "labels/99999999/remove/", "codes/x/label/"):
        assert admin.post(f"{CATALOG}{below}").status_code == 404


def test_wrong_method(admin: Client) -> None:
    only_get = ("codes/", "codes/sex/", "rules/", "layouts/", "layouts/P2018/")
    only_post = (
        "codes/sex/label/",
        "codes/sex/code/",
        "rules/IDN09/reset/",
        "layouts/P2018/retire/",
    )
    for below in only_get:
        assert admin.post(f"{CATALOG}{below}").status_code == 405
    for below in only_post:
        assert admin.get(f"{CATALOG}{below}").status_code == 405


def test_posts_from_elsewhere_are_refused(city: None, city_admin: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(city_admin)
    for below, method, _ in PAGES:
        if method == "post":
            assert client.post(f"{CATALOG}{below}").status_code == 403


# --- column names ------------------------------------------------------------------------------


def test_a_column_name_is_read_once_it_is_registered(
    admin: Client, stage: Stage, luanchuan_clerk: User
) -> None:
    def columns(found: Batch) -> dict[str, str]:
        return dict(found.header_map)

    rows = [{**member(1), "贫因": "因病"}]
    headers = [head for head in P2018 if head != "致贫原因"]
    del rows[0]["致贫原因"]

    def read() -> dict[str, str]:
        return columns(stage(rows, headers=headers))

    assert read()["贫因"] == ""
    answer = admin.post(CATALOG, {"header": "贫 因", "identifier": "main_cause"})
    assert answer.status_code == 302
    assert read()["贫因"] == "main_cause"
    made = HeaderSynonym.objects.get(source=cataloguing.OWN_SOURCE)
    entry = AccessEntry.objects.filter(act="IMPORT").latest("id")
    assert (entry.subject_kind, entry.detail["what"]) == ("catalog", "added")
    listed = admin.get(CATALOG, {"name": "贫 因"}).content.decode()
    assert f"{CATALOG}headers/{made.pk}/remove/" in listed
    admin.post(f"{CATALOG}headers/{made.pk}/remove/")
    assert read()["贫因"] == ""


@pytest.mark.parametrize(
    ("header", "identifier", "words"),
    [
        ("姓名", "main_cause", "已有列名"),
        ("姓　名", "main_cause", "已有列名"),
        ("新列", "nothing", "有效的选项"),
        ("", "name", "必填"),
    ],
)
def test_column_names_that_cannot_be(
    admin: Client, header: str, identifier: str, words: str
) -> None:
    before = HeaderSynonym.objects.count()
    answer = admin.post(CATALOG, {"header": header, "identifier": identifier})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert HeaderSynonym.objects.count() == before


def test_shipped_column_names_stay(admin: Client) -> None:
    shipped = HeaderSynonym.objects.first()
    answer = admin.post(f"{CATALOG}headers/{shipped.pk}/remove/", follow=True)
    assert "不能删除" in answer.content.decode()
    assert HeaderSynonym.objects.filter(pk=shipped.pk).exists()


def test_column_names_are_found_by_fact_and_paged(admin: Client) -> None:
    page = admin.get(CATALOG, {"name": "致贫原因"}).context["page"]
    assert {row.fact for row in page} >= {"主要致贫原因"}
    first = admin.get(CATALOG)
    assert first.context["next"]
    second = admin.get(f"{CATALOG}?{first.context['next']}")
    assert not {row.pk for row in first.context["page"]} & {
        row.pk for row in second.context["page"]
    }
    assert "没有这样的列名" in admin.get(CATALOG, {"name": "没有的"}).content.decode()


# --- code tables -------------------------------------------------------------------------------


def test_a_label_is_read_once_it_is_registered(admin: Client, stage: Stage) -> None:
    rows = [member(1, 致贫原因="得了病")]
    assert stage(rows).persons_rejected == 1
    data = {"label": "得了病", "code": "01"}
    assert admin.post(f"{CATALOG}codes/poverty_cause/label/", data).status_code == 302
    assert stage(rows).persons_rejected == 0
    made = CodeSynonym.objects.get(source=cataloguing.OWN_SOURCE)
    admin.post(f"{CATALOG}labels/{made.pk}/remove/")
    assert stage(rows).persons_rejected == 1
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT label, history_act, history_reason FROM {history_table(CodeSynonym)}"
        )
        assert cursor.fetchall() == [("得了病", "D", "删除代码异写")]


def test_a_code_of_our_own(admin: Client, stage: Stage) -> None:
    rows = [member(1, 致贫原因="因疫")]
    assert stage(rows).persons_rejected == 1
    data = {"label": "因疫", "source": "市办 2020 年 3 号文"}
    assert admin.post(f"{CATALOG}codes/poverty_cause/code/", data).status_code == 302
    made = CodeEntry.objects.get(table="poverty_cause", label="因疫")
    assert made.code == "X101"
    assert stage(rows).persons_rejected == 0
    text = admin.get(f"{CATALOG}codes/poverty_cause/").content.decode()
    assert made.code in text
    assert "本市补充" in text
    admin.post(f"{CATALOG}codes/poverty_cause/code/", {"label": "因灾二", "source": "同上"})
    later = CodeEntry.objects.get(table="poverty_cause", label="因灾二")
    assert later.code == "X102"


@pytest.mark.parametrize(
    ("below", "data", "words"),
    [
        ("label/", {"label": "因病", "code": "01"}, "已能识别"),
        ("label/", {"label": "新", "code": "999"}, "有效的选项"),
        ("label/", {"label": "", "code": "01"}, "必填"),
        ("code/", {"label": "因病", "source": "x"}, "已能识别"),
        ("code/", {"label": "新", "source": ""}, "必填"),
    ],
)
def test_codes_that_cannot_be(admin: Client, below: str, data: dict[str, str], words: str) -> None:
    before = (CodeEntry.objects.count(), CodeSynonym.objects.count())
    answer = admin.post(f"{CATALOG}codes/poverty_cause/{below}", data)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert (CodeEntry.objects.count(), CodeSynonym.objects.count()) == before


def test_shipped_wordings_stay(admin: Client) -> None:
    shipped = CodeSynonym.objects.first()
    answer = admin.post(f"{CATALOG}labels/{shipped.pk}/remove/", follow=True)
    assert "不能删除" in answer.content.decode()
    assert CodeSynonym.objects.filter(pk=shipped.pk).exists()


# --- rules -------------------------------------------------------------------------------------


def change(code: str = FREE, **data: Any) -> dict[str, Any]:
    rule = RULES[code]
    shipped = {"is_enabled": "on", "effect": rule.effect.value, "reason": "市里的决定"}
    words = {f"parameter_{name}": str(value) for name, value in rule.parameters.items()}
    return shipped | words | data


def test_a_rule_is_listed_as_it_holds(admin: Client) -> None:
    text = admin.get(f"{CATALOG}rules/").content.decode()
    assert all(f"{CATALOG}rules/{code}/" in text for code in RULES)
    page = admin.get(f"{CATALOG}rules/", {"group": "IDN"})
    assert {one["group"] for one in page.context["rules"]} == {"IDN"}
    assert len(admin.get(f"{CATALOG}rules/?group=x").context["rules"]) == len(RULES)
    if WAITING:
        assert "暂不能判定" in text
        assert RULES[WAITING].waits_for in admin.get(f"{CATALOG}rules/{WAITING}/").content.decode()


def test_a_changed_effect_sends_rows_back(admin: Client, stage: Stage) -> None:
    rows = [member(1, 性别="男" if member(1)["证件号码"][16] in "02468" else "女")]
    assert stage(rows).persons_rejected == 0
    answer = admin.post(f"{CATALOG}rules/{FREE}/", change(effect=Effect.BACK))
    assert answer.status_code == 302
    assert stage(rows).persons_rejected == 1
    setting = RuleSetting.objects.get()
    assert (setting.effect, setting.reason) == ("BACK", "市里的决定")
    text = admin.get(f"{CATALOG}rules/{FREE}/").content.decode()
    assert "市里的决定" in text
    assert "本市已修改" in admin.get(f"{CATALOG}rules/").content.decode()
    admin.post(f"{CATALOG}rules/{FREE}/reset/", {"reason": "照旧"})
    assert not RuleSetting.objects.exists()
    assert stage(rows).persons_rejected == 0
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT effect, history_reason FROM {history_table(RuleSetting)}")
        assert cursor.fetchall() == [("BACK", f"恢复规则 {FREE}：照旧")]


@pytest.mark.parametrize(
    "data", [{"is_enabled": ""}, {"first_year": "2019"}, {"last_year": "2017"}]
)
def test_a_rule_that_does_not_hold(admin: Client, stage: Stage, data: dict[str, str]) -> None:
    rows = [member(1, 性别="男" if member(1)["证件号码"][16] in "02468" else "女")]
    assert stage(rows).problems.filter(rule=FREE).exists()
    assert admin.post(f"{CATALOG}rules/{FREE}/", change(**data)).status_code == 302
    assert not stage(rows).problems.filter(rule=FREE).exists()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"reason": ""}, "必填"),
        ({"effect": "REFUSE"}, "有效的选项"),
        ({"first_year": "2019", "last_year": "2018"}, "晚于"),
        ({"first_year": "1999"}, "2010"),
    ],
)
def test_changes_that_cannot_be(admin: Client, data: dict[str, str], words: str) -> None:
    answer = admin.post(f"{CATALOG}rules/{FREE}/", change(**data))
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not RuleSetting.objects.exists()


def test_parameters_are_read_as_what_they_are(admin: Client) -> None:
    code, name, value = next(
        (rule.code, name, value)
        for rule in RULES.values()
        for name, value in rule.parameters.items()
        if isinstance(value, int) and not isinstance(value, bool) and not rule.waits_for
    )
    data = {f"parameter_{name}": str(value + 1)}
    assert admin.post(f"{CATALOG}rules/{code}/", change(code, **data)).status_code == 302
    assert RuleSetting.objects.get().parameters == {name: value + 1}
    assert f'value="{value + 1}"' in admin.get(f"{CATALOG}rules/{code}/").content.decode()
    for text in ("x", "-1", "1e99"):
        answer = admin.post(f"{CATALOG}rules/{code}/", change(code, **{f"parameter_{name}": text}))
        assert answer.status_code == 422
    assert RuleSetting.objects.get().parameters == {name: value + 1}


def test_structural_rules_are_locked(admin: Client) -> None:
    page = admin.get(f"{CATALOG}rules/{STRUCTURAL}/").content.decode()
    assert "结构性规则" in page
    assert '<button class="button primary"' not in page
    answer = admin.post(f"{CATALOG}rules/{STRUCTURAL}/", change(STRUCTURAL, is_enabled=""))
    assert answer.status_code == 422
    assert not RuleSetting.objects.exists()


def test_services_look_at_the_right_themselves(city: None, luanchuan_clerk: User) -> None:
    for act, data in (
        (cataloguing.add_header, {"header": "x", "identifier": "name"}),
        (cataloguing.add_label, {"table": "sex", "label": "x", "code": "1"}),
        (cataloguing.add_code, {"table": "sex", "label": "x", "source": "y"}),
        (cataloguing.reset_rule, {"code": FREE, "reason": "x"}),
        (cataloguing.retire_layout, {"layout": Layout.objects.first()}),
    ):
        with pytest.raises(PermissionDenied):
            act(**data, by=luanchuan_clerk)
        with pytest.raises(PermissionDenied):
            act(**data, by=None)


# --- layouts -----------------------------------------------------------------------------------


@pytest.fixture
def remembered(city: None, luanchuan_clerk: User) -> Layout:
    made = Layout.objects.create(
        code="L1-1", title="本县台账", year=2018, grain=Grain.PERSON, source="批次1",
        region_prefix="410324", head_print="0" * 64, created_by=luanchuan_clerk,
    )  # fmt: skip
    LayoutHeader.objects.create(layout=made, position=1, header="家庭码", identifier="household_no")
    return made


def test_a_remembered_layout_is_shown_and_retired(admin: Client, remembered: Layout) -> None:
    text = admin.get(f"{CATALOG}layouts/").content.decode()
    assert "本县台账" in text
    assert "P2018" in text
    text = admin.get(f"{CATALOG}layouts/L1-1/").content.decode()
    assert "家庭码" in text
    assert "户编号" in text
    assert admin.post(f"{CATALOG}layouts/L1-1/retire/").status_code == 302
    remembered.refresh_from_db()
    assert remembered.retired_at
    again = admin.post(f"{CATALOG}layouts/L1-1/retire/", follow=True)
    assert "已停用" in again.content.decode()


def test_shipped_layouts_are_not_retired(admin: Client) -> None:
    answer = admin.post(f"{CATALOG}layouts/P2018/retire/", follow=True)
    assert "不能停用" in answer.content.decode()
    assert Layout.objects.get(pk="P2018").retired_at is None


def test_a_layout_of_another_city_is_not_there(admin: Client, remembered: Layout) -> None:
    Layout.objects.filter(pk=remembered.pk).update(region_prefix="610922")
    assert admin.get(f"{CATALOG}layouts/L1-1/").status_code == 404
    assert admin.post(f"{CATALOG}layouts/L1-1/retire/").status_code == 404
    assert "本县台账" not in admin.get(f"{CATALOG}layouts/").content.decode()


@pytest.mark.parametrize("number", [1, 3])
def test_lists_take_the_same_queries_for_any_number(
    admin: Client, remembered: Layout, number: int, django_assert_num_queries: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for place in ("households.queries.years", "households.catalog"):
        monkeypatch.setattr(f"{place}.monotonic", lambda: 0.0)
    for n in range(2, number + 1):
        Layout.objects.create(
            code=f"L1-{n}", title=f"台账{n}", year=2018, grain=Grain.PERSON, source="批次1",
            region_prefix="410324", created_by=remembered.created_by,
        )  # fmt: skip
    for below, queries in (("layouts/", 5), ("codes/", 5), ("codes/sex/", 7), ("rules/", 4)):
        admin.get(f"{CATALOG}{below}")
        with django_assert_num_queries(queries + OF_THE_SCOPE + OF_THE_MENU):
            assert admin.get(f"{CATALOG}{below}").status_code == 200


def test_services_refuse_what_is_none() -> None:
    assert cataloguing._as(True, "否") is False
    assert cataloguing._as([1, 2], "3，4") == [3, 4]
    with pytest.raises(ValueError, match="invalid literal"):
        cataloguing._as(1, "x")
    assert isinstance(CatalogError("x", "y").field, str)


def test_staging_is_not_disturbed_by_a_retired_layout(stage: Stage, remembered: Layout) -> None:
    found = stage(family(1))
    assert (found.state, found.layout_id) == (BatchState.STAGED, "P2018")
