"""What letters look like and what an issued one said."""

from pathlib import Path

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.scope import ScopedQuerySet
from inspections.enums.letters import Kind
from inspections.models.common import person as official
from inspections.models.letter import Letter


class LetterTemplateQuerySet(ScopedQuerySet["LetterTemplate"]):
    scope_field = "region_prefix"


class LetterTemplate(models.Model):
    """A Word file that letters of a kind are made from, below a division. Append-only.

    The youngest for the longest prefix holds; where there is none, the product's own does. What was
    issued keeps the one it was made from.
    """

    region_prefix = models.CharField("区划前缀", max_length=12)
    kind = models.CharField("文书", max_length=9, choices=Kind.choices)
    note = models.CharField("说明", max_length=100, blank=True)
    sha256 = models.CharField("文件摘要", max_length=64)
    size = models.PositiveIntegerField("大小（字节）")
    created_by = official("上传人")
    created_at = models.DateTimeField("上传时间", db_default=Now())

    objects = LetterTemplateQuerySet.as_manager()

    class Meta:
        verbose_name = "文书模板"
        constraints = [
            models.CheckConstraint(
                condition=Q(sha256__regex=r"^[0-9a-f]{64}$", size__gte=1, kind__in=Kind.values),
                name="letter_template_is_a_file",
            )
        ]
        indexes = [
            models.Index(fields=["region_prefix", "kind", "-id"], name="letter_template_last")
        ]

    def __str__(self) -> str:
        return f"{self.region_prefix} {self.kind} {self.pk}"

    @property
    def path(self) -> Path:
        """Where the sealed file lies."""
        return sealed_at(self.sha256)


def sealed_at(sha256: str) -> Path:
    """Where the sealed file of a template lies."""
    return Path(settings.UPLOAD_DIR) / "attachments" / sha256[:2] / f"{sha256}.sealed"


class LetterTextQuerySet(ScopedQuerySet["LetterText"]):
    scope_field = "region_code"


class LetterText(models.Model):
    """What a letter said when it was issued, and from which template. Append-only.

    Word and PDF are made from it again: later changes of the problems or of the template do not
    reach a letter that is out. `said` has the values of the template's fields, `sha256` is the digest
    of the template's file, which is kept, the product's own too.
    """

    letter = models.OneToOneField(
        Letter, models.PROTECT, db_constraint=False, related_name="text", verbose_name="文书"
    )
    region_code = models.CharField("区划代码", max_length=12)
    said = models.JSONField("内容")
    # Empty: the product's own.
    template = models.ForeignKey(
        LetterTemplate, models.PROTECT, null=True, db_index=False, related_name="+",
        verbose_name="模板",
    )  # fmt: skip
    sha256 = models.CharField("模板摘要", max_length=64)

    objects = LetterTextQuerySet.as_manager()

    class Meta:
        verbose_name = "文书内容"
        constraints = [
            models.CheckConstraint(
                condition=Q(sha256__regex=r"^[0-9a-f]{64}$"), name="letter_text_of_a_file"
            )
        ]

    def __str__(self) -> str:
        return f"{self.letter_id}"
