"""The words of the access ledger."""

from django.db import models


class Act(models.TextChoices):
    """What was done or tried. Changes of rows are not here: they are in the row history."""

    SIGN_IN = "SIGN_IN", "登录"
    SIGN_OUT = "SIGN_OUT", "退出登录"
    SIGN_IN_FAILED = "SIGN_IN_FAILED", "登录失败"
    LOCKED_OUT = "LOCKED_OUT", "账号锁定"
    SECOND_FACTOR = "SECOND_FACTOR", "动态口令"
    REFUSED = "REFUSED", "访问被拒"
    REVEAL = "REVEAL", "查看完整号码"
    EXPORT = "EXPORT", "导出"
    EXPORT_RELEASE = "EXPORT_RELEASE", "导出放行"
    API_PULL = "API_PULL", "接口调取"
    PRINT = "PRINT", "打印"
    PAPER = "PAPER", "查看材料"
    ACCOUNT = "ACCOUNT", "账号管理"
    GRANT = "GRANT", "授权管理"
    CLIENT = "CLIENT", "接口客户端管理"
    IMPORT = "IMPORT", "导入"
    RETENTION = "RETENTION", "到期清理"
    KEY_ROTATION = "KEY_ROTATION", "密钥轮换"
    ALERT = "ALERT", "告警"
    LEDGER = "LEDGER", "查阅访问台账"


class Outcome(models.TextChoices):
    OK = "ok", "成功"
    REFUSED = "refused", "拒绝"
    FAILED = "failed", "失败"


class AlertState(models.TextChoices):
    OPEN = "OPEN", "待查看"
    SEEN = "SEEN", "已查看"
