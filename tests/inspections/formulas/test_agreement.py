"""Agreement of two interviews of the same household, item by item."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from inspections.formulas.agreement import Agreement, agreement, by_item

answers = st.sampled_from(["是", "否", "不清楚", None])
rows = st.lists(st.tuples(answers, answers), max_size=40)


def test_kappa_of_a_textbook_table() -> None:
    # Two readers of 50 grant applications: 20 both yes, 15 both no, 5 and 10 mixed.
    # Agreed 35/50; by chance 25·30 + 25·20 of 2500 = 1/2; kappa (0.7 − 0.5)/0.5 = 0.4.
    pairs = [("是", "是")] * 20 + [("是", "否")] * 5 + [("否", "是")] * 10 + [("否", "否")] * 15
    assert agreement(pairs) == Agreement(50, 35, 0, Fraction(2, 5))
    assert agreement(pairs).share == Fraction(7, 10)


def test_nothing_left_to_measure_has_no_kappa() -> None:
    assert agreement([("是", "是")] * 9) == Agreement(9, 9, 0, None)
    assert agreement([]) == Agreement(0, 0, 0, None)
    assert agreement([]).share is None


def test_constant_disagreement_is_no_better_than_chance() -> None:
    assert agreement([("是", "否")] * 4).kappa == 0
    assert agreement([("是", "否"), ("否", "是")]).kappa == -1


def test_pairs_with_an_answer_left_out_are_counted_apart() -> None:
    assert agreement([("是", "是"), ("是", None), (None, None)]) == Agreement(1, 1, 2, None)


def test_items_stand_with_the_least_reliable_first() -> None:
    found = by_item(
        {
            "water": [("是", "是")],
            "house": [("是", "否")],
            "unasked": [(None, "是")],
            "school": [("是", "否"), ("否", "否")],
        }
    )
    assert list(found) == ["house", "school", "water", "unasked"]


@given(rows, st.randoms(use_true_random=False))
def test_neither_order_nor_who_asked_first_matters(pairs, random) -> None:  # type: ignore[no-untyped-def]
    mixed = [(other, one) for one, other in random.sample(pairs, len(pairs))]
    assert agreement(mixed) == agreement(pairs)


@given(rows)
def test_kappa_lies_between_minus_one_and_one(pairs: list[tuple[str | None, str | None]]) -> None:
    found = agreement(pairs)
    assert found.pairs + found.missing == len(pairs)
    assert found.kappa is None or -1 <= found.kappa <= (found.share or 0)
