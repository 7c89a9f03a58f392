from datetime import UTC, date, datetime
from typing import Any

import pytest

from accounts.enums import Role
from accounts.models import User
from households.models import Partition
from inspections.models import Answer, Questionnaire, Round, RuralHousehold, SampleHousehold
from inspections.services import planning, sampling, surveying
from inspections.services.cases import Suspicion
from inspections.services.surveying import Filled
from tests.cast import county_office, inspector, town_clerk
from tests.conftest import person
from tests.factories.households import PartitionFactory, household
from tests.factories.villages import RegionFactory, VillageYearFactory
from villages.models import CountyYear

__all__ = ["county_office", "inspector", "town_clerk"]
COUNTY = "410324000000"
CODES = tuple(f"410324100{number}" for number in range(203, 209))
DAY = date(2018, 11, 5)
NOON = datetime(2018, 11, 5, 4, tzinfo=UTC)
DESIGN: dict[str, Any] = {
    "strata": {"P0": {"villages": 2}, "O0": {"villages": 1, "method": "EQUAL"}},
    "takes": {
        "EXITED": {"households": 2, "reserve": 2},
        "POOR": {"households": 1},
        "KEY": {"households": None},
        "OTHER": {"households": 1, "reserve": 1},
    },
}


def rural(code: str, number: int, partition: Partition, *groups: str) -> RuralHousehold:
    region = RegionFactory(code=code)
    return RuralHousehold.objects.create(
        partition=partition, village=region, village_code=code, roster_no=f"{number:04}",
        head_name=f"农{number}", persons=3, is_key=bool(groups), key_groups=list(groups),
    )  # fmt: skip


@pytest.fixture
def county(db: None) -> None:
    """Six villages of 栾川县, three of them poor; each with 5 exited, 2 poor, 4 unregistered."""
    year = PartitionFactory(year=2018)
    region = RegionFactory(code=COUNTY, name="栾川县")
    CountyYear.objects.create(
        region=region, region_code=COUNTY, year=2018, poverty_level="national", area="central",
        source="测试",
    )  # fmt: skip
    for place, code in enumerate(CODES):
        VillageYearFactory(
            region=RegionFactory(code=code), is_poor_village=place < 3, exited_year=None
        )
        for number in range(5):
            household("exited", code=code, members=2 + number % 2, head=f"脱{number}")
        for _ in range(2):
            household(code=code)
        rural(code, 1, year, "01", "06")
        for number in (2, 3, 4):
            rural(code, number, year)


@pytest.fixture
def office(db: None) -> User:
    """Runs the city's rounds."""
    return person("cityoffice", Role.CITY_OFFICE, "4103")


@pytest.fixture
def decider(db: None) -> User:
    return person("decider", Role.CITY_OFFICE, "4103")


@pytest.fixture
def surveyor(db: None) -> User:
    """Sent by the city, from nowhere near the county."""
    return person("surveyor", Role.INSPECTOR, "4103")


@pytest.fixture
def other_surveyor(db: None) -> User:
    return person("surveyor2", Role.INSPECTOR, "4103")


def planned(by: User, **changes: Any) -> Round:
    return planning.plan_round(
        **{
            "kind": "CITY_REVIEW", "name": "2018年市级初审",
            "county": RegionFactory(code=COUNTY), "partition": 2018, "design": DESIGN,
            "seed": "0f" * 16, "appeal_days": 7, "recheck_days": 10,
            "days_source": "洛市脱贫组 2018 年第 1 号", "by": by,
        }
        | changes
    )  # fmt: skip


@pytest.fixture
def planned_round(county: None, office: User) -> Round:
    return planned(office)


@pytest.fixture
def drawn_round(planned_round: Round, office: User) -> Round:
    planning.freeze_frame(round=planned_round, by=office)
    return sampling.draw(round=planned_round, by=office)


def first(round_: Round, kind: str = "EXITED") -> SampleHousehold:
    """The first drawn household of a type."""
    found = SampleHousehold.objects.filter(round=round_, kind=kind, is_reserve=False)
    return found.order_by("village__code", "rank")[0]


def filled(sample: SampleHousehold, *suspicions: Suspicion, **changes: str) -> Filled:
    """A questionnaire that fits; yes to everything."""
    questionnaire = Questionnaire.objects.get(subject=sample.kind, version=1)
    answers = {
        item["code"]: "yes" if item["kind"] == "yesno" else "3"
        for item in questionnaire.schema
        if item.get("required")
    }
    return Filled(questionnaire, answers | changes, suspicions)


def visit(
    sample: SampleHousehold, surveyor: User, office: User, *suspicions: Suspicion, **changes: Any
) -> Answer:
    """Assigned and answered."""
    purpose = changes.pop("purpose", "FIRST")
    surveying.assign(
        round=sample.round, samples=[sample], surveyor=surveyor, purpose=purpose, by=office
    )
    done = surveying.record_visit(
        sample=sample, purpose=purpose, visited_at=NOON, place="户内",
        filled=filled(sample, *suspicions, **changes), by=surveyor,
    )  # fmt: skip
    return Answer.objects.get(visit=done)


WRONGFUL = Suspicion("WRONGFUL_EXIT", 2, "住房漏雨，饮水不安全", "照片 3 张")
