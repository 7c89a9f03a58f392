"""Payments to households by workbook: what was handed in, its rows, and what was found in them."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.fields import Secret
from core.jobs.models import Job
from core.scope import ScopedQuerySet
from funds.enums import BatchState
from funds.models.common import AccountIndex, person, region_code, yuan
from funds.models.ledger import Account, Voucher
from funds.models.payment import PERIOD, Payment
from households.models import Household, Person
from villages.models import YEAR_RANGE, Region

_DONE = (BatchState.CHECKED, BatchState.PAYING, BatchState.SUBMITTED)


class PaymentBatchQuerySet(ScopedQuerySet["PaymentBatch"]):
    scope_field = "region_code"


class PaymentBatch(models.Model):
    """One workbook of payments out of one allotment (资金一卡通发放批次), for one period.

    Its rows are checked against the register and earlier payments; somebody looks at what was found
    and confirms; the good rows become the payments of one voucher, which a second person posts.
    `key` makes a form sent twice the same batch. `cap` (yuan a household in this batch) is told
    together with the document it comes from, or not at all. Amounts are yuan.
    """

    region_code = region_code()
    account = models.ForeignKey(
        Account, models.PROTECT, related_name="batches", db_index=False, verbose_name="资金账户"
    )
    on = models.DateField("发放日期", db_column="taken_on")
    document = models.CharField("依据文件", max_length=200)
    year = models.PositiveSmallIntegerField("补助年度")
    part = models.CharField("补助期次", max_length=20, blank=True)
    cap = yuan("每户上限（元）", null=True)
    cap_source = models.CharField("上限依据", max_length=200, blank=True)
    key = models.CharField("业务流水号", max_length=64)
    file_name = models.CharField("文件名", max_length=200)
    file_format = models.CharField("文件格式", max_length=4)
    sha256 = models.CharField("文件摘要", max_length=64)
    state = models.CharField(
        "状态", max_length=9, choices=BatchState.choices, default=BatchState.UPLOADED
    )
    refusal = models.CharField("未受理原因", max_length=500, blank=True)
    rows_read = models.PositiveIntegerField("读取行数", default=0)
    rows_good = models.PositiveIntegerField("可发放行数", default=0)
    amount = yuan("可发放金额（元）", default=0)
    # Fault → number of rows that have it; a row may have several.
    faults = models.JSONField("问题统计", default=dict)
    # What the register, the payments and the rosters were when the rows were judged.
    judged_at_version = models.CharField("核对版本", max_length=100, blank=True)
    seconds = models.JSONField("用时（秒）", default=dict)
    voucher = models.OneToOneField(
        Voucher, models.PROTECT, null=True, related_name="batch", verbose_name="凭证"
    )
    job = models.ForeignKey(
        Job, models.SET_NULL, null=True, db_index=False, db_constraint=False, related_name="+",
        verbose_name="任务",
    )  # fmt: skip
    created_by = person("经办人")
    created_at = models.DateTimeField("上传时间", db_default=Now())

    objects = PaymentBatchQuerySet.as_manager()

    class Meta:
        verbose_name = "发放批次"
        constraints = [
            models.UniqueConstraint(fields=["region_code", "key"], name="payment_batch_key_once"),
            models.CheckConstraint(
                condition=Q(cap__isnull=True, cap_source="") | Q(cap__gt=0) & ~Q(cap_source=""),
                name="payment_batch_cap_has_source",
            ),
            models.CheckConstraint(
                condition=Q(state=BatchState.SUBMITTED, voucher__isnull=False)
                | ~Q(state=BatchState.SUBMITTED) & Q(voucher__isnull=True),
                name="payment_batch_submitted_by_voucher",
            ),
            models.CheckConstraint(
                condition=Q(state=BatchState.REFUSED) & ~Q(refusal="")
                | ~Q(state=BatchState.REFUSED) & Q(refusal=""),
                name="payment_batch_refused_why",
            ),
            models.CheckConstraint(
                condition=YEAR_RANGE
                & Q(state__in=BatchState.values, rows_good__lte=models.F("rows_read")),
                name="payment_batch_words",
            ),
            models.CheckConstraint(
                condition=~Q(document="") & ~Q(key=""), name="payment_batch_says_why"
            ),
        ]
        indexes = [models.Index(fields=["region_code", "-id"], name="payment_batch_scope")]

    def __str__(self) -> str:
        return f"批次 {self.pk}"

    @property
    def period(self) -> str:
        """The period as payments carry it: 2018年 or 2018年第一季度."""
        return f"{self.year}年{self.part}"

    @property
    def rows_bad(self) -> int:
        return self.rows_read - self.rows_good

    @property
    def is_checked(self) -> bool:
        return self.state in _DONE


class PaymentBatchRow(models.Model):
    """One row of such a workbook: what it says, whom the register knows by it, what is wrong.

    The account is sealed as the payment's will be, under the same name, so that it is copied and
    never opened; of the ID number only its keyed index is kept. Written once, anew each time the rows
    are judged; good rows go when their payments are there, bad ones stay to be handed back.
    """

    batch = models.ForeignKey(
        PaymentBatch, models.PROTECT, db_index=False, db_constraint=False, related_name="rows",
        verbose_name="批次",
    )  # fmt: skip
    row_no = models.PositiveIntegerField("行号")
    household_no = models.CharField("户编号", max_length=40)
    # Of what stood in the cell, which nobody keeps.
    id_index = models.BinaryField("证件号码索引", null=True)
    name = models.CharField("姓名", max_length=200)
    subsidy = models.CharField("补助项目", max_length=200)
    amount = models.DecimalField("金额（元）", max_digits=20, decimal_places=6, null=True)
    bank_account = Secret("收款账号", max_length=40, sensitive=True)
    account_index = AccountIndex("收款账号索引", source="bank_account")
    remark = models.CharField("备注", max_length=500)
    household = models.ForeignKey(
        Household, models.PROTECT, null=True, db_index=False, db_constraint=False,
        related_name="+", verbose_name="农户",
    )  # fmt: skip
    person = models.ForeignKey(
        Person, models.PROTECT, null=True, db_index=False, db_constraint=False, related_name="+",
        verbose_name="人员",
    )  # fmt: skip
    village_code = models.CharField("村代码", max_length=12, blank=True)
    # Codes of `RowFault`; none: it can be paid.
    faults = ArrayField(models.CharField(max_length=15), default=list)

    class Meta:
        verbose_name = "发放批次明细"
        indexes = [models.Index(fields=["batch"], name="payment_batch_row")]

    def __str__(self) -> str:
        return f"{self.batch_id} {self.row_no}"


class PaymentClaim(models.Model):
    """A household has had this subsidy for this period: once, whoever pays at the same moment.

    Triggers keep it: a payment asked for lays its claim, a voucher that is refused and a payment
    that came back give it up.
    """

    payment = models.OneToOneField(
        Payment, models.PROTECT, primary_key=True, db_constraint=False, related_name="+",
        verbose_name="支付",
    )  # fmt: skip
    household = models.ForeignKey(
        Household, models.PROTECT, db_index=False, db_constraint=False, related_name="+",
        verbose_name="农户",
    )  # fmt: skip
    subsidy = models.CharField("补助项目", max_length=60)
    period = models.CharField("补助期间", max_length=PERIOD)

    class Meta:
        verbose_name = "补助占用"
        constraints = [
            models.UniqueConstraint(
                fields=["household", "subsidy", "period"], name="subsidy_once_a_period"
            )
        ]

    def __str__(self) -> str:
        return f"{self.payment_id}"


class PayrollPersonQuerySet(ScopedQuerySet["PayrollPerson"]):
    scope_field = "region_code"


class PayrollPerson(models.Model):
    """Somebody on the public payroll (财政供养人员), as the finance office's roster names them.

    Known by the keyed index of the ID number alone: neither number nor name is kept. `source` is the
    roster's document. A roster loaded again replaces its office's former one. `key_print` tells the
    index key; under another one nobody would be found, and the roster has to be loaded again.
    """

    region = models.ForeignKey(
        Region, models.PROTECT, db_constraint=False, db_index=False, related_name="+",
        verbose_name="区划",
    )  # fmt: skip
    region_code = region_code()
    id_index = models.BinaryField("证件号码索引")
    key_print = models.CharField("密钥标识", max_length=32)
    source = models.CharField("名册依据", max_length=200)
    created_by = person("导入人")
    created_at = models.DateTimeField("导入时间", db_default=Now())

    objects = PayrollPersonQuerySet.as_manager()

    class Meta:
        verbose_name = "财政供养人员"
        constraints = [
            models.UniqueConstraint(fields=["region_code", "id_index"], name="payroll_person_once"),
            models.CheckConstraint(condition=~Q(source=""), name="payroll_person_has_source"),
        ]
        indexes = [models.Index(fields=["id_index"], name="payroll_person_index")]

    def __str__(self) -> str:
        return f"{self.region_code} {self.pk}"
