from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.history import tracked, tracked_without
from core.scope import ScopedQuerySet
from funds.enums import LoanEventKind, LoanUser
from funds.models.common import person as clerk
from funds.models.common import yuan
from households.models import Household, Person


class LoanQuerySet(ScopedQuerySet["Loan"]):
    household_field = "household_id"


@tracked_without("changed")
class Loan(models.Model):
    """A small loan (扶贫小额信贷) to a household: by whom, how much, until when, for what.

    Amounts in yuan, rates in per cent a year. `addon` is the part of the amount beyond the cap of
    the scheme, which gets no subsidy. Who uses the money is told apart from who borrows it.
    `repaid`, `subsidised`, `due_now` (the last day after extensions) and `flags` (`LoanFlag`, what
    is wrong with it on the day it was lent) are kept by triggers.
    """

    village_code = models.CharField("村代码", max_length=12)
    household = models.ForeignKey(
        Household, models.PROTECT, related_name="loans", db_constraint=False, verbose_name="贷款户"
    )
    person = models.ForeignKey(
        Person, models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False,
        verbose_name="借款人",
    )  # fmt: skip
    borrower = models.CharField("借款人姓名", max_length=60)
    bank = models.CharField("放款银行", max_length=100)
    contract_no = models.CharField("合同号", max_length=60)
    amount = yuan("贷款金额（元）")
    addon = yuan("其中追加部分（元）", db_default=0, default=0)
    lent_on = models.DateField("放款日期")
    due_on = models.DateField("到期日期")
    rate = models.DecimalField("年利率（％）", max_digits=6, decimal_places=4)
    subsidy_rate = models.DecimalField("贴息率（％）", max_digits=6, decimal_places=4, null=True)
    use = models.CharField("贷款用途", max_length=200)
    is_productive = models.BooleanField("用于生产经营", null=True)
    user_kind = models.CharField("用款主体", max_length=12, choices=LoanUser.choices, blank=True)
    user_name = models.CharField("用款单位或个人", max_length=100, blank=True)
    repaid = yuan("已还本金（元）", db_default=0)
    subsidised = yuan("已贴息（元）", db_default=0)
    due_now = models.DateField("现到期日期", null=True)
    flags = ArrayField(models.CharField(max_length=16), verbose_name="疑点", db_default=[])
    created_by = clerk("登记人")
    created_at = models.DateTimeField("登记时间", db_default=Now())

    # The transaction that touched the row last; a trigger writes it, feeds of changes read it.
    changed = models.BigIntegerField("变更序号", db_default=0, editable=False)

    objects = LoanQuerySet.as_manager()

    class Meta:
        verbose_name = "小额信贷"
        constraints = [
            models.UniqueConstraint(fields=["bank", "contract_no"], name="loan_once"),
            models.UniqueConstraint(fields=["id", "village_code"], name="loan_id_village"),
            models.CheckConstraint(
                condition=Q(amount__gt=0, addon__gte=0, addon__lt=F("amount")),
                name="loan_lends_something",
            ),
            models.CheckConstraint(
                condition=Q(repaid__gte=0, repaid__lte=F("amount")),
                name="loan_never_repaid_beyond",
            ),
            models.CheckConstraint(condition=Q(subsidised__gte=0), name="loan_subsidy"),
            models.CheckConstraint(condition=Q(due_on__gt=F("lent_on")), name="loan_ends_later"),
            models.CheckConstraint(condition=Q(rate__gte=0), name="loan_rate"),
            models.CheckConstraint(
                condition=~Q(bank="") & ~Q(contract_no="") & ~Q(borrower="") & ~Q(use=""),
                name="loan_says_it",
            ),
            # Whoever uses the money in the borrower's stead has a name.
            models.CheckConstraint(
                condition=Q(user_kind__in=("", LoanUser.BORROWER)) | ~Q(user_name=""),
                name="loan_user_has_a_name",
            ),
        ]
        indexes = [
            models.Index(fields=["changed", "id"], name="loan_changed"),
            models.Index(fields=["village_code", "lent_on"], name="loan_scope"),
            models.Index(fields=["due_now"], condition=Q(repaid__lt=F("amount")), name="loan_due"),
            GinIndex(fields=["flags"], name="loan_flags"),
        ]

    def __str__(self) -> str:
        return f"{self.bank} {self.contract_no}"


class LoanEventQuerySet(ScopedQuerySet["LoanEvent"]):
    scope_field = "village_code"


class LoanEvent(models.Model):
    """What happened to a loan: principal repaid, term extended, interest subsidised, loss compensated.

    Append-only; a mistake is put right by its opposite (`reverses`), once. `amount` in yuan, zero for
    an extension, whose new end is `until`.
    """

    loan = models.ForeignKey(
        Loan, models.PROTECT, related_name="events", db_constraint=False, verbose_name="贷款"
    )
    village_code = models.CharField("村代码", max_length=12)
    kind = models.CharField("事项", max_length=10, choices=LoanEventKind.choices)
    on = models.DateField("日期", db_column="taken_on")
    amount = yuan("金额（元）", default=0)
    until = models.DateField("展期至", null=True)
    reason = models.CharField("说明", max_length=300)
    reverses = models.OneToOneField(
        "self", models.PROTECT, null=True, related_name="reversed_by", verbose_name="更正的事项"
    )
    created_by = clerk("登记人")
    created_at = models.DateTimeField("登记时间", db_default=Now())

    objects = LoanEventQuerySet.as_manager()

    class Meta:
        verbose_name = "贷款事项"
        constraints = [
            models.CheckConstraint(
                condition=Q(kind=LoanEventKind.EXTEND, amount=0)
                & (Q(until__isnull=False) | Q(reverses__isnull=False))
                | ~Q(kind=LoanEventKind.EXTEND) & Q(until=None)
                & (Q(amount__gt=0, reverses=None) | Q(amount__lt=0, reverses__isnull=False)),
                name="loan_event_amount",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="loan_event_says_why"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.loan_id} {self.kind}"


class LoanRuleQuerySet(ScopedQuerySet["LoanRule"]):
    scope_field = "region_prefix"


@tracked
class LoanRule(models.Model):
    """How much (yuan) and how long (months) the scheme lends a household; the longest prefix counts.

    A cap without a source is empty, and what is empty flags nothing.
    """

    region_prefix = models.CharField("区划前缀", max_length=12)
    valid_from = models.DateField("生效日期")
    valid_to = models.DateField("失效日期", null=True)
    amount_cap = yuan("单户额度上限（元）", null=True)
    months_cap = models.PositiveSmallIntegerField("期限上限（月）", null=True)
    source = models.CharField("依据", max_length=300)

    objects = LoanRuleQuerySet.as_manager()

    class Meta:
        verbose_name = "小额信贷政策"
        constraints = [
            models.UniqueConstraint(fields=["region_prefix", "valid_from"], name="loan_rule_once"),
            models.CheckConstraint(condition=~Q(source=""), name="loan_rule_has_a_source"),
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gt=F("valid_from")), name="loan_rule_ends"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.region_prefix} {self.valid_from}"
