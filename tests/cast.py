"""The whole cast, one person per role: what `tests/conftest.py` offers as fixtures.

`cast("town_clerk")` makes the person; in a test the fixture of the same name does. All of them act
in or around 栾川县 (410324); `conftest` has the neighbour 嵩县 (410325).
"""

from typing import NamedTuple

import pytest

from accounts.enums import Role
from accounts.models import User


class Part(NamedTuple):
    """What a person of the cast holds; `home` is where the account belongs."""

    role: Role
    region: str
    department: str = ""

    @property
    def home(self) -> str:
        return self.region


PARTS = {
    "system_admin": Part(Role.SYSTEM_ADMIN, "4103"),
    "security_admin": Part(Role.SECURITY_ADMIN, "4103"),
    "audit_admin": Part(Role.AUDIT_ADMIN, "4103"),
    "county_system_admin": Part(Role.SYSTEM_ADMIN, "410324"),
    "county_security_admin": Part(Role.SECURITY_ADMIN, "410324"),
    "county_audit_admin": Part(Role.AUDIT_ADMIN, "410324"),
    "county_leader": Part(Role.LEADER, "410324"),
    "county_office": Part(Role.COUNTY_OFFICE, "410324"),
    "town_clerk": Part(Role.TOWN_CLERK, "410324100"),
    "village_official": Part(Role.VILLAGE, "410324100203"),
    "helper": Part(Role.HELPER, "410324"),
    "department": Part(Role.DEPARTMENT, "410324", "栾川县教育局"),
    "finance": Part(Role.FINANCE, "410324"),
    "inspector": Part(Role.INSPECTOR, "410324"),
    "auditor": Part(Role.AUDITOR, "4103"),
    "petition_officer": Part(Role.PETITION, "410324"),
}


def cast(name: str) -> User:
    """The person of this name in the cast, with their one grant."""
    from tests.conftest import LONG_AGO, person

    part = PARTS[name]
    user = person(name, part.role)
    User.objects.filter(pk=user.pk).update(home_prefix=part.home)
    user.grants.create(
        role=part.role,
        region_prefix=part.region,
        department=part.department,
        valid_from=LONG_AGO,
    )
    return User.objects.get(pk=user.pk)


def _fixture(name: str) -> object:
    @pytest.fixture(name=name)
    def made(db: None) -> User:
        return cast(name)

    return made


(
    system_admin, security_admin, audit_admin, county_system_admin, county_security_admin,
    county_audit_admin, county_leader, county_office, town_clerk, village_official, helper,
    department, finance, inspector, auditor, petition_officer,
) = map(_fixture, PARTS)  # fmt: skip
