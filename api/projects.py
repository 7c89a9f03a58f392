"""Projects and whom they help, for other systems; no names of persons."""

from typing import Any, cast

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.changes import CHANGES, FeedView
from api.lists import FIELDS
from api.serializers import ChosenFieldsSerializer, ErrorSerializer
from core.scope import Actor, below
from core.sharing import Resource
from households.filters import PlaceFilter, ScopedFilterSet, YearFilter
from households.queries.keyset import Keyset
from projects.enums import BeneficiaryKind, State
from projects.models import Beneficiary, Project
from villages.enums import Level

_REFUSALS = dict.fromkeys((400, 401, 403, 404, 429), ErrorSerializer)


def yuan(text: str, **options: Any) -> serializers.DecimalField:
    """An amount as text with two decimals."""
    return serializers.DecimalField(
        max_digits=14, decimal_places=2, help_text=f"{text}（元）", **options
    )


class ProjectFilter(ScopedFilterSet):
    """Projects by place, year, type and state."""

    region = PlaceFilter(label="区划代码，含其下级", levels=Level.values)
    year = YearFilter(label="年度")
    type = django_filters.CharFilter(label="项目类型代码", max_length=4)
    state = django_filters.ChoiceFilter(label="状态", choices=State.choices)

    def filter_queryset(self, queryset: QuerySet[Project]) -> QuerySet[Project]:
        terms = self.terms
        if terms["region"]:
            queryset = queryset.filter(below(terms["region"], "region_code"))
        for name in ("year", "type", "state"):
            if terms[name]:
                queryset = queryset.filter(**{name: terms[name]})
        return queryset


class ProjectSerializer(ChosenFieldsSerializer):
    """A project: what was planned, where it stands."""

    id = serializers.IntegerField(help_text="项目标识")
    number = serializers.CharField(help_text="项目编号")
    name = serializers.CharField(help_text="项目名称")
    type = serializers.CharField(source="type_id", help_text="项目类型代码")
    region = serializers.CharField(source="region_code", help_text="所在区划代码")
    year = serializers.IntegerField(help_text="年度")
    unit = serializers.CharField(help_text="实施单位")
    state = serializers.CharField(help_text="状态代码")
    state_label = serializers.CharField(source="get_state_display", help_text="状态")
    state_on = serializers.DateField(help_text="进入该状态的日期")
    planned_amount = yuan("计划投资")
    budget = yuan("安排资金", allow_null=True)
    percent = serializers.DecimalField(max_digits=5, decimal_places=2, help_text="进度（％）")
    planned_start = serializers.DateField(help_text="计划开工")
    planned_end = serializers.DateField(help_text="计划完工")
    started_on = serializers.DateField(allow_null=True, help_text="实际开工")
    completed_on = serializers.DateField(allow_null=True, help_text="实际完工")

    columns = {"state_label": ("state",)}


class ProjectView(FeedView):
    """Projects of the library."""

    resource = Resource.PROJECTS
    queryset = Project.objects.none()
    serializer_class = ProjectSerializer
    filterset_class = ProjectFilter
    keyset = Keyset(("number",), (str,))

    def get_queryset(self) -> QuerySet[Project]:
        return Project.objects.visible_to(cast("Actor", self.request.user))

    @extend_schema(
        summary="项目", parameters=[FIELDS, CHANGES],
        responses={200: ProjectSerializer(many=True), **_REFUSALS},
    )  # fmt: skip
    def list(self, request: Request) -> Response:
        return super().list(request)


class BeneficiaryFilter(ScopedFilterSet):
    """Beneficiaries by place, project and kind."""

    region = PlaceFilter(label="区划代码，含其下级", levels=Level.values)
    project = django_filters.CharFilter(label="项目编号", max_length=24)
    kind = django_filters.ChoiceFilter(label="受益对象", choices=BeneficiaryKind.choices)

    def filter_queryset(self, queryset: QuerySet[Beneficiary]) -> QuerySet[Beneficiary]:
        terms = self.terms
        if terms["region"]:
            queryset = queryset.filter(below(terms["region"], "village_code"))
        if terms["project"]:
            queryset = queryset.filter(project__number=terms["project"])
        return queryset.filter(kind=terms["kind"]) if terms["kind"] else queryset


class BeneficiarySerializer(ChosenFieldsSerializer):
    """A village, household or person that a project helps, by number; the unregistered without one."""

    id = serializers.IntegerField(help_text="受益标识")
    project = serializers.CharField(source="project.number", help_text="项目编号")
    village_code = serializers.CharField(help_text="村代码")
    kind = serializers.CharField(help_text="受益对象代码")
    kind_label = serializers.CharField(source="get_kind_display", help_text="受益对象")
    household_no = serializers.CharField(
        source="household.household_no", default=None, allow_null=True, help_text="户编号"
    )
    person_no = serializers.CharField(
        source="person.person_no", default=None, allow_null=True, help_text="人编号"
    )
    benefit = serializers.CharField(help_text="受益方式代码")
    benefit_label = serializers.CharField(source="get_benefit_display", help_text="受益方式")
    on = serializers.DateField(help_text="受益日期")
    expected = yuan("预计增收", allow_null=True)
    income = yuan("实际增收", allow_null=True)

    columns = {"kind_label": ("kind",), "benefit_label": ("benefit",)}


class BeneficiaryView(FeedView):
    """Whom projects help."""

    resource = Resource.BENEFICIARIES
    queryset = Beneficiary.objects.none()
    serializer_class = BeneficiarySerializer
    filterset_class = BeneficiaryFilter
    keyset = Keyset(("village_code", "id"), (str, int))
    joined = ("project", "household", "person")

    def get_queryset(self) -> QuerySet[Beneficiary]:
        return Beneficiary.objects.visible_to(cast("Actor", self.request.user))

    @extend_schema(
        summary="项目受益对象", parameters=[FIELDS, CHANGES],
        responses={200: BeneficiarySerializer(many=True), **_REFUSALS},
    )  # fmt: skip
    def list(self, request: Request) -> Response:
        return super().list(request)
