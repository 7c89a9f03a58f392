"""Chromium against the live product; in CI a missing browser is a failure, elsewhere a skip."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site
from django.core.management import call_command
from django.test import Client
from playwright.sync_api import Error, Page, expect

from accounts.models import User
from households.catalog import sync_codes
from imports.catalog import sync_layouts
from tests.signing_in import sign_in_verified
from tests.villages.lists import CITY, load

# A busy build machine is no reason to fail.
expect.set_options(timeout=20_000)

SHOTS = Path(__file__).resolve().parents[2] / "var" / "screenshots"


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    chromium = os.environ.get("CHROMIUM") or "/usr/bin/chromium"
    if not Path(chromium).exists():
        if os.environ.get("CI"):
            pytest.fail("没有找到 Chromium：请安装 chromium 和 fonts-noto-cjk。")
        pytest.skip("没有找到 Chromium（apt-get install chromium fonts-noto-cjk）。")
    flags = [
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
        "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
    ]  # fmt: skip
    return browser_type_launch_args | {"executable_path": chromium, "args": flags}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return browser_context_args | {
        "locale": "zh-CN",
        "timezone_id": "Asia/Shanghai",
        "viewport": {"width": 1366, "height": 768},
    }


@pytest.fixture
def product(transactional_db: None, settings: Any, live_server: Any) -> Any:
    """The served product with code lists and a city of two counties, no people yet."""
    settings.DEMO = True
    sync_codes()
    sync_layouts()
    call_command("migrate", verbosity=0)
    load(CITY)
    return live_server


@pytest.fixture
def sign_in(product: Any, page: Page) -> Callable[[User], Page]:
    """Sign in through the login page; problems on the console fail the test."""
    problems: list[str] = []
    page.on(
        "console", lambda m: problems.append(m.text) if m.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.problems = problems  # type: ignore[attr-defined]

    def enter(user: User) -> Page:
        user.set_password("一把好记的长口令 2018")
        user.save()
        page.goto(f"{product.url}/")
        page.get_by_label("用户名").fill(user.username)
        page.get_by_label("口令").fill("一把好记的长口令 2018")
        page.get_by_role("button", name="登录").click()
        return page

    return enter


@pytest.fixture
def enter(product: Any, page: Page) -> Callable[[User], Page]:
    """The same browser, with somebody else signed in by both factors."""

    def sign_in(user: User) -> Page:
        browser = Client()
        sign_in_verified(browser, user)
        cookie = browser.cookies[site.SESSION_COOKIE_NAME].value
        page.context.clear_cookies()
        page.context.add_cookies(
            [{"name": site.SESSION_COOKIE_NAME, "value": cookie, "url": product.url}]
        )
        return page

    return sign_in


@pytest.fixture
def shoot() -> Callable[[Page, str], None]:
    """Keep pictures at both widths to be looked at, and check that nothing scrolls sideways."""

    def take(page: Page, name: str) -> None:
        SHOTS.mkdir(parents=True, exist_ok=True)
        for width, height in ((1366, 768), (390, 844)):
            page.set_viewport_size({"width": width, "height": height})
            _picture(page, SHOTS / f"{name}-{width}.png", full_page=width == 390)
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{name} 在 {width} 宽时横向滚动到 {wide}"
        page.set_viewport_size({"width": 1366, "height": 768})

    return take


def _picture(page: Page, path: Path, *, full_page: bool) -> None:
    """A busy machine now and then gives no picture at the first time of asking."""
    try:
        page.screenshot(path=path, full_page=full_page)
    except Error as error:
        if "Unable to capture screenshot" not in str(error):
            raise
        page.screenshot(path=path, full_page=full_page)
