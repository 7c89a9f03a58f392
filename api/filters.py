"""Search terms of the lists that have no page: divisions and figures."""

from datetime import date
from typing import Any

import django_filters
from django.db.models import QuerySet

from core.scope import below
from exits.enums import Metric
from exits.models import Snapshot
from households.filters import PlaceFilter, ScopedFilterSet, WholeFilter, YearFilter
from imports.enums import BatchState
from imports.models import Batch, Problem
from villages.enums import OWN_DIGITS, Level
from villages.models import Region


class RegionFilter(ScopedFilterSet):
    """Divisions by level, parent and the year at whose end they existed."""

    region = PlaceFilter(label="区划代码，含其下级", levels=Level.values)
    level = django_filters.ChoiceFilter(label="级别", choices=Level.choices)
    parent = PlaceFilter(label="上级区划代码", levels=Level.values)
    year = WholeFilter(label="年度，取该年末有效的区划", min_value=2000, max_value=2100)

    def filter_queryset(self, queryset: QuerySet[Region]) -> QuerySet[Region]:
        terms = self.terms
        if terms["region"]:
            queryset = queryset.filter(below(terms["region"], "code"))
        if terms["level"]:
            queryset = queryset.filter(level=terms["level"])
        if terms["parent"]:
            queryset = queryset.filter(parent__code=terms["parent"].ljust(12, "0"))
        if terms["year"]:
            queryset = queryset.valid_on(date(terms["year"], 12, 31))  # type: ignore[attr-defined]
        return queryset


class SnapshotFilter(ScopedFilterSet):
    """Figures by place, year, metric and category."""

    region = PlaceFilter(label="区划代码，含其下级", levels=Level.values)
    level = django_filters.ChoiceFilter(label="级别", choices=Level.choices)
    partition = YearFilter(label="年度")
    metric = django_filters.ChoiceFilter(label="指标", choices=Metric.choices)
    category = django_filters.CharFilter(label="分类代码", max_length=8)

    def filter_queryset(self, queryset: QuerySet[Snapshot]) -> QuerySet[Snapshot]:
        terms = self.terms
        if terms["region"]:
            queryset = queryset.filter(below(terms["region"], "region_code"))
        if terms["level"]:
            queryset = _of_level(queryset, terms["level"])
        for name in ("partition", "metric", "category"):
            if terms[name]:
                queryset = queryset.filter(**{name: terms[name]})
        return queryset


class BatchFilter(ScopedFilterSet):
    """Batches by place, year and state."""

    region = PlaceFilter(label="区划代码，含其下级", levels=Level.values)
    partition = WholeFilter(label="年度", min_value=2010, max_value=2100)
    state = django_filters.ChoiceFilter(label="状态", choices=BatchState.choices)

    def filter_queryset(self, queryset: QuerySet[Batch]) -> QuerySet[Batch]:
        terms = self.terms
        if terms["region"]:
            queryset = queryset.filter(below(terms["region"], "region_prefix"))
        for name in ("partition", "state"):
            if terms[name]:
                queryset = queryset.filter(**{name: terms[name]})
        return queryset


class ProblemFilter(ScopedFilterSet):
    """Problems by rule."""

    rule = django_filters.CharFilter(label="规则", max_length=8)

    def filter_queryset(self, queryset: QuerySet[Problem]) -> QuerySet[Problem]:
        rule = self.terms["rule"]
        return queryset.filter(rule=rule) if rule else queryset


def _of_level(queryset: QuerySet[Any], level: str) -> QuerySet[Any]:
    """Rows whose division is of the level: so many digits, then zeros only."""
    digits = OWN_DIGITS[Level(level)]
    queryset = queryset.filter(region_code__endswith="0" * (12 - digits))
    shorter = [other for other in OWN_DIGITS.values() if other < digits]
    if shorter:
        queryset = queryset.exclude(region_code__endswith="0" * (12 - max(shorter)))
    return queryset
