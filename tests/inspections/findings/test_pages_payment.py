"""A problem about a payment: found by the voucher's number, and one of several by whom it went to."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from funds.models import Source
from inspections.models import Finding
from tests.factories.households import household
from tests.funds.conftest import allotted, arrived, cashier, checker, pay, posted, source
from tests.inspections.findings.conftest import COUNTY, VILLAGE, Office
from tests.walls.test_money import pay_household

__all__ = ["allotted", "arrived", "cashier", "checker", "source"]
pytestmark = pytest.mark.django_db
TOLD: dict[str, Any] = {
    "source": "AUDIT", "level": "CITY", "severity": "GRAVE", "object_kind": "PAYMENT",
    "found_on": "2018-09-03", "fact": "超进度支付",
}  # fmt: skip


def test_payments_by_the_number_of_their_voucher(
    as_user: Callable[[User], Client], office: Office, allotted: Source, cashier: User,
    checker: User,
) -> None:  # fmt: skip
    row = household(code=VILLAGE)
    voucher = posted(pay(allotted, "5.00", cashier), checker)
    to_household = posted(pay_household(allotted, row, cashier), checker)
    county = as_user(office.county)
    number = voucher.full_number
    answer = county.post("/findings/new/", TOLD | {"key": number})
    assert answer.status_code == 302
    finding = Finding.objects.get()
    assert (finding.payment, finding.region_code) == (voucher.payments.get(), COUNTY)
    page = county.get(answer.url).content.decode()
    assert f"{number} 付 某路桥公司" in page
    assert f'href="/funds/vouchers/{voucher.pk}/"' in page
    form = county.get(f"/findings/{finding.pk}/amend/").content.decode()
    assert f'value="{number}/某路桥公司"' in form
    key = f"{to_household.full_number}/{row.household.household_no}"
    assert county.post("/findings/new/", TOLD | {"key": key}).status_code == 302
    assert Finding.objects.latest("pk").region_code == VILLAGE
    for wrong in (f"{number}/无此人", "410324-2018-9999", "一号凭证"):
        refused = county.post("/findings/new/", TOLD | {"key": wrong})
        assert refused.status_code == 422
        assert set(refused.context["form"].errors) == {"key"}
