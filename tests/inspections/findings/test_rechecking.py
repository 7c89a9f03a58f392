"""Drawn by lot: the same seed gives the same problems; what came back is counted and returned."""

from datetime import date
from fractions import Fraction

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from core import walls
from inspections.enums.findings import State
from inspections.formulas.drawing import ALGORITHM
from inspections.models import Finding, RecheckItem
from inspections.services.common import UnfitError
from inspections.services.findings import rechecking
from tests.factories.villages import RegionFactory
from tests.inspections.findings.conftest import COUNTY, Office
from tests.inspections.findings.test_states import refusal_of

SEED = "00112233445566778899aabbccddeeff"
SINCE, UNTIL, ON = date(2018, 9, 1), date(2018, 9, 30), date(2018, 10, 8)
_NUMBERS = st.sets(
    st.integers(1, 99999).map(lambda n: f"W2018410324{n:05}"), min_size=1, max_size=40
)


@given(_NUMBERS, st.integers(1, 100).map(lambda part: Fraction(part, 100)), st.randoms())
def test_the_seed_alone_decides(numbers: set[str], share: Fraction, order: object) -> None:
    listed = list(numbers)
    order.shuffle(listed)  # type: ignore[attr-defined]
    drawn = rechecking.chosen(listed, share, SEED, ALGORITHM)
    assert drawn == rechecking.chosen(sorted(listed), share, SEED, ALGORITHM)
    assert len(drawn) == len(set(drawn)) == -(-len(listed) * share.numerator // share.denominator)
    assert set(drawn) <= numbers


def test_every_problem_is_as_likely() -> None:
    numbers = [f"W{n}" for n in range(5)]
    times = dict.fromkeys(numbers, 0)
    for seed in range(2000):
        for one in rechecking.chosen(numbers, Fraction(1, 5), f"{seed:032x}", ALGORITHM):
            times[one] += 1
    # Five standard deviations of a binomial with n = 2000, p = 1/5.
    assert all(abs(times[one] - 400) < 5 * 17.9 for one in numbers)


@pytest.mark.django_db
def test_a_tenth_is_drawn_looked_at_and_counted(office: Office) -> None:
    closed = [office.brought_to(State.CLOSED) for _ in range(11)]
    office.brought_to(State.VERIFIED)
    region = RegionFactory(code=COUNTY)
    with walls.scoped(office.county):
        made = rechecking.draw(region=region, since=SINCE, until=UNTIL, seed=SEED, by=office.county)
    assert (made.frame_size, made.items.count()) == (11, 2)
    assert [item.finding.number for item in made.items.all()] == rechecking.chosen(
        [one.number for one in closed], rechecking.TENTH, SEED, ALGORITHM
    )
    first, second = made.items.all()
    told = {"words": "看过", "on": ON, "by": office.second}
    rechecking.look(item=first, result="HOLDS", **told)
    _, back = rechecking.look(item=second, result="RELAPSED", **told)
    assert back.state == State.RETURNED
    with pytest.raises(UnfitError, match="已经复查"):
        rechecking.look(item=first, result="HOLDS", **told)
    counted = rechecking.relapses([made])
    assert (counted.drawn, counted.looked, counted.rate) == (2, 2, (1, 2))
    # Drawn again from what is mended now: the list is another.
    again = rechecking.draw(region=region, since=SINCE, until=UNTIL, seed=SEED, by=office.county)
    assert again.frame_size == 10
    assert again.frame_digest != made.frame_digest


@pytest.mark.django_db
def test_what_was_drawn_and_seen_stands(office: Office) -> None:
    for _ in range(2):
        office.brought_to(State.CLOSED)
    region = RegionFactory(code=COUNTY)
    with pytest.raises(UnfitError, match="没有已销号"):
        rechecking.draw(region=region, since=ON, until=ON, by=office.county)
    with pytest.raises(UnfitError, match="比例"):
        rechecking.draw(
            region=region, since=SINCE, until=UNTIL, share=Fraction(0), by=office.county
        )
    with pytest.raises(UnfitError, match="权限"):
        rechecking.draw(region=region, since=SINCE, until=UNTIL, by=office.village)
    made = rechecking.draw(
        region=region, since=SINCE, until=UNTIL, share=Fraction(1), by=office.county
    )
    one, other = made.items.all()
    look, _ = rechecking.look(item=one, result="HOLDS", words="看过", on=ON, by=office.second)
    refusal_of(lambda: RecheckItem.objects.filter(pk=one.pk).update(look=None))
    refusal_of(lambda: RecheckItem.objects.filter(pk=other.pk).update(look=look))
    refusal_of(lambda: RecheckItem.objects.filter(pk=other.pk).update(rank=9))
    refusal_of(lambda: type(made).objects.filter(pk=made.pk).update(seed="0" * 32))
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM inspections_recheckitem")
    assert Finding.objects.filter(relapses=0).count() == 2
