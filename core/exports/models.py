"""Files of rows taken out of the product, and the second person's word that full numbers need."""

from pathlib import Path

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from core.jobs.models import Job
from core.scope import ScopedQuerySet

PRINT = r"^([0-9a-f]{64})?$"


class Format(models.TextChoices):
    XLSX = "xlsx", "Excel 工作簿（.xlsx）"
    CSV = "csv", "文本表格（.csv）"


# Lists that are read rather than worked on can be printed: no format that every list has.
PDF = "pdf"


class ReleaseState(models.TextChoices):
    ASKED = "ASKED", "待复核"
    RELEASED = "RELEASED", "已放行"
    REFUSED = "REFUSED", "已退回"
    EXPIRED = "EXPIRED", "已过期"
    USED = "USED", "已使用"


class FileState(models.TextChoices):
    WAITING = "WAITING", "生成中"
    READY = "READY", "可下载"
    FAILED = "FAILED", "未成功"
    REMOVED = "REMOVED", "已清理"


DECIDED = (ReleaseState.RELEASED, ReleaseState.REFUSED, ReleaseState.USED)


class ReleaseQuerySet(ScopedQuerySet["ExportRelease"]):
    scope_field = "region_prefix"


class ExportRelease(models.Model):
    """One request to take full numbers out, and what a second person decided about it.

    `terms` say which rows: codes, years and amounts, never a name or a number of a person.
    `region_prefix` is the smallest division that holds all of them; whoever decides must hold the
    right there. A release is good for one file and for a few days.
    """

    kind = models.CharField("内容", max_length=40)
    terms = models.JSONField("筛选条件", default=dict)
    region_prefix = models.CharField("区划范围", max_length=12)
    file_format = models.CharField("格式", max_length=4, choices=Format.choices)
    purpose = models.CharField("用途", max_length=200)
    rows_estimated = models.PositiveIntegerField("预计行数")
    state = models.CharField(
        "状态", max_length=8, choices=ReleaseState.choices, default=ReleaseState.ASKED
    )
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="申请人"
    )
    asked_at = models.DateTimeField("申请时间", db_default=models.functions.Now())
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="复核人"
    )
    decided_at = models.DateTimeField("复核时间", null=True)
    remark = models.CharField("复核意见", max_length=200, blank=True)
    expires_at = models.DateTimeField("有效期至")

    objects = ReleaseQuerySet.as_manager()

    class Meta:
        verbose_name = "导出放行"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("asked_by")),
                name="release_by_a_second_person",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["RELEASED", "REFUSED", "USED"])
                | Q(decided_by__isnull=False, decided_at__isnull=False),
                name="release_decided_by_somebody",
            ),
            models.CheckConstraint(condition=~Q(purpose=""), name="release_has_purpose"),
        ]
        indexes = [
            models.Index(fields=["region_prefix", "-id"], name="release_scope"),
            models.Index(
                fields=["expires_at"],
                condition=Q(state__in=["ASKED", "RELEASED"]),
                name="release_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"


class ExportFile(models.Model):
    """A file of rows made in the background, kept for some days for the person who asked for it."""

    kind = models.CharField("内容", max_length=40)
    terms = models.JSONField("筛选条件", default=dict)
    region_prefix = models.CharField("区划范围", max_length=12)
    file_format = models.CharField("格式", max_length=4, choices=Format.choices)
    purpose = models.CharField("用途", max_length=200)
    release = models.OneToOneField(
        ExportRelease, models.PROTECT, null=True, related_name="file", verbose_name="放行"
    )
    is_full = models.BooleanField("含完整号码", default=False)
    state = models.CharField(
        "状态", max_length=8, choices=FileState.choices, default=FileState.WAITING
    )
    rows = models.PositiveIntegerField("行数", null=True)
    sha256 = models.CharField("文件指纹", max_length=64, blank=True)
    size = models.PositiveBigIntegerField("大小（字节）", null=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="导出人"
    )
    asked_at = models.DateTimeField("导出时间", db_default=models.functions.Now())
    expires_at = models.DateTimeField("保留至")
    job = models.ForeignKey(Job, models.PROTECT, null=True, related_name="+", verbose_name="任务")

    class Meta:
        verbose_name = "导出文件"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(sha256__regex=PRINT), name="export_file_print"),
            models.CheckConstraint(
                condition=~Q(state="READY") | ~Q(sha256="") & Q(rows__isnull=False),
                name="export_ready_has_file",
            ),
            # Full numbers leave with a release or not at all; a trigger looks into the release.
            models.CheckConstraint(
                condition=Q(is_full=False) | Q(release__isnull=False),
                name="export_full_is_released",
            ),
            models.CheckConstraint(condition=~Q(purpose=""), name="export_has_purpose"),
        ]
        indexes = [
            models.Index(fields=["asked_by", "-id"], name="export_own"),
            models.Index(fields=["expires_at"], condition=~Q(state="REMOVED"), name="export_kept"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"

    @property
    def path(self) -> Path:
        """Where the file lies: by its own hash below the uploads."""
        name = f"{self.sha256}.{self.file_format}"
        return Path(settings.UPLOAD_DIR) / "exports" / self.sha256[:2] / name
