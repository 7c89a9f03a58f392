"""The draw: exact probabilities, the same list for ever, and frequencies that agree with both."""

import hashlib
import math
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspections.formulas import drawing
from inspections.formulas.drawing import (
    DesignError,
    StratumPlan,
    Stream,
    Take,
    Unit,
    Village,
    draw_households,
    draw_kind,
    draw_stratum,
    draw_villages,
    key_of,
    probabilities,
    systematic,
)

pytestmark = pytest.mark.unit

EXPECTED_VILLAGES = [("0000", "10/29"), ("0002", "80/87"), ("0006", "7/29")]
EXPECTED_HOUSEHOLDS = [
    ("R00000", False, 1), ("R00001", False, 2), ("R00003", False, 3), ("R00008", False, 4),
    ("R00002", True, 1), ("R00006", True, 2),
]  # fmt: skip
SIZES = st.lists(st.integers(1, 400), min_size=1, max_size=40)


def villages(sizes: list[int], stratum: str = "A") -> list[Village]:
    return [Village(f"{number:04}", stratum, size) for number, size in enumerate(sizes)]


def units(count: int, kind: str = "EXITED", years: int = 3) -> list[Unit]:
    return [Unit(f"R{number:05}", kind, 2016 + number % years) for number in range(count)]


def test_numbers_are_those_the_documentation_tells() -> None:
    """The derivation, written out by hand."""
    key = hashlib.sha256(b"povertyops/draw/1/s/f").digest()
    assert key_of("s", "f", 1) == key
    blocks = [
        int.from_bytes(hashlib.sha256(key + b"\0label\0" + n.to_bytes(8, "big")).digest(), "big")
        for n in (0, 1)
    ]
    stream = Stream(key, "label")
    assert [stream.below(1 << 256), stream.below(1000)] == [blocks[0], blocks[1] % 1000]


def test_list_of_version_one_stays_as_it_is() -> None:
    """Frozen in the test: a change here makes every certificate ever printed untrue."""
    key = key_of("0f" * 16, "ab" * 32, 1)
    algorithm = drawing.ALGORITHMS[1]
    drawn = algorithm.villages(villages([30, 5, 80, 12, 44, 9, 21, 60]), {"A": StratumPlan(3)}, key)
    chosen = [(one.village.code, str(one.probability)) for one in drawn]
    rows = algorithm.households("0002", units(9), {"EXITED": Take(4, reserve=2)}, key)
    listed = [(one.unit.ref, one.is_reserve, one.rank) for one in rows]
    assert chosen == EXPECTED_VILLAGES
    assert listed == EXPECTED_HOUSEHOLDS
    assert {one.probability for one in rows} == {Fraction(4, 9)}


def test_number_below_a_bound_takes_no_remainder() -> None:
    """2^256 is not a multiple of 3: the number above the last multiple is passed over."""
    stream = Stream(b"", "")
    stream._blocks = iter([(1 << 256) - 1, 7])
    assert stream.below(3) == 1
    for bound in (0, -1, (1 << 256) + 1):
        with pytest.raises(ValueError, match="bound"):
            stream.below(bound)


@given(sizes=SIZES, data=st.data())
def test_probabilities_sum_to_the_number_drawn(sizes: list[int], data: st.DataObject) -> None:
    wanted = data.draw(st.integers(0, len(sizes)))
    by_code = {one.code: one.size for one in villages(sizes)}
    chances = probabilities(by_code, wanted)
    assert sum(chances.values()) == wanted
    assert set(chances) == set(by_code)
    assert all(0 <= chance <= 1 for chance in chances.values())
    open_ = {code: chance for code, chance in chances.items() if chance < 1}
    # Below certainty the chances are to one another as the sizes are.
    assert len({chance / by_code[code] for code, chance in open_.items()}) <= 1
    # A larger village never has the smaller chance.
    ordered = sorted(by_code, key=by_code.__getitem__)
    assert [chances[code] for code in ordered] == sorted(chances.values())


@given(
    sizes=SIZES, seed=st.text(max_size=8), method=st.sampled_from(drawing.METHODS), data=st.data()
)
def test_exactly_so_many_are_drawn(
    sizes: list[int], seed: str, method: str, data: st.DataObject
) -> None:
    wanted = data.draw(st.integers(0, len(sizes)))
    listed = villages(sizes)
    plan = {"A": StratumPlan(wanted, method)}
    drawn = draw_villages(listed, plan, key_of(seed, ""))
    assert len({one.village.code for one in drawn}) == len(drawn) == wanted
    again = draw_villages(reversed(listed), plan, key_of(seed, ""))
    assert again == drawn


@given(sizes=SIZES, data=st.data())
def test_every_start_meets_every_village_as_often_as_its_size(
    sizes: list[int], data: st.DataObject
) -> None:
    """Exact, not by chance: over all starts a village is met wanted·size times of total."""
    wanted = data.draw(st.integers(1, len(sizes)))
    total = sum(sizes)
    if max(sizes) * wanted > total or total > 1500:
        return
    met = Counter(place for start in range(total) for place in systematic(sizes, wanted, start))
    assert met == {place: wanted * size for place, size in enumerate(sizes)}


def test_frequencies_over_many_seeds() -> None:
    """4,000 draws of 4 of 12 villages: all within four standard errors of the stated chance."""
    sizes, wanted, runs = [3, 7, 11, 20, 25, 31, 40, 44, 58, 60, 72, 300], 4, 4000
    listed = villages(sizes)
    counts: Counter[str] = Counter()
    chances = probabilities({one.code: one.size for one in listed}, wanted)
    for run in range(runs):
        stream = Stream(key_of(str(run), "frame"), "villages/A")
        counts.update(one.village.code for one in draw_stratum(listed, StratumPlan(wanted), stream))
    assert chances["0011"] == 1
    for code, chance in chances.items():
        error = math.sqrt(float(chance * (1 - chance)) / runs)
        assert abs(counts[code] / runs - float(chance)) <= 4 * error, code


def test_equal_chances_do_not_look_at_sizes() -> None:
    counts: Counter[str] = Counter()
    for run in range(3000):
        stream = Stream(key_of(str(run), ""), "villages/A")
        plan = StratumPlan(2, drawing.EQUAL)
        for one in draw_stratum(villages([1, 1000, 5, 80, 9]), plan, stream):
            counts[one.village.code] += 1
            assert one.probability == Fraction(2, 5)
    assert all(abs(count / 3000 - 0.4) < 4 * math.sqrt(0.24 / 3000) for count in counts.values())
    # Random order: pairs as well as single villages are all possible.
    assert len(counts) == 5


def test_pairs_of_households_are_all_possible() -> None:
    pairs = {
        tuple(one.unit.ref for one in draw_kind(units(5, years=1), Take(2), Stream(bytes([n]), "")))
        for n in range(250)
    }
    assert len(pairs) == 10


@given(
    count=st.integers(0, 60), wanted=st.none() | st.integers(0, 70), reserve=st.integers(0, 20),
    seed=st.text(max_size=6),
)  # fmt: skip
def test_households_of_a_village(count: int, wanted: int | None, reserve: int, seed: str) -> None:
    rows = draw_households("V", units(count), {"EXITED": Take(wanted, reserve)}, key_of(seed, ""))
    main = [one for one in rows if not one.is_reserve]
    spare = [one for one in rows if one.is_reserve]
    taken = count if wanted is None else min(count, wanted)
    assert len(main) == taken
    assert len(spare) == (min(reserve, count - taken) if taken else 0)
    assert len({one.unit.ref for one in rows}) == len(rows)
    assert all(one.probability == Fraction(taken, count) for one in rows)
    assert [one.rank for one in main] == list(range(1, len(main) + 1))
    assert [one.rank for one in spare] == list(range(1, len(spare) + 1))
    # Years in proportion: never a whole household off on either side.
    for year in {one.year for one in units(count)}:
        there = sum(one.year == year for one in units(count))
        drawn = sum(one.unit.year == year for one in main)
        assert abs(drawn - Fraction(taken * there, count)) < 1


def test_census_has_certainty_and_other_kinds_wait_for_a_take() -> None:
    rows = draw_households("V", [*units(4, "KEY"), *units(4, "OTHER")], {"KEY": Take(None)}, b"")
    assert [one.unit.kind for one in rows] == ["KEY"] * 4
    assert {one.probability for one in rows} == {Fraction(1)}


def test_takes() -> None:
    """The village check of 城口 (≤20 all, 21-100: 20, >100: 30) and a share with a cap."""
    checked = Take(20, beyond=((100, 30),))
    assert [checked.of(n) for n in (0, 7, 20, 21, 100, 101)] == [0, 7, 20, 20, 20, 30]
    general = Take(200, share=Fraction(1, 5))
    assert [general.of(n) for n in (0, 4, 5, 6, 999, 1000, 1500)] == [0, 1, 1, 2, 200, 200, 200]
    assert Take(None).of(9) == 9


def test_another_seed_frame_or_village_gives_another_list() -> None:
    def listed(seed: str, frame: str, village: str) -> tuple[str, ...]:
        rows = draw_households(village, units(40), {"EXITED": Take(10)}, key_of(seed, frame))
        return tuple(one.unit.ref for one in rows)

    assert len({listed(*words) for words in ("abc", "xbc", "ayc", "abz")}) == 4


def test_what_no_draw_can_give() -> None:
    with pytest.raises(DesignError, match="只有 2 个村"):
        draw_villages(villages([1, 2]), {"A": StratumPlan(3)}, b"")
    with pytest.raises(DesignError, match="没有规定"):
        draw_villages(villages([1, 2], "B"), {"A": StratumPlan(0)}, b"")
    with pytest.raises(DesignError, match="没有农户"):
        draw_villages(villages([1, 0]), {"A": StratumPlan(1)}, b"")
    with pytest.raises(DesignError, match="未知"):
        draw_villages(villages([1, 2]), {"A": StratumPlan(1, "DICE")}, b"")
