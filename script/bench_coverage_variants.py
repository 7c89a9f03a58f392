"""What other limits would have covered: the ground of decision 17, on the counties of `bench_coverage`.

The draw and the estimate are written anew here, on whole arrays, so that thousands of counties per
setting take minutes; the first sample of each setting is given to the product's own estimate too,
and both must agree.

    .venv/bin/python script/bench_coverage_variants.py --populations 3000
"""

import argparse
import sys
from collections.abc import Callable
from fractions import Fraction
from math import isclose
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import beta, t

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench_coverage import CONFIDENCE, CORRELATIONS, RATES, STRATA, TAKE, counties


class Seen(NamedTuple):
    """What one sample said, and the truth of its county."""

    truth: float
    rate: float
    variance: float
    finite: float
    stable: float
    usual: float
    size: float
    weighed: float
    households: int


def draw(sizes: Any, random: Any) -> tuple[Any, Any, Any]:
    """Villages, their probabilities and strata: systematic, by size, from a list in random order."""
    places, chances, strata = [], [], []
    first = 0
    for number, (total, wanted) in enumerate(STRATA.values()):
        own = random.permutation(np.arange(first, first + total))
        first += total
        step = sizes[own].sum() / wanted
        points = random.random() * step + step * np.arange(wanted)
        taken = own[np.searchsorted(np.cumsum(sizes[own]), points, side="right")]
        places.append(taken)
        chances.append(sizes[taken] / step)
        strata.append(np.full(wanted, number))
    return np.concatenate(places), np.concatenate(chances), np.concatenate(strata)


def seen(county: tuple[Any, Any, Any], random: Any, *, check: bool) -> Seen:
    """One sample of a county, estimated."""
    sizes, persons, wrong = county
    place, chance, stratum = draw(sizes, random)
    absent = np.arange(persons.shape[1]) >= sizes[place][:, None]
    rows = np.argpartition(random.random(absent.shape) + 9 * absent, TAKE, axis=1)[:, :TAKE]
    at_risk = np.take_along_axis(persons[place], rows, 1)
    events = np.take_along_axis(wrong[place], rows, 1)
    inside = TAKE / sizes[place]
    weight = (1 / (chance * inside))[:, None] * np.ones(TAKE)
    total = (weight * at_risk).sum()
    rate = (weight * events).sum() / total
    terms = (events - rate * at_risk) * weight / total
    village = terms.sum(1)
    spread = ((terms - terms.mean(1, keepdims=True)) ** 2).sum(1)
    variance, finite, stable = spreads(
        village, stratum, chance, TAKE / (TAKE - 1) * (1 - inside) * spread
    )
    load = weight * at_risk
    found = Seen(
        truth=wrong.sum() / persons.sum(),
        rate=float(rate),
        variance=variance,
        finite=finite,
        stable=stable,
        usual=float(len(place) - len(STRATA)),
        size=load.sum() ** 2 / (load**2).sum(),
        weighed=weight.sum() ** 2 / (weight**2).sum(),
        households=at_risk.size,
    )
    if check:
        agree(found, place, stratum, chance, sizes, at_risk, events)
    return found


def spreads(village: Any, stratum: Any, chance: Any, within: Any) -> tuple[float, float, float]:
    """Variance with and without replacement, and the degrees of freedom that it deserves."""
    variance, finite = 0.0, float((chance * within).sum())
    counts, squares, fourth = [], [], 0.0
    for number in range(len(STRATA)):
        own = village[stratum == number]
        d = own - own.mean()
        stretch = len(d) / (len(d) - 1)
        variance += stretch * (d * d).sum()
        finite += stretch * ((1 - chance[stratum == number]) * d * d).sum()
        counts.append(len(d))
        squares.append((d * d).mean())
        fourth += (d**4).sum()
    count, square = np.array(counts), np.array(squares)
    usual, evened = float(count.sum() - len(count)), float((count * square**2).sum())
    if not evened:
        return variance, finite, usual
    excess = max(fourth / evened - 3, 0.0)
    noise = ((count * square) ** 2 * (2 / (count - 1) + excess / count)).sum()
    return variance, finite, min(max(2 * (count * square).sum() ** 2 / noise, 1.0), usual)


def agree(
    found: Seen, place: Any, stratum: Any, chance: Any, sizes: Any, at_risk: Any, events: Any
) -> None:
    """The product's estimate of the same sample is the same. Raises AssertionError."""
    from inspections.formulas.estimates import Household, Village, estimate

    sample = [
        Village(
            str(place[n]), str(stratum[n]), Fraction(float(chance[n])),
            tuple(
                Household(int(a), int(e), Fraction(TAKE, int(sizes[place[n]])), "EXITED")
                for a, e in zip(at_risk[n], events[n], strict=True)
            ),
        )
        for n in range(len(place))
    ]  # fmt: skip
    ours = estimate(sample)
    pairs = [
        (found.rate, float(ours.rate)), (found.variance, ours.variance),
        (found.finite, estimate(sample, finite=True).variance), (found.stable, ours.stable),
        (found.size, ours.size), (found.weighed, ours.weighed),
    ]  # fmt: skip
    if not all(isclose(one, other, rel_tol=1e-9, abs_tol=1e-15) for one, other in pairs):
        raise AssertionError(pairs)


def exact(rate: Any, worth: Any) -> Any:
    """Clopper-Pearson."""
    return beta.ppf(CONFIDENCE, rate * worth + 1, worth - rate * worth)


def middle(rate: Any, worth: Any) -> Any:
    """Mid-P: half of the chance of what was seen is counted; found by halving."""
    low, high = rate.copy(), np.ones_like(rate)
    for _ in range(50):
        tried = (low + high) / 2
        hit = rate * worth
        above = beta.sf(tried, hit + 1, worth - hit)
        below = np.where(hit > 0, beta.sf(tried, np.maximum(hit, 1e-9), worth - hit + 1), 0.0)
        is_low = (above + below) / 2 > 1 - CONFIDENCE
        low, high = np.where(is_low, tried, low), np.where(is_low, high, tried)
    return high


def worth(one: Any, variance: str, degrees: str, cap: str, nothing: str) -> Any:
    """Effective households: by variance and degrees, at most the cap; `nothing` without an event."""
    at = {name: one[:, place] for place, name in enumerate(Seen._fields)}
    rate = at["rate"]
    with np.errstate(divide="ignore", invalid="ignore"):
        shrink = t.ppf(CONFIDENCE, at["households"] - 1) / t.ppf(CONFIDENCE, at[degrees])
        found = rate * (1 - rate) / at[variance] * np.minimum(shrink, 1) ** 2
    if cap:
        found = np.minimum(found, at[cap])
    return np.where(rate == 0, at[nothing], found)


VARIANTS: dict[str, tuple[Callable[[Any, Any], Any], tuple[str, str, str, str]]] = {
    "ours": (exact, ("variance", "stable", "size", "weighed")),
    "as published": (exact, ("variance", "usual", "", "households")),
    "usual degrees": (exact, ("variance", "usual", "size", "weighed")),
    "without replacement": (exact, ("finite", "stable", "size", "weighed")),
    "sizes count at zero": (exact, ("variance", "stable", "size", "size")),
    "mid-P": (middle, ("variance", "stable", "size", "weighed")),
}


def main(populations: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    print("| True rate | Correlation |", " | ".join(VARIANTS), "|")
    print("|---|---|" + "---|" * len(VARIANTS))
    for rate in RATES:
        for correlation in CORRELATIONS:
            rows = np.array(
                [
                    seen(county, random, check=number == 0)
                    for number, county in enumerate(
                        counties(rate, correlation, populations, random)
                    )
                ]
            )
            covered = [
                100 * np.mean(limit(rows[:, 1], worth(rows, *how)) >= rows[:, 0])
                for limit, how in VARIANTS.values()
            ]
            told = " | ".join(f"{one:.1f}" for one in covered)
            print(f"| {100 * rate:g} % | {correlation} | {told} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--populations", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=5)
    options = parser.parse_args()
    main(options.populations, options.seed)
