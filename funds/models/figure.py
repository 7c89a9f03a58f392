from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.scope import ScopedQuerySet
from funds.models.common import person, region_code, yuan
from funds.models.ledger import Account
from funds.models.source import Source
from villages.models import Region


class MonthFlowQuerySet(ScopedQuerySet["MonthFlow"]):
    scope_field = "region_code"


class MonthFlow(models.Model):
    """What posted vouchers of one month did to an account. Triggers keep it, nobody else writes it.

    `net` (yuan) is the sum of the entries dated in the month, so that the sum up to a month is the
    balance at its end. `came` is what flowed in and stayed: counter-entries take it back from the
    month it came in, and what is carried over did not come anew; ages are told by it. `holder`
    is the oldest account of the same money of the same holder, whatever the year: it stays when
    money is carried over. Region, source, its budget year and the kind of account are repeated
    here, because figures add up tens of thousands of rows.
    """

    account = models.ForeignKey(
        Account, models.PROTECT, db_index=False, related_name="months", verbose_name="账户"
    )
    region_code = region_code()
    holder = models.ForeignKey(
        Account, models.PROTECT, db_index=False, related_name="+", verbose_name="最早的账户"
    )
    source = models.ForeignKey(
        Source, models.PROTECT, db_index=False, related_name="+", verbose_name="来源文件"
    )
    year = models.PositiveSmallIntegerField("预算年度")
    kind = models.CharField("账户类型", max_length=10)
    month = models.DateField("月份")
    net = yuan("当月净额（元）")
    came = yuan("当月流入（元）")

    objects = MonthFlowQuerySet.as_manager()

    class Meta:
        verbose_name = "月度发生额"
        constraints = [
            models.UniqueConstraint(fields=["account", "month"], name="month_flow_once"),
            models.CheckConstraint(condition=Q(month__day=1), name="month_flow_of_a_month"),
        ]
        indexes = [models.Index(fields=["year", "region_code", "month"], name="month_flow_scope")]

    def __str__(self) -> str:
        return f"{self.account_id} {self.month:%Y-%m}"


class MonthTotalQuerySet(ScopedQuerySet["MonthTotal"]):
    scope_field = "region_code"


class MonthTotal(models.Model):
    """The same by division and kind of money, whoever holds it: what a board adds up. Kept likewise.

    Whoever posts for a division holds the counter of its vouchers of the year, hence of these rows.
    """

    region = models.ForeignKey(
        Region, models.PROTECT, db_constraint=False, db_index=False, related_name="+",
        verbose_name="区划",
    )  # fmt: skip
    region_code = region_code()
    year = models.PositiveSmallIntegerField("预算年度")
    level = models.CharField("资金级次", max_length=8)
    source_kind = models.CharField("资金类别", max_length=4)
    batch = models.PositiveSmallIntegerField("批次")
    kind = models.CharField("账户类型", max_length=10)
    month = models.DateField("月份")
    net = models.DecimalField("当月净额（元）", max_digits=18, decimal_places=2)

    objects = MonthTotalQuerySet.as_manager()

    class Meta:
        verbose_name = "月度合计"
        constraints = [
            models.UniqueConstraint(
                fields=["region", "year", "level", "source_kind", "batch", "kind", "month"],
                name="month_total_once",
            ),
            models.CheckConstraint(condition=Q(month__day=1), name="month_total_of_a_month"),
        ]
        indexes = [models.Index(fields=["year", "region_code"], name="month_total_scope")]

    def __str__(self) -> str:
        return f"{self.region_code} {self.month:%Y-%m}"


class MonthFigureQuerySet(ScopedQuerySet["MonthFigure"]):
    scope_field = "region_code"


class MonthFigure(models.Model):
    """How the money of a budget year stood in a place at the end of a month, as told then.

    Append-only: what is booked later for the month changes nothing here; a new `edition` does, with
    its reason and who made it (nobody: the first one, by the calendar). Amounts are fen. `category`
    tells tallies apart: "" everything, else a level or a kind of source (`level:CITY`, `kind:21`).
    The receipt: the database's transaction horizon, the number of entries behind it and the
    exclusive-or of the hashes of their ids, as for `exits.Snapshot`.
    """

    region_code = region_code()
    year = models.PositiveSmallIntegerField("预算年度")
    month = models.DateField("月份")
    edition = models.PositiveSmallIntegerField("第几版")
    category = models.CharField("分类", max_length=20, blank=True)
    announced = models.BigIntegerField("下达（分）")
    received = models.BigIntegerField("下达文件到位（分）")
    arrived = models.BigIntegerField("到位（分）")
    allotted = models.BigIntegerField("分配（分）")
    paid = models.BigIntegerField("支出（分）")
    entries = models.BigIntegerField("分录数")
    digest = models.BigIntegerField("分录摘要")
    data_version = models.BigIntegerField("数据版本")
    reason = models.CharField("事由", max_length=300)
    created_by = person("编制人", null=True)
    created_at = models.DateTimeField("编制时间", db_default=Now())

    objects = MonthFigureQuerySet.as_manager()

    class Meta:
        verbose_name = "月末数"
        constraints = [
            models.UniqueConstraint(
                fields=["region_code", "year", "month", "edition", "category"],
                name="month_figure_once",
            ),
            models.CheckConstraint(
                condition=Q(month__day=1, edition__gte=1) & ~Q(reason=""),
                name="month_figure_of_a_month",
            ),
            models.CheckConstraint(
                condition=Q(edition=1) | Q(created_by__isnull=False),
                name="month_figure_revised_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.region_code} {self.month:%Y-%m} {self.edition}"
