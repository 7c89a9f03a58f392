import pytest

from accounts.enums import Role
from accounts.models import User
from exits.catalog import sync_standards
from exits.enums import Outcome, SubjectLevel
from exits.models import GateResult
from exits.queries.standards import items_of, standards_at
from tests.cast import county_office, town_clerk
from tests.conftest import person
from tests.factories.households import PartitionFactory
from tests.factories.villages import RegionFactory, VillageYearFactory
from tests.register import city, load_rows, stage
from villages.models import CountyYear, Region

__all__ = ["city", "county_office", "load_rows", "stage", "town_clerk"]
COUNTY, TOWN = "410324000000", "410324100000"
VILLAGES = tuple(f"410324100{number}" for number in range(203, 206))
OTHER_TOWN = "410324101200"


def judged(code: str, level: str, **outcomes: str) -> None:
    """Every veto item of the standard in force is met but those told."""
    standard = standards_at(code, 2018)[0]
    for item in items_of([standard])[standard.pk, level].values():
        outcome = outcomes.get(item.code, Outcome.MET)
        GateResult.objects.create(
            partition=2018, region_code=code, standard=standard, item=item.code, level=level,
            is_veto=item.is_veto, outcome=outcome, standard_version=standard.version,
            data_version=1, reason="" if outcome == Outcome.MET else "测试",
        )  # fmt: skip


@pytest.fixture
def places(db: None) -> None:
    """Three poor villages of one town and one of another, all ready; their county too."""
    sync_standards()
    PartitionFactory(year=2018)
    RegionFactory(code=COUNTY, name="栾川县", level="county")
    for code in (TOWN, "410324101000"):
        RegionFactory(code=code, name=f"镇{code[6:9]}", level="town")
    for code in (*VILLAGES, OTHER_TOWN):
        region = RegionFactory(code=code, name=f"{code[-3:]}村村民委员会")
        VillageYearFactory(region=region, is_poor_village=True, exited_year=None)
        judged(code, SubjectLevel.VILLAGE)
    CountyYear.objects.create(
        region=Region.objects.get(code=COUNTY), region_code=COUNTY, year=2018, source="测试",
        poverty_level="national", area="central",
    )  # fmt: skip
    judged(COUNTY, SubjectLevel.COUNTY)


@pytest.fixture
def clerk2(db: None) -> User:
    return person("clerk2", Role.TOWN_CLERK, "410324100")


@pytest.fixture
def office(db: None) -> User:
    return person("cityoffice", Role.CITY_OFFICE, "4103")


@pytest.fixture
def office2(db: None) -> User:
    return person("cityoffice2", Role.CITY_OFFICE, "4103")
