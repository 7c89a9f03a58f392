"""Who looked at what, the seals over it, and what struck the rules as unusual.

`AccessEntry` and `Seal` are made by SQL (core.ledger.ddl), not by Django: the one is partitioned by
month, both are append-only and written through functions of the owner alone.
"""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.ledger.enums import Act, AlertState, Outcome


def act_label(act: str) -> str:
    """The act in words; an act that later versions no longer know, as it was written."""
    return str(Act(act).label) if act in Act.values else act


class AccessEntry(models.Model):
    """One act of one person or machine, as it ended.

    People are kept as number and printed name of the moment: no foreign key, because the entry must
    outlive the account and must not change with it. No personal number anywhere.
    """

    id = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField("时间")
    actor = models.BigIntegerField("用户", null=True)
    client = models.BigIntegerField("接口客户端", null=True)
    actor_name = models.TextField("操作人")
    act = models.TextField("行为")
    outcome = models.TextField("结果", choices=Outcome.choices)
    # The name of the view, never the address: addresses carry household numbers and search terms.
    route = models.TextField("功能")
    method = models.TextField("方法")
    subject_kind = models.TextField("对象类别")
    subject = models.TextField("对象")
    region = models.TextField("区划")
    rows = models.BigIntegerField("行数", null=True)
    purpose = models.TextField("用途")
    detail: Any = models.JSONField("细节")
    address = models.GenericIPAddressField("客户端地址", null=True)
    agent = models.TextField("浏览器")
    request = models.TextField("请求号")
    # The start of a digest of the session key: tells sessions apart, opens none.
    session = models.TextField("会话标记")
    # The database takes it from the details.
    person_no = models.TextField("人编号")

    class Meta:
        managed = False
        db_table = "core_accessentry"
        verbose_name = "访问台账"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor_name} {self.act_label}"

    @property
    def act_label(self) -> str:
        return act_label(self.act)


class Seal(models.Model):
    """A link of the one chain over all sealed tables: what rows up to `last_id` looked like.

    `root` is the SHA-256 over the link's other facts and the former root, `mac` its HMAC with a key
    the database does not hold. A link without a table closes a day; its root is the day's 存证值.
    """

    no = models.BigIntegerField("序号", primary_key=True)
    day = models.DateField("日期")
    table = models.TextField("表", db_column="table_name")
    columns: Any = models.JSONField("列")
    # Rows with after_id < id <= last_id were there, and no others; null: from the beginning.
    after_id = models.BigIntegerField("起", null=True)
    last_id = models.BigIntegerField("止", null=True)
    rows = models.BigIntegerField("行数")
    digest = models.BinaryField("内容摘要")
    # Ids and the first eight bytes of each row's digest: they name the row that no longer fits.
    ids: Any = models.BinaryField("行号", null=True)
    marks = models.BinaryField("行标", null=True)
    former = models.BinaryField("前一存证值")
    root = models.BinaryField("存证值")
    mac = models.BinaryField("校验码")
    key_mark = models.TextField("密钥标记")
    sealed_at = models.DateTimeField("存证时间")

    class Meta:
        managed = False
        db_table = "core_seal"
        verbose_name = "存证"
        ordering = ["no"]

    def __str__(self) -> str:
        return f"#{self.no} {self.day} {self.table}"


class Alert(models.Model):
    """More acts of one kind by one source within the rule's time than the rule allows.

    `who` is the source as the rule counts it: a user, a client, a user name that was tried, an
    address. One alert per rule, source and window; its count grows while the window lasts.
    """

    rule = models.CharField("规则", max_length=60)
    act = models.CharField("行为", max_length=20)
    who = models.CharField("来源", max_length=120)
    who_name = models.CharField("来源名称", max_length=120)
    region = models.CharField("区划", max_length=12, blank=True)
    count = models.PositiveIntegerField("次数")
    threshold = models.PositiveIntegerField("阈值")
    window_start = models.DateTimeField("起")
    window_end = models.DateTimeField("止")
    raised_at = models.DateTimeField("告警时间", db_default=models.functions.Now())
    state = models.CharField(
        "状态", max_length=8, choices=AlertState.choices, default=AlertState.OPEN
    )
    seen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, verbose_name="查看人"
    )
    seen_at = models.DateTimeField("查看时间", null=True)

    class Meta:
        verbose_name = "访问告警"
        ordering = ["-raised_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "who", "window_start"], name="alert_once_per_window"
            ),
            models.CheckConstraint(
                condition=Q(state="OPEN", seen_by__isnull=True, seen_at__isnull=True)
                | Q(state="SEEN", seen_by__isnull=False, seen_at__isnull=False),
                name="alert_seen_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule} {self.who_name} {self.count}"
