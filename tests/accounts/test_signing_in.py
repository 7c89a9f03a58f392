"""Who gets in, and what a grant gives for how long."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from accounts.enums import Role
from accounts.models import Grant, User

pytestmark = pytest.mark.django_db
PASSWORD = "一把好记的长口令 2018"


@pytest.fixture
def clerk(city_leader: User) -> User:
    city_leader.set_password(PASSWORD)
    city_leader.save()
    return city_leader


def sign_in(username: str, password: str) -> Client:
    client = Client()
    client.post("/accounts/login/", {"username": username, "password": password})
    return client


def test_right_password(clerk: User) -> None:
    assert "_auth_user_id" in sign_in("leader", PASSWORD).session
    assert clerk.password.startswith("argon2")


@pytest.mark.parametrize(
    ("username", "password"), [("leader", "错"), ("nobody", PASSWORD), ("", "")]
)
def test_wrong_ones(clerk: User, username: str, password: str) -> None:
    assert "_auth_user_id" not in sign_in(username, password).session


def test_disabled_user_is_out_at_once(clerk: User) -> None:
    client = sign_in("leader", PASSWORD)
    User.objects.update(is_active=False)
    assert client.get("/").status_code == 302
    assert "_auth_user_id" not in sign_in("leader", PASSWORD).session


def test_grant_counts_only_in_its_time(stranger: User) -> None:
    today = timezone.localdate()
    for start, end in (
        (today + timedelta(days=1), None),
        (date(2016, 1, 1), today - timedelta(days=1)),
    ):
        Grant.objects.create(
            user=stranger,
            role=Role.COUNTY_CLERK,
            region_prefix="410324",
            valid_from=start,
            valid_to=end,
        )
    assert User.objects.get(pk=stranger.pk).region_prefixes == ()
    assert not User.objects.get(pk=stranger.pk).has_perm("households.view_register")


@pytest.mark.parametrize("prefix", ["", "4", "41032", "4103240", "41%", "洛阳"])
def test_grant_prefix_is_a_level(stranger: User, prefix: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Grant.objects.create(
            user=stranger, role=Role.COUNTY_CLERK, region_prefix=prefix, valid_from=date(2016, 1, 1)
        )


def test_signing_out_is_a_post(clerk: User) -> None:
    client = sign_in("leader", PASSWORD)
    assert client.get("/accounts/logout/").status_code == 405
    client.post("/accounts/logout/")
    assert "_auth_user_id" not in client.session
