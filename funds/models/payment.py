from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.fields import Secret
from core.scope import ScopedQuerySet
from funds.enums import PayeeKind
from funds.models.common import AccountIndex, region_code, yuan
from funds.models.ledger import Account, Voucher
from households.models import Household, Person

# A year and its part: 2018年第一季度.
PERIOD = 25


class PaymentQuerySet(ScopedQuerySet["Payment"]):
    scope_field = "region_code"
    household_field = "household"


class Payment(models.Model):
    """To whom a voucher pays out of an allotment, in yuan. Append-only.

    `region_code` is the village of the household, which it follows, and of a contractor the division
    of the allotment. `account_index` finds one bank account under several names without opening any.

    It is paid when its voucher is posted. A payment that came back from the bank is put right by a
    negative one in a counter-entry (`reverses`). The payments out of an account and the voucher's
    leg there are the same amount when the transaction ends (`PaymentTotal`).
    """

    # Both keys are held by `PaymentTotal`, which the payments' own trigger writes for each voucher
    # and account among them: a hundred thousand rows need not look them up one by one.
    voucher = models.ForeignKey(
        Voucher, models.PROTECT, related_name="payments", db_constraint=False, db_index=False,
        verbose_name="凭证",
    )  # fmt: skip
    account = models.ForeignKey(
        Account, models.PROTECT, related_name="payments", db_constraint=False, db_index=False,
        verbose_name="账户",
    )  # fmt: skip
    region_code = region_code()
    payee_kind = models.CharField("收款方", max_length=10, choices=PayeeKind.choices)
    payee = models.CharField("收款人", max_length=100)
    household = models.ForeignKey(
        Household, models.PROTECT, null=True, related_name="payments", db_constraint=False,
        verbose_name="农户",
    )  # fmt: skip
    # Nobody asks for a person's payments without the household's.
    person = models.ForeignKey(
        Person, models.PROTECT, null=True, related_name="payments", db_constraint=False,
        db_index=False, verbose_name="人员",
    )  # fmt: skip
    subsidy = models.CharField("补助项目", max_length=60, blank=True)
    # Of a household's subsidy: once a period (`PaymentClaim`), where a period is told.
    period = models.CharField("补助期间", max_length=PERIOD, blank=True, db_default="")
    bank_account = Secret("收款账号", max_length=40, sensitive=True)
    account_index = AccountIndex("收款账号索引", source="bank_account")
    amount = yuan("金额（元）")
    reverses = models.ForeignKey(
        "self", models.PROTECT, null=True, db_index=False, related_name="reversed_by",
        verbose_name="退回的支付",
    )  # fmt: skip
    created_at = models.DateTimeField("记录时间", db_default=Now())

    objects = PaymentQuerySet.as_manager()

    class Meta:
        verbose_name = "支付"
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0, reverses__isnull=True)
                | Q(amount__lt=0, reverses__isnull=False),
                name="payment_back_says_which",
            ),
            models.CheckConstraint(
                condition=Q(payee_kind=PayeeKind.CONTRACTOR, household=None, person=None)
                | Q(payee_kind=PayeeKind.HOUSEHOLD, household__isnull=False) & ~Q(subsidy=""),
                name="payment_to_whom",
            ),
            models.CheckConstraint(condition=~Q(payee=""), name="payment_names_its_payee"),
            models.CheckConstraint(
                condition=Q(reverses__isnull=True) | ~Q(reverses=F("id")),
                name="payment_reverses_another",
            ),
        ]
        indexes = [
            models.Index(fields=["region_code"], name="payment_scope"),
            models.Index(fields=["account_index"], name="payment_account"),
            # Vouchers are few beside payments: an account's are found by skipping from one to the next.
            models.Index(fields=["voucher", "account"], name="payment_voucher"),
            models.Index(
                fields=["reverses"], condition=Q(reverses__isnull=False), name="payment_reverses"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.voucher_id} {self.amount}"


class PaymentTotal(models.Model):
    """What the payments of a voucher out of an account add up to; a trigger keeps it."""

    voucher = models.ForeignKey(Voucher, models.PROTECT, related_name="totals", verbose_name="凭证")
    account = models.ForeignKey(Account, models.PROTECT, related_name="+", verbose_name="账户")
    region_code = region_code()
    amount = yuan("金额（元）")
    payments = models.PositiveIntegerField("笔数")

    class Meta:
        verbose_name = "支付合计"
        constraints = [
            models.UniqueConstraint(fields=["voucher", "account"], name="payment_total_once")
        ]

    def __str__(self) -> str:
        return f"{self.voucher_id} {self.amount}"
