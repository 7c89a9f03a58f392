"""How the register is searched: one set of terms for pages, figures' links and the API.

The sets say which terms exist, what they are called and which values they take; what they mean
stands in `households.queries.conditions`.
"""

from collections.abc import Iterable
from typing import Any, cast

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms.utils import flatatt
from django.http import Http404
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from core import idnumbers
from core.scope import Actor, overlaps, trim
from households.catalog import facts_of, labels
from households.models import Household, HouseholdYear, Person, PersonYear
from households.queries.conditions import (
    OVERDUE,
    PLACES,
    matching_households,
    matching_persons,
)
from households.queries.years import partition_years
from villages.enums import OWN_DIGITS, Level

Choice = tuple[str, str]
_STATUS_GROUPS: list[Choice] = [
    ("poor", "未脱贫（含预脱贫、返贫）"),
    ("exited", "已脱贫（全部）"),
]
# Nobody alive was born earlier: what looks like such a date is no part of an identity number.
_OLDEST = 1880
_SELECTED = mark_safe(" selected")
_ANSWERS = [("true", "是"), ("false", "否")]


def _codes(table: str) -> Any:
    return lambda: list(labels(table).items())


def _statuses() -> list[Choice]:
    return [*_STATUS_GROUPS, *labels("exit_status").items()]


def _missing(*models: Any) -> list[Choice]:
    return [(fact.identifier, fact.label) for model in models for fact in facts_of(model)]


class Drop(forms.Select):
    """A drop-down, written without a template for each option: a page has hundreds of them."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        chosen = self.format_value(value)
        several = {"multiple": self.allow_multiple_selected and len(chosen) > 1}
        every = self.build_attrs(self.attrs, {**(attrs or {}), **several, "name": name})
        options = format_html_join(
            "",
            '<option value="{}"{}>{}</option>',
            (
                (code, _SELECTED if str(code) in chosen else "", text)
                for code, text in self.offers()
            ),
        )
        return format_html("<select{}>{}</select>", flatatt(every), options)

    def offers(self) -> Iterable[Any]:
        return self.choices


class OneOrMore(Drop, forms.SelectMultiple):
    """A drop-down of one value, unless the address asks for several: then nothing gets lost."""

    def offers(self) -> Iterable[Any]:
        return [("", "全部"), *self.choices]

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        return [value for value in super().value_from_datadict(data, files, name) or [] if value]


class CodesFilter(django_filters.MultipleChoiceFilter):
    """A code of a list; repeated, any of them."""

    def __init__(self, label: str, table: str = "", **kwargs: Any) -> None:
        kwargs.setdefault("choices", _codes(table) if table else None)
        super().__init__(label=label, widget=OneOrMore, **kwargs)


class OneOfFilter(django_filters.ChoiceFilter):
    def __init__(self, label: str, choices: list[Choice]) -> None:
        super().__init__(label=label, choices=choices, empty_label="全部", widget=Drop)


class PlaceField(forms.CharField):
    """A division code in full or short, kept as its prefix; `levels` are those allowed."""

    def __init__(self, *args: Any, levels: Iterable[str], **kwargs: Any) -> None:
        self.digits = {OWN_DIGITS[level] for level in levels}
        super().__init__(*args, max_length=12, **kwargs)

    def clean(self, value: Any) -> str:
        code = str(super().clean(value))
        if not code:
            return ""
        prefix = trim(code) if code.isascii() and code.isdecimal() else ""
        if len(prefix) not in self.digits:
            raise ValidationError("区划代码有误。", code="invalid")
        return prefix


class PlaceFilter(django_filters.CharFilter):
    field_class = PlaceField


def _place(label: str, *levels: str, hidden: bool = False) -> PlaceFilter:
    widget = forms.HiddenInput if hidden else Drop
    return PlaceFilter(label=label, levels=levels, widget=widget)


class YearField(forms.IntegerField):
    """A year of the register."""

    def clean(self, value: Any) -> int | None:
        year = cast("int | None", super().clean(value))
        if year is not None and year not in partition_years():
            raise ValidationError(f"没有 {year} 年度的登记数据。", code="unknown")
        return year


class WholeFilter(django_filters.NumberFilter):
    """A whole number. The inherited upper bound of 10⁵⁰ is none of ours."""

    field_class = forms.IntegerField

    def get_max_validator(self) -> None:
        return None


class YearFilter(WholeFilter):
    field_class = YearField


class WordField(forms.CharField):
    """A name, or the beginning of a number. Identity numbers must not get into an address."""

    def clean(self, value: Any) -> str:
        text = str(super().clean(value))
        born = idnumbers.read(text.upper()).birth_date
        if born is not None and born.year >= _OLDEST:
            raise ValidationError(
                "不能按证件号码查找：号码会留在浏览器地址和日志里。请输入姓名或编号。",
                code="identity_number",
            )
        return text


class WordFilter(django_filters.CharFilter):
    field_class = WordField


class ScopedFilterSet(django_filters.FilterSet):
    """A search on behalf of somebody; what lies wholly outside their grants does not exist."""

    def __init__(self, data: Any, queryset: Any = None, *, actor: Actor, **kwargs: Any) -> None:
        self.actor = actor
        super().__init__(data, queryset, **kwargs)

    @property
    def terms(self) -> dict[str, Any]:
        return cast("dict[str, Any]", self.form.cleaned_data)

    def refuse_foreign_places(self) -> None:
        """Raise Http404 when a division asked for is none of the actor's."""
        self.form.is_valid()
        for name in PLACES:
            code = self.terms.get(name)
            if code and not overlaps(self.actor, code):
                raise Http404


class RegisterFilterSet(ScopedFilterSet):
    """The terms that households and persons share."""

    year = YearFilter(label="年度", widget=forms.HiddenInput)
    region = _place("区划代码", *Level.values, hidden=True)
    county = _place("县区", Level.COUNTY)
    town = _place("乡镇", Level.TOWN)
    village = _place("行政村", Level.VILLAGE)
    status = CodesFilter("脱贫状态", choices=_statuses)
    cause = CodesFilter("主要致贫原因", "poverty_cause")
    attribute = CodesFilter("贫困户属性", "household_attribute")
    exit_year = WholeFilter(label="脱贫年度", min_value=2010, max_value=2100)
    income_below = django_filters.NumberFilter(
        label="人均纯收入低于（元）", max_digits=14, decimal_places=2
    )
    income_above = django_filters.NumberFilter(
        label="人均纯收入高于（元）", max_digits=14, decimal_places=2
    )
    below_line = OneOfFilter("收入低于当年标准", _ANSWERS)
    poor_village = OneOfFilter("在贫困村", _ANSWERS)
    mark = OneOfFilter("待核查", [*_ANSWERS, (OVERDUE, "已逾期")])

    @property
    def chosen_year(self) -> int | None:
        """The year asked for, else the latest of the register."""
        return self.terms["year"] or next(iter(partition_years()), None)

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        year = self.chosen_year
        return queryset.none() if year is None else self.matching(queryset, year)

    def matching(self, rows: Any, year: int) -> QuerySet[Any]:
        raise NotImplementedError


class HouseholdYearFilter(RegisterFilterSet):
    """Searching households in one year."""

    missing = OneOfFilter("未填项目", _missing(Household, HouseholdYear))
    q = WordFilter(label="姓名、拼音、编号、村", max_length=60)

    def matching(self, rows: Any, year: int) -> QuerySet[Any]:
        return matching_households(rows, self.terms, year)


class PersonYearFilter(RegisterFilterSet):
    """Searching persons in one year, also by what is declared of their household."""

    relation = CodesFilter("与户主关系", "relation_to_head")
    education = CodesFilter("文化程度", "education_level")
    student = CodesFilter("在校生状况", "student_status")
    labour = CodesFilter("劳动技能", "labour_capacity")
    work_area = CodesFilter("务工状况", "work_area")
    missing = OneOfFilter("未填项目", _missing(Person, PersonYear, Household, HouseholdYear))
    q = WordFilter(label="姓名、拼音、编号、村", max_length=60)

    def matching(self, rows: Any, year: int) -> QuerySet[Any]:
        households = HouseholdYear.objects.visible_to(self.actor)
        return matching_persons(rows, households, self.terms, year)
