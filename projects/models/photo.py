from pathlib import Path

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.scans import JPEG, PDF, PNG
from projects.models.common import person, region_code
from projects.models.progress import ProgressReport
from projects.models.project import Project, RowQuerySet

MEDIA_TYPES = (JPEG, PNG, PDF)


class ProjectPhoto(models.Model):
    """A photo or scan that shows what a report tells. Append-only.

    The file lies sealed below the uploads beside the papers of the register, under the SHA-256 of
    what is kept; the same file twice is one file.
    """

    project = models.ForeignKey(
        Project, models.PROTECT, related_name="photos", db_constraint=False, verbose_name="项目"
    )
    region_code = region_code()
    report = models.ForeignKey(
        ProgressReport, models.PROTECT, null=True, db_constraint=False, related_name="photos",
        verbose_name="月报",
    )  # fmt: skip
    note = models.CharField("说明", max_length=100, blank=True)
    media_type = models.CharField("文件类型", max_length=20)
    sha256 = models.CharField("文件摘要", max_length=64)
    size = models.PositiveIntegerField("大小（字节）")
    created_by = person("上传人")
    created_at = models.DateTimeField("上传时间", db_default=Now())

    objects = RowQuerySet.as_manager()

    class Meta:
        verbose_name = "项目照片"
        constraints = [
            models.CheckConstraint(
                condition=Q(sha256__regex=r"^[0-9a-f]{64}$", size__gte=1)
                & Q(media_type__in=MEDIA_TYPES),
                name="project_photo_is_a_file",
            ),
            models.UniqueConstraint(fields=["project", "sha256"], name="project_photo_once"),
        ]

    def __str__(self) -> str:
        return f"{self.project_id} {self.pk}"

    @property
    def path(self) -> Path:
        """Where the sealed file lies."""
        folder = Path(settings.UPLOAD_DIR) / "attachments" / self.sha256[:2]
        return folder / f"{self.sha256}.sealed"
