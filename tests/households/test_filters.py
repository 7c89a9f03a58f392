from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.http import QueryDict

from core.scope import Maintenance
from exits import services
from exits.models import PovertyLine, Snapshot
from exits.queries import lines_of_year
from households.filters import HouseholdYearFilter, PersonYearFilter
from households.models import HouseholdYear, PersonYear
from households.queries import UnlistedMetricError, lines_from, list_query
from tests.factories.households import NEIGHBOUR, household, id_no
from tests.factories.villages import VillageYearFactory

CITY = Maintenance("4103")
OTHER_TOWN = "410324200201"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("city")]


@pytest.fixture
def line() -> Iterator[None]:
    """Whoever keeps the standards says 3,000 yuan, and 4,500 in 嵩县."""
    lines_from(lambda year: {"": Decimal(3000), "410325": Decimal(4500)} if year == 2018 else {})
    yield
    lines_from(lines_of_year)


def found(**terms: Any) -> list[str]:
    filters = HouseholdYearFilter(_query(terms), HouseholdYear.objects.visible_to(CITY), actor=CITY)
    assert filters.form.is_valid(), filters.form.errors
    return sorted(filters.qs.values_list("household__household_no", flat=True))


def persons_found(**terms: Any) -> int:
    filters = PersonYearFilter(_query(terms), PersonYear.objects.visible_to(CITY), actor=CITY)
    assert filters.form.is_valid(), filters.form.errors
    return filters.qs.count()


def _query(terms: dict[str, Any]) -> QueryDict:
    query = QueryDict(mutable=True)
    for name, value in terms.items():
        query.setlist(name, value if isinstance(value, list) else [str(value)])
    return query


def errors(**terms: Any) -> dict[str, list[str]]:
    filters = HouseholdYearFilter(_query(terms), HouseholdYear.objects.none(), actor=CITY)
    return {name: list(words) for name, words in filters.form.errors.items()}


def number(row: HouseholdYear) -> str:
    return row.household.household_no


def test_place_selects_what_lies_below() -> None:
    here, there = household(), household(code=OTHER_TOWN)
    neighbour = household(code=NEIGHBOUR)
    assert found() == sorted(map(number, (here, there, neighbour)))
    assert found(region="410324") == found(county="410324000000") == [number(here), number(there)]
    assert found(town="410324200") == found(village=OTHER_TOWN) == [number(there)]
    assert persons_found(county="410325") == 2


def test_status_takes_codes_groups_and_several() -> None:
    poor, exited, relapsed = household(), household("exited"), household("relapsed")
    assert found(status="0") == [number(poor)]
    assert found(status="poor") == [number(poor), number(relapsed)]
    assert found(status="exited") == [number(exited)]
    assert found(status=["1", "3"]) == [number(exited), number(relapsed)]
    assert persons_found(status="poor") == 4


def test_year_is_the_latest_unless_asked_for() -> None:
    row = household(year=2017, main_cause="02")
    household(of=row.household, main_cause="01")
    assert found(cause="01") == found(year=2018) == [number(row)]
    assert found(cause="02") == []
    assert found(year=2017, cause="02") == [number(row)]


def test_income_bounds_leave_out_who_declared_none() -> None:
    low, high = household(), household(net_income_per_capita=Decimal("5000.00"))
    none = household(net_income_per_capita=None)
    assert found(income_below="2800") == []
    assert found(income_below="2800.01") == [number(low)]
    assert found(income_above="2800") == [number(high)]
    assert found(missing="net_income_per_capita") == [number(none)]


@pytest.mark.usefixtures("line")
def test_below_line_goes_by_the_line_of_the_place() -> None:
    below, above = household(), household(net_income_per_capita=Decimal("3000.00"))
    neighbour = household("exited", code=NEIGHBOUR)
    household(net_income_per_capita=None)
    assert found(below_line="true") == [number(below), number(neighbour)]
    assert found(below_line="false") == [number(above)]
    assert found(below_line="true", status="exited") == [number(neighbour)]


def test_below_line_without_a_line_is_nobody() -> None:
    household()
    assert found(below_line="true") == found(below_line="false") == []


def test_poor_village_of_the_year() -> None:
    here, there = household(), household(code=OTHER_TOWN)
    VillageYearFactory(region=here.village)
    VillageYearFactory(region=there.village, year=2017)
    assert found(poor_village="true") == [number(here)]
    assert found(poor_village="false") == [number(there)]


@pytest.mark.parametrize(
    ("facts", "identifier"),
    [({"main_cause": ""}, "main_cause"), ({"other_causes": []}, "other_causes")],
)
def test_missing_facts(facts: dict[str, Any], identifier: str) -> None:
    row = household(**facts)
    household(main_cause="02", other_causes=["03"])
    assert found(missing=identifier) == [number(row)]
    assert persons_found(missing=identifier) == 2


def test_missing_facts_of_identities_and_members() -> None:
    row = household()
    household().household.years.update(irrigated_mu=1)
    PersonYear.objects.filter(household=row.household).update(labour_capacity="01")
    assert found(missing="first_identified_on") == found()
    assert persons_found(missing="labour_capacity") == 2
    assert persons_found(missing="identified_on_person") == 4
    assert persons_found(missing="irrigated_mu") == 2


def test_word_finds_numbers_and_names() -> None:
    row, other = household(head="王小明"), household(head="李四")
    assert found(q="王") == [number(row)]
    assert found(q=number(other)) == [number(other)]
    assert found(q="8630000") == sorted([number(row), number(other)])
    assert found(q="小明") == []
    assert persons_found(q="王小") == 1
    assert persons_found(q=PersonYear.objects.first().person.person_no) == 1


def test_word_finds_a_head_who_is_named_on_the_household_only() -> None:
    row = household(members=0, head_name="赵六")
    assert found(q="赵") == [number(row)]


@pytest.mark.parametrize("text", [id_no(1), id_no(1).lower(), id_no(1) + "42", "990324700101001"])
def test_identity_numbers_are_kept_out_of_addresses(text: str) -> None:
    assert "证件号码" in errors(q=text)["q"][0]


def test_numbers_of_households_may_look_like_identity_numbers() -> None:
    assert errors(q="410324100203011060") == {}


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"status": "9"}, "status"),
        ({"status": ["0", "9"]}, "status"),
        ({"cause": "zz"}, "cause"),
        ({"county": "41032"}, "county"),
        ({"county": "410324100"}, "county"),
        ({"village": "４１０３２４１００２０３"}, "village"),
        ({"region": "x"}, "region"),
        ({"exit_year": "1"}, "exit_year"),
        ({"exit_year": "99999999999999999999"}, "exit_year"),
        ({"income_below": "NaN"}, "income_below"),
        ({"income_below": "1e400"}, "income_below"),
        ({"below_line": "maybe"}, "below_line"),
        ({"missing": "password"}, "missing"),
        ({"year": "2031"}, "year"),
        ({"q": "a\0b"}, "q"),
        ({"q": "王" * 61}, "q"),
    ],
)
def test_nonsense_is_named(terms: dict[str, Any], field: str) -> None:
    assert set(errors(**terms)) == {field}


def test_labels_are_chinese() -> None:
    for filter_class in (HouseholdYearFilter, PersonYearFilter):
        for one in filter_class.base_filters.values():
            assert not one.label.isascii()


@pytest.mark.usefixtures("line")
def test_every_figure_is_as_long_as_its_list() -> None:
    """All figures of a small city, at every level, against both lists."""
    PovertyLine.objects.create(year=2018, amount=3000, source="测试")
    PovertyLine.objects.create(year=2018, region_prefix="410325", amount=4500, source="测试")
    for code in (None, OTHER_TOWN, NEIGHBOUR):
        place = {"code": code} if code else {}
        household(members=3, **place)
        household("exited", members=4, main_cause="", **place)
        household("exited", exit_year=2017, net_income_per_capita=Decimal(10), **place)
        household("relapsed", household_attribute="", exit_year=None, **place)
        household("exited", exit_status="4", net_income_per_capita=None, **place)
    services.recompute(prefix="4103", partition=2018)
    checked = set()
    for row in Snapshot.objects.exclude(numerator=None):
        try:
            terms = {**list_query(row.metric, row.category, 2018), "region": row.region_code}
        except UnlistedMetricError:
            continue
        assert len(found(**terms)) == row.households, terms
        assert persons_found(**terms) == row.numerator, terms
        checked.add(row.metric)
    assert checked == {
        "registered", "remaining", "exited", "relapsed", "exited_in_year", "exited_below_line",
        "headcount_rate", "exit_target", "by_status", "by_cause", "by_attribute",
    }  # fmt: skip


def test_figures_without_a_list_are_refused() -> None:
    for metric in ("village_exit_rate", "approval_rate", "nonsense"):
        with pytest.raises(UnlistedMetricError):
            list_query(metric, "", 2018)
