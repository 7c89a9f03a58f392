"""Money for other systems: documents, allocations, payments, small loans; no names, no accounts of persons."""

from decimal import Decimal
from typing import Any, cast

import django_filters
from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Sum
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.changes import CHANGES, FeedView
from api.lists import FIELDS
from api.projects import yuan
from api.serializers import ChosenFieldsSerializer, ErrorSerializer
from core.scope import Actor, below
from core.sharing import Resource
from funds.enums import (
    AccountKind,
    LoanFlag,
    PayeeKind,
    SourceLevel,
    VoucherKind,
    VoucherState,
)
from funds.models import Account, Entry, Loan, Payment, Source
from households.filters import PlaceFilter, ScopedFilterSet, YearFilter
from households.queries.keyset import Keyset
from villages.enums import Level

_REFUSALS = dict.fromkeys((400, 401, 403, 404, 429), ErrorSerializer)


def _place() -> PlaceFilter:
    return PlaceFilter(label="区划代码，含其下级", levels=Level.values)


# --- documents ----------------------------------------------------------------------------------


class SourceFilter(ScopedFilterSet):
    """Documents by place of the booking office, budget year, level and kind."""

    region = _place()
    year = YearFilter(label="预算年度")
    level = django_filters.ChoiceFilter(label="资金级次", choices=SourceLevel.choices)
    kind = django_filters.CharFilter(label="资金类别代码", max_length=4)

    def filter_queryset(self, queryset: QuerySet[Source]) -> QuerySet[Source]:
        terms = self.terms
        if terms["region"]:
            queryset = queryset.filter(below(terms["region"], "region_code"))
        for name in ("year", "level", "kind"):
            if terms[name]:
                queryset = queryset.filter(**{name: terms[name]})
        return queryset


class SourceSerializer(ChosenFieldsSerializer):
    """A document and where its money stands, as far as the client's accounts tell."""

    id = serializers.IntegerField(help_text="来源标识")
    doc_no = serializers.CharField(help_text="发文编号")
    title = serializers.CharField(help_text="文件名称")
    level = serializers.CharField(help_text="资金级次代码")
    level_label = serializers.CharField(source="get_level_display", help_text="资金级次")
    kind = serializers.CharField(help_text="资金类别代码")
    batch = serializers.IntegerField(help_text="批次")
    year = serializers.IntegerField(help_text="预算年度")
    issued_on = serializers.DateField(help_text="发文日期")
    issuer = serializers.CharField(help_text="发文单位")
    region = serializers.CharField(source="region_code", help_text="登记区划代码")
    amount = yuan("文件载明金额")
    # The feed tells of documents: what moves their money is told by allocations and payments.
    announced = yuan("下达（含调整）；上级登记的为空；变更流不因资金变动而更新", allow_null=True)
    arrived = yuan("到位；上级登记的为空", allow_null=True)
    paid = yuan("已支付")

    columns = {"level_label": ("level",), **dict.fromkeys(("announced", "arrived", "paid"), ())}


class SourceView(FeedView):
    """Documents that announce money."""

    resource = Resource.FUND_SOURCES
    queryset = Source.objects.none()
    serializer_class = SourceSerializer
    filterset_class = SourceFilter
    keyset = Keyset(("id",), (int,))

    def get_queryset(self) -> QuerySet[Source]:
        actor = cast("Actor", self.request.user)
        own = Account.objects.visible_to(actor).filter(source=OuterRef("pk")).order_by()

        def of(kind: str, what: Any) -> Subquery:
            told = own.filter(kind=kind).values("source").annotate(told=what).values("told")
            return Subquery(told)

        return Source.objects.visible_to(actor).annotate(
            announced=of(AccountKind.OUTSIDE, Sum(-F("least"))),
            arrived=of(AccountKind.OUTSIDE, Sum(-F("balance"))),
            paid=of(AccountKind.PAID, Sum("balance")),
        )

    def read(self, rows: Any, blank: ChosenFieldsSerializer) -> Any:
        for row in rows:
            row.paid = row.paid if row.paid is not None else Decimal("0.00")
        return rows

    @extend_schema(
        summary="资金来源文件", parameters=[FIELDS, CHANGES],
        responses={200: SourceSerializer(many=True), **_REFUSALS},
    )  # fmt: skip
    def list(self, request: Request) -> Response:
        return super().list(request)


# --- allocations --------------------------------------------------------------------------------


class _MovedFilter(ScopedFilterSet):
    """What was moved by place, year, document and project."""

    region = _place()
    year = YearFilter(label="业务年度")
    source = django_filters.CharFilter(label="发文编号", max_length=60)
    project = django_filters.CharFilter(label="项目编号", max_length=24)

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        terms = self.terms
        if terms["region"]:
            queryset = queryset.filter(below(terms["region"], "region_code"))
        for name, lookup in (
            ("year", "voucher__year"), ("source", "account__source__doc_no"),
            ("project", "account__project__number"),
        ):  # fmt: skip
            if terms[name]:
                queryset = queryset.filter(**{lookup: terms[name]})
        return queryset


class _MovedSerializer(ChosenFieldsSerializer):
    """What a posted voucher moved; what was taken back follows as a row of its own, negative."""

    id = serializers.IntegerField(help_text="标识")
    voucher = serializers.IntegerField(source="voucher.number", help_text="凭证号")
    year = serializers.IntegerField(source="voucher.year", help_text="业务年度")
    on = serializers.DateField(source="voucher.on", help_text="业务日期")
    document = serializers.CharField(source="voucher.document", help_text="依据文件")
    source = serializers.CharField(source="account.source.doc_no", help_text="来源文件发文编号")  # type: ignore[assignment]
    project = serializers.CharField(
        source="account.project.number", default=None, allow_null=True, help_text="项目编号"
    )
    unit = serializers.CharField(source="account.unit", help_text="单位")
    amount = yuan("金额；冲正和退回为负")


class AllocationSerializer(_MovedSerializer):
    """Money handed to a division, or allotted to a unit or project."""

    region = serializers.CharField(source="region_code", help_text="收到资金的区划代码")
    account = serializers.CharField(source="account.kind", help_text="POOL 下拨，ALLOTMENT 分配")


class AllocationView(FeedView):
    """Posted allocations."""

    resource = Resource.ALLOCATIONS
    queryset = Entry.objects.none()
    serializer_class = AllocationSerializer
    filterset_class = _MovedFilter
    keyset = Keyset(("id",), (int,))
    changed = "voucher__changed"
    joined = ("voucher", "account", "account__source", "account__project")

    def get_queryset(self) -> QuerySet[Entry]:
        allocated = Q(voucher__kind=VoucherKind.ALLOCATE, amount__gt=0)
        back = Q(voucher__reverses__kind=VoucherKind.ALLOCATE, amount__lt=0)
        seen = Entry.objects.visible_to(cast("Actor", self.request.user))
        return seen.filter(allocated | back, voucher__state=VoucherState.POSTED)

    @extend_schema(
        summary="资金分配", parameters=[FIELDS, CHANGES],
        responses={200: AllocationSerializer(many=True), **_REFUSALS},
    )  # fmt: skip
    def list(self, request: Request) -> Response:
        return super().list(request)


# --- payments -----------------------------------------------------------------------------------


class PaymentSerializer(_MovedSerializer):
    """A posted payment: contractors by name, households by number."""

    region = serializers.CharField(source="region_code", help_text="农户所在村或单位所在区划代码")
    payee_kind = serializers.CharField(help_text="收款方代码")
    payee = serializers.SerializerMethodField(help_text="收款单位；农户为空")
    household_no = serializers.CharField(
        source="household.household_no", default=None, allow_null=True, help_text="户编号"
    )
    subsidy = serializers.CharField(help_text="补助项目")
    reverses = serializers.IntegerField(
        source="reverses_id", allow_null=True, help_text="退回的支付标识"
    )

    columns = {"payee": ("payee", "payee_kind")}

    def get_payee(self, row: Payment) -> str | None:
        return row.payee if row.payee_kind == PayeeKind.CONTRACTOR else None


class PaymentView(FeedView):
    """Posted payments."""

    resource = Resource.PAYMENTS
    queryset = Payment.objects.none()
    serializer_class = PaymentSerializer
    filterset_class = _MovedFilter
    keyset = Keyset(("id",), (int,))
    changed = "voucher__changed"
    joined = ("voucher", "account", "account__source", "account__project", "household")

    def get_queryset(self) -> QuerySet[Payment]:
        seen = Payment.objects.visible_to(cast("Actor", self.request.user))
        return seen.filter(voucher__state=VoucherState.POSTED)

    @extend_schema(
        summary="资金支付", parameters=[FIELDS, CHANGES],
        responses={200: PaymentSerializer(many=True), **_REFUSALS},
    )  # fmt: skip
    def list(self, request: Request) -> Response:
        return super().list(request)


# --- small loans --------------------------------------------------------------------------------


class LoanFilter(ScopedFilterSet):
    """Loans by place, year lent and flag."""

    region = _place()
    year = YearFilter(label="放款年度")
    flag = django_filters.ChoiceFilter(label="疑点（放款当日）", choices=LoanFlag.choices[:6])

    def filter_queryset(self, queryset: QuerySet[Loan]) -> QuerySet[Loan]:
        terms = self.terms
        if terms["region"]:
            queryset = queryset.filter(below(terms["region"], "village_code"))
        if terms["year"]:
            queryset = queryset.filter(lent_on__year=terms["year"])
        return queryset.filter(flags__contains=[terms["flag"]]) if terms["flag"] else queryset


class LoanSerializer(ChosenFieldsSerializer):
    """A small loan to a household, by number."""

    id = serializers.IntegerField(help_text="贷款标识")
    household_no = serializers.CharField(source="household.household_no", help_text="户编号")
    village_code = serializers.CharField(help_text="村代码")
    bank = serializers.CharField(help_text="放款银行")
    contract_no = serializers.CharField(help_text="合同号")
    amount = yuan("贷款金额")
    addon = yuan("其中追加部分")
    lent_on = serializers.DateField(help_text="放款日期")
    due_on = serializers.DateField(source="due_now", help_text="现到期日期")
    rate = serializers.DecimalField(max_digits=6, decimal_places=4, help_text="年利率（％）")
    subsidy_rate = serializers.DecimalField(
        max_digits=6, decimal_places=4, allow_null=True, help_text="贴息率（％）"
    )
    is_productive = serializers.BooleanField(allow_null=True, help_text="是否用于生产经营")
    user_kind = serializers.CharField(help_text="用款主体代码；空为未查明")
    repaid = yuan("已还本金")
    subsidised = yuan("已贴息")
    flags = serializers.ListField(child=serializers.CharField(), help_text="放款当日的疑点代码")


class LoanView(FeedView):
    """Small loans."""

    resource = Resource.LOANS
    queryset = Loan.objects.none()
    serializer_class = LoanSerializer
    filterset_class = LoanFilter
    keyset = Keyset(("village_code", "id"), (str, int))
    joined = ("household",)

    def get_queryset(self) -> QuerySet[Loan]:
        return Loan.objects.visible_to(cast("Actor", self.request.user))

    @extend_schema(
        summary="小额信贷", parameters=[FIELDS, CHANGES],
        responses={200: LoanSerializer(many=True), **_REFUSALS},
    )  # fmt: skip
    def list(self, request: Request) -> Response:
        return super().list(request)
