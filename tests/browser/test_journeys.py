"""The ways through the house, in a real browser with a real worker."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from accounts.models import User
from core.acting import acting
from exits.services import recompute
from imports import services
from tests.conftest import Worker
from tests.workbooks import build, family, member, save

pytestmark = [pytest.mark.browser, pytest.mark.integration]

SignIn = Callable[[User], Page]
Shoot = Callable[[Page, str], None]


def fill_register() -> None:
    rows = [
        *family(1), *family(2, 致贫原因="因学"), *family(3, 行政县="嵩县"),
        *family(4, 脱贫属性="已脱贫（享受政策）", 贫困户属性="一般农户", 脱贫年度="2018"),
    ]  # fmt: skip
    batch = services.receive(
        chunks=[build(rows)], file_name="a.xlsx", partition=2018, region_prefix="4103", by=None
    )
    services.stage(batch=batch, stage_name=f"b{batch.pk}_0")
    batch.save()
    with acting(by=None):
        services.apply(batch=batch)
    recompute(prefix="4103", partition=2018)


def violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found]


def test_workbook_to_dashboard(
    sign_in: SignIn, luanchuan_clerk: User, worker: Worker, tmp_path: Path, shoot: Shoot
) -> None:
    """A clerk uploads, reads the preview, applies, and finds the figure on the dashboard."""
    page = sign_in(luanchuan_clerk)
    page.get_by_role("link", name="导入", exact=True).first.click()
    page.get_by_role("link", name="上传工作簿").first.click()
    rows = [*family(1), *family(2), member(5, 3, 致贫原因="因懒")]
    page.get_by_label("工作簿").set_input_files(save(tmp_path, rows))
    page.get_by_label("年度").fill("2018")
    page.get_by_role("button", name="上传并核对").click()
    expect(page.get_by_text("待确认")).to_be_visible(timeout=30_000)
    expect(page.get_by_role("row", name="人 4 0 0 1")).to_be_visible()
    expect(page.get_by_text("代码表外的取值").first).to_be_visible()
    shoot(page, "import-preview")
    page.get_by_role("button", name="确认写入").click()
    expect(page.get_by_text("已导入")).to_be_visible(timeout=30_000)
    page.get_by_role("link", name="退出准备度").click()
    expect(page.get_by_role("heading", name="栾川县退出准备度")).to_be_visible()
    for _ in range(30):
        if page.get_by_text("4人").count():
            break
        page.wait_for_timeout(500)
        page.reload()
    expect(page.get_by_role("link", name="未脱贫人口")).to_contain_text("4")
    shoot(page, "county-after-import")
    assert page.problems == []  # type: ignore[attr-defined]


def test_figure_opens_into_names(sign_in: SignIn, city_leader: User, shoot: Shoot) -> None:
    """From the city's figure to the list, to one household; the list is as long as the figure."""
    fill_register()
    page = sign_in(city_leader)
    expect(page.get_by_role("heading", name="贫困县退出准备度")).to_be_visible()
    shoot(page, "dashboard")
    assert violations(page) == []
    figure = page.get_by_role("link", name="未脱贫人口")
    expect(figure).to_contain_text("6")
    figure.click()
    expect(page.get_by_text("共 6 人")).to_be_visible()
    shoot(page, "persons")
    assert violations(page) == []
    page.get_by_role("link", name="86300000000001").first.click()
    expect(page.get_by_text("86300000000001").first).to_be_visible()
    expect(page.get_by_text("990324********").first).to_be_visible()
    shoot(page, "household")
    assert violations(page) == []
    assert page.problems == []  # type: ignore[attr-defined]


def test_drill_down_from_city_to_village(sign_in: SignIn, city_leader: User, shoot: Shoot) -> None:
    fill_register()
    page = sign_in(city_leader)
    for name in ("栾川县", "城关镇", "陈家门村"):
        page.get_by_role("link", name=name, exact=True).first.click()
        expect(page.get_by_role("heading", name=f"{name}退出准备度")).to_be_visible()
    shoot(page, "village")
    assert violations(page) == []
    page.get_by_role("link", name="未脱贫人口").click()
    expect(page.get_by_text("共 4 人")).to_be_visible()


def test_filters_narrow_the_list(sign_in: SignIn, luanchuan_clerk: User, shoot: Shoot) -> None:
    fill_register()
    page = sign_in(luanchuan_clerk)
    page.get_by_role("link", name="贫困户档案").click()
    expect(page.get_by_role("heading", name="共 3 户")).to_be_visible()
    page.wait_for_load_state("load")
    page.get_by_label("主要致贫原因").select_option(label="因学")
    expect(page.get_by_role("heading", name="共 1 户")).to_be_visible()
    assert "cause=03" in page.url
    shoot(page, "households")
    assert violations(page) == []


def test_neighbour_sees_nothing(sign_in: SignIn, songxian_clerk: User, product: Any) -> None:
    fill_register()
    page = sign_in(songxian_clerk)
    expect(page.get_by_role("heading", name="嵩县退出准备度")).to_be_visible()
    for address in (
        "/regions/410324/",
        "/households/86300000000001/",
        "/households/?region=410324",
    ):
        answer = page.goto(f"{product.url}{address}")
        assert answer is not None
        assert answer.status == 404
    expect(page.get_by_text("没有").first).to_be_visible()


def test_wrong_password_says_so(product: Any, page: Page, city_leader: User, shoot: Shoot) -> None:
    page.goto(f"{product.url}/")
    page.get_by_label("用户名").fill("leader")
    page.get_by_label("口令").fill("错")
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    shoot(page, "login")
    assert violations(page) == []


def test_jobs_and_api_pages(sign_in: SignIn, city_admin: User, product: Any, shoot: Shoot) -> None:
    fill_register()
    page = sign_in(city_admin)
    page.goto(f"{product.url}/jobs/")
    expect(page.get_by_role("heading", name="后台任务", exact=True)).to_be_visible()
    shoot(page, "jobs")
    page.goto(f"{product.url}/api/docs/")
    expect(page.get_by_text("/api/v1/metrics/").first).to_be_visible(timeout=15_000)
    assert page.problems == []  # type: ignore[attr-defined]
