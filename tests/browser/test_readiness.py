"""Who stands in the way, and what follows if repairs are completed: tick, reckon, look, leave no trace."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from accounts.models import User
from core.acting import acting
from exits.catalog import sync_standards
from exits.models import Attestation, GateResult, HouseholdReadiness, PovertyLine
from exits.services import recompute
from households.models import Household, HouseholdYear, PersonYear, Task, TaskItem
from tests.cast import cast
from tests.factories.households import HOME, household
from villages.models import CountyYear, PopulationBase, Region, VillageYear

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
COUNTY = "410324000000"
HEADS = ("何梅", "何兰", "何竹", "何菊")


def looked_at(page: Page, shoot: Any, name: str) -> None:
    """A picture at both widths, and no fault that axe knows."""
    shoot(page, name)
    found = Axe().run(page).response["violations"]
    assert [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found] == [], name


def a_village_on_the_edge() -> None:
    """Four homes still poor in a village of 300: six persons more than 2 % allows."""
    sync_standards()
    PovertyLine.objects.create(year=2018, amount=Decimal(3208), source="测试")
    facts: list[dict[str, Any]] = [
        {"members": 2},
        {"members": 4, "dangerous_house_level": "4"},
        {"members": 3, "drinking_safe": False, "net_income_per_capita": Decimal(2900)},
        {"members": 2, "dangerous_house_level": "3"},
    ]
    rows = []
    for head, own in zip(HEADS, facts, strict=True):
        good: dict[str, Any] = {
            "net_income_per_capita": Decimal(4000), "drinking_safe": True,
            "dangerous_house_level": "1",
        }  # fmt: skip
        rows.append(household(head=head, **(good | own)))
    PersonYear.objects.update(in_resident_medical=True, student_status="01")
    place = Region.objects.get(code=HOME)
    VillageYear.objects.create(
        region=place, region_code=HOME, year=2018, source="测试", is_poor_village=True,
        paved_to_town=True, households_unsafe_water=0, culture_rooms=1, clinics=1, doctors=1,
    )  # fmt: skip
    for code, persons in ((HOME, 300), (COUNTY, 300)):
        PopulationBase.objects.create(
            region=Region.objects.get(code=code), region_code=code, year=2018, source="测试",
            basis="agri_hukou", persons=persons,
        )  # fmt: skip
    CountyYear.objects.create(
        region=Region.objects.get(code=COUNTY), region_code=COUNTY, year=2018, source="测试",
        poverty_level="national", area="central", planned_exit_year=2018,
    )  # fmt: skip
    for item in ("power", "broadcast"):
        Attestation.objects.create(
            partition=2018, region=place, region_code=HOME, item=item, outcome="met",
            evidence="现场查看", checked_on=date(2018, 11, 1),
        )  # fmt: skip
    owner = cast("town_clerk")
    task = Task.objects.create(
        title="十一月底前整改", region_code="410324100", partition_id=2018, owner=owner,
        due_on=date(2018, 11, 30), created_by=owner,
    )  # fmt: skip
    for row in rows:
        TaskItem.objects.create(task=task, household=row.household, village_code=HOME)
    recompute(prefix="4103", partition=2018)


def stored() -> list[Any]:
    models = (GateResult, HouseholdReadiness, HouseholdYear, Attestation)
    return [list(model.objects.order_by("pk").values()) for model in models]


def test_if_these_repairs_are_accepted(
    sign_in: Callable[[User], Page], product: Any, shoot: Any
) -> None:
    with acting(by=None):
        a_village_on_the_edge()
    page = sign_in(cast("county_office"))
    before = stored()
    page.goto(f"{product.url}/readiness/410324/?year=2018")
    expect(page.get_by_role("heading", name="谁在挡路")).to_be_visible()
    looked_at(page, shoot, "readiness-county")
    page.get_by_role("link", name="陈家门村").first.click()
    expect(page.get_by_text("3.67%")).to_be_visible()
    looked_at(page, shoot, "readiness-village")
    page.get_by_role("link", name="阻断清单").click()
    expect(page.get_by_role("heading", name="共 4 户")).to_be_visible()
    expect(page.get_by_text("2018-11-30").first).to_be_visible()
    looked_at(page, shoot, "readiness-blockers")
    page.get_by_label("未完成项").select_option(label="住房安全")
    page.get_by_role("button", name="筛选").click()
    expect(page.get_by_role("heading", name="共 2 户")).to_be_visible()

    page.goto(f"{product.url}/readiness/{HOME}/what-if/?year=2018")
    result = page.locator("#result")
    # Six of eleven must leave: the plan's homes hold exactly as many or just more.
    expect(result.get_by_text("本村全部达标")).to_be_visible()
    looked_at(page, shoot, "what-if-plan")
    for box in page.get_by_role("checkbox").all():
        box.uncheck()
    page.get_by_role("button", name="试算").click()
    expect(result.get_by_role("heading", name="勾选的 0 项完成后")).to_be_visible()
    expect(result.get_by_text("3.67%")).to_have_count(2)
    line = page.get_by_role("row").filter(has_text="何兰")
    for box in line.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="试算").click()
    expect(result.get_by_text("2.33%")).to_be_visible()
    expect(result.get_by_text("1 户、4 人具备退出条件")).to_be_visible()
    looked_at(page, shoot, "what-if-one")

    page.goto(f"{product.url}/readiness/{HOME}/gates/henan/headcount/?year=2018")
    looked_at(page, shoot, "readiness-receipt")
    page.goto(f"{product.url}/readiness/standards/henan/")
    looked_at(page, shoot, "standard-henan")
    number = Household.objects.get(persons__name="何兰").household_no
    page.goto(f"{product.url}/readiness/households/{number}/?year=2018")
    looked_at(page, shoot, "readiness-household")
    assert stored() == before
    assert page.problems == []  # type: ignore[attr-defined]
