from django.db import models

from core.history import tracked


@tracked
class CodeEntry(models.Model):
    """One value of a code list (致贫原因, 与户主关系 …), as data an administrator can extend.

    Codes beginning with X are ours: the label was evidenced, the national code was not.
    Match on labels; the national ethnicity codes, for one, permute GB/T 3304.
    """

    table = models.CharField("代码表", max_length=40)
    code = models.CharField("代码", max_length=8)
    label = models.CharField("名称", max_length=60)
    facts = models.JSONField("属性", default=dict)
    position = models.PositiveSmallIntegerField("顺序", default=0)
    source = models.CharField("来源", max_length=300)

    class Meta:
        verbose_name = "代码"
        ordering = ["table", "position"]
        constraints = [
            models.UniqueConstraint(fields=["table", "code"], name="code_once"),
            models.UniqueConstraint(fields=["table", "label"], name="code_label_once"),
        ]

    def __str__(self) -> str:
        return self.label


@tracked
class CodeSynonym(models.Model):
    """Another wording of a code's label seen in exports; data, extendable without a release."""

    table = models.CharField("代码表", max_length=40)
    label = models.CharField("异写", max_length=60)
    code = models.CharField("代码", max_length=8)
    source = models.CharField("来源", max_length=300)

    class Meta:
        verbose_name = "代码异写"
        constraints = [
            models.UniqueConstraint(fields=["table", "label"], name="code_synonym_once"),
        ]

    def __str__(self) -> str:
        return self.label
