"""Breaking a total down into whole parts that add up to it exactly."""

from collections.abc import Iterator, Sequence

# Largest household of the demo city; the published distribution ends in "7 or more".
LARGEST = 7
# Share of households with 1 … 7 members, assumed for 洛阳 (mean 3.58 = 493,100 / 137,600).
SIZES = (11.5, 15, 21, 24.5, 16, 8, 4)


def apportion(
    total: int,
    weights: Sequence[float],
    low: Sequence[int] | None = None,
    high: Sequence[int] | None = None,
) -> list[int]:
    """Split `total` in proportion to the weights, by largest remainder, within bounds.

    A total that the bounds do not admit is moved to the nearest one they do.

    >>> apportion(10, [1, 1, 1]), apportion(10, [8, 1, 1], low=[0, 3, 0])
    ([4, 3, 3], [6, 3, 1])
    """
    lows = list(low) if low is not None else [0] * len(weights)
    highs = [
        max(a, b)
        for a, b in zip(lows, high if high is not None else [total] * len(weights), strict=True)
    ]
    total = min(max(total, sum(lows)), sum(highs))
    scale = _scale(total, weights, lows, highs)
    wanted = [weight * scale for weight in weights]
    parts = [min(max(int(w), a), b) for w, a, b in zip(wanted, lows, highs, strict=True)]
    _settle(total, parts, wanted, lows, highs)
    return parts


def _scale(
    total: int, weights: Sequence[float], lows: Sequence[int], highs: Sequence[int]
) -> float:
    """The factor at which the bounded shares add up to the total."""
    if not sum(weights):
        return 0.0
    below, above = 0.0, (total + 1) / min(weight for weight in weights if weight)
    if not any(lows) and min(highs, default=0) >= total:
        return total / sum(weights)
    for _ in range(80):
        middle = (below + above) / 2
        reached = sum(
            min(max(weight * middle, a), b)
            for weight, a, b in zip(weights, lows, highs, strict=True)
        )
        below, above = (middle, above) if reached < total else (below, middle)
    return above


def _settle(
    total: int,
    parts: list[int],
    wanted: Sequence[float],
    lows: Sequence[int],
    highs: Sequence[int],
) -> None:
    """Hand out what rounding left over, to the largest remainders first."""
    while (missing := total - sum(parts)) != 0:
        step = 1 if missing > 0 else -1
        places = [
            at for at, part in enumerate(parts)
            if (part < highs[at] if step > 0 else part > lows[at])
        ]  # fmt: skip
        # Equal remainders go to the first; rounding them hides the last bits of the floats.
        places.sort(key=lambda at: (-round(step * (wanted[at] - parts[at]), 9), at))
        for at in places[: abs(missing)]:
            parts[at] += step


def heads_first(persons: int, households: Sequence[int]) -> list[int]:
    """Persons for groups of households: one each, the others in proportion, at most seven each."""
    sizes = apportion(
        persons - sum(households),
        households,
        high=[(LARGEST - 1) * count for count in households],
    )
    return [count + more for count, more in zip(households, sizes, strict=True)]


def sizes(households: int, persons: int) -> list[int]:
    """Household sizes from 1 to 7 that add up to `persons`, as near to `SIZES` as the mean allows."""
    if not households:
        return []
    shares = _tilted(persons / households)
    counts = apportion(households, shares)
    result = [size for size, count in enumerate(counts, start=1) for _ in range(count)]
    _nudge(result, persons)
    return result


def _tilted(mean: float) -> list[float]:
    """`SIZES` leaned towards large or small households until the mean is the one wanted."""
    low, high = -9.0, 9.0
    for _ in range(60):
        lean = (low + high) / 2
        shares = [share * 2.0 ** (lean * at) for at, share in enumerate(SIZES)]
        found = sum(at * share for at, share in enumerate(shares, start=1)) / sum(shares)
        low, high = (lean, high) if found < mean else (low, lean)
    return shares


def _nudge(result: list[int], persons: int) -> None:
    """Change single households by one until the sum is exact."""
    while (missing := persons - sum(result)) != 0:
        step = 1 if missing > 0 else -1
        changeable = [at for at, size in enumerate(result) if 1 <= size + step <= LARGEST]
        stride = max(1, len(changeable) // abs(missing))
        for at in changeable[::stride][: abs(missing)]:
            result[at] += step


def evenly(counts: Sequence[int]) -> Iterator[int]:
    """Indexes of the groups, each group spread over the whole: [2, 1] gives 0, 1, 0."""
    places = [
        ((at + 0.5) / count, group) for group, count in enumerate(counts) for at in range(count)
    ]
    return (group for _, group in sorted(places))
