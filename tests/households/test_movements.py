"""The ledger of movement: stocks and flows agree, and corrections are posted, not written over."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import Sum

from households.models import HouseholdYear, MembershipEvent, PersonYear, StatusEvent
from imports.models import Batch
from tests.workbooks import family, member

Load = Callable[..., Batch]

OUT = {"脱贫属性": "已脱贫（享受政策）", "贫困户属性": "一般农户"}


def events(year: int) -> dict[str, tuple[int, int]]:
    rows = (
        StatusEvent.objects.filter(partition_id=year, is_opening=False)
        .values_list("kind")
        .annotate(households=Sum("households"), persons=Sum("persons"))
    )
    return {kind: (households, persons) for kind, households, persons in rows}


def members(year: int) -> dict[str, int]:
    rows = (
        MembershipEvent.objects.filter(partition_id=year)
        .values_list("kind")
        .annotate(Sum("persons"))
    )
    return {kind: persons for kind, persons in rows if persons}


def poor(year: int) -> int:
    return PersonYear.objects.filter(
        partition_id=year,
        household__in=HouseholdYear.objects.in_year(year).still_poor().values("household"),
    ).count()


def balance(year: int) -> int:
    """年初 + 新识别 + 返贫 + 自然增加 − 脱贫 − 自然减少 − 清退 − 年末."""
    flow = {kind: persons for kind, (_, persons) in events(year).items()}
    natural = MembershipEvent.objects.filter(partition_id=year, is_poor=True)
    joined = natural.filter(kind__in=["BIRTH", "JOIN_OTHER"]).aggregate(n=Sum("persons"))["n"] or 0
    left = natural.filter(kind="LEAVE_OTHER").aggregate(n=Sum("persons"))["n"] or 0
    return (
        poor(year - 1) + flow.get("IDENTIFY", 0) + flow.get("RELAPSE", 0) + joined
        - flow.get("EXIT", 0) - left - flow.get("CLEAR_OUT", 0) - poor(year)
    )  # fmt: skip


@pytest.fixture
def two_years(load_rows: Load) -> Load:
    """2017: households 1 and 2 poor, 3 exited. 2018 is up to the test."""
    load_rows([*family(1), *family(2), *family(3, 脱贫年度="2016", **OUT)], partition=2017)
    return load_rows


def test_first_year_is_the_opening_balance(two_years: Load) -> None:
    opening = StatusEvent.objects.filter(partition_id=2017)
    assert all(opening.values_list("is_opening", flat=True))
    assert sorted(opening.values_list("kind", "year")) == [
        ("EXIT", 2016), ("IDENTIFY", None), ("IDENTIFY", None), ("IDENTIFY", None),
    ]  # fmt: skip


def test_exit_relapse_and_new_identification(two_years: Load) -> None:
    two_years(
        [*family(1, 脱贫年度="2018", **OUT), *family(2), *family(3, 脱贫属性="返贫"), *family(4)],
        partition=2018,
    )
    assert events(2018) == {"EXIT": (1, 2), "RELAPSE": (1, 2), "IDENTIFY": (1, 2)}
    assert members(2018) == {}
    assert balance(2018) == 0
    assert (
        HouseholdYear.objects.get(
            partition_id=2018, household__household_no="86300000000004"
        ).identified_year
        == 2018
    )


def test_births_and_departures_count_where_the_household_is_poor(two_years: Load) -> None:
    baby = member(50, 1, 与户主关系="之子", 证件号码="")
    rows: list[dict[str, Any]] = [
        *family(1), {**baby, "证件号码": "999999201803010018"},
        member(3, 2),
        *family(3, 脱贫年度="2016", **OUT), {**member(60, 3, 与户主关系="之子", **OUT), "脱贫年度": "2016"},
    ]  # fmt: skip
    two_years(rows, partition=2018)
    assert members(2018) == {"JOIN_OTHER": 2, "LEAVE_OTHER": 1}
    assert MembershipEvent.objects.filter(partition_id=2018, is_poor=False).count() == 1
    assert balance(2018) == 0


def test_same_file_again_posts_nothing(two_years: Load) -> None:
    rows = [*family(1, 脱贫年度="2018", **OUT), *family(2)]
    two_years(rows, partition=2018)
    before = StatusEvent.objects.count()
    two_years(rows, partition=2018)
    assert StatusEvent.objects.count() == before


def test_correction_is_a_further_row(two_years: Load) -> None:
    two_years([*family(1, 脱贫年度="2018", **OUT), *family(2)], partition=2018)
    two_years([*family(1), *family(2)], partition=2018)
    rows = StatusEvent.objects.filter(partition_id=2018, kind="EXIT").order_by("pk")
    assert [(row.households, row.persons, row.reason) for row in rows] == [
        (1, 2, ""),
        (-1, -2, "更正"),
    ]
    # Household 3 is missing from the file, hence not in 2018, and it was not poor.
    assert balance(2018) == 0


def test_member_taken_back_is_a_further_row(two_years: Load) -> None:
    two_years([*family(1), member(3, 2)], partition=2018)
    assert members(2018) == {"LEAVE_OTHER": 1}
    two_years([*family(1), *family(2)], partition=2018)
    assert members(2018) == {}
    assert MembershipEvent.objects.filter(partition_id=2018).count() == 2
    assert balance(2018) == 0
