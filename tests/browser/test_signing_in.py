"""Signing in by phone and by provider, and what a session's end looks like."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Page, expect

from accounts.models import Authenticator, User
from tests.accounts.oidc_provider import Provider, running
from tests.browser.test_journeys import violations
from tests.signing_in import code_of, give_phone

pytestmark = [pytest.mark.browser, pytest.mark.integration]

SignIn = Callable[[User], Page]
Shoot = Callable[[Page, str], None]
PASSWORD = "一把好记的长口令 2018"


@pytest.fixture
def strict(product: Any, settings: Any) -> Any:
    """The product as where real people are registered: a second factor is required."""
    settings.OTP_REQUIRED = True
    return product


@pytest.fixture
def provider(product: Any, settings: Any) -> Iterator[Provider]:
    with running() as found:
        for name, value in found.settings().items():
            setattr(settings, name, value)
        settings.AUTHENTICATION_BACKENDS = [
            *settings.AUTHENTICATION_BACKENDS,
            "accounts.signin.oidc.ProviderBackend",
        ]
        yield found


def out(page: Page) -> None:
    page.locator("summary[aria-label^=用户]").click()
    page.get_by_role("button", name="退出登录").click()
    expect(page.get_by_role("heading", name="登录")).to_be_visible()


def password(page: Page, name: str) -> None:
    page.get_by_label("用户名").fill(name)
    page.get_by_label("口令").fill(PASSWORD)
    page.get_by_role("button", name="登录", exact=True).click()


def test_enrol_a_phone_and_sign_in_with_it(
    strict: Any, sign_in: SignIn, luanchuan_clerk: User, shoot: Shoot
) -> None:
    """Password, picture and key, first code, recovery codes; next time a wrong and a right code."""
    page = sign_in(luanchuan_clerk)
    expect(page.get_by_role("heading", name="启用动态口令")).to_be_visible()
    picture = page.get_by_alt_text("动态口令二维码")
    assert picture.evaluate("image => image.naturalWidth") > 100
    shoot(page, "second-factor-set-up")
    assert violations(page) == []
    key = page.locator(".secret").inner_text().replace(" ", "")
    phone = pyotp.TOTP(key)
    page.get_by_label("6 位动态口令").fill(phone.now())
    page.get_by_role("button", name="确认绑定").click()
    expect(page.get_by_text("动态口令已启用")).to_be_visible()
    codes = page.locator(".codes code").all_inner_texts()
    assert len(codes) == 10
    shoot(page, "recovery-codes")
    assert violations(page) == []
    page.get_by_role("link", name="已保存，继续").click()
    expect(page.locator("summary[aria-label^=用户]")).to_be_visible()
    out(page)

    password(page, luanchuan_clerk.username)
    expect(page.get_by_role("heading", name="动态口令")).to_be_visible()
    page.get_by_label("动态口令").fill("12345x")
    page.get_by_role("button", name="验证").click()
    expect(page.get_by_text("不正确或已用过")).to_be_visible()
    shoot(page, "second-factor-wrong")
    assert violations(page) == []
    page.get_by_label("动态口令").fill(codes[0])
    page.get_by_role("button", name="验证").click()
    if page.get_by_text("连续输错").count():  # the second try came within a second of the first
        page.wait_for_timeout(1_500)
        page.get_by_label("动态口令").fill(codes[0])
        page.get_by_role("button", name="验证").click()
    expect(page.get_by_text("还剩 9 个")).to_be_visible()
    page.locator("summary[aria-label^=用户]").click()
    page.get_by_role("link", name="账号安全").click()
    expect(page.get_by_role("heading", name="账号安全")).to_be_visible()
    expect(page.get_by_text("本次登录", exact=True)).to_be_visible()
    shoot(page, "account-security")
    assert violations(page) == []
    assert page.problems == []  # type: ignore[attr-defined]


def test_sign_in_with_the_code(
    strict: Any, sign_in: SignIn, luanchuan_clerk: User, shoot: Shoot
) -> None:
    device = give_phone(luanchuan_clerk)
    page = sign_in(luanchuan_clerk)
    expect(page.get_by_role("heading", name="动态口令")).to_be_visible()
    page.goto(f"{strict.url}/households/")
    expect(page.get_by_role("heading", name="动态口令")).to_be_visible()
    shoot(page, "second-factor")
    page.get_by_label("动态口令").fill(code_of(device))
    page.get_by_role("button", name="验证").click()
    expect(page).to_have_url(f"{strict.url}/households/")
    assert Authenticator.objects.get(pk=device.pk).last_step > 0
    assert page.problems == []  # type: ignore[attr-defined]


def test_works_without_scripts(strict: Any, browser: Any, luanchuan_clerk: User) -> None:
    device = give_phone(luanchuan_clerk)
    luanchuan_clerk.set_password(PASSWORD)
    luanchuan_clerk.save()
    context = browser.new_context(java_script_enabled=False, locale="zh-CN")
    page = context.new_page()
    page.goto(f"{strict.url}/accounts/security/")
    password(page, luanchuan_clerk.username)
    page.get_by_label("动态口令").fill(code_of(device))
    page.get_by_role("button", name="验证").click()
    expect(page.get_by_role("heading", name="账号安全")).to_be_visible()
    context.close()


def test_sign_in_by_the_provider(
    product: Any, provider: Provider, page: Page, city_leader: User, shoot: Shoot
) -> None:
    problems: list[str] = []
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    page.goto(f"{product.url}/accounts/security/")
    expect(page.get_by_role("link", name="用统一身份认证登录")).to_be_visible()
    shoot(page, "login-with-provider")
    assert violations(page) == []
    page.get_by_role("link", name="用统一身份认证登录").click()
    expect(page).to_have_url(f"{product.url}/accounts/security/")
    expect(page.get_by_text("通过统一身份认证登录")).to_be_visible()
    out(page)
    expect(page.get_by_text("统一身份认证的会话可能仍然有效")).to_be_visible()
    page.get_by_role("link", name="同时退出统一身份认证").click()
    expect(page).to_have_url(re.compile(re.escape(f"{provider.issuer}/logout?")))

    provider.name = "nobody"
    page.goto(f"{product.url}/accounts/login/")
    page.get_by_role("link", name="用统一身份认证登录").click()
    expect(page.get_by_text("没有对应的启用账号")).to_be_visible()
    shoot(page, "login-provider-refused")
    assert problems == []


def test_idle_session_says_so_and_leads_back(
    sign_in: SignIn, city_leader: User, product: Any, settings: Any, shoot: Shoot
) -> None:
    page = sign_in(city_leader)
    expect(page.locator("summary[aria-label^=用户]")).to_be_visible()
    settings.SESSION_IDLE_SECONDS = -1
    page.goto(f"{product.url}/villages/")
    settings.SESSION_IDLE_SECONDS = 30 * 60
    expect(page.get_by_text("没有操作，为安全起见已退出")).to_be_visible()
    page.reload()
    expect(page.get_by_text("30 分钟没有操作")).to_be_visible()
    shoot(page, "login-after-idle")
    assert violations(page) == []
    password(page, city_leader.username)
    expect(page).to_have_url(f"{product.url}/villages/")
    expect(page.get_by_text("上次登录：")).to_be_visible()
    assert page.problems == []  # type: ignore[attr-defined]


def test_closed_door_and_old_password(
    sign_in: SignIn, city_leader: User, product: Any, page: Page, shoot: Shoot
) -> None:
    page.goto(f"{product.url}/accounts/login/")
    for _ in range(5):
        page.get_by_label("用户名").fill("nobody")
        page.get_by_label("口令").fill("错")
        page.get_by_role("button", name="登录", exact=True).click()
        page.wait_for_load_state("load")
    expect(page.get_by_text("已暂停登录")).to_be_visible()
    shoot(page, "login-closed")
    assert violations(page) == []
    page = sign_in(city_leader)
    expect(page.locator("summary[aria-label^=用户]")).to_be_visible()
    page.goto(f"{product.url}/accounts/password/")
    page.get_by_label("当前口令").fill(PASSWORD)
    page.get_by_label("新口令", exact=False).nth(0).fill("kurz")
    page.get_by_label("再输一次新口令").fill("kurz")
    page.get_by_role("button", name="修改口令").click()
    expect(page.get_by_text("口令至少 10 位")).to_be_visible()
    shoot(page, "password")
    assert violations(page) == []
