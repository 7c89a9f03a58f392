"""Readiness for other systems: what the standards say of places, and the households in the way."""

from typing import cast

import django_filters
from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.lists import FIELDS, ListView
from api.serializers import ChosenFieldsSerializer, ErrorSerializer
from core.scope import Actor, below
from core.sharing import Resource
from exits.enums import Outcome, SubjectLevel
from exits.models import GateResult, HouseholdReadiness
from households.filters import PlaceFilter, ScopedFilterSet, YearFilter
from households.queries.keyset import Keyset
from villages.enums import Level

_REFUSALS = dict.fromkeys((400, 401, 403, 404, 429), ErrorSerializer)
_OPEN = (Outcome.NOT_MET, Outcome.MISSING)


class ReadinessFilter(ScopedFilterSet):
    """Results by place, year, standard, item and outcome."""

    region = PlaceFilter(label="区划代码，含其下级", levels=Level.values)
    partition = YearFilter(label="年度")
    standard = django_filters.CharFilter(label="标准代码", max_length=16)
    level = django_filters.ChoiceFilter(
        label="级别", choices=[(one.value, one.label) for one in list(SubjectLevel)[1:]]
    )
    item = django_filters.CharFilter(label="标准项代码", max_length=24)
    outcome = django_filters.ChoiceFilter(label="结果", choices=Outcome.choices)

    def filter_queryset(self, queryset: QuerySet[GateResult]) -> QuerySet[GateResult]:
        terms = self.terms
        if terms["region"]:
            queryset = queryset.filter(below(terms["region"], "region_code"))
        if terms["standard"]:
            queryset = queryset.filter(standard__code=terms["standard"])
        for name in ("partition", "level", "item", "outcome"):
            if terms[name]:
                queryset = queryset.filter(**{name: terms[name]})
        return queryset


class ReadinessSerializer(ChosenFieldsSerializer):
    """One item of a village or county with what it was judged from."""

    region = serializers.CharField(source="region_code", help_text="区划代码")
    partition = serializers.IntegerField(help_text="年度")
    standard = serializers.CharField(source="standard.code", help_text="标准代码")
    standard_version = serializers.IntegerField(help_text="标准版本")
    level = serializers.CharField(help_text="级别")
    item = serializers.CharField(help_text="标准项代码")
    is_veto = serializers.BooleanField(help_text="是否一票否决")
    outcome = serializers.CharField(help_text="结果代码：met 达标，not_met 不达标，missing 缺数据")
    outcome_label = serializers.CharField(source="get_outcome_display", help_text="结果")
    numerator = serializers.DecimalField(
        max_digits=16, decimal_places=2, allow_null=True, help_text="分子或数值"
    )
    denominator = serializers.IntegerField(allow_null=True, help_text="分母")
    reason = serializers.CharField(help_text="缺数据的原因")
    data_version = serializers.IntegerField(help_text="计算时的数据版本")
    computed_at = serializers.DateTimeField(help_text="计算时间")

    columns = {"outcome_label": ("outcome",)}


class ReadinessView(ListView):
    """Every item of every village and county, by every standard that is evaluated there."""

    resource = Resource.READINESS
    queryset = GateResult.objects.none()
    serializer_class = ReadinessSerializer
    filterset_class = ReadinessFilter
    keyset = Keyset(("partition", "region_code", "standard_id", "item"), (int, str, int, str))

    def get_queryset(self) -> QuerySet[GateResult]:
        return GateResult.objects.visible_to(cast("Actor", self.request.user))

    @extend_schema(
        summary="村、县达标情况",
        parameters=[FIELDS],
        responses={200: ReadinessSerializer(many=True), **_REFUSALS},
    )
    def list(self, request: Request) -> Response:
        return super().list(request)


class BlockerFilter(ScopedFilterSet):
    """Households by place, year, standard and what is open in them."""

    region = PlaceFilter(label="区划代码，含其下级", levels=Level.values)
    partition = YearFilter(label="年度")
    standard = django_filters.CharFilter(label="标准代码", max_length=16)
    item = django_filters.CharFilter(label="未完成的标准项代码", max_length=24)
    outcome = django_filters.ChoiceFilter(
        label="情形", choices=[(one.value, one.label) for one in _OPEN]
    )
    is_poor = django_filters.ChoiceFilter(
        label="脱贫状态：1 未脱贫，0 已脱贫", choices=[("1", "未脱贫"), ("0", "已脱贫")]
    )

    def filter_queryset(
        self, queryset: QuerySet[HouseholdReadiness]
    ) -> QuerySet[HouseholdReadiness]:
        terms = self.terms
        if terms["region"]:
            queryset = queryset.filter(below(terms["region"], "village_code"))
        if terms["standard"]:
            queryset = queryset.filter(standard__code=terms["standard"])
        if terms["partition"]:
            queryset = queryset.filter(partition=terms["partition"])
        if terms["is_poor"]:
            queryset = queryset.filter(is_poor=terms["is_poor"] == "1")
        return queryset.filter(_open_in(terms["item"], terms["outcome"]))


def _open_in(item: str, outcome: str) -> Q:
    """Something is open, or this item, as not met or as missing or either."""
    found = Q()
    for name in _OPEN:
        if outcome in ("", name):
            found |= Q(**{f"{name.value}__contains": [item]}) if item else ~Q(**{name.value: []})
    return found


class BlockerSerializer(ChosenFieldsSerializer):
    """A household in which items of a standard are open; neither names nor numbers of persons."""

    partition = serializers.IntegerField(help_text="年度")
    household_no = serializers.CharField(source="household.household_no", help_text="户编号")
    village_code = serializers.CharField(help_text="村代码")
    standard = serializers.CharField(source="standard.code", help_text="标准代码")
    standard_version = serializers.IntegerField(help_text="标准版本")
    is_poor = serializers.BooleanField(help_text="是否未脱贫")
    persons = serializers.IntegerField(help_text="人数")
    not_met = serializers.ListField(child=serializers.CharField(), help_text="不达标的标准项代码")
    missing = serializers.ListField(child=serializers.CharField(), help_text="缺数据的标准项代码")
    computed_at = serializers.DateTimeField(help_text="计算时间")


class BlockerView(ListView):
    """Households that stand in the way of an exit, or perhaps should not have exited."""

    resource = Resource.BLOCKERS
    queryset = HouseholdReadiness.objects.none()
    serializer_class = BlockerSerializer
    filterset_class = BlockerFilter
    keyset = Keyset(
        ("partition", "village_code", "standard_id", "household_id"), (int, str, int, int)
    )

    def get_queryset(self) -> QuerySet[HouseholdReadiness]:
        return HouseholdReadiness.objects.visible_to(cast("Actor", self.request.user))

    @extend_schema(
        summary="退出阻断清单",
        parameters=[FIELDS],
        responses={200: BlockerSerializer(many=True), **_REFUSALS},
    )
    def list(self, request: Request) -> Response:
        return super().list(request)
