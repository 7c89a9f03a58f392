"""Fixed words of looking for the likes of a problem (举一反三)."""

from django.db.models import TextChoices


class Subject(TextChoices):
    """Among what the likes are looked for."""

    REGISTER = "REGISTER", "贫困户档案"
    PROJECTS = "PROJECTS", "项目"
    FUNDS = "FUNDS", "资金规则疑点"


class MatchState(TextChoices):
    """What became of something that meets the terms. All but the first are final."""

    OPEN = "OPEN", "待处理"
    OPENED = "OPENED", "已列入台账"
    KNOWN = "KNOWN", "台账已有"
    DISMISSED = "DISMISSED", "不予列入"
