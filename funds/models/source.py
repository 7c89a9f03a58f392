from typing import Self

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from core.history import tracked_without
from core.scope import Actor, ScopedQuerySet, within
from funds.enums import SourceLevel
from funds.models.common import person, region_code, yuan
from villages.models import YEAR_RANGE, Region


class SourceQuerySet(ScopedQuerySet["Source"]):
    """Of the office that booked it, and of everybody to whom some of its money went."""

    scope_field = "region_code"

    def visible_to(self, actor: Actor) -> Self:
        from funds.models.ledger import Account

        held = Account.objects.visible_to(actor).filter(source=OuterRef("pk"))
        return self.filter(within(actor.region_prefixes, "region_code") | Exists(held))


@tracked_without("changed")
class Source(models.Model):
    """One document that announces money, e.g. 豫财农〔2018〕1号, and what it announces.

    `kind` is a code of the register's table of fund sources. `amount` is what the document says, in
    yuan; it never changes. Later documents that raise or cut it are `SourceChange`. `region` is the
    division whose office books the money: everything of the source is scoped by it or below it.
    """

    doc_no = models.CharField("发文编号", max_length=60)
    title = models.CharField("文件名称", max_length=200)
    level = models.CharField("资金级次", max_length=8, choices=SourceLevel.choices)
    kind = models.CharField("资金类别", max_length=4)
    batch = models.PositiveSmallIntegerField("批次", default=1)
    year = models.PositiveSmallIntegerField("预算年度")
    issued_on = models.DateField("发文日期")
    issuer = models.CharField("发文单位", max_length=100)
    purpose = models.CharField("用途", max_length=300, blank=True)
    amount = yuan("下达金额（元）")
    region = models.ForeignKey(
        Region, models.PROTECT, db_constraint=False, related_name="+", verbose_name="区划"
    )
    region_code = region_code()
    created_by = person("经办人")
    created_at = models.DateTimeField("记录时间", db_default=Now())

    # The transaction that touched the row last; a trigger writes it, feeds of changes read it.
    changed = models.BigIntegerField("变更序号", db_default=0, editable=False)

    objects = SourceQuerySet.as_manager()

    class Meta:
        verbose_name = "资金来源文件"
        constraints = [
            models.UniqueConstraint(
                fields=["doc_no", "batch", "kind", "region_code"], name="source_once"
            ),
            models.CheckConstraint(
                condition=Q(amount__gt=0) & ~Q(doc_no="") & ~Q(title=""), name="source_says_it"
            ),
            models.CheckConstraint(
                condition=Q(level__in=SourceLevel.values) & YEAR_RANGE, name="source_words"
            ),
            models.UniqueConstraint(fields=["id", "region_code"], name="source_id_region"),
        ]
        indexes = [
            models.Index(fields=["changed", "id"], name="source_changed"),
            models.Index(fields=["region_code", "year"], name="source_scope"),
        ]

    def __str__(self) -> str:
        return f"{self.doc_no} 第{self.batch}批"


class SourceChangeQuerySet(ScopedQuerySet["SourceChange"]):
    scope_field = "region_code"


class SourceChange(models.Model):
    """A later document that raises (positive) or cuts (negative) what a source announces.

    Append-only. Never below what has already arrived: the account of what is awaited refuses it.
    """

    source = models.ForeignKey(
        Source, models.PROTECT, related_name="changes", verbose_name="来源文件"
    )
    region_code = region_code()
    doc_no = models.CharField("发文编号", max_length=60)
    on = models.DateField("发文日期", db_column="taken_on")
    amount = yuan("增减金额（元）")
    reason = models.CharField("事由", max_length=300)
    created_by = person("经办人")
    created_at = models.DateTimeField("记录时间", db_default=Now())

    objects = SourceChangeQuerySet.as_manager()

    class Meta:
        verbose_name = "来源文件调整"
        constraints = [
            models.CheckConstraint(
                condition=~Q(amount=0) & ~Q(reason="") & ~Q(doc_no=""), name="source_change_says_it"
            ),
            models.UniqueConstraint(fields=["source", "doc_no"], name="source_change_once"),
        ]

    def __str__(self) -> str:
        return self.doc_no
