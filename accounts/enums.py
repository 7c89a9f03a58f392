from django.db.models import TextChoices


class Role(TextChoices):
    """What a grant lets its holder do; the permissions stand in `accounts.roles`."""

    LEADER = "LEADER", "领导（只读）"
    CLERK = "CLERK", "数据员"
    ADMIN = "ADMIN", "管理员"
