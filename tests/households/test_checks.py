"""The checks of an entry: words as the import has them, and every rule firing and not firing."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.idnumbers import check_digit
from core.text import squeeze
from households.catalog import facts
from households.checks import (
    Finding,
    Stated,
    StatedMember,
    found_in,
    of_household,
    of_members,
    told_by_number,
    totals,
)
from households.checks.fields import ERRORS, QUERIES
from households.checks.words import WORDS
from households.services.entry_reading import PROVINCES, value_of
from households.services.entry_state import is_missing, shown
from imports.checks import RULES
from imports.checks import WORDS as SAID
from imports.checks.idn.idn11 import RULE as PROVINCE_RULE

pytestmark = pytest.mark.unit
OF_YEAR = ("work_months", "public_post_months", "labour_capacity", "student_status")
SEXES = {"03": "01", "04": "02"}


def number(born: date = date(1970, 1, 1), sequence: int = 1) -> str:
    first17 = f"990324{born:%Y%m%d}{sequence:03}"
    return first17 + check_digit(first17)


def member(at: int, relation: str, sex: str = "01", born: date | None = None, **more: Any) -> Any:
    day = born or date(1970, 1, 1)
    person = {
        "name": "张三", "sex": sex, "birth_date": day, "id_type": "01",
        "id_no": number(day, 2 * at + (1 if sex == "01" else 2)),
    }  # fmt: skip
    year = {"relation_to_head": relation}
    for name, value in more.items():
        (year if name in OF_YEAR else person)[name] = value
    return StatedMember(str(at), f"P{at}", person, year)


def household(*members: StatedMember, **year: Any) -> Stated:
    facts = {"exit_status": "0", "member_count": len(members)}
    return Stated(2018, {}, facts | year, list(members))


HEAD = member(0, "01")


def codes(stated: Stated) -> list[str]:
    return [one.code for one in (*of_household(stated), *of_members(stated, SEXES))]


def test_a_plain_household_is_not_complained_of() -> None:
    assert codes(household(HEAD, member(1, "02", "02"))) == []


def test_page_and_import_say_the_same_of_the_same_thing() -> None:
    own = {code for code in WORDS if code.startswith("ENT")}
    assert {code: words[0] for code, words in WORDS.items() if code not in own} == {
        code: RULES[code].message for code in WORDS if code not in own
    }
    for word, code in (ERRORS | QUERIES).items():
        assert SAID[word] == code
    assert [*PROVINCE_RULE.parameters["provinces"], "99"] == PROVINCES


def test_every_message_says_how_to_mend_it() -> None:
    for wrong, mend in WORDS.values():
        assert mend.endswith("。")
        assert wrong
        assert not wrong.endswith("。")


@pytest.mark.parametrize(
    ("year", "code"),
    [
        ({"exit_status": ""}, "IMP21"),
        ({"exit_status": "1"}, "REQ26"),
        ({"exit_status": "1", "exit_year": 2019}, "EXT01"),
        ({"exit_status": "1", "exit_year": 2016, "identified_year": 2017}, "EXT01"),
        ({"identified_year": 2019}, "ENT02"),
        ({"exit_year": 2017}, "ENT03"),
        ({"exit_status": "3"}, "REQ27"),
        ({"other_causes": ["02", "03", "04"]}, "IMP19"),
        ({"main_cause": "02", "other_causes": ["02"]}, "ENT04"),
        ({"farmland_mu": Decimal(-1)}, "IMP15"),
        ({"is_dangerous_house": True}, "REQ19"),
        ({"is_dangerous_house": False, "dangerous_house_level": "C"}, "ENT05"),
        ({"member_count": 3}, "STR04"),
        ({"member_count": 7}, "STR13"),
        ({"income_wage": Decimal(100), "wage_public_post": Decimal(60),
          "wage_other": Decimal(50)}, "ENT01"),
        ({"income_wage": Decimal(50), "wage_public_post": Decimal(60)}, "ENT01"),
    ],
)  # fmt: skip
def test_facts_of_a_household(year: dict[str, Any], code: str) -> None:
    assert code in codes(household(HEAD, **year))


@pytest.mark.parametrize(
    "year",
    [
        {"exit_status": "1", "exit_year": 2018, "identified_year": 2014},
        {"exit_status": "3", "relapse_cause": "02", "exit_year": 2016},
        {"is_dangerous_house": None, "dangerous_house_level": ""},
        {"main_cause": "01", "other_causes": ["02", "03"]},
        # A part that nobody stated is not zero: the total may well be right.
        {"income_wage": Decimal(100), "wage_public_post": Decimal(60)},
        {"income_wage": Decimal("100.50"), "wage_public_post": Decimal(60),
         "wage_other": Decimal(40)},
        {"farmland_mu": Decimal(0)},
    ],
)  # fmt: skip
def test_facts_that_agree(year: dict[str, Any]) -> None:
    assert codes(household(HEAD, **year)) == []


@pytest.mark.parametrize(
    ("others", "code"),
    [
        ([member(1, "01")], "STR02"),
        ([member(1, "02", "02"), member(2, "02", "02")], "STR05"),
        ([member(1, "02")], "STR06"),
        ([member(1, "03", "02", date(1995, 1, 1))], "STR07"),
        ([member(1, "04", "01", date(1995, 1, 1))], "STR08"),
        ([member(1, "03", born=date(1980, 1, 1))], "STR09"),
        ([member(1, "11", born=date(1960, 1, 1))], "STR10"),
        ([member(1, "07", born=date(1990, 1, 1))], "STR11"),
        ([member(1, "15", born=date(1940, 1, 1))], "STR12"),
        ([member(1, "")], "STR17"),
        ([member(1, "03", born=date(1995, 1, 1), name="")], "IMP21"),
        ([member(1, "03", born=date(1995, 1, 1), name="李 四")], "IDN13"),
        ([member(1, "03", born=date(1995, 1, 1), id_no="")], "IDN01"),
        ([member(1, "03", born=date(1995, 1, 1), id_type="09")], "IDN06"),
        ([member(1, "03", born=date(1880, 1, 1))], "IDN08"),
        ([member(1, "03", "02", born=date(1995, 1, 1), id_no=number(date(1995, 1, 1), 1))],
         "IDN09"),
        ([member(1, "03", born=date(1995, 1, 1), birth_date=date(1995, 1, 2))], "IDN10"),
        ([member(1, "03", born=date(2019, 1, 1), id_no="99999920190101")], "ENT06"),
        ([member(1, "03", born=date(1995, 1, 1), work_months=Decimal(13))], "IMP15"),
        ([member(1, "03", born=date(1995, 1, 1), id_no=HEAD.person["id_no"])], "DUP01"),
        ([member(1, "03", born=date(1995, 1, 1), id_no=f"{HEAD.person['id_no']}42")], "DUP05"),
        ([member(1, "03", born=date(2001, 1, 1), labour_capacity="01", student_status="08")],
         "ENT12"),
        ([member(1, "03", born=date(2003, 1, 1), labour_capacity="02")], "ENT13"),
    ],
)  # fmt: skip
def test_facts_of_members(others: list[StatedMember], code: str) -> None:
    assert code in codes(household(HEAD, *others))


@pytest.mark.parametrize(
    ("born", "labour", "school"),
    [(2001, "04", "08"), (2001, "01", "01"), (2001, "01", ""), (2003, "04", "08"), (2003, "", "")],
)
def test_pupils_without_labour_and_grown_ones_out_of_school(
    born: int, labour: str, school: str
) -> None:
    one = member(1, "03", born=date(born, 1, 1), labour_capacity=labour, student_status=school)
    assert codes(household(HEAD, one)) == []


def test_nobody_is_head_and_nobody_is_there() -> None:
    assert "STR01" in codes(household(member(0, "03")))
    assert codes(household()) == ["STR03"]


def test_children_alone() -> None:
    found = codes(household(member(0, "01", born=date(2005, 1, 1))))
    assert found == ["STR15", "STR14"] or sorted(found) == ["STR14", "STR15"]


def test_a_finding_names_its_place_by_position_and_by_person() -> None:
    [found] = of_members(household(HEAD, member(4, "")), SEXES)
    assert (found.where, found.whose) == (
        "members.4.year.relation_to_head", "members.P4.year.relation_to_head",
    )  # fmt: skip
    assert found.key == "STR17:members.4.year.relation_to_head"


def test_words_of_the_readers_are_findings() -> None:
    assert [one.code for one in found_in("checksum+too_long", "x")] == ["IDN04", "IMP19"]
    assert [one.is_query for one in found_in("no_mobile", "x")] == [True]
    assert found_in("blanks", "x") == found_in("", "x") == []
    assert found_in("letters", "a.b")[0] == Finding(
        "a.b", found_in("letters", "a.b")[0].message, "IDN04"
    )


@given(
    born=st.dates(date(1900, 1, 1), date(2018, 12, 31)),
    sequence=st.integers(0, 999),
    tail=st.sampled_from(["", "42", "11", "42B1"]),
)
def test_a_right_number_tells_day_sex_and_kind(born: date, sequence: int, tail: str) -> None:
    told = told_by_number(number(born, sequence) + tail)
    assert told == {
        "birth_date": born,
        "sex": "01" if sequence % 2 else "02",
        "id_type": "09" if tail else "01",
    }


@given(born=st.dates(date(1900, 1, 1), date(2018, 12, 31)), sequence=st.integers(0, 999),
       at=st.integers(6, 17), other=st.sampled_from("0123456789"))  # fmt: skip
def test_a_number_with_one_wrong_digit_tells_nothing(
    born: date, sequence: int, at: int, other: str
) -> None:
    right = number(born, sequence)
    wrong = right[:at] + other + right[at + 1 :]
    assert (told_by_number(wrong) == {}) == (wrong != right)


# Signs that a reader takes away: units, a spreadsheet's apostrophes, separators, what no text holds.
NOTHING = "'\u2018\u2019`元年人,\x00\u2060"
WIDE = str.maketrans("0123456789,.-/年月日", "０１２３４５６７８９，．－／年月日")


@given(
    value=st.decimals(0, 10**9, places=2), is_wide=st.booleans(), unit=st.sampled_from(["", "元"])
)
def test_amounts_with_commas_in_any_width(value: Decimal, is_wide: bool, unit: str) -> None:
    text = f"{value:,}{unit}"
    typed = text.translate(WIDE) if is_wide else text
    assert value_of(facts()["income_wage"], typed) == (value, "")
    assert value_of(facts()["income_wage"], shown(value)) == (value, "")


@given(
    value=st.dates(date(1900, 1, 1), date(2099, 12, 31)),
    form=st.sampled_from(["%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y年%m月%d日"]),
    is_wide=st.booleans(),
)
def test_days_in_five_forms(value: date, form: str, is_wide: bool) -> None:
    text = value.strftime(form)
    typed = text.translate(WIDE) if is_wide else text
    assert value_of(facts()["birth_date"], typed) == (value, "")


@given(text=st.text(max_size=80))
@example("\x00\x850")
@example("\x00'0")
def test_whatever_is_typed_is_read_or_said_to_be_wrong(text: str) -> None:
    for name in ("income_wage", "identified_year", "has_broadcast", "birth_date", "identified_month",
                 "household_type", "phone", "bank_account", "id_no", "village_phone"):  # fmt: skip
        value, words = value_of(facts()[name], text)
        errors = [one for one in found_in(words, "x") if not one.is_query]
        if text.strip() and is_missing(value):
            assert errors or not squeeze(text).strip(NOTHING)
        if not errors and not is_missing(value):
            # What was read says the same when it is read again.
            again, words = value_of(facts()[name], shown(value))
            assert again == value
            assert all(one.is_query for one in found_in(words, "x"))


money = st.one_of(st.none(), st.decimals(0, 100_000, places=2))


parts_of_income = ("income_wage", "income_business", "income_property", "income_transfer")


@given(
    parts=st.fixed_dictionaries(dict.fromkeys((*parts_of_income, "expense_business"), money)),
    members=st.integers(1, 9),
)
def test_totals_are_sums_of_stated_parts_only(
    parts: dict[str, Decimal | None], members: int
) -> None:
    found = totals(parts, members)
    earned = [value for name, value in parts.items() if name != "expense_business"]
    if None in earned:
        assert found["income_total"] is None
    else:
        assert found["income_total"] == sum(earned)  # type: ignore[arg-type]
    is_known = None not in parts.values()
    assert (found["net_income"] is not None) == is_known
    if is_known:
        assert abs(found["net_income_per_capita"] * members - found["net_income"]) <= members  # type: ignore[operator]
        declared = {**parts, "income_total": found["income_total"]}
        stated = replace(household(HEAD), year={"exit_status": "0", **declared})
        assert not [one for one in of_household(stated) if one.where == "year.income_total"]
