"""How figures, personal numbers and charts are written on a page."""

from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django import forms
from django.template import Context, Template
from django.test import RequestFactory

from core.templatetags import show

pytestmark = pytest.mark.unit


def render(text: str, path: str = "/", **context: object) -> str:
    request = RequestFactory().get(path)
    request.resolver_match = context.pop("match", None)
    return Template(text).render(Context({"request": request, **context}))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234, "1,234"),
        (137600, "137,600"),
        (0, "0"),
        (None, "—"),
        ("", "—"),
        ("约 5 万", "约 5 万"),
    ],
)
def test_thousands(value, text):
    assert show.thousands(value) == text


@pytest.mark.parametrize(
    ("numerator", "denominator", "threshold", "text"),
    [
        (98, 10_000, None, "0.98%"),
        (1, 3, None, "33.33%"),
        (2, 3, None, "66.67%"),
        (0, 5, 2, "0.00%"),
        # Half-up, where floats and bankers' rounding give 0.12 %.
        (125, 100_000, None, "0.13%"),
        # Two decimals would put these on the line they do not reach.
        (1996, 100_000, 2, "1.996%"),
        (199_996, 10_000_000, 2, "1.99996%"),
        (20_004, 1_000_000, 2, "2.0004%"),
        (1996, 100_000, "2.00", "1.996%"),
        (89_996, 100_000, Decimal(90), "89.996%"),
        # Exactly on the line stays as it is.
        (2, 100, 2, "2.00%"),
        (1996, 100_000, None, "2.00%"),
        (None, 100, 2, "—"),
        (5, None, 2, "—"),
        (5, 0, 2, "—"),
        (12_345_678, 100_000, None, "12,345.68%"),
    ],
)
def test_percent(numerator, denominator, threshold, text):
    assert show.percent(numerator, denominator, threshold) == text


def test_percent_is_a_template_tag():
    assert render("{% percent 1996 100000 2 %}") == "1.996%"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal(3219), "3,219.00"),
        (Decimal("0.005"), "0.01"),
        (Decimal("-12.345"), "-12.35"),
        (0, "0.00"),
        (None, "—"),
        ("3,219.00", "3,219.00"),
    ],
)
def test_money(value, text):
    assert show.money(value) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (493_100, "人", "49.31 万人"),
        (137_600, "户", "13.76 万户"),
        (Decimal(3007000000), "元", "30.07 亿元"),
        (Decimal(99999999), "元", "10,000.00 万元"),
        (100_000_000, "元", "1.00 亿元"),
        (50, "人", "0.01 万人"),
        (None, "人", "—"),
    ],
)
def test_wan(value, unit, text):
    assert show.wan(value, unit) == text


def test_day_is_the_local_day():
    assert show.day(datetime(2018, 12, 19, 17, tzinfo=UTC)) == "2018-12-20"
    assert show.day(date(2018, 12, 20)) == "2018-12-20"
    assert show.day("2018 年底") == "2018 年底"
    assert show.day(None) == "—"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("990325196203151230", "990325********1230"),
        ("99032519620315123X44", "990325**********3X44"),
        ("410324620315123", "***********5123"),
        ("12345678", "****5678"),
        ("1234567", "*******"),
        ("1234", "****"),
        ("", "—"),
        (None, "—"),
    ],
)
def test_mask_id(number, text):
    assert show.mask_id(number) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("13900001234", "139****1234"),
        ("0379-66310000", "*********0000"),
        ("66310000", "****0000"),
        ("12345", "*****"),
        (None, "—"),
    ],
)
def test_mask_phone(number, text):
    assert show.mask_phone(number) == text


def test_masks_never_show_a_birthday():
    for length in range(1, 22):
        number = ("410324" + "19620315" + "1230567")[:length]
        assert "0315" not in show.mask_id(number)[: length - 4]
        assert show.mask_id(number).count("*") >= min(4, length)


def test_query_with_keeps_filters_and_starts_at_the_first_page():
    text = render("{% query_with year=2017 %}", "/?county=410324&year=2018&after=abc&page=3")
    assert text == "?county=410324&amp;year=2017"


def test_query_with_removes_and_escapes():
    assert render("{% query_with q=None %}", "/?q=x&a=1") == "?a=1"
    assert "<" not in render("{% query_with %}", '/?q="><script>')


def test_query_with_survives_without_a_request():
    assert Template("{% query_with year=2017 %}").render(Context()) == "?year=2017"


def test_as_query_has_one_question_mark():
    assert show.as_query("after=1") == show.as_query("?after=1") == "?after=1"


def test_here_knows_app_and_view():
    match = SimpleNamespace(view_name="households:persons", namespaces=["households"])
    tag = "{% here 'households' as app %}{% here 'households:list' as view %}{{ app }} {{ view }}"
    assert render(tag, match=match) == "True False"
    assert render(tag) == "False False"


class Search(forms.Form):
    county = forms.CharField(required=False)
    q = forms.CharField(required=False)
    income = forms.CharField(required=False)


def test_fields_are_split_between_the_row_and_the_fold():
    form = Search({"income": "3208"})
    assert [field.name for field in show.fields_in(form, "q county missing")] == ["q", "county"]
    beyond = show.fields_beyond(form, "q county")
    assert [field.name for field in beyond] == ["income"]
    assert show.any_filled(beyond)
    assert not show.any_filled(show.fields_in(form, "q county"))


@pytest.mark.parametrize(
    ("value", "text"), [(0, "w-0"), (49, "w-49"), (140, "w-100"), (-3, "w-0"), (None, "w-0")]
)
def test_bar_width_is_a_class(value, text):
    assert show.bar_width(value) == text


def test_bullet():
    assert show.bullet(49, 66, "good") == '<span class="bar good w-49 t-66"></span>'
    assert show.bullet(49, None, "good") == '<span class="bar good w-49"></span>'
    assert show.bullet(49, 0, 'x" onclick="') == '<span class="bar neutral w-49 t-0"></span>'
    assert show.bullet(None, 66, "good") == ""


def test_flow_figure_links_only_where_a_list_is_known():
    row = {"start": 1200, "end": 900, "href": "/now/"}
    assert show.flow_figure(row, "start") == "1,200"
    assert show.flow_figure(row, "end") == '<a href="/now/">900</a>'
    row["hrefs"] = {"start": "/then/?a=1&b=2"}
    assert show.flow_figure(row, "start") == '<a href="/then/?a=1&amp;b=2">1,200</a>'
    assert show.flow_figure(SimpleNamespace(start=5), "start") == "5"


TILE = {"short_name": "<嵩县>", "col": 3, "row": 4, "href": "/x/", "text": "4.86%", "band": "4"}


def test_tile_map_places_by_class_and_escapes():
    text = show.tile_map([TILE], Decimal(2))
    assert (
        '<a class="tile band-4 col-3 row-4" href="/x/"><span>&lt;嵩县&gt;</span><b>4.86%</b></a>'
    ) in text
    assert text.count("<li") == 6
    assert "style" not in text


def test_trend_chart_is_svg_without_styles():
    trend = {
        "years": [2016, 2017, 2018],
        "series": [
            {
                "name": "<全市>",
                "points": [Decimal("5.02"), None, Decimal("1.425")],
                "dashed": False,
            },
            SimpleNamespace(name="嵩县", points=[Decimal(9), Decimal(7), Decimal(5)], dashed=True),
        ],
        "threshold": Decimal(2),
    }
    text = show.trend_chart(trend)
    assert text.startswith('<svg class="trend" viewBox="0 0 ')
    assert "<title>&lt;全市&gt; 2018 年：1.43%</title>" in text
    assert text.count("<circle") == 5
    # A missing year breaks the line instead of being drawn through.
    assert text.count("<polyline") == 1
    assert "标准 2%" in text
    assert "style=" not in text


def test_trend_chart_without_values_is_empty():
    assert show.trend_chart({"years": [2018], "series": [], "threshold": None}) == ""
