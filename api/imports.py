"""Workbooks from other systems: hand one in, see what became of it, have it written or given up."""

import re
from datetime import date
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied, Throttled
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from api import import_rows, serializers
from api.errors import CodedError, invalid
from api.filters import BatchFilter, ProblemFilter
from api.lists import FIELDS, ListView
from api.pages import refuse_repeated, refuse_unknown
from core import limits
from core.scope import Actor, covers, trim
from core.sharing import Resource
from core.workbooks.guard import RefusedError
from households.filters import PlaceField
from households.queries.keyset import Keyset
from imports import services
from imports.models import Batch, Problem
from imports.services import pushing, superseding
from imports.services.receiving import (
    ClosedPartitionError,
    ForeignCorrectionError,
    WrongStateError,
)
from villages.enums import Level
from villages.models import Region

LOAD = "imports.load_workbook"
_KEY = re.compile(r"[!-~]{1,100}")
_NO_WRITING = "该客户端只能读取，没有写入授权。"
_NOT_OWN = "只能处理本客户端推送的批次。"
_NOT_NOW = "批次状态已变化，现在不能这样做。"
_ID = OpenApiParameter(
    "id", {"type": "integer", "minimum": 1, "maximum": 10**18 - 1}, "path", description="批次号"
)
_IDEMPOTENCY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "pattern": "^[!-~]{1,100}$"},
    "header",
    description="同一个键、同样的内容再次推送，返回第一次的批次；内容不同则拒绝（422）",
)
_READ = dict.fromkeys((400, 401, 403, 404, 429), serializers.ErrorSerializer)
_WRITE = {
    **dict.fromkeys((400, 401, 403, 404, 415, 429), serializers.ErrorSerializer),
    **dict.fromkeys((409, 422), import_rows.RefusalSerializer),
}
_DECIDE = {**_WRITE}
_DECIDE.pop(422)


class ImportView(ListView):
    """Batches of the client's region; what is handed in becomes one."""

    resource = Resource.IMPORTS
    queryset = Batch.objects.none()
    serializer_class = import_rows.BatchSerializer
    filterset_class = BatchFilter
    keyset = Keyset(("id",), (int,))
    lookup_value_regex = "[0-9]{1,18}"
    lookup_field = "pk"
    lookup_url_kwarg = "id"
    parser_classes = (JSONParser, MultiPartParser)

    def get_queryset(self) -> QuerySet[Batch]:
        return superseding.with_mended(Batch.objects.visible_to(cast("Actor", self.request.user)))

    def serializer_context(self) -> dict[str, Any]:
        return {"client": cast("Any", self.request.user).pk}

    @extend_schema(
        summary="导入批次列表",
        parameters=[FIELDS],
        responses={200: import_rows.BatchSerializer(many=True), **_READ},
    )
    def list(self, request: Request) -> Response:
        return super().list(request)

    @extend_schema(
        summary="一个导入批次",
        filters=False,
        parameters=[FIELDS, _ID],
        responses={200: import_rows.BatchSerializer, **_READ},
    )
    def retrieve(self, request: Request, id: str) -> Response:
        refuse_unknown(request, set(self.own_terms))
        refuse_repeated(request, set())
        blank = self.blank()
        found = self.keys(self.get_queryset().filter(pk=int(id)), blank).first()
        if found is None:
            raise Http404
        return Response(blank.to_representation(found))

    @extend_schema(
        summary="推送一个工作簿",
        description="读入、核对在后台进行：按 Location 查询状态。核对完成（STAGED）后调用 apply 写入。",
        parameters=[_IDEMPOTENCY],
        request={"multipart/form-data": import_rows.PushSerializer},
        responses={202: import_rows.BatchSerializer, **_WRITE},
    )
    def create(self, request: Request) -> Response:
        refuse_unknown(request, set())
        client = self._writer(request)
        self._refuse_flood(request)
        key = request.headers.get("Idempotency-Key", "")
        if "Idempotency-Key" in request.headers and not _KEY.fullmatch(key):
            raise invalid({"Idempotency-Key": ["应为 1 至 100 个可见的 ASCII 字符。"]})
        asked = import_rows.PushSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        batch = self._push(request, client, asked.validated_data, key)
        address = reverse("api:import-detail", args=[batch.pk])
        return self._told(batch, {"Location": request.build_absolute_uri(address)})

    def _push(self, request: Request, client: Any, data: dict[str, Any], key: str) -> Batch:
        region = _region(data["region"], data["partition"], client)
        corrects = None
        if "corrects" in data:
            own = self.get_queryset().filter(push__client=client.pk)
            corrects = own.filter(pk=data["corrects"]).first()
            if corrects is None:
                raise invalid({"corrects": ["没有这个批次，或不是本客户端推送的。"]})
        try:
            batch, _ = pushing.push(
                file=data["file"],
                file_name=data["file"].name,
                partition=data["partition"],
                region_prefix=region,
                key=key,
                corrects=corrects,
                request=request._request,
                by=client,
            )
        except RefusedError as refusal:
            raise CodedError(422, refusal.code, str(refusal)) from refusal
        except ClosedPartitionError as closed:
            raise _closed(data["partition"]) from closed
        except ForeignCorrectionError as foreign:
            words = "年度和区划须与所更正的批次相同。"
            raise invalid({"corrects": [words]}) from foreign
        except pushing.KeyReusedError as reused:
            words = "这个 Idempotency-Key 已用于另一个文件或另一组参数。"
            raise CodedError(422, "key_reused", words) from reused
        return batch

    @extend_schema(
        summary="一个批次的问题",
        filters=True,
        parameters=[FIELDS, _ID],
        responses={200: import_rows.ProblemSerializer(many=True), **_READ},
    )
    @action(
        detail=True,
        methods=["get"],
        serializer_class=import_rows.ProblemSerializer,
        filterset_class=ProblemFilter,
        keyset=Keyset(("row_no", "id"), (int, int)),
        queryset=Problem.objects.none(),
    )
    def problems(self, request: Request, id: str) -> Response:
        found = self.get_queryset().filter(pk=int(id)).first()
        if found is None:
            raise Http404
        blank = self.blank()
        rows = self.filter_queryset(found.problems.all())
        blank.instance = self.paginate_queryset(self.keys(rows, blank)) or []
        told = [blank.to_representation(row) for row in blank.instance]
        return self.get_paginated_response(told)

    @extend_schema(
        summary="写入核对过的批次",
        description="改变接收方式时先重新核对（仍为 STAGED），再次调用才写入。",
        filters=False,
        parameters=[_ID],
        request={"application/json": import_rows.AcceptanceSerializer},
        responses={202: import_rows.BatchSerializer, **_DECIDE},
    )
    @action(detail=True, methods=["post"])
    def apply(self, request: Request, id: str) -> Response:
        batch = self._own(request, id)
        asked = import_rows.AcceptanceSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        acceptance = asked.validated_data.get("acceptance", batch.acceptance)
        try:
            if acceptance != batch.acceptance:
                services.request_acceptance(batch=batch, acceptance=acceptance, by=request.user)
                pushing.note(batch, "accepted", request=request._request, by=request.user)
            else:
                services.request_apply(batch=batch, by=request.user)
                pushing.note(batch, "applied", request=request._request, by=request.user)
        except WrongStateError as error:
            raise CodedError(409, "wrong_state", str(error) or _NOT_NOW) from error
        except ClosedPartitionError as closed:
            raise _closed(batch.partition) from closed
        return self._told(batch)

    @extend_schema(
        summary="放弃一个批次",
        filters=False,
        parameters=[_ID],
        request=None,
        responses={200: import_rows.BatchSerializer, **_DECIDE},
    )
    @action(detail=True, methods=["post"])
    def discard(self, request: Request, id: str) -> Response:
        batch = self._own(request, id)
        try:
            services.discard(batch=batch, by=request.user)
        except WrongStateError as error:
            raise CodedError(409, "wrong_state", str(error) or _NOT_NOW) from error
        pushing.note(batch, "discarded", request=request._request, by=request.user)
        return self._told(batch, status=200)

    def _told(
        self, batch: Batch, headers: dict[str, str] | None = None, status: int = 202
    ) -> Response:
        blank = import_rows.BatchSerializer(context=self.serializer_context())
        fresh = Batch.objects.select_related("job", "push", "corrects").get(pk=batch.pk)
        return Response(blank.to_representation(fresh), status=status, headers=headers)

    def _own(self, request: Request, id: str) -> Batch:
        """A batch that the client handed in itself; raises Http404, PermissionDenied."""
        refuse_unknown(request, set())
        found = self.get_queryset().select_related("push").filter(pk=int(id)).first()
        if found is None:
            raise Http404
        client = self._writer(request)
        if not covers(client, found.region_prefix, LOAD):
            raise Http404
        push = getattr(found, "push", None)
        if push is None or push.client_id != client.pk:
            raise PermissionDenied(_NOT_OWN)
        return found

    def _writer(self, request: Request) -> Any:
        client = cast("Any", request.user)
        if not client.has_perm(LOAD):
            raise PermissionDenied(_NO_WRITING)
        return client

    def _refuse_flood(self, request: Request) -> None:
        """A client hands in no more files than a person may upload."""
        seconds = limits.used_up(
            request._request, "upload", key=lambda _group, _request: f"client:{request.user.pk}"
        )
        if seconds is not None:
            raise Throttled(wait=seconds)


def _closed(year: int) -> CodedError:
    return CodedError(409, "closed_year", f"{year} 年度已关闭，不能导入。")


def _region(text: str, year: int, client: Any) -> str:
    """The prefix of a division that the client may write to; raises Http404 for any other."""
    try:
        code = PlaceField(levels=Level.values).clean(text)
    except ValidationError as error:
        raise invalid({"region": error.messages}) from error
    prefix = trim(code)
    known = Region.objects.valid_on(date(year, 12, 31)).filter(code=prefix.ljust(12, "0"))
    if not covers(client, prefix, LOAD) or not known.exists():
        raise Http404
    return prefix
