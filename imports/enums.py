from django.db.models import TextChoices


class BatchState(TextChoices):
    UPLOADED = "UPLOADED", "待解析"
    STAGED = "STAGED", "待确认"
    APPLYING = "APPLYING", "写入中"
    APPLIED = "APPLIED", "已导入"
    REFUSED = "REFUSED", "已拒绝"
    DISCARDED = "DISCARDED", "已放弃"


class Severity(TextChoices):
    """An error sends the row back; a suspect lets it in and is shown."""

    ERROR = "ERROR", "退回"
    SUSPECT = "SUSPECT", "提示"


class Grain(TextChoices):
    PERSON = "person", "一行一人"
    HOUSEHOLD = "household", "一行一户"


class RowVerdict(TextChoices):
    CREATED = "C", "新增"
    UPDATED = "U", "变更"
    UNCHANGED = "S", "不变"
    REJECTED = "R", "退回"
