"""Inspections from outside and inside: who looked at what, when, by which document."""

from pathlib import Path

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.history import tracked_without
from core.scans import JPEG, PDF, PNG
from core.scope import ScopedQuerySet
from inspections.enums.findings import Level, Source
from inspections.models.common import person
from villages.models import Region

MEDIA_TYPES = (JPEG, PNG, PDF)


class CampaignQuerySet(ScopedQuerySet["Campaign"]):
    scope_field = "region_code"


@tracked_without("changed")
class Campaign(models.Model):
    """One inspection (巡视、督查、审计、暗访、交叉检查、自查……): of which place, by whom, from when to when.

    `document` is the feedback's number; `region` is the place that was looked at, and whoever sees
    the whole of it sees the campaign. `expected` is how many problems the feedback says it has, and
    is never overwritten by what was entered.
    """

    name = models.CharField("检查名称", max_length=100)
    source = models.CharField("来源", max_length=12, choices=Source.choices)
    level = models.CharField("层级", max_length=8, choices=Level.choices)
    team = models.CharField("检查组", max_length=100, blank=True)
    region = models.ForeignKey(
        Region, models.PROTECT, db_constraint=False, db_index=False, related_name="+",
        verbose_name="被检查区划",
    )  # fmt: skip
    region_code = models.CharField("区划代码", max_length=12)
    began_on = models.DateField("开始日期")
    ended_on = models.DateField("结束日期", null=True, blank=True)
    told_on = models.DateField("反馈日期")
    document = models.CharField("反馈文号", max_length=100)
    expected = models.PositiveIntegerField("反馈问题数", null=True, blank=True)
    created_by = person("登记人")
    created_at = models.DateTimeField("登记时间", db_default=Now())
    # The transaction that touched the row last; a trigger writes it, feeds of changes read it.
    changed = models.BigIntegerField("变更序号", db_default=0, editable=False)

    objects = CampaignQuerySet.as_manager()

    class Meta:
        verbose_name = "检查"
        constraints = [
            models.CheckConstraint(
                condition=~Q(name="") & ~Q(document=""), name="campaign_says_what_and_by_what"
            ),
            models.CheckConstraint(
                condition=Q(ended_on__isnull=True) | Q(ended_on__gte=F("began_on")),
                name="campaign_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(told_on__gte=F("began_on")), name="campaign_told_after_start"
            ),
            models.CheckConstraint(
                condition=Q(source__in=Source.values, level__in=Level.values),
                name="campaign_words",
            ),
            models.UniqueConstraint(fields=["region", "document", "name"], name="campaign_once"),
            models.UniqueConstraint(fields=["id", "region_code"], name="campaign_id_region"),
        ]
        indexes = [
            models.Index(fields=["region_code", "-told_on"], name="campaign_scope"),
            models.Index(fields=["changed", "id"], name="campaign_changed"),
        ]

    def __str__(self) -> str:
        return self.name


class CampaignPaperQuerySet(ScopedQuerySet["CampaignPaper"]):
    scope_field = "region_code"


class CampaignPaper(models.Model):
    """A scan of what an inspection fed back (反馈意见、整改方案). Append-only.

    The file lies sealed below the uploads, under the SHA-256 of what is kept; the same file twice is
    one file.
    """

    campaign = models.ForeignKey(
        Campaign, models.PROTECT, related_name="papers", db_constraint=False, db_index=False,
        verbose_name="检查",
    )  # fmt: skip
    region_code = models.CharField("区划代码", max_length=12)
    note = models.CharField("说明", max_length=100, blank=True)
    media_type = models.CharField("文件类型", max_length=20)
    sha256 = models.CharField("文件摘要", max_length=64)
    size = models.PositiveIntegerField("大小（字节）")
    created_by = person("上传人")
    created_at = models.DateTimeField("上传时间", db_default=Now())

    objects = CampaignPaperQuerySet.as_manager()

    class Meta:
        verbose_name = "检查文件"
        constraints = [
            models.CheckConstraint(
                condition=Q(sha256__regex=r"^[0-9a-f]{64}$", size__gte=1)
                & Q(media_type__in=MEDIA_TYPES),
                name="campaign_paper_is_a_file",
            ),
            models.UniqueConstraint(fields=["campaign", "sha256"], name="campaign_paper_once"),
        ]
        indexes = [models.Index(fields=["region_code"], name="campaign_paper_scope")]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.pk}"

    @property
    def path(self) -> Path:
        """Where the sealed file lies."""
        folder = Path(settings.UPLOAD_DIR) / "attachments" / self.sha256[:2]
        return folder / f"{self.sha256}.sealed"


class FindingWorkbookQuerySet(ScopedQuerySet["FindingWorkbook"]):
    scope_field = "region_code"


class FindingWorkbook(models.Model):
    """A workbook of problems on its way in: read, looked over, and then taken over or given up.

    `lines` are its rows by the number Excel shows; once taken over, only those that were not.
    `made` is how many problems it brought, empty until then.
    """

    campaign = models.ForeignKey(
        Campaign, models.PROTECT, related_name="workbooks", db_constraint=False, db_index=False,
        verbose_name="检查",
    )  # fmt: skip
    region_code = models.CharField("区划代码", max_length=12)
    lines = models.JSONField("行")
    made = models.PositiveIntegerField("新增问题", null=True)
    known = models.PositiveIntegerField("已有问题", null=True)
    created_by = person("上传人")
    created_at = models.DateTimeField("上传时间", db_default=Now())

    objects = FindingWorkbookQuerySet.as_manager()

    class Meta:
        verbose_name = "问题工作簿"
        indexes = [
            models.Index(fields=["region_code"], name="finding_workbook_scope"),
            models.Index(fields=["campaign", "created_by"], name="finding_workbook_owner"),
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.pk}"
