"""Photos and scans of papers that prove what the register says."""

from pathlib import Path

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.history import tracked
from core.scans import JPEG, PDF, PNG
from core.scope import ScopedQuerySet
from households.models.change import Change
from households.models.household import Household
from households.models.partition import Partition
from households.models.procedure import Procedure

MEDIA_TYPES = (JPEG, PNG, PDF)


class AttachmentQuerySet(ScopedQuerySet["Attachment"]):
    household_field = "household_id"


@tracked
class Attachment(models.Model):
    """A paper of a household in a year, or of a procedure (minutes, photos of a notice).

    The file lies below the uploads under the SHA-256 of what is kept, sealed; the same file twice is
    one file. A paper is never deleted and never exchanged: it is withdrawn, with a reason.
    """

    household = models.ForeignKey(
        Household, models.PROTECT, null=True, db_index=False, db_constraint=False,
        related_name="attachments", verbose_name="贫困户",
    )  # fmt: skip
    procedure = models.ForeignKey(
        Procedure, models.PROTECT, null=True, db_index=False, db_constraint=False,
        related_name="attachments", verbose_name="程序",
    )  # fmt: skip
    # The change of the household that the paper was handed in with.
    change = models.ForeignKey(
        Change, models.PROTECT, null=True, db_index=False, related_name="attachments",
        verbose_name="变更",
    )  # fmt: skip
    village_code = models.CharField("村代码", max_length=12)
    partition = models.ForeignKey(Partition, models.PROTECT, db_index=False, verbose_name="年度")
    # A code of evidence_document_type.
    kind = models.CharField("材料类型", max_length=4)
    note = models.CharField("说明", max_length=100, blank=True)
    media_type = models.CharField("文件类型", max_length=20)
    sha256 = models.CharField("文件摘要", max_length=64)
    size = models.PositiveIntegerField("大小（字节）")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+",
        verbose_name="上传人",
    )  # fmt: skip
    created_at = models.DateTimeField("上传时间", db_default=Now())
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, db_index=False, related_name="+",
        verbose_name="作废人",
    )  # fmt: skip
    withdrawn_at = models.DateTimeField("作废时间", null=True)
    withdrawn_reason = models.CharField("作废原因", max_length=200, blank=True)

    objects = AttachmentQuerySet.as_manager()

    class Meta:
        verbose_name = "附件"
        constraints = [
            models.CheckConstraint(
                condition=Q(household__isnull=False) ^ Q(procedure__isnull=False),
                name="attachment_of_one_thing",
            ),
            models.CheckConstraint(
                condition=Q(change__isnull=True) | Q(household__isnull=False),
                name="attachment_change_of_a_household",
            ),
            models.CheckConstraint(
                condition=Q(sha256__regex=r"^[0-9a-f]{64}$", size__gte=1)
                & Q(media_type__in=MEDIA_TYPES),
                name="attachment_is_a_file",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True, withdrawn_by__isnull=True)
                & Q(withdrawn_reason="")
                | Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False)
                & ~Q(withdrawn_reason=""),
                name="attachment_withdrawn_by_whom_and_why",
            ),
            # A second click hands in nothing twice.
            models.UniqueConstraint(
                fields=["household", "partition", "kind", "sha256"],
                condition=Q(withdrawn_at__isnull=True, household__isnull=False),
                name="attachment_once_a_household",
            ),
            models.UniqueConstraint(
                fields=["procedure", "kind", "sha256"],
                condition=Q(withdrawn_at__isnull=True, procedure__isnull=False),
                name="attachment_once_a_procedure",
            ),
        ]
        indexes = [
            models.Index(
                fields=["household", "id"],
                condition=Q(household__isnull=False),
                name="attachment_of_household",
            ),
            models.Index(
                fields=["procedure", "id"],
                condition=Q(procedure__isnull=False),
                name="attachment_of_procedure",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def path(self) -> Path:
        """Where the sealed file lies."""
        folder = Path(settings.UPLOAD_DIR) / "attachments" / self.sha256[:2]
        return folder / f"{self.sha256}.sealed"
