"""Where the lines, marks and words of a chart stand: plain geometry, without a word of SVG."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from math import ceil

WIDTH, HEIGHT = 460, 240
LEFT, RIGHT, TOP, BOTTOM = 46, 62, 20, 26
# Two words closer than this, from base line to base line, run into each other.
WORD_HEIGHT = 15
_STEPS = tuple(Decimal(step) for step in ("0.5", "1", "2", "5", "10", "20", "25"))
_HUNDREDTH = Decimal("0.01")
BANDS = 5
NO_BAND = "none"


@dataclass(frozen=True, slots=True)
class Series:
    """A named row of yearly values in percent; None where a year has no value."""

    name: str
    points: tuple[Decimal | None, ...]
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Mark:
    """One value: where it stands and what its tool tip says."""

    x: float
    y: float
    title: str


@dataclass(frozen=True, slots=True)
class Word:
    x: float
    y: float
    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Line:
    """One series: unbroken runs of values, a mark for each value, first and last value in words."""

    name: str
    dashed: bool
    runs: tuple[str, ...]
    marks: tuple[Mark, ...]
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Trend:
    levels: tuple[Tick, ...]
    years: tuple[Tick, ...]
    lines: tuple[Line, ...]
    threshold: Tick | None
    threshold_word_y: float


def two_places(value: Decimal) -> str:
    """Half-up to two decimals, as official tables print rates.

    >>> two_places(Decimal("1.425"))
    '1.43'
    """
    return f"{value.quantize(_HUNDREDTH, ROUND_HALF_UP):f}"


def short(value: Decimal) -> str:
    """A number without trailing zeros.

    >>> short(Decimal("2.00")), short(Decimal("20")), short(Decimal("2.5"))
    ('2', '20', '2.5')
    """
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def axis(highest: Decimal) -> tuple[Decimal, int]:
    """Distance between the lines of the scale and their number above zero: at most five.

    >>> axis(Decimal("18.6")), axis(Decimal("3.84")), axis(Decimal("1.2"))
    ((Decimal('5'), 4), (Decimal('1'), 4), (Decimal('0.5'), 3))
    """
    for step in _STEPS:
        if highest <= step * 5:
            return step, max(1, ceil(highest / step))
    return _STEPS[-1], max(1, ceil(highest / _STEPS[-1]))


def spread(places: Sequence[float], gap: float = WORD_HEIGHT) -> list[float]:
    """Move words apart until each has `gap`, in their order, as little as one pass can.

    >>> spread([100.0, 104.0])
    [94.5, 109.5]
    """
    order = sorted(range(len(places)), key=lambda index: places[index])
    moved = list(places)
    for before, here in pairwise(order):
        lack = gap - (moved[here] - moved[before])
        if lack > 0:
            moved[before] -= lack / 2
            moved[here] += lack / 2
    for before, here in pairwise(order):
        moved[here] = max(moved[here], moved[before] + gap)
    return moved


def _runs(places: Sequence[tuple[float, float] | None]) -> tuple[str, ...]:
    """Coordinates of neighbours with values; a missing year breaks the line."""
    runs: list[list[str]] = [[]]
    for place in places:
        if place is None:
            runs.append([])
        else:
            runs[-1].append(f"{place[0]:.1f},{place[1]:.1f}")
    return tuple(" ".join(run) for run in runs if len(run) > 1)


def trend(
    years: Sequence[int], series: Sequence[Series], threshold: Decimal | None = None
) -> Trend | None:
    """Lay out yearly rates in percent; None when there is nothing to draw."""
    known = [point for row in series for point in row.points if point is not None]
    if not years or not known:
        return None
    step, count = axis(max([*known, threshold or Decimal(0)]))
    top = step * count
    inner_width, inner_height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    pace = inner_width / (len(years) - 1) if len(years) > 1 else 0.0

    def x(index: int) -> float:
        return round(LEFT + 14 + (pace * index if pace else inner_width / 2), 1)

    def y(value: Decimal) -> float:
        return round(TOP + inner_height * (1 - float(value / top)), 1)

    last_words = _last_words(series, y)
    lines = []
    for number, row in enumerate(series):
        values = list(zip(years, row.points, strict=False))
        places = [
            None if value is None else (x(index), y(value))
            for index, (_, value) in enumerate(values)
        ]
        marks = tuple(
            Mark(x(index), y(value), f"{row.name} {year} 年：{two_places(value)}%")
            for index, (year, value) in enumerate(values)
            if value is not None
        )
        words = _words(row, marks, last_words[number])
        lines.append(Line(row.name, row.dashed, _runs(places), marks, words))
    limit = None if threshold is None else Tick(y(threshold), f"标准 {short(threshold)}%")
    below = limit is not None and limit.at + WORD_HEIGHT < HEIGHT - BOTTOM
    return Trend(
        levels=tuple(Tick(y(step * n), f"{short(step * n)}%") for n in range(count + 1)),
        years=tuple(Tick(x(index), str(year)) for index, year in enumerate(years)),
        lines=tuple(lines),
        threshold=limit,
        threshold_word_y=0.0 if limit is None else limit.at + (13 if below else -5),
    )


def _last_words(series: Sequence[Series], y: Callable[[Decimal], float]) -> list[float]:
    lasts = [next((p for p in reversed(row.points) if p is not None), None) for row in series]
    spread_out = iter(spread([y(last) for last in lasts if last is not None]))
    return [0.0 if last is None else next(spread_out) for last in lasts]


def _words(row: Series, marks: Sequence[Mark], last_y: float) -> tuple[Word, ...]:
    values = [point for point in row.points if point is not None]
    if not marks:
        return ()
    last = Word(marks[-1].x + 8, round(last_y + 4, 1), f"{two_places(values[-1])}%", "start")
    if len(marks) == 1:
        return (last,)
    return (Word(marks[0].x, marks[0].y - 9, two_places(values[0]), "middle"), last)


def band(value: Decimal | None, threshold: Decimal = Decimal(2)) -> str:
    """Colour step of a rate in percent: two steps below the standard, three from it upwards.

    >>> [band(Decimal(v)) for v in ("0.98", "1.2", "2", "3.12", "4")], band(None)
    (['0', '1', '2', '3', '4'], 'none')
    """
    if value is None:
        return NO_BAND
    return str(sum(value >= threshold * n / 2 for n in range(1, BANDS)))


def band_names(threshold: Decimal = Decimal(2)) -> list[tuple[str, str]]:
    """The legend: each step with its words.

    >>> band_names()[0], band_names()[2], band_names()[-2]
    (('0', '＜1%'), ('2', '2～3%'), ('4', '≥4%'))
    """
    edges = [short(threshold * n / 2) for n in range(1, BANDS)]
    names = [f"＜{edges[0]}%"]
    names += [f"{low}～{high}%" for low, high in pairwise(edges)]
    names += [f"≥{edges[-1]}%"]
    return [*((str(n), name) for n, name in enumerate(names)), (NO_BAND, "无任务")]
