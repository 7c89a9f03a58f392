"""Journey: a security administrator registers a system, grants, issues a key and copies it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings as site
from django.test import Client
from playwright.sync_api import Page, expect

from accounts.enums import Role
from accounts.models import ClientKey, key_digest
from tests.conftest import person
from tests.signing_in import sign_in_verified

pytestmark = pytest.mark.browser


@pytest.fixture
def signed(product: Any, page: Page) -> Page:
    browser = Client()
    sign_in_verified(browser, person("security", Role.SECURITY_ADMIN, "4103"))
    cookie = browser.cookies[site.SESSION_COOKIE_NAME].value
    page.context.add_cookies(
        [{"name": site.SESSION_COOKIE_NAME, "value": cookie, "url": product.url}]
    )
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=product.url)
    return page


def test_register_grant_issue_copy(
    signed: Page, product: Any, shoot: Callable[[Page, str], None]
) -> None:
    problems: list[str] = []
    signed.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    signed.goto(f"{product.url}/accounts/clients/")
    signed.get_by_role("link", name="登记客户端").first.click()
    for label, text in (
        ("系统名称", "市民政局核对系统"), ("使用单位", "市民政局"), ("区划代码", "410324"),
        ("用途", "低保对象与建档立卡户比对"), ("联系人", "王科长"), ("允许的来源地址", "10.1.2.0/24"),
    ):  # fmt: skip
        signed.get_by_label(label, exact=False).first.fill(text)
    shoot(signed, "client-new")
    signed.get_by_role("button", name="登记并授权").click()
    for label in ("读取行政区划", "读取户", "读取人"):
        signed.get_by_label(label, exact=True).check()
    group = signed.get_by_role("group", name="人：字段组")
    for name in ("基本情况", "收入支出", "健康、残疾（须另一人复核）"):
        group.get_by_label(name).check()
    shoot(signed, "client-scopes")
    signed.get_by_role("button", name="保存授权").click()
    signed.get_by_role("button", name="签发密钥").click()
    field = signed.get_by_label("新密钥")
    shoot(signed, "client-key")
    signed.get_by_role("button", name="复制").click()
    expect(signed.get_by_text("已复制")).to_be_visible()
    copied = signed.evaluate("navigator.clipboard.readText()")
    assert copied == field.input_value()
    assert key_digest(copied) == ClientKey.objects.get().digest
    signed.goto(f"{product.url}/accounts/clients/")
    expect(signed.get_by_text("市民政局核对系统")).to_be_visible()
    shoot(signed, "clients")
    assert problems == []
