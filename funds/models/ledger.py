from decimal import Decimal
from typing import Self

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now

from core.scope import Actor, ScopedQuerySet, trim, within
from funds.enums import AccountKind, VoucherKind, VoucherState
from funds.models.common import person, region_code, yuan
from funds.models.source import Source
from projects.models import Project
from villages.models import YEAR_RANGE, Region


class AccountQuerySet(ScopedQuerySet["Account"]):
    scope_field = "region_code"


class Account(models.Model):
    """Where money of one source stands: awaited, arrived, allotted to somebody, or paid.

    `balance` is the sum of its posted entries in yuan; triggers keep it, nobody else may write it,
    and `reconcile_funds` proves it. No account falls below `least`: zero, but for the money that a
    source still has to send, which may go down to what its documents announce.
    """

    source = models.ForeignKey(
        Source, models.PROTECT, related_name="accounts", verbose_name="来源文件"
    )
    kind = models.CharField("账户", max_length=10, choices=AccountKind.choices)
    region = models.ForeignKey(
        Region, models.PROTECT, db_constraint=False, related_name="+", verbose_name="区划"
    )
    region_code = region_code()
    unit = models.CharField("单位", max_length=100, blank=True)
    project = models.ForeignKey(
        Project, models.PROTECT, null=True, related_name="accounts", verbose_name="项目"
    )
    year = models.PositiveSmallIntegerField("年度")
    balance = yuan("余额（元）", db_default=0)
    least = yuan("最低余额（元）", db_default=0)

    objects = AccountQuerySet.as_manager()

    class Meta:
        verbose_name = "资金账户"
        constraints = [
            models.UniqueConstraint(
                fields=["source", "kind", "region", "unit", "project", "year"],
                nulls_distinct=False,
                name="account_once",
            ),
            models.CheckConstraint(
                condition=Q(balance__gte=F("least")), name="account_never_overdrawn"
            ),
            models.CheckConstraint(
                condition=Q(kind=AccountKind.OUTSIDE, balance__lte=0) | Q(least=0),
                name="account_least_is_zero",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=(AccountKind.OUTSIDE, AccountKind.POOL))
                & Q(unit="", project__isnull=True)
                | Q(kind__in=(AccountKind.ALLOTMENT, AccountKind.PAID))
                & (~Q(unit="") | Q(project__isnull=False)),
                name="account_of_whom",
            ),
            models.CheckConstraint(condition=YEAR_RANGE, name="account_year"),
            models.UniqueConstraint(fields=["id", "region_code"], name="account_id_region"),
        ]
        indexes = [models.Index(fields=["region_code", "year", "kind"], name="account_scope")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"

    @property
    def available(self) -> Decimal:
        """What can still be taken out, yuan: of what is awaited, what is still to come."""
        return self.balance - self.least


_BACK = (VoucherKind.RETURN, VoucherKind.REVERSE)


class VoucherQuerySet(ScopedQuerySet["Voucher"]):
    """Of the office that booked it, and of everybody into or out of whose accounts it moves money."""

    scope_field = "region_code"

    def visible_to(self, actor: Actor) -> Self:
        legs = Entry.objects.visible_to(actor).filter(voucher=OuterRef("pk"))
        return self.filter(within(actor.region_prefixes, "region_code") | Exists(legs))


class Voucher(models.Model):
    """One movement of money, asked for by one person and posted or refused by another.

    What it moves are its entries; they count from the moment it is posted. `amount` (yuan, the sum of
    what goes in) and `legs` are stated when it is asked for, so that nobody can add a leg to it
    later. It gets its number when it is posted, without gaps in a division and year. Nothing of it
    changes afterwards: a mistake is put right by a counter-entry (`reverses`), once. `key` makes a
    repeated request the same voucher.
    """

    region_code = region_code()
    year = models.PositiveSmallIntegerField("年度")
    number = models.PositiveIntegerField("凭证号", null=True)
    kind = models.CharField("类型", max_length=10, choices=VoucherKind.choices)
    on = models.DateField("业务日期", db_column="taken_on")
    reason = models.CharField("摘要", max_length=300)
    document = models.CharField("依据文件", max_length=200)
    key = models.CharField("业务流水号", max_length=64)
    amount = yuan("金额（元）")
    legs = models.PositiveIntegerField("分录数")
    state = models.CharField(
        "状态", max_length=8, choices=VoucherState.choices, default=VoucherState.PENDING
    )
    reverses = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="reversed_by", verbose_name="冲正的凭证"
    )
    created_by = person("经办人")
    created_at = models.DateTimeField("提交时间", db_default=Now())
    decided_by = person("复核人", null=True)
    decided_at = models.DateTimeField("复核时间", null=True)
    decided_why = models.CharField("复核意见", max_length=300, blank=True)

    # The transaction that touched the row last; a trigger writes it, feeds of changes read it.
    changed = models.BigIntegerField("变更序号", db_default=0, editable=False)

    objects = VoucherQuerySet.as_manager()

    class Meta:
        verbose_name = "资金凭证"
        constraints = [
            models.UniqueConstraint(fields=["region_code", "key"], name="voucher_key_once"),
            models.UniqueConstraint(
                fields=["region_code", "year", "number"], name="voucher_number_once"
            ),
            # A counter-entry that was refused leaves room for another.
            models.UniqueConstraint(
                fields=["reverses"],
                condition=~Q(state=VoucherState.REFUSED) & Q(kind=VoucherKind.REVERSE),
                name="voucher_reversed_once",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=_BACK, reverses__isnull=False)
                | ~Q(kind__in=_BACK) & Q(reverses__isnull=True),
                name="voucher_back_says_which",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=VoucherKind.values, amount__gt=0, legs__gte=2),
                name="voucher_moves_something",
            ),
            models.CheckConstraint(
                condition=Q(state=VoucherState.PENDING, decided_by=None, decided_at=None)
                & Q(number=None)
                | Q(state=VoucherState.POSTED, number__isnull=False, decided_at__isnull=False)
                & Q(decided_by__isnull=False)
                | Q(state=VoucherState.REFUSED, number=None, decided_at__isnull=False)
                & Q(decided_by__isnull=False) & ~Q(decided_why=""),
                name="voucher_decided_when_and_by_whom",
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("created_by")),
                name="voucher_takes_two_persons",
            ),
            models.CheckConstraint(
                condition=~Q(reason="") & ~Q(document="") & ~Q(key=""), name="voucher_says_why"
            ),
            models.CheckConstraint(
                condition=Q(on__year=F("year")) & YEAR_RANGE, name="voucher_in_its_year"
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["changed", "id"], name="voucher_changed"),
            models.Index(fields=["region_code", "year", "state", "on"], name="voucher_scope"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"

    @property
    def full_number(self) -> str:
        """Division, year and number, which together are unique; empty before it is posted."""
        return f"{trim(self.region_code)}-{self.year}-{self.number:04}" if self.number else ""


class VoucherCounter(models.Model):
    """The last number given in a division and year; the trigger that posts takes the next one."""

    region_code = region_code()
    year = models.PositiveSmallIntegerField("年度")
    last = models.PositiveIntegerField("已用凭证号", db_default=0)

    class Meta:
        verbose_name = "凭证号"
        constraints = [
            models.UniqueConstraint(fields=["region_code", "year"], name="voucher_counter_once")
        ]

    def __str__(self) -> str:
        return f"{self.region_code} {self.year} {self.last}"


class EntryQuerySet(ScopedQuerySet["Entry"]):
    scope_field = "region_code"


class Entry(models.Model):
    """One leg of a voucher: what goes into (positive) or out of (negative) an account. Append-only.

    The legs of a voucher add up to zero when its transaction ends, or it never was.
    """

    voucher = models.ForeignKey(
        Voucher, models.PROTECT, related_name="entries", verbose_name="凭证"
    )
    account = models.ForeignKey(
        Account, models.PROTECT, related_name="entries", verbose_name="账户"
    )
    region_code = region_code()
    amount = yuan("金额（元）")

    objects = EntryQuerySet.as_manager()

    class Meta:
        verbose_name = "分录"
        constraints = [
            models.UniqueConstraint(fields=["voucher", "account"], name="entry_once"),
            models.CheckConstraint(condition=~Q(amount=0), name="entry_moves_something"),
        ]
        indexes = [models.Index(fields=["region_code"], name="entry_scope")]

    def __str__(self) -> str:
        return f"{self.voucher_id} {self.amount}"


class ClosedYearQuerySet(ScopedQuerySet["ClosedYear"]):
    scope_field = "region_code"


class ClosedYear(models.Model):
    """The books of a division's year are closed: nothing dated in it can be posted any more."""

    region_code = region_code()
    year = models.PositiveSmallIntegerField("年度")
    created_by = person("关账人")
    created_at = models.DateTimeField("关账时间", db_default=Now())

    objects = ClosedYearQuerySet.as_manager()

    class Meta:
        verbose_name = "关账"
        constraints = [
            models.UniqueConstraint(fields=["region_code", "year"], name="closed_year_once")
        ]

    def __str__(self) -> str:
        return f"{self.region_code} {self.year}"
