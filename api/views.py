"""The REST pages: read-only, in the client's region, a page at a time."""

from collections.abc import Sequence
from datetime import date
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from api import serializers
from api.errors import NOT_FOUND, invalid
from api.filters import RegionFilter, SnapshotFilter
from api.lists import FIELDS, ListView
from api.pages import refuse_repeated, refuse_unknown
from api.pulls import SharedView
from core.scope import Actor, covers
from core.sharing import Resource
from exits.enums import TALLIES, Metric
from exits.models import Snapshot
from households.filters import HouseholdYearFilter, PersonYearFilter, PlaceField, YearField
from households.models import Household, HouseholdYear, PersonYear
from households.queries.keyset import HOUSEHOLDS, PERSONS, Keyset
from households.queries.rows import heads_of
from households.queries.sheet import OF_TODAY, lives_beyond
from inspections.queries.board import gates_of
from villages.enums import Level
from villages.models import Region

_REFUSALS = dict.fromkeys((400, 401, 403, 404, 429), serializers.ErrorSerializer)
_A_CODE = {"type": "string", "pattern": "^[0-9]{2,12}$"}
_A_YEAR = {"type": "integer", "minimum": 2010, "maximum": 2100}
_PARTITION = OpenApiParameter("partition", _A_YEAR, description="年度；缺省为最近一个年度")
_NUMBER = "[0-9A-Za-z]{1,20}"


class RegisterView(ListView):
    """Households or persons: the page's keys come from an index, the rows behind them after."""

    own_terms = frozenset({"fields", "partition"})
    rows_of: Any

    def get_queryset(self) -> QuerySet[Any]:
        return cast("QuerySet[Any]", self.rows_of.visible_to(self.request.user))

    def serializer_context(self) -> dict[str, Any]:
        return {"groups": cast("Any", self.request.user).field_groups}

    def keys(self, found: QuerySet[Any], blank: serializers.ChosenFieldsSerializer) -> Any:
        return found.values_list(*self.keyset.fields, "partition_id")

    def read(self, rows: Sequence[Any], blank: serializers.ChosenFieldsSerializer) -> list[Any]:
        if not rows:
            return []
        found = self.rows(rows, rows[0][-1], blank)
        return [found[row[-2]] for row in rows if row[-2] in found]

    def rows(
        self, keys: Sequence[Any], year: int, blank: serializers.ChosenFieldsSerializer
    ) -> dict[int, Any]:
        """The last part of each key → its row."""
        raise NotImplementedError

    def retrieve_one(self, found: QuerySet[Any]) -> Response:
        """The row of the year asked for, else of the latest year."""
        refuse_unknown(self.request, set(self.own_terms))
        refuse_repeated(self.request, set())
        blank = self.blank()
        if "partition" in self.request.query_params:
            found = found.filter(partition_id=_year(self.request))
        key = (
            found.order_by("-partition_id").values_list(*self.keyset.fields, "partition_id").first()
        )
        rows = self.read([key] if key else [], blank)
        if key is None or not rows:
            raise Http404
        # Households come second in the keys of both lists. For whoever asks who saw this household.
        self.household_no = Household.objects.values_list("household_no", flat=True).get(pk=key[1])
        return Response(blank.to_representation(rows[0]))


class HouseholdView(RegisterView):
    """Households with what is declared of them in one year."""

    resource = Resource.HOUSEHOLDS
    queryset = HouseholdYear.objects.none()
    rows_of = HouseholdYear.objects
    serializer_class = serializers.HouseholdSerializer
    filterset_class = HouseholdYearFilter
    keyset = HOUSEHOLDS
    lookup_field = "household_no"
    lookup_value_regex = _NUMBER

    @extend_schema(
        summary="贫困户列表",
        parameters=[FIELDS, _PARTITION],
        responses={200: serializers.HouseholdSerializer(many=True), **_REFUSALS},
    )
    def list(self, request: Request) -> Response:
        return super().list(request)

    @extend_schema(
        summary="一户",
        filters=False,
        parameters=[
            FIELDS,
            _PARTITION,
            OpenApiParameter("household_no", {"type": "string", "pattern": f"^{_NUMBER}$"}, "path"),
        ],
        responses={200: serializers.HouseholdSerializer, **_REFUSALS},
    )
    def retrieve(self, request: Request, household_no: str) -> Response:
        return self.retrieve_one(self.get_queryset().filter(household__household_no=household_no))

    def rows(
        self, keys: Sequence[Any], year: int, blank: serializers.ChosenFieldsSerializer
    ) -> dict[int, Any]:
        ids = [household for _, household, _ in keys]
        columns = blank.needed_columns() | {"household_id", "partition_id"}
        rows = HouseholdYear.objects.in_year(year).filter(household_id__in=ids)
        if any(name.startswith("household__") for name in columns):
            columns |= {"village_code", "household__village_code"}
            rows = rows.select_related("household")
        found = {row.household_id: row for row in rows.only(*columns)}
        if {f"household__{name}" for name in OF_TODAY} & columns:
            _leave_out_today(found, cast("Actor", self.request.user))
        if wanted := {"head_name", "head_id_no"} & set(blank.fields):
            _name_heads(found, year, wanted)
        return found


def _leave_out_today(rows: dict[int, HouseholdYear], client: Actor) -> None:
    """Where a household went is not told to whom it left."""
    for row in rows.values():
        if lives_beyond(row, client):
            for name in OF_TODAY:
                setattr(row.household, name, "")


def _name_heads(rows: dict[int, HouseholdYear], year: int, wanted: set[str]) -> None:
    """The head as a member, where there is one, else as the household declares it."""
    heads = heads_of(list(rows), year)
    for pk, row in rows.items():
        head = heads.get(pk)
        if "head_name" in wanted:
            row.shown_head_name = head.person.name if head else row.head_name  # type: ignore[attr-defined]
        if "head_id_no" in wanted:
            row.shown_head_id_no = head.person.id_no if head else row.head_id_no  # type: ignore[attr-defined]


class PersonView(RegisterView):
    """Persons with what is declared of them in one year."""

    resource = Resource.PERSONS
    queryset = PersonYear.objects.none()
    rows_of = PersonYear.objects
    serializer_class = serializers.PersonSerializer
    filterset_class = PersonYearFilter
    keyset = PERSONS
    lookup_field = "person_no"
    lookup_value_regex = _NUMBER

    @extend_schema(
        summary="贫困人口列表",
        parameters=[FIELDS, _PARTITION],
        responses={200: serializers.PersonSerializer(many=True), **_REFUSALS},
    )
    def list(self, request: Request) -> Response:
        return super().list(request)

    @extend_schema(
        summary="一人",
        filters=False,
        parameters=[
            FIELDS,
            _PARTITION,
            OpenApiParameter("person_no", {"type": "string", "pattern": f"^{_NUMBER}$"}, "path"),
        ],
        responses={200: serializers.PersonSerializer, **_REFUSALS},
    )
    def retrieve(self, request: Request, person_no: str) -> Response:
        return self.retrieve_one(self.get_queryset().filter(person__person_no=person_no))

    def rows(
        self, keys: Sequence[Any], year: int, blank: serializers.ChosenFieldsSerializer
    ) -> dict[int, Any]:
        ids = [pk for _, _, pk, _ in keys]
        columns = blank.needed_columns() | {"partition_id"}
        joined = {name.split("__")[0] for name in columns if "__" in name}
        rows = PersonYear.objects.filter(pk__in=ids)
        if joined:
            rows = rows.select_related(*joined)
        return {row.pk: row for row in rows.only(*columns)}


class RegionView(ListView):
    """Divisions with the time they were valid, and those that the client's region lies in."""

    resource = Resource.REGIONS
    queryset = Region.objects.none()
    serializer_class = serializers.RegionSerializer
    filterset_class = RegionFilter
    keyset = Keyset(("code", "id"), (str, int))

    def get_queryset(self) -> QuerySet[Region]:
        return Region.objects.visible_to(self.request.user)

    @extend_schema(
        summary="行政区划",
        parameters=[FIELDS],
        responses={200: serializers.RegionSerializer(many=True), **_REFUSALS},
    )
    def list(self, request: Request) -> Response:
        return super().list(request)


class SnapshotView(ListView):
    """Computed figures with their receipts."""

    resource = Resource.SNAPSHOTS
    queryset = Snapshot.objects.none()
    serializer_class = serializers.SnapshotSerializer
    filterset_class = SnapshotFilter
    keyset = Keyset(("partition", "region_code", "metric", "category"), (int, str, str, str))

    def get_queryset(self) -> QuerySet[Snapshot]:
        return Snapshot.objects.visible_to(cast("Actor", self.request.user))

    def serializer_context(self) -> dict[str, Any]:
        return {"names": serializers.metric_names()}

    @extend_schema(
        summary="指标值及凭据",
        parameters=[FIELDS],
        responses={200: serializers.SnapshotSerializer(many=True), **_REFUSALS},
    )
    def list(self, request: Request) -> Response:
        return super().list(request)


class MetricsView(SharedView):
    """All figures of one region and year."""

    resource = Resource.METRICS

    def known_terms(self) -> set[str]:
        return {"region", "partition"}

    @extend_schema(
        summary="一个区划一个年度的全部指标",
        parameters=[
            OpenApiParameter("region", _A_CODE, required=True, description="区划代码"),
            OpenApiParameter("partition", _A_YEAR, required=True, description="年度"),
        ],
        responses={200: serializers.MetricsSerializer, **_REFUSALS},
    )
    def get(self, request: Request) -> Response:
        refuse_unknown(request, {"region", "partition"})
        refuse_repeated(request, set())
        region, year = _region(request), _year(request)
        code = region.ljust(12, "0")
        known = Region.objects.valid_on(date(year, 12, 31)).filter(code=code).exists()
        if not known or not covers(cast("Actor", request.user), code):
            raise NotFound(NOT_FOUND)
        rows = Snapshot.objects.visible_to(cast("Actor", request.user)).filter(
            region_code=code, partition=year
        )
        shown = [row for row in rows if row.metric not in TALLIES]
        shown.sort(key=lambda row: list(Metric).index(Metric(row.metric)))
        body = {"region": request.query_params["region"], "partition": year, "results": shown}
        told = {
            "names": serializers.metric_names(),
            "gates": gates_of([code], year, cast("Actor", request.user))[code],
        }
        return Response(serializers.MetricsSerializer(body, context=told).data)


def _region(request: Request) -> str:
    text = request.query_params.get("region", "")
    if not text:
        raise invalid({"region": ["必须提供区划代码。"]})
    try:
        return PlaceField(levels=Level.values).clean(text)
    except ValidationError as error:
        raise invalid({"region": error.messages}) from error


def _year(request: Request) -> int:
    """The year asked for: malformed is a 400, a year that the register does not know a 404."""
    text = request.query_params.get("partition", "")
    if not (text.isascii() and text.isdecimal() and len(text) == 4):
        raise invalid({"partition": ["应为四位年度，如 2018。"]})
    try:
        return cast("int", YearField().clean(text))
    except ValidationError as error:
        raise NotFound(error.messages[0]) from error
