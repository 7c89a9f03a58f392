"""Inspections, the problems they found, their mending and letters, for other systems; no names of persons."""

from typing import Any, cast

import django_filters
from django.db.models import Prefetch, QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.changes import CHANGES, FeedView
from api.lists import FIELDS, ListView
from api.serializers import ChosenFieldsSerializer, ErrorSerializer
from core.scope import Actor, below
from core.sharing import Resource
from households.filters import PlaceFilter, ScopedFilterSet, WholeFilter
from households.queries.keyset import Keyset
from inspections.enums import letters as letter_words
from inspections.enums.findings import Level, ObjectKind, Severity, Source, State
from inspections.models import Campaign, Finding, FindingStep, Letter, LetterItem
from inspections.queries.findings import listing
from villages.enums import Level as PlaceLevel

_REFUSALS = dict.fromkeys((400, 401, 403, 404, 429), ErrorSerializer)
_BIGGEST = 2**53


def _place() -> PlaceFilter:
    return PlaceFilter(label="区划代码，含其下级", levels=PlaceLevel.values)


def _word(label: str, words: Any) -> django_filters.ChoiceFilter:
    return django_filters.ChoiceFilter(label=label, choices=words.choices)


def _day(label: str) -> django_filters.DateFilter:
    return django_filters.DateFilter(label=label)


class _PlacedFilter(ScopedFilterSet):
    """Rows by place and by words that are columns of theirs."""

    columns: dict[str, str] = {}

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        terms = self.terms
        if terms["region"]:
            queryset = queryset.filter(below(terms["region"], "region_code"))
        for name, column in self.columns.items():
            if terms[name]:
                queryset = queryset.filter(**{column: terms[name]})
        return queryset


# --- campaigns ---------------------------------------------------------------------------------


class CampaignFilter(_PlacedFilter):
    """Inspections by place, source, level and the day of their feedback."""

    region = _place()
    source = _word("来源", Source)
    level = _word("层级", Level)
    told_from = _day("反馈日期起")
    told_to = _day("反馈日期止")

    columns = {
        "source": "source", "level": "level", "told_from": "told_on__gte",
        "told_to": "told_on__lte",
    }  # fmt: skip


class CampaignSerializer(ChosenFieldsSerializer):
    """One inspection: who looked at which place, by which document, how many problems it tells of."""

    id = serializers.IntegerField(help_text="检查标识")
    name = serializers.CharField(help_text="检查名称")
    source = serializers.CharField(help_text="来源代码")  # type: ignore[assignment]
    source_label = serializers.CharField(source="get_source_display", help_text="来源")
    level = serializers.CharField(help_text="层级代码")
    level_label = serializers.CharField(source="get_level_display", help_text="层级")
    region = serializers.CharField(source="region_code", help_text="被检查区划代码")
    team = serializers.CharField(help_text="检查组")
    began_on = serializers.DateField(help_text="开始日期")
    ended_on = serializers.DateField(allow_null=True, help_text="结束日期")
    told_on = serializers.DateField(help_text="反馈日期")
    document = serializers.CharField(help_text="反馈文号")
    expected = serializers.IntegerField(allow_null=True, help_text="反馈文件所述问题数")

    columns = {"source_label": ("source",), "level_label": ("level",)}


class CampaignView(FeedView):
    """Inspections."""

    resource = Resource.CAMPAIGNS
    queryset = Campaign.objects.none()
    serializer_class = CampaignSerializer
    filterset_class = CampaignFilter
    keyset = Keyset(("region_code", "id"), (str, int))

    def get_queryset(self) -> QuerySet[Campaign]:
        return Campaign.objects.visible_to(cast("Actor", self.request.user))

    @extend_schema(
        summary="检查", parameters=[FIELDS, CHANGES],
        responses={200: CampaignSerializer(many=True), **_REFUSALS},
    )  # fmt: skip
    def list(self, request: Request) -> Response:
        return super().list(request)


# --- findings ----------------------------------------------------------------------------------


class FindingFilter(_PlacedFilter):
    """Problems by place, inspection, the words of the ledger, and their days."""

    region = _place()
    campaign = WholeFilter(label="检查标识", min_value=1, max_value=_BIGGEST)
    source = _word("来源", Source)
    level = _word("层级", Level)
    severity = _word("严重程度", Severity)
    state = _word("状态", State)
    object_kind = _word("问题对象", ObjectKind)
    due_from = _day("整改期限起")
    due_to = _day("整改期限止")
    overdue = django_filters.ChoiceFilter(label="只取逾期未整改的", choices=[("1", "是")])

    columns = {
        "campaign": "campaign", "source": "source", "level": "level", "severity": "severity",
        "state": "state", "object_kind": "object_kind", "due_from": "due_on__gte",
        "due_to": "due_on__lte",
    }  # fmt: skip

    def filter_queryset(self, queryset: QuerySet[Finding]) -> QuerySet[Finding]:
        found = super().filter_queryset(queryset)
        if self.terms["overdue"]:
            found = found.filter(listing.standing(listing.OVERDUE, timezone.localdate()))
        return found


class FindingSerializer(ChosenFieldsSerializer):
    """A problem: what is wrong, whose office mends it until when, how far it has come.

    Neither cadres nor persons by name; households and projects by their number.
    """

    id = serializers.IntegerField(help_text="问题标识")
    number = serializers.CharField(help_text="问题编号")
    campaign = serializers.IntegerField(source="campaign_id", allow_null=True, help_text="检查标识")
    source = serializers.CharField(help_text="来源代码")  # type: ignore[assignment]
    source_label = serializers.CharField(source="get_source_display", help_text="来源")
    level = serializers.CharField(help_text="层级代码")
    told_as = serializers.CharField(help_text="反馈序号")
    category = serializers.CharField(
        source="category_id", allow_null=True, help_text="问题类别代码"
    )
    severity = serializers.CharField(help_text="严重程度代码")
    fact = serializers.CharField(help_text="问题事实")
    basis = serializers.CharField(help_text="违反的规定")
    object_kind = serializers.CharField(help_text="问题对象代码")
    region = serializers.CharField(source="region_code", help_text="所在区划代码")
    household_no = serializers.CharField(
        source="household.household_no", default=None, allow_null=True, help_text="户编号"
    )
    project = serializers.CharField(
        source="project.number", default=None, allow_null=True, help_text="项目编号"
    )
    found_on = serializers.DateField(help_text="发现日期")
    state = serializers.CharField(help_text="状态代码")
    state_label = serializers.CharField(source="get_state_display", help_text="状态")
    state_on = serializers.DateField(help_text="进入该状态的日期")
    lead_unit = serializers.CharField(help_text="责任单位")
    due_on = serializers.DateField(allow_null=True, help_text="整改期限")
    closed_on = serializers.DateField(allow_null=True, help_text="销号日期")
    letters = serializers.IntegerField(
        source="rung", help_text="已发文书：0 无，1 提示，2 督办，3 问责建议"
    )
    relapses = serializers.IntegerField(help_text="反弹次数")
    merged_into = serializers.IntegerField(
        source="merged_into_id", allow_null=True, help_text="并入的问题标识"
    )
    came_from = serializers.IntegerField(
        source="parent_id", allow_null=True, help_text="拆分或举一反三所自的问题标识"
    )

    columns = {"source_label": ("source",), "state_label": ("state",)}


class FindingView(FeedView):
    """Problems that inspections found."""

    resource = Resource.FINDINGS
    queryset = Finding.objects.none()
    serializer_class = FindingSerializer
    filterset_class = FindingFilter
    keyset = Keyset(("number", "id"), (str, int))
    joined = ("household", "project")

    def get_queryset(self) -> QuerySet[Finding]:
        return Finding.objects.visible_to(cast("Actor", self.request.user))

    @extend_schema(
        summary="问题", parameters=[FIELDS, CHANGES],
        responses={200: FindingSerializer(many=True), **_REFUSALS},
    )  # fmt: skip
    def list(self, request: Request) -> Response:
        return super().list(request)


# --- rectifications ----------------------------------------------------------------------------


class RectificationFilter(_PlacedFilter):
    """Steps by place, problem, state and day."""

    region = _place()
    finding = WholeFilter(label="问题标识", min_value=1, max_value=_BIGGEST)
    state = _word("到达状态", State)
    on_from = _day("日期起")
    on_to = _day("日期止")

    columns = {
        "finding": "finding", "state": "state", "on_from": "on__gte", "on_to": "on__lte",
    }  # fmt: skip


class RectificationSerializer(ChosenFieldsSerializer):
    """One step of a problem's mending; what was written in words stays in the product."""

    id = serializers.IntegerField(help_text="步骤标识")
    finding = serializers.IntegerField(source="finding_id", help_text="问题标识")
    number = serializers.CharField(source="finding.number", help_text="问题编号")
    region = serializers.CharField(source="region_code", help_text="所在区划代码")
    position = serializers.IntegerField(help_text="第几步，自 0 起")
    state = serializers.CharField(help_text="到达状态代码")
    state_label = serializers.CharField(source="get_state_display", help_text="到达状态")
    on = serializers.DateField(help_text="日期")
    lead_unit = serializers.CharField(help_text="责任单位（交办时）")
    due_on = serializers.DateField(allow_null=True, help_text="整改期限（交办时）")
    due_source = serializers.CharField(help_text="期限依据（交办时）")

    columns = {"state_label": ("state",)}


class RectificationView(ListView):
    """Steps of mending, in the order of problems and steps."""

    resource = Resource.RECTIFICATIONS
    queryset = FindingStep.objects.none()
    serializer_class = RectificationSerializer
    filterset_class = RectificationFilter
    keyset = Keyset(("finding_id", "position"), (int, int))

    def get_queryset(self) -> QuerySet[FindingStep]:
        return FindingStep.objects.visible_to(cast("Actor", self.request.user))

    @extend_schema(
        summary="整改步骤", parameters=[FIELDS],
        responses={200: RectificationSerializer(many=True), **_REFUSALS},
    )  # fmt: skip
    def list(self, request: Request) -> Response:
        return super().list(request)


# --- letters -----------------------------------------------------------------------------------


class LetterFilter(_PlacedFilter):
    """Letters by county, kind, state and year."""

    region = _place()
    kind = _word("文书", letter_words.Kind)
    state = _word("状态", letter_words.State)
    year = WholeFilter(label="年度", min_value=1, max_value=9999)

    columns = {"kind": "kind", "state": "state", "year": "year"}


class LetterSerializer(ChosenFieldsSerializer):
    """One letter about problems that were not mended in time; drafts have no number."""

    id = serializers.IntegerField(help_text="文书标识")
    kind = serializers.CharField(help_text="文书代码")
    kind_label = serializers.CharField(source="get_kind_display", help_text="文书")
    region = serializers.CharField(source="region_code", help_text="县区代码")
    unit = serializers.CharField(help_text="责任单位")
    state = serializers.CharField(help_text="状态代码")
    state_label = serializers.CharField(source="get_state_display", help_text="状态")
    year = serializers.IntegerField(allow_null=True, help_text="编号年度")
    number = serializers.IntegerField(allow_null=True, help_text="编号")
    prepared_on = serializers.DateField(help_text="拟稿日期")
    issued_on = serializers.DateField(allow_null=True, help_text="签发日期")
    reply_due_on = serializers.DateField(allow_null=True, help_text="答复期限")
    received_on = serializers.DateField(allow_null=True, help_text="签收日期")
    replied_on = serializers.DateField(allow_null=True, help_text="答复日期")
    findings = serializers.SerializerMethodField(help_text="所列问题的标识")

    columns = {"kind_label": ("kind",), "state_label": ("state",), "findings": ()}

    def get_findings(self, row: Letter) -> list[int]:
        return [item.finding_id for item in row.items.all()]


class LetterView(FeedView):
    """The three letters."""

    resource = Resource.LETTERS
    queryset = Letter.objects.none()
    serializer_class = LetterSerializer
    filterset_class = LetterFilter
    keyset = Keyset(("region_code", "id"), (str, int))

    def get_queryset(self) -> QuerySet[Letter]:
        return Letter.objects.visible_to(cast("Actor", self.request.user))

    def keys(self, found: QuerySet[Any], blank: ChosenFieldsSerializer) -> Any:
        rows = super().keys(found, blank)
        if "findings" not in blank.fields:
            return rows
        own = LetterItem.objects.visible_to(cast("Actor", self.request.user)).order_by("finding")
        return rows.prefetch_related(Prefetch("items", queryset=own))

    @extend_schema(
        summary="整改文书", parameters=[FIELDS, CHANGES],
        responses={200: LetterSerializer(many=True), **_REFUSALS},
    )  # fmt: skip
    def list(self, request: Request) -> Response:
        return super().list(request)
