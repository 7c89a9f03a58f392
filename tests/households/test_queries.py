from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import Q
from hypothesis import given
from hypothesis import strategies as st

from core.scope import Maintenance
from households.catalog import facts, facts_of
from households.models import Household, HouseholdYear
from households.queries import keyset, lines, places, rows, sheet, values
from tests.factories.households import HOME, NEIGHBOUR, household
from tests.villages.lists import load, renamed
from villages.models import Region, RegionSuccession

CITY = Maintenance("4103")


# --- cursors -----------------------------------------------------------------------------------


@pytest.mark.unit
@given(st.from_regex(r"[0-9]{12}", fullmatch=True), st.integers(0, 2**63 - 1))
def test_cursor_is_read_as_it_was_written(code: str, pk: int) -> None:
    token = keyset.HOUSEHOLDS.write((code, pk, "more"))
    assert keyset.HOUSEHOLDS.read(token) == [code, pk]


@pytest.mark.unit
@given(
    st.one_of(
        st.text(max_size=200),
        st.binary(max_size=120).map(lambda raw: urlsafe_b64encode(raw).decode()),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
            lambda inner: st.lists(inner, max_size=4),
            max_leaves=6,
        ).map(lambda value: urlsafe_b64encode(str(value).encode()).decode().rstrip("=")),
    )
)
def test_cursor_of_anything_else_is_refused_or_harmless(token: str) -> None:
    try:
        key = keyset.PERSONS.read(token)
    except keyset.BadCursorError:
        return
    assert [type(part) for part in key] == [str, int, int]


@pytest.mark.unit
@pytest.mark.parametrize(
    "text",
    ['["410324100203",true]', '["410324100203",-1]', '["410324100203",9223372036854775808]',
     '["41\\u0000",1]', '["410324100203"]', '[410324100203,1]', '{"a":1,"b":2}', "null", "[" * 100],
)  # fmt: skip
def test_cursor_of_the_wrong_kind_is_refused(text: str) -> None:
    token = urlsafe_b64encode(text.encode()).decode().rstrip("=")
    with pytest.raises(keyset.BadCursorError):
        keyset.HOUSEHOLDS.read(token)


@pytest.mark.usefixtures("city")
def test_pages_lead_forth_and_back_over_every_row() -> None:
    for code in (HOME, "410324200201", HOME, NEIGHBOUR, HOME):
        household(members=1, code=code)
    keys = HouseholdYear.objects.values_list("village_code", "household_id")
    every = list(keys.order_by("village_code", "household_id"))
    pages = [keyset.HOUSEHOLDS.page(keys, size=2)]
    while pages[-1].next:
        pages.append(keyset.HOUSEHOLDS.page(keys, size=2, after=pages[-1].next))
    assert [row for page in pages for row in page.rows] == every
    assert [len(page.rows) for page in pages] == [2, 2, 1]
    back = keyset.HOUSEHOLDS.page(keys, size=2, before=pages[-1].previous)
    assert (back.rows, back.next) == (pages[1].rows, pages[1].next)
    first = keyset.HOUSEHOLDS.page(keys, size=2, before=back.previous)
    assert (first.rows, first.previous) == (pages[0].rows, "")


@pytest.mark.usefixtures("city")
def test_page_after_the_last_row_is_empty() -> None:
    row = household(members=1)
    keys = HouseholdYear.objects.values_list("village_code", "household_id")
    end = keyset.HOUSEHOLDS.write((row.village_code, row.household_id))
    assert keyset.HOUSEHOLDS.page(keys, size=2, after=end) == keyset.Page([])
    assert keyset.HOUSEHOLDS.page(keys, size=2, before=end) == keyset.Page([])


# --- lines -------------------------------------------------------------------------------------


@pytest.mark.unit
def test_line_of_the_nearest_place_counts() -> None:
    known = {"41": Decimal(1), "4103": Decimal(2), "410324": Decimal(3)}
    assert lines.line_at(known, HOME) == 3
    assert lines.line_at(known, NEIGHBOUR) == 2
    assert lines.line_at(known, "420000000001") is None
    # Lines are set for counties and what lies above them.
    assert lines.line_at({"410324100": Decimal(4)}, HOME) is None


@pytest.mark.unit
def test_line_is_asked_of_whoever_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "_source", None)
    lines.lines_from(lambda year: {"": Decimal(year)})
    assert lines.lines_of(2018) == {"": Decimal(2018)}


@pytest.mark.unit
def test_without_a_source_there_is_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "_source", None)
    assert lines.lines_of(2018) == {}
    assert lines.beside_line(2018, is_below=True) == Q(pk__in=[])


# --- places ------------------------------------------------------------------------------------


@pytest.fixture
def named(city: None) -> Callable[[str, int], places.Place]:
    return lambda code, year: places.places_on(places.year_end(year), [code])[code]


def test_place_carries_the_names_of_the_day(named: Callable[[str, int], places.Place]) -> None:
    load(renamed("410324100000", "君山镇"), 2018)
    then, now = named(HOME, 2017), named(HOME, 2018)
    assert (then.county, then.town, then.village) == ("栾川县", "城关镇", "陈家门村")
    assert (now.county, now.town, now.village) == ("栾川县", "君山镇", "陈家门村")


def test_place_of_a_recoded_village_is_what_it_was(
    named: Callable[[str, int], places.Place],
) -> None:
    old = Region.objects.get(code=HOME)
    Region.objects.filter(pk=old.pk).update(valid_to=date(2018, 6, 1))
    new = Region.objects.create(
        code="410325100299",
        name="陈家门社区",
        level="village",
        valid_from=date(2018, 6, 1),
        source="x",
    )
    RegionSuccession.objects.create(
        old=old, new=new, kind="recoded", effective_on=date(2018, 6, 1), source="x"
    )
    assert named(new.code, 2017).county == "栾川县"
    assert named(new.code, 2017).village == "陈家门村"
    assert named(new.code, 2018).county == "嵩县"


def test_place_that_nobody_knows_shows_its_code(
    named: Callable[[str, int], places.Place],
) -> None:
    place = named("990000000001", 2018)
    assert (place.county, place.town, place.village) == ("", "", "990000000001")


def test_choices_are_the_actors_own(city: None) -> None:
    clerk, day = Maintenance("410324"), date(2018, 12, 31)
    assert places.counties_for(CITY, day) == [("410324", "栾川县"), ("410325", "嵩县")]
    assert places.counties_for(clerk, day) == [("410324", "栾川县")]
    assert places.towns_for(clerk, day, "410325") == []
    assert places.villages_for(clerk, day, "410324200") == [("410324200201", "养子沟村")]
    assert places.villages_for(clerk, day, "") == []


# --- masking and words -------------------------------------------------------------------------


@pytest.mark.unit
@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("990325196203151230", "990325********1230"),
        # A certificate ends in type and level of the disability.
        ("99032519620315123042", "990325********1230"),
        ("9903251962031512304211", "990325********1230"),
        ("12345", "*****"),
        ("", "—"),
    ],
)
def test_identity_number_is_masked(stored: str, shown: str) -> None:
    assert rows.masked_id(stored) == shown


@pytest.mark.unit
@pytest.mark.parametrize(
    ("born", "age"), [(date(2000, 12, 31), 18), (date(2018, 12, 31), 0), (date(2019, 1, 1), None)]
)
def test_age_is_that_of_new_years_eve(born: date, age: int | None) -> None:
    assert rows.age_at_year_end(born, 2018) == age
    assert rows.age_at_year_end(None, 2018) is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("identifier", "stored", "shown"),
    [
        ("is_dangerous_house", True, "是"),
        ("is_dangerous_house", False, "否"),
        ("is_dangerous_house", None, "未填"),
        ("main_cause", "01", "因病"),
        ("main_cause", "", "未填"),
        ("other_causes", ["01", "02"], "因病、因残"),
        ("other_causes", [], "未填"),
        ("farmland_mu", Decimal("2.50"), "2.5 亩"),
        ("farmland_mu", Decimal("100.00"), "100 亩"),
        ("farmland_mu", Decimal("0.00"), "0 亩"),
        ("income_wage", Decimal("4666.00"), "4,666.00 元/年"),
        ("exit_year", 2018, "2018 年"),
        ("first_identified_on", date(2014, 10, 29), "2014-10-29"),
        ("health_status", ["01"], "已脱敏"),
        ("bank_account", "6217000012345678901", "已脱敏"),
        ("bank_account", "", "未填"),
        ("phone", "13900001234", "139****1234"),
        ("id_no", "990325196203151230", "990325********1230"),
    ],
)
def test_facts_are_written_for_people(identifier: str, stored: Any, shown: str) -> None:
    assert values.written(facts()[identifier], stored) == shown


# --- the sheet ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("city")
def test_every_fact_stands_on_exactly_one_card() -> None:
    row = household()
    shown = [item.label for card in sheet.cards(row, Maintenance("4103")) for item in card.items]
    shown += [item.label for item in sheet.income(row).items]
    hidden = {"户编号", "户主姓名", "人均纯收入"}
    expected = [one.label for model in (Household, HouseholdYear) for one in facts_of(model)]
    assert sorted(shown) == sorted(set(expected) - hidden)


PARTS = {
    "income_wage": 5000, "income_business": 4000, "income_property": 0, "income_transfer": 1000,
    "expense_business": 1001,
}  # fmt: skip


@pytest.mark.unit
@pytest.mark.parametrize(
    ("changes", "declared", "computed", "differs"),
    [
        ({}, "2999.67", "2999.67", False),
        ({}, "3000.66", "2999.67", False),
        ({}, "3000.67", "2999.67", True),
        ({}, None, "2999.67", False),
        ({"income_property": None}, "2999.67", None, False),
        ({"expense_business": None}, "2999.67", None, False),
        ({"member_count": 0}, "2999.67", None, False),
        ({"member_count": None}, "2999.67", None, False),
    ],
)
def test_income_is_added_up_beside_what_was_declared(
    changes: dict[str, Any], declared: str | None, computed: str | None, differs: bool
) -> None:
    amounts = {"member_count": 3, **PARTS, **changes}
    row = HouseholdYear(
        net_income_per_capita=None if declared is None else Decimal(declared),
        **{name: None if value is None else Decimal(value) for name, value in amounts.items()},
    )
    told = sheet.income(row)
    assert told.computed == (None if computed is None else Decimal(computed))
    assert told.differs is differs
    assert told.declared == row.net_income_per_capita


@pytest.mark.unit
@pytest.mark.parametrize(
    ("value", "words"),
    [
        (date(1970, 1, 2), "1970 年"), ("1970-01-02", "1970 年"), ("19700102", "1970 年"),
        ("1970年1月2日", "1970 年"), ("1970", "1970 年"), ("18630", "已脱敏"), ("2/1/1970", "已脱敏"),
        ("99032419700102", "已脱敏"), (None, "未填"), ("", "未填"),
    ],
)  # fmt: skip
def test_a_day_of_birth_in_words(value: Any, words: str) -> None:
    assert values.written(facts()["birth_date"], value) == words
