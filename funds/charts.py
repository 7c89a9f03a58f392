"""The month curve: what has arrived and what was paid so far, as an SVG drawing without any style."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from math import ceil

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from core.charts import short, spread
from core.templatetags.show import wan
from funds.formulas import Amounts

WIDTH, HEIGHT = 560, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 74, 24, 26
_STEPS = (Decimal(1), Decimal(2), Decimal(5))
_ZERO = Decimal(0)
_WAN, _YI = Decimal(10_000), Decimal(100_000_000)
# As many words as fit below the axis.
_WORDS = 12


def axis(highest: Decimal) -> tuple[Decimal, int]:
    """Distance between the lines of the scale in yuan, and their number above zero: at most five.

    >>> axis(Decimal(3_007_000_000)), axis(Decimal(60))
    ((Decimal('1000000000'), 4), (Decimal('20'), 3))
    """
    power = Decimal(1)
    while True:
        for step in _STEPS:
            if highest <= step * power * 4:
                return step * power, max(1, ceil(highest / (step * power)))
        power *= 10


def unit_of(highest: Decimal) -> tuple[Decimal, str]:
    """In what the scale is written."""
    if highest >= _YI:
        return _YI, "亿元"
    return (_WAN, "万元") if highest >= _WAN else (Decimal(1), "元")


def curve(points: Sequence[tuple[date, Amounts]]) -> SafeString | None:
    """Both lines over the months; None where no money has arrived."""
    series = [
        ("到位", [(month, amounts.arrived) for month, amounts in points]),
        ("支出", [(month, amounts.paid) for month, amounts in points]),
    ]
    highest = max((value for _, row in series for _, value in row), default=_ZERO)
    if highest <= 0:
        return None
    step, count = axis(highest)
    top, (scale, unit) = step * count, unit_of(highest)

    def x(index: int) -> float:
        inner = WIDTH - _LEFT - _RIGHT - 14
        return round(_LEFT + 14 + (inner * index / (len(points) - 1) if len(points) > 1 else 0), 1)

    def y(value: Decimal) -> float:
        return round(_TOP + (HEIGHT - _TOP - _BOTTOM) * (1 - float(max(value, _ZERO) / top)), 1)

    every = -(-len(points) // _WORDS)
    ends = spread([y(row[-1][1]) for _, row in series])
    return format_html(
        '<svg class="trend" viewBox="0 0 {} {}" role="img" aria-label="{}">{}<text x="{}" y="12"'
        ' text-anchor="end">{}</text>{}{}</svg>',
        WIDTH, HEIGHT,
        "累计到位与支出。" + "；".join(f"{name} {_words(row[-1][1])}" for name, row in series),
        format_html_join(
            "",
            '<path class="level" d="M{} {}H{}"/><text x="{}" y="{}" text-anchor="end">{}</text>',
            (
                (_LEFT, y(step * n), WIDTH - _RIGHT, _LEFT - 6, y(step * n) + 4,
                 short(step * n / scale))
                for n in range(count + 1)
            ),
        ),
        _LEFT - 6, unit,
        format_html_join(
            "",
            '<text x="{}" y="{}" text-anchor="middle">{} 月</text>',
            (
                (x(n), HEIGHT - 6, month.month)
                for n, (month, _) in enumerate(points)
                if n % every == 0
            ),
        ),
        format_html_join(
            "",
            '<g class="series s-{}"><polyline points="{}"/>{}<text x="{}" y="{}">{}</text></g>',
            (
                (
                    number,
                    " ".join(f"{x(n)},{y(value)}" for n, (_, value) in enumerate(row)),
                    format_html_join(
                        "",
                        '<circle cx="{}" cy="{}" r="3"><title>{}</title></circle>',
                        (
                            (x(n), y(value), f"{month:%Y-%m} 月末累计{name} {_words(value)}")
                            for n, (month, value) in enumerate(row)
                        ),
                    ),
                    x(len(points) - 1) + 7, round(ends[number] + 4, 1), _words(row[-1][1]),
                )
                for number, (name, row) in enumerate(series)
            ),
        ),
    )  # fmt: skip


def _words(yuan: Decimal) -> str:
    return wan(yuan, "元") if abs(yuan) >= _WAN else f"{yuan:,.2f} 元"
