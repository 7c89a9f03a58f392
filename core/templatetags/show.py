"""How figures, numbers of persons and charts are written on a page.

A builtin of every template (settings). Values come in exact, as integers or Decimal, and are
rounded here and nowhere else, half-up.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from django import template
from django.conf import settings
from django.forms import BaseForm, BoundField
from django.http import QueryDict
from django.template import Context
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from core import charts
from core.acting import request_id

register = template.Library()

NOTHING = "—"
_FEN = Decimal("0.01")
_WAN, _YI = 10_000, 100_000_000
# Whichever of these a list uses to turn pages, a change of its filters starts at the first page.
PAGE_KEYS = ("after", "before", "cursor", "page")
_TONES = frozenset({"good", "info", "warn", "bad", "neutral"})


# --- Numbers -----------------------------------------------------------------------------------


@register.filter
def thousands(value: int | Decimal | str | None) -> str:
    """
    >>> thousands(137600), thousands(None)
    ('137,600', '—')
    """
    if value is None or value == "":
        return NOTHING
    return value if isinstance(value, str) else f"{value:,}"


def _half_up(exact: Fraction, places: int) -> Decimal:
    """`exact` rounded half-up, without a float on the way."""
    scaled = exact * 10**places
    whole = (abs(scaled.numerator) * 2 + scaled.denominator) // (scaled.denominator * 2)
    return Decimal(whole if scaled >= 0 else -whole).scaleb(-places)


@register.simple_tag
def percent(
    numerator: int | Decimal | None,
    denominator: int | Decimal | None,
    threshold: int | str | Decimal | None = None,
) -> str:
    """Rate in percent with two decimals, or more where two would move it onto the threshold.

    >>> percent(98, 10_000), percent(1996, 100_000, 2), percent(19_999, 1_000_000, 2), percent(1, 0)
    ('0.98%', '1.996%', '1.9999%', '—')
    """
    if numerator is None or not denominator:
        return NOTHING
    exact = Fraction(numerator) / Fraction(denominator) * 100
    places = 2
    if threshold is not None:
        limit = Fraction(str(threshold))
        while _side(Fraction(_half_up(exact, places)), limit) != _side(exact, limit):
            places += 1
    return f"{_half_up(exact, places):,f}%"


@register.simple_tag
def quotient(sum_: Decimal | None, parts: int | None) -> str:
    """Yuan on average, rounded half-up to the fen when shown.

    >>> quotient(Decimal("100"), 3), quotient(Decimal("100"), 0)
    ('33.33', '—')
    """
    if sum_ is None or not parts:
        return NOTHING
    return f"{_half_up(Fraction(sum_) / parts, 2):,f}"


@register.simple_tag
def over(sum_: Decimal, parts: int, limit: Decimal) -> bool:
    """Whether the average lies above the limit, told without dividing.

    >>> over(Decimal("100.01"), 2, Decimal(50)), over(Decimal(100), 2, Decimal(50))
    (True, False)
    """
    return sum_ > limit * parts


def _side(value: Fraction, limit: Fraction) -> int:
    return (value > limit) - (value < limit)


@register.filter
def money(yuan: Decimal | int | str | None) -> str:
    """
    >>> money(Decimal("3219")), money(None)
    ('3,219.00', '—')
    """
    if yuan is None or yuan == "":
        return NOTHING
    if isinstance(yuan, str):
        return yuan
    return f"{Decimal(yuan).quantize(_FEN, ROUND_HALF_UP):,f}"


@register.filter
def wan(value: Decimal | int | None, unit: str = "人") -> str:
    """A large count or amount in 万 or 亿, two decimals, unit included.

    >>> wan(493100), wan(137600, "户"), wan(3_007_000_000, "元"), wan(125000, "元")
    ('49.31 万人', '13.76 万户', '30.07 亿元', '12.50 万元')
    """
    if value is None:
        return NOTHING
    exact = Fraction(value)
    big = unit == "元" and abs(exact) >= _YI
    scaled = _half_up(exact / (_YI if big else _WAN), 2)
    return f"{scaled:,f} {'亿' if big else '万'}{unit}"


@register.filter
def day(value: date | datetime | str | None) -> str:
    """A date as 2018-12-20; an instant by the local clock; text as it stands."""
    if not value:
        return NOTHING
    if isinstance(value, datetime):
        return f"{(timezone.localtime(value) if timezone.is_aware(value) else value):%Y-%m-%d}"
    return value if isinstance(value, str) else f"{value:%Y-%m-%d}"


# --- Personal numbers --------------------------------------------------------------------------


@register.filter
def mask_id(number: str | None) -> str:
    """Identity number with the part that tells the person hidden.

    Only a full number of 18 keeps its division code: of a shorter one the rest would tell too much.

    >>> mask_id("990325196203151230"), mask_id("410324620315123"), mask_id("1234")
    ('990325********1230', '***********5123', '****')
    """
    if not number:
        return NOTHING
    if len(number) >= 18:
        return f"{number[:6]}{'*' * (len(number) - 10)}{number[-4:]}"
    return _tail(number)


@register.filter
def mask_phone(number: str | None) -> str:
    """
    >>> mask_phone("13900001234"), mask_phone("0379-66310000"), mask_phone("66310")
    ('139****1234', '*********0000', '*****')
    """
    if not number:
        return NOTHING
    if len(number) == 11 and number.isdecimal() and number.startswith("1"):
        return f"{number[:3]}****{number[-4:]}"
    return _tail(number)


@register.filter
def mask_account(number: str | None) -> str:
    """The last four of a bank account.

    >>> mask_account("6217000012345678"), mask_account("")
    ('************5678', '—')
    """
    return _tail(number) if number else NOTHING


def _tail(number: str) -> str:
    kept = 4 if len(number) >= 8 else 0
    return "*" * (len(number) - kept) + number[len(number) - kept :]


# --- Addresses ---------------------------------------------------------------------------------


@register.simple_tag(takes_context=True)
def query_with(context: Context, **changes: Any) -> str:
    """The present query string with some keys changed (None removes); always from the first page."""
    request = context.get("request")
    query = QueryDict(mutable=True) if request is None else request.GET.copy()
    for key in PAGE_KEYS:
        query.pop(key, None)
    for key, value in changes.items():
        query.pop(key, None)
        if value is not None and value != "":
            query[key] = str(value)
    return f"?{query.urlencode()}"


@register.filter
def as_query(text: str | None) -> str:
    """A query string with exactly one question mark before it."""
    return f"?{str(text or '').lstrip('?')}"


@register.simple_tag(takes_context=True)
def here(context: Context, *places: str) -> bool:
    """Whether the page belongs to one of the places: an app's namespace or one view's full name."""
    match = getattr(context.get("request"), "resolver_match", None)
    if match is None:
        return False
    return match.view_name in places or any(name in places for name in match.namespaces)


# --- Forms --------------------------------------------------------------------------------------


@register.filter
def fields_in(form: BaseForm, names: str) -> list[BoundField]:
    """The form's visible fields among `names`, in the order of `names`."""
    return [form[name] for name in names.split() if name in form.fields]


@register.filter
def fields_beyond(form: BaseForm, names: str) -> list[BoundField]:
    """The form's other visible fields."""
    return [field for field in form.visible_fields() if field.name not in names.split()]


@register.filter
def any_filled(fields: Iterable[BoundField]) -> bool:
    return any(field.value() not in (None, "", []) for field in fields)


# --- The site, also where no context processor has run (login and error pages) -----------------


@register.simple_tag
def site_name() -> str:
    return str(settings.SITE_NAME)


@register.simple_tag
def request_number() -> str:
    """What the log calls this request; a dash where none is under way."""
    return request_id.get() or "—"


@register.simple_tag
def site_is_demo() -> bool:
    return bool(settings.DEMO)


# --- Bars and charts ---------------------------------------------------------------------------


@register.filter
def bar_width(value: int | None) -> str:
    """Class of a width from 0 to 100: the policy for styles allows no style attribute."""
    return f"w-{min(100, max(0, int(value or 0)))}"


@register.simple_tag
def bullet(bar: int | None, tick: int | None = None, tone: str = "neutral") -> str:
    """A bar with the standard as a black tick; nothing where there is no value."""
    if bar is None:
        return ""
    mark = "" if tick is None else f" t-{min(100, max(0, tick))}"
    tint = tone if tone in _TONES else "neutral"
    return format_html('<span class="bar {} {}{}"></span>', tint, bar_width(bar), mark)


@register.filter
def beside(left: Sequence[Any], right: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Pairs of two rows that belong together, such as cells and their columns."""
    return list(zip(left, right, strict=False))


@register.simple_tag
def flow_figure(row: Any, name: str) -> str:
    """One number of a stock-flow row, a link where the row knows the list behind it.

    `row.hrefs` may give an address per figure; the closing stock falls back on the row's own.
    """
    value = thousands(_of(row, name))
    address = _of(_of(row, "hrefs") or {}, name) or (_of(row, "href") if name == "end" else None)
    return format_html('<a href="{}">{}</a>', address, value) if address else value


def _of(row: Any, name: str) -> Any:
    return row.get(name) if isinstance(row, Mapping) else getattr(row, name, None)


@register.simple_tag
def tile_map(tiles: Iterable[Any], threshold: Decimal | None = None) -> str:
    """Counties as squares placed by neighbourhood, with a legend; not a map (示意位置图)."""
    squares = format_html_join(
        "",
        '<a class="tile band-{} col-{} row-{}" href="{}"><span>{}</span><b>{}</b></a>',
        (
            tuple(_of(tile, key) for key in ("band", "col", "row", "href", "short_name", "text"))
            for tile in tiles
        ),
    )
    legend = format_html_join(
        "",
        '<li class="band-{}">{}</li>',
        charts.band_names(Decimal(2) if threshold is None else Decimal(threshold)),
    )
    return format_html(
        '<div class="tiles">{}</div><ul class="legend tiles-legend">{}</ul>', squares, legend
    )


@register.simple_tag
def trend_chart(trend: Any) -> str:
    """Yearly rates in percent as an SVG drawing, the standard as a dashed line."""
    rows = [
        charts.Series(_of(row, "name"), tuple(_of(row, "points")), bool(_of(row, "dashed")))
        for row in _of(trend, "series")
    ]
    drawing = charts.trend(list(_of(trend, "years")), rows, _of(trend, "threshold"))
    if drawing is None:
        return ""
    summary = "；".join(line.marks[-1].title for line in drawing.lines if line.marks)
    return format_html(
        '<svg class="trend" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}{}</svg>',
        charts.WIDTH,
        charts.HEIGHT,
        f"贫困发生率走势。最近值：{summary}",
        _levels(drawing),
        _limit(drawing),
        format_html_join(
            "",
            '<text x="{}" y="{}" text-anchor="middle">{}</text>',
            ((tick.at, charts.HEIGHT - 6, tick.text) for tick in drawing.years),
        ),
        format_html_join(
            "", "{}", ((_line(line, number),) for number, line in enumerate(drawing.lines))
        ),
    )


def _levels(drawing: charts.Trend) -> SafeString:
    right = charts.WIDTH - charts.RIGHT + 14
    return format_html_join(
        "",
        '<path class="level" d="M{} {}H{}"/><text x="{}" y="{}" text-anchor="end">{}</text>',
        (
            (charts.LEFT, tick.at, right, charts.LEFT - 8, tick.at + 4, tick.text)
            for tick in drawing.levels
        ),
    )


def _limit(drawing: charts.Trend) -> SafeString:
    if drawing.threshold is None:
        return mark_safe("")
    return format_html(
        '<path class="limit" d="M{} {}H{}"/><text class="limit" x="{}" y="{}">{}</text>',
        charts.LEFT,
        drawing.threshold.at,
        charts.WIDTH - charts.RIGHT + 14,
        charts.LEFT + 4,
        drawing.threshold_word_y,
        drawing.threshold.text,
    )


def _line(line: charts.Line, number: int) -> SafeString:
    return format_html(
        '<g class="series s-{}{}">{}{}{}</g>',
        number % 3,
        " dashed" if line.dashed else "",
        format_html_join("", '<polyline points="{}"/>', ((run,) for run in line.runs)),
        format_html_join(
            "",
            '<circle cx="{}" cy="{}" r="4"><title>{}</title></circle>',
            ((mark.x, mark.y, mark.title) for mark in line.marks),
        ),
        format_html_join(
            "",
            '<text x="{}" y="{}" text-anchor="{}">{}</text>',
            ((word.x, word.y, word.anchor, word.text) for word in line.words),
        ),
    )
