"""How often the one-sided 95 % limit covers the truth, on invented counties with clustered villages.

Each population is a county of 120 villages in two strata with some hundred exited households each, of
one to seven people. A village has its own chance of wrongful exit, drawn from a beta distribution
with the stated mean and correlation between households of one village; a household is wrong as a
whole. The product's own draw takes 26 villages with probability proportional to size and 25 households in
each, and the product's own estimate and limit are compared with the rate of that very population.
Beside it the limit of Korn and Graubard as published, without what decision 17 adds.
"""

import argparse
import json
import math
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

RATES = (0.005, 0.01, 0.02)
CORRELATIONS = (0.005, 0.02, 0.03, 0.05, 0.1)
STRATA = {"P0": (50, 11), "O0": (70, 15)}  # villages in the county, villages drawn
TAKE, POPULATIONS, CONFIDENCE = 25, 1000, 0.95
TAKES = (25, 14)  # exited and unregistered households of a village, for the composite
PERSONS = np.arange(1, 8)
SHARES = np.array([0.10, 0.15, 0.25, 0.25, 0.15, 0.07, 0.03])  # mean 3.53
BAND = (93.0, 98.0)
HEAD = """| True rate | Correlation | Coverage | Korn-Graubard as published | No event found | Median limit |
|---|---|---|---|---|---|"""


def counties(rate: float, correlation: float, count: int, random: Any) -> Iterator[Any]:
    """Sizes of villages, persons and events of households (padded with zeros to the largest)."""
    villages = sum(total for total, _ in STRATA.values())
    spread = (1 - correlation) / correlation
    for _ in range(count):
        sizes = random.integers(60, 141, villages)
        chance = random.beta(rate * spread, (1 - rate) * spread, villages)
        inside = np.arange(sizes.max()) < sizes[:, None]
        persons = random.choice(PERSONS, p=SHARES, size=inside.shape) * inside
        wrong = persons * (random.random(inside.shape) < chance[:, None])
        yield sizes, persons, wrong


def drawn(sizes: Any, persons: Any, wrong: Any, key: bytes) -> list[Any]:
    """A sample by the product's draw, as the product's estimate wants it."""
    from inspections.formulas import drawing, estimates

    names = [stratum for stratum, (total, _) in STRATA.items() for _ in range(total)]
    frame = [
        drawing.Village(f"{place:03d}", stratum, int(size))
        for place, (stratum, size) in enumerate(zip(names, sizes, strict=True))
    ]
    plans = {stratum: drawing.StratumPlan(wanted) for stratum, (_, wanted) in STRATA.items()}
    sample = []
    for village in drawing.draw_villages(frame, plans, key):
        place = int(village.village.code)
        units = UNITS[: village.village.size]
        found = drawing.draw_households(
            village.village.code, units, {"EXITED": drawing.Take(TAKE)}, key
        )
        rows = [(int(one.unit.ref), one.probability) for one in found]
        sample.append(
            estimates.Village(
                village.village.code,
                village.village.stratum,
                village.probability,
                tuple(
                    estimates.Household(
                        int(persons[place, row]), int(wrong[place, row]), chance, "EXITED"
                    )
                    for row, chance in rows
                ),
            )
        )
    return sample


def both_counted(rate: float, correlation: float, count: int, random: Any) -> Iterator[Any]:
    """Exited and unregistered households of the same villages, which are bad at both or at neither.

    Unregistered households are omitted a quarter as often as exited ones left wrongly.
    """
    villages = sum(total for total, _ in STRATA.values())
    spread = (1 - correlation) / correlation
    for _ in range(count):
        chance = random.beta(rate * spread, (1 - rate) * spread, villages)
        kinds = []
        for low, high, times in ((60, 141, 1.0), (100, 301, 0.25)):
            sizes = random.integers(low, high, villages)
            inside = np.arange(sizes.max()) < sizes[:, None]
            persons = random.choice(PERSONS, p=SHARES, size=inside.shape) * inside
            kinds.append(
                (sizes, persons, persons * (random.random(inside.shape) < times * chance[:, None]))
            )
        yield kinds


def drawn_both(kinds: Any, key: bytes) -> list[list[Any]]:
    """Both samples of the same villages by the product's draw."""
    from inspections.formulas import drawing, estimates

    names = [stratum for stratum, (total, _) in STRATA.items() for _ in range(total)]
    frame = [
        drawing.Village(f"{place:03d}", stratum, int(sum(sizes[place] for sizes, _, _ in kinds)))
        for place, stratum in enumerate(names)
    ]
    plans = {stratum: drawing.StratumPlan(wanted) for stratum, (_, wanted) in STRATA.items()}
    found: list[list[Any]] = [[], []]
    for village in drawing.draw_villages(frame, plans, key):
        place = int(village.village.code)
        for which, (take, (sizes, persons, wrong)) in enumerate(zip(TAKES, kinds, strict=True)):
            units = UNITS[: sizes[place]]
            rows = drawing.draw_households(
                village.village.code, units, {"EXITED": drawing.Take(take)}, key + bytes([which])
            )
            found[which].append(
                estimates.Village(
                    village.village.code,
                    village.village.stratum,
                    village.probability,
                    tuple(
                        estimates.Household(
                            int(persons[place, int(one.unit.ref)]),
                            int(wrong[place, int(one.unit.ref)]),
                            one.probability,
                            "EXITED",
                        )
                        for one in rows
                    ),
                )
            )
    return found


def composite_setting(rate: float, correlation: float, count: int, random: Any) -> dict[str, Any]:
    """Coverage of 综合贫困发生率, with its variance from joint villages and with two added up."""
    from dataclasses import replace

    from inspections.formulas import composite, drawing, estimates

    covered = apart = 0
    for number, kinds in enumerate(both_counted(rate, correlation, count, random)):
        key = drawing.key_of(f"c/{rate}/{correlation}/{number}", "bench")
        one, other = (estimates.estimate(sample) for sample in drawn_both(kinds, key))
        exited, others = (int(persons.sum()) for _, persons, _ in kinds)
        county = composite.County(exited + others, 0, exited, others)
        truth = Fraction(sum(int(wrong.sum()) for _, _, wrong in kinds), exited + others)
        covered += composite.composite(county, one, other).limits.upper >= truth
        strangers = replace(other, terms={f"x{code}": term for code, term in other.terms.items()})
        apart += composite.composite(county, one, strangers).limits.upper >= truth
    percent = 100 * covered / count
    return {
        "rate_percent": 100 * rate,
        "correlation": correlation,
        "populations": count,
        "coverage_percent": round(percent, 1),
        "error_percent": round(100 * math.sqrt(covered / count * (1 - covered / count) / count), 1),
        "in_band": BAND[0] <= percent <= BAND[1],
        "without_covariance_percent": round(100 * apart / count, 1),
    }


def published(found: Any) -> float:
    """Korn and Graubard as they wrote it; Clopper-Pearson on households without events."""
    from inspections.formulas import limits

    rate = float(found.rate)
    if not found.events:
        return limits.upper(0, found.households, CONFIDENCE)
    size = limits.korn_graubard(
        rate,
        found.variance,
        households=found.households,
        degrees=found.degrees,
        side=CONFIDENCE,
    )
    return limits.upper(rate * size, size, CONFIDENCE)


def setting(rate: float, correlation: float, count: int, random: Any) -> dict[str, Any]:
    from inspections.formulas import drawing, estimates, limits

    covered = plain = zero = 0
    uppers = []
    for number, (sizes, persons, wrong) in enumerate(counties(rate, correlation, count, random)):
        key = drawing.key_of(f"{rate}/{correlation}/{number}", "bench")
        found = estimates.estimate(drawn(sizes, persons, wrong, key))
        truth = Fraction(int(wrong.sum()), int(persons.sum()))
        limit = limits.of(found, CONFIDENCE).upper
        covered += limit >= truth
        plain += published(found) >= truth
        zero += not found.events
        uppers.append(limit)
    percent = 100 * covered / count
    return {
        "rate_percent": 100 * rate,
        "correlation": correlation,
        "populations": count,
        "coverage_percent": round(percent, 1),
        "error_percent": round(100 * math.sqrt(covered / count * (1 - covered / count) / count), 1),
        "in_band": BAND[0] <= percent <= BAND[1],
        "published_percent": round(100 * plain / count, 1),
        "without_events_percent": round(100 * zero / count, 1),
        "median_limit_percent": round(100 * float(np.median(uppers)), 2),
    }


def bench_coverage(populations: int = POPULATIONS, seed: int = 16) -> dict[str, Any]:
    """The whole table; `error_percent` is the standard error of the simulation itself."""
    from inspections.formulas import drawing

    started = monotonic()
    UNITS[:] = [drawing.Unit(f"{place:03d}", "EXITED") for place in range(400)]
    random = np.random.default_rng(seed)
    rows = []
    print(HEAD, file=sys.stderr)
    for rate in RATES:
        for correlation in CORRELATIONS:
            rows.append(setting(rate, correlation, populations, random))
            print(shown(rows[-1]), file=sys.stderr, flush=True)
    both = []
    for correlation in CORRELATIONS:
        both.append(composite_setting(0.02, correlation, populations, random))
        print(both[-1], file=sys.stderr, flush=True)
    seconds = round(monotonic() - started, 1)
    return {"band": BAND, "rows": rows, "composite": both, "seconds": seconds}


def shown(row: dict[str, Any]) -> str:
    """A row of the table as documents print it."""
    return (
        f"| {row['rate_percent']:g} % | {row['correlation']} "
        f"| {row['coverage_percent']} ± {row['error_percent']} % | {row['published_percent']} % "
        f"| {row['without_events_percent']} % | {row['median_limit_percent']} % |"
    )


# Households of a village, made once: only their number differs.
UNITS: list[Any] = []

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--populations", type=int, default=POPULATIONS)
    print(json.dumps(bench_coverage(parser.parse_args().populations), indent=1))
