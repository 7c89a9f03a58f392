"""Geometry of charts."""

import doctest
from decimal import Decimal
from itertools import pairwise

import pytest

from core import charts
from core.charts import Series

pytestmark = pytest.mark.unit

YEARS = [2013, 2014, 2015, 2016, 2017, 2018]


def series(*points: str | None, name: str = "全市") -> Series:
    return Series(name, tuple(None if point is None else Decimal(point) for point in points))


def test_examples_in_the_docstrings():
    assert doctest.testmod(charts).failed == 0


@pytest.mark.parametrize(
    "highest", ["0.1", "0.98", "2", "3.84", "5", "9.1", "18.6", "49", "60", "99.9"]
)
def test_axis_holds_the_highest_value_in_few_steps(highest):
    step, count = charts.axis(Decimal(highest))
    assert step * count >= Decimal(highest)
    assert 1 <= count <= 5


def test_trend_stays_inside_the_drawing():
    trend = charts.trend(YEARS, [series("9.1", "8", "6.5", "5", "3.84", "1.42")], Decimal(2))
    (line,) = trend.lines
    assert [mark.x for mark in line.marks] == sorted(mark.x for mark in line.marks)
    assert all(charts.LEFT <= mark.x <= charts.WIDTH - charts.RIGHT + 14 for mark in line.marks)
    assert all(charts.TOP <= mark.y <= charts.HEIGHT - charts.BOTTOM for mark in line.marks)
    # Falling rates go down the page.
    assert [mark.y for mark in line.marks] == sorted(mark.y for mark in line.marks)
    assert line.marks[-1].title == "全市 2018 年：1.42%"


def test_trend_ends_below_the_standard_exactly_when_the_value_does():
    trend = charts.trend(YEARS[:2], [series("2.5", "1.9")], Decimal(2))
    above, below = trend.lines[0].marks
    assert above.y < trend.threshold.at < below.y


def test_a_missing_year_breaks_the_line():
    trend = charts.trend(YEARS, [series("9", "8", None, "5", "4", None)], Decimal(2))
    (line,) = trend.lines
    assert [len(run.split()) for run in line.runs] == [2, 2]
    assert len(line.marks) == 4
    assert [word.text for word in line.words] == ["9.00", "4.00%"]


def test_one_year_is_a_mark_without_a_line():
    trend = charts.trend([2018], [series("1.42")], Decimal(2))
    (line,) = trend.lines
    assert line.runs == ()
    assert [word.text for word in line.words] == ["1.42%"]


def test_closing_values_do_not_cover_each_other():
    rows = [
        series("9", "2.00"),
        series("8", "2.05", name="嵩县"),
        series("7", "2.1", name="汝阳县"),
    ]
    trend = charts.trend(YEARS[:2], rows, Decimal(2))
    heights = sorted(line.words[-1].y for line in trend.lines)
    gaps = [low - high for high, low in pairwise(heights)]
    assert min(gaps) >= charts.WORD_HEIGHT - 0.2


def test_series_without_values_keeps_its_place():
    trend = charts.trend(YEARS[:2], [series(None, None), series("3", "1", name="嵩县")], None)
    assert [len(line.marks) for line in trend.lines] == [0, 2]
    assert trend.threshold is None


def test_nothing_to_draw():
    assert charts.trend([], [series()], Decimal(2)) is None
    assert charts.trend([2018], [series(None)], Decimal(2)) is None


def test_spread_keeps_order_and_leaves_distant_words_alone():
    assert charts.spread([10.0, 100.0]) == [10.0, 100.0]
    moved = charts.spread([50.0, 48.0, 49.0])
    assert sorted(range(3), key=lambda index: moved[index]) == [1, 2, 0]


@pytest.mark.parametrize(
    ("value", "band"),
    [
        ("0", "0"),
        ("0.99", "0"),
        ("1", "1"),
        ("1.999", "1"),
        ("2", "2"),
        ("3", "3"),
        ("4", "4"),
        ("60", "4"),
    ],
)
def test_bands_break_at_the_central_standard(value, band):
    assert charts.band(Decimal(value)) == band


def test_bands_break_at_the_western_standard():
    assert charts.band(Decimal("2.99"), Decimal(3)) == "1"
    assert charts.band(Decimal(3), Decimal(3)) == "2"
    assert [name for _, name in charts.band_names(Decimal(3))] == [
        "＜1.5%", "1.5～3%", "3～4.5%", "4.5～6%", "≥6%", "无任务",
    ]  # fmt: skip
