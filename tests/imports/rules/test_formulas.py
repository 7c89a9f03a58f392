"""Where a rule rests on a formula: any document number, any birth date, any pair of ages."""

from datetime import date
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import idnumbers
from core.workbooks import cells
from imports.checks import RULES, WORDS

PROVINCES = [*RULES["IDN11"].parameters["provinces"], "99"]
DAYS = st.dates(date(1850, 1, 1), date(2030, 12, 31))
read = cells.told_number(22, PROVINCES)


def words(text: str) -> set[str]:
    return {WORDS[word] for word in read(text)[1].split("+") if word}


@pytest.mark.unit
@given(
    region=st.from_regex(r"[1-9][0-9]{5}", fullmatch=True),
    born=DAYS,
    serial=st.integers(0, 999),
    end=st.sampled_from(["", "11", "74", "41B1"]),
)
def test_right_numbers_break_no_rule_but_those_on_regions(
    region: str, born: date, serial: int, end: str
) -> None:
    first17 = f"{region}{born:%Y%m%d}{serial:03d}"
    number = first17 + idnumbers.check_digit(first17) + end
    expected = set()
    if "99999" in region:
        expected = {"IDN07"}
    elif region[:2] not in PROVINCES:
        expected = {"IDN11"}
    assert words(number) == expected
    told = read(number)[0].split("\t")
    if not number.startswith("999999"):
        assert told[1:3] == [born.isoformat(), "01" if serial % 2 else "02"]


@pytest.mark.unit
@given(
    born=DAYS,
    serial=st.integers(0, 999),
    at=st.integers(0, 17),
    by=st.integers(1, 9),
)
def test_one_wrong_digit_is_always_noticed(born: date, serial: int, at: int, by: int) -> None:
    first17 = f"990324{born:%Y%m%d}{serial:03d}"
    number = first17 + idnumbers.check_digit(first17)
    digits = "0123456789X"
    wrong = digits[(digits.index(number[at]) + by) % (11 if at == 17 else 10)]
    changed = number[:at] + wrong + number[at + 1 :]
    assert words(changed) & {"IDN04", "IDN08", "IDN07", "IDN02"}, changed


@pytest.mark.unit
@given(st.text(max_size=30))
def test_any_text_is_read_and_named(text: str) -> None:
    value, fault = read(text)
    number = value.split("\t")[0]
    assert {word for word in fault.split("+") if word} <= set(WORDS)
    if not idnumbers._STORED.fullmatch(number.replace("\\\\", "\\")):
        assert words(text) & {"IMP20", "IMP19", "IDN02", "IDN04", "IDN05"}


@pytest.mark.unit
@given(st.from_regex(r"[0-9]{0,24}", fullmatch=True))
def test_accounts_are_twelve_to_nineteen_digits(text: str) -> None:
    account, _ = cells.make("identifier", {"longest": 30, "account": 1})
    said = "account_length" in account(text)[1]
    assert said is (text != "" and not 12 <= len(text) <= 19)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(born=DAYS, year=st.integers(2014, 2025), limit=st.integers(90, 130))
def test_ages_are_those_of_new_years_eve(db: Any, born: date, year: int, limit: int) -> None:
    """What IDN08 asks of dates agrees with counting the years one by one."""
    age = sum(date(born.year + years, 12, 31) <= date(year, 12, 31) for years in range(1, 200))
    expected = born > date(year, 12, 31) or age > limit
    condition = RULES["IDN08"].checks[1].condition  # type: ignore[attr-defined]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {condition} FROM (SELECT %(born)s::date AS id_no__born) AS r",
            {"born": born, "partition": year, "max_age": limit},
        )
        assert cursor.fetchone()[0] is expected
