"""Assessments for other systems: rounds with their results, samples with their chances, cases.

A county's key meets a round and its sample from the disclosure on, as its people do; cases at once.
"""

from typing import Any, cast

import django_filters
from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.lists import FIELDS, ListView
from api.serializers import ChosenFieldsSerializer, ErrorSerializer
from core.scope import Actor, below
from core.sharing import Resource
from households.filters import PlaceFilter, ScopedFilterSet, WholeFilter, YearFilter
from households.queries.keyset import Keyset
from inspections.enums import CaseKind, CaseState, RoundKind, Subject
from inspections.models import Case, CaseStep, Result, Round, SampleHousehold
from villages.enums import Level

_REFUSALS = dict.fromkeys((400, 401, 403, 404, 429), ErrorSerializer)
_BIGGEST = 2**53


def _whole(label: str) -> WholeFilter:
    return WholeFilter(label=label, min_value=1, max_value=_BIGGEST)


def _share(text: str) -> serializers.DecimalField:
    return serializers.DecimalField(
        max_digits=16, decimal_places=15, allow_null=True, help_text=text
    )


# --- rounds ------------------------------------------------------------------------------------


class RoundFilter(ScopedFilterSet):
    """Rounds by county, year and kind."""

    region = PlaceFilter(label="区划代码，含其下级", levels=Level.values)
    partition = YearFilter(label="年度")
    kind = django_filters.ChoiceFilter(label="类型", choices=RoundKind.choices)

    def filter_queryset(self, queryset: QuerySet[Round]) -> QuerySet[Round]:
        terms = self.terms
        if terms["region"]:
            queryset = queryset.filter(below(terms["region"], "region_code"))
        for name in ("partition", "kind"):
            if terms[name]:
                queryset = queryset.filter(**{name: terms[name]})
        return queryset


class ResultSerializer(serializers.Serializer[Result]):
    """One rate of a round: counted, carried over, its limits, its verdict."""

    rate = serializers.CharField(help_text="指标代码")
    name = serializers.CharField(source="get_rate_display", help_text="指标名称")
    is_gate = serializers.BooleanField(help_text="是否退出门槛")
    definition = serializers.CharField(help_text="指标定义代码")
    definition_version = serializers.IntegerField(allow_null=True, help_text="定义版本")
    source = serializers.CharField(help_text="标准的依据")  # type: ignore[assignment]
    comparator = serializers.CharField(help_text="比较")
    threshold = serializers.DecimalField(
        max_digits=7, decimal_places=6, allow_null=True, help_text="标准"
    )
    numerator = serializers.IntegerField(allow_null=True, help_text="样本分子")
    denominator = serializers.IntegerField(allow_null=True, help_text="样本分母")
    estimate = _share("推算值")
    lower = _share("单侧置信下限")
    upper = _share("单侧置信上限")
    confidence = serializers.DecimalField(
        max_digits=4, decimal_places=3, allow_null=True, help_text="置信度"
    )
    households = serializers.IntegerField(help_text="受访户数")
    due = serializers.IntegerField(help_text="应访户数")
    verdict = serializers.CharField(help_text="判定代码")
    verdict_label = serializers.CharField(source="get_verdict_display", help_text="判定")
    reason = serializers.CharField(help_text="原因")
    more = serializers.IntegerField(allow_null=True, help_text="证据不足时约需补查的户数")
    as_of = serializers.DateTimeField(allow_null=True, help_text="数据截至")
    computed_at = serializers.DateTimeField(help_text="计算时间")


class RoundSerializer(ChosenFieldsSerializer):
    """A round with what was settled in it and what it says of the county."""

    id = serializers.IntegerField(help_text="轮次编号")
    kind = serializers.CharField(help_text="类型代码")
    kind_label = serializers.CharField(source="get_kind_display", help_text="类型")
    name = serializers.CharField(help_text="名称")
    region = serializers.CharField(source="region_code", help_text="被评估县代码")
    partition = serializers.IntegerField(source="partition_id", help_text="年度")
    held_by = serializers.CharField(help_text="组织单位区划前缀")
    seed = serializers.CharField(help_text="随机种子")
    algorithm = serializers.IntegerField(help_text="抽样算法版本")
    frame_digest = serializers.CharField(help_text="抽样框摘要（SHA-256）")
    sample_digest = serializers.CharField(help_text="样本摘要（SHA-256）")
    frozen_at = serializers.DateTimeField(allow_null=True, help_text="冻结抽样框的时间")
    drawn_at = serializers.DateTimeField(allow_null=True, help_text="抽样时间")
    disclosed_at = serializers.DateTimeField(allow_null=True, help_text="向县公开的时间")
    closed_at = serializers.DateTimeField(allow_null=True, help_text="结束时间")
    results = ResultSerializer(many=True, help_text="各项结果")

    columns = {"kind_label": ("kind",), "results": ()}


class RoundView(ListView):
    """Assessment rounds of counties."""

    resource = Resource.ROUNDS
    queryset = Round.objects.none()
    serializer_class = RoundSerializer
    filterset_class = RoundFilter
    keyset = Keyset(("partition_id", "region_code", "id"), (int, str, int))

    def get_queryset(self) -> QuerySet[Round]:
        return Round.objects.visible_to(cast("Actor", self.request.user))

    def keys(self, found: QuerySet[Any], blank: ChosenFieldsSerializer) -> Any:
        rows = super().keys(found, blank)
        if "results" not in blank.fields:
            return rows
        own = Result.objects.visible_to(cast("Actor", self.request.user)).order_by("rate")
        return rows.prefetch_related(Prefetch("results", queryset=own))

    @extend_schema(
        summary="评估轮次及结果",
        parameters=[FIELDS],
        responses={200: RoundSerializer(many=True), **_REFUSALS},
    )
    def list(self, request: Request) -> Response:
        return super().list(request)


# --- samples -----------------------------------------------------------------------------------


class SampleFilter(ScopedFilterSet):
    """Sample households by round, place and type."""

    round = _whole("轮次编号")
    region = PlaceFilter(label="区划代码，含其下级", levels=Level.values)
    kind = django_filters.ChoiceFilter(label="农户类型", choices=Subject.choices)

    def filter_queryset(self, queryset: QuerySet[SampleHousehold]) -> QuerySet[SampleHousehold]:
        terms = self.terms
        if terms["region"]:
            queryset = queryset.filter(below(terms["region"], "village_code"))
        for name in ("round", "kind"):
            if terms[name]:
                queryset = queryset.filter(**{name: terms[name]})
        return queryset


class SampleSerializer(ChosenFieldsSerializer):
    """A drawn household, or one on the list of replacements; neither names nor numbers of persons."""

    id = serializers.IntegerField(help_text="样本户编号")
    round = serializers.IntegerField(source="round_id", help_text="轮次编号")
    village_code = serializers.CharField(help_text="村代码（冻结时）")
    kind = serializers.CharField(help_text="农户类型代码")
    kind_label = serializers.CharField(source="get_kind_display", help_text="农户类型")
    ref = serializers.CharField(
        source="frame.ref", help_text="抽样框中的编号：R 后为户编号，U 后为村代码和花名册编号"
    )
    persons = serializers.IntegerField(source="frame.persons", help_text="冻结时人数")
    is_reserve = serializers.BooleanField(help_text="是否候补")
    rank = serializers.IntegerField(help_text="村内该类型的顺序")
    village_chance = serializers.SerializerMethodField(help_text="村的入样概率，如 2/3")
    chance = serializers.SerializerMethodField(help_text="村已抽中时户的入样概率，如 4/15")

    columns = {
        "kind_label": ("kind",),
        "village_chance": ("village__numerator", "village__denominator"),
        "chance": ("numerator", "denominator"),
    }

    def get_village_chance(self, row: SampleHousehold) -> str:
        return f"{row.village.numerator}/{row.village.denominator}"

    def get_chance(self, row: SampleHousehold) -> str:
        return f"{row.numerator}/{row.denominator}"


class SampleView(ListView):
    """The drawn households of rounds."""

    resource = Resource.SAMPLES
    queryset = SampleHousehold.objects.none()
    serializer_class = SampleSerializer
    filterset_class = SampleFilter
    keyset = Keyset(("round_id", "village_code", "id"), (int, str, int))

    def get_queryset(self) -> QuerySet[SampleHousehold]:
        return SampleHousehold.objects.visible_to(cast("Actor", self.request.user))

    @extend_schema(
        summary="样本户",
        parameters=[FIELDS],
        responses={200: SampleSerializer(many=True), **_REFUSALS},
    )
    def list(self, request: Request) -> Response:
        return super().list(request)


# --- cases -------------------------------------------------------------------------------------


class CaseFilter(ScopedFilterSet):
    """Cases by place, round, kind and state."""

    region = PlaceFilter(label="区划代码，含其下级", levels=Level.values)
    round = _whole("轮次编号")
    kind = django_filters.ChoiceFilter(label="问题", choices=CaseKind.choices)
    state = django_filters.ChoiceFilter(label="状态", choices=CaseState.choices)

    def filter_queryset(self, queryset: QuerySet[Case]) -> QuerySet[Case]:
        terms = self.terms
        if terms["region"]:
            queryset = queryset.filter(below(terms["region"], "village_code"))
        for name in ("round", "kind", "state"):
            if terms[name]:
                queryset = queryset.filter(**{name: terms[name]})
        return queryset


class StepSerializer(serializers.Serializer[CaseStep]):
    """A step of a case; what was written in words stays in the product."""

    state = serializers.CharField(help_text="状态代码")
    state_label = serializers.CharField(source="get_state_display", help_text="状态")
    on = serializers.DateField(help_text="日期")
    due_on = serializers.DateField(allow_null=True, help_text="下一步期限")


class CaseSerializer(ChosenFieldsSerializer):
    """A suspected problem of one sample household with its path; no names."""

    id = serializers.IntegerField(help_text="问题编号")
    round = serializers.IntegerField(source="round_id", help_text="轮次编号")
    sample = serializers.IntegerField(source="sample_id", help_text="样本户编号")
    village_code = serializers.CharField(help_text="村代码")
    subject = serializers.CharField(help_text="农户类型代码")
    kind = serializers.CharField(help_text="问题代码")
    kind_label = serializers.CharField(source="get_kind_display", help_text="问题")
    state = serializers.CharField(help_text="状态代码")
    state_label = serializers.CharField(source="get_state_display", help_text="状态")
    persons = serializers.IntegerField(help_text="疑似人数")
    confirmed_persons = serializers.IntegerField(help_text="确认人数；未确认为 0")
    created_at = serializers.DateTimeField(help_text="登记时间")
    steps = StepSerializer(many=True, help_text="办理经过")

    columns = {"kind_label": ("kind",), "state_label": ("state",), "steps": ()}


class CaseView(ListView):
    """Suspected problems that surveyors found, and what became of them."""

    resource = Resource.CASES
    queryset = Case.objects.none()
    serializer_class = CaseSerializer
    filterset_class = CaseFilter
    keyset = Keyset(("village_code", "id"), (str, int))

    def get_queryset(self) -> QuerySet[Case]:
        return Case.objects.visible_to(cast("Actor", self.request.user))

    def keys(self, found: QuerySet[Any], blank: ChosenFieldsSerializer) -> Any:
        rows = super().keys(found, blank)
        if "steps" not in blank.fields:
            return rows
        steps = CaseStep.objects.order_by("position")
        return rows.prefetch_related(Prefetch("steps", queryset=steps))

    @extend_schema(
        summary="疑似问题",
        parameters=[FIELDS],
        responses={200: CaseSerializer(many=True), **_REFUSALS},
    )
    def list(self, request: Request) -> Response:
        return super().list(request)
