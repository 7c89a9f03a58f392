"""Fixed words of the register. Lists that change by year are data: `households.models.CodeEntry`."""

from django.db.models import TextChoices

# 脱贫状态 (AAR010): who is still poor, who has exited.
POOR = ("0", "2", "3")
EXITED = ("1", "4")
RELAPSED = "3"
EXIT_STATUSES = (*POOR, *EXITED)

# 与户主关系 (AAB006)
HEAD = "01"

MALE, FEMALE = "01", "02"

# 证件类型 (AAB018)
RESIDENT_ID, OFFICER_ID, DISABILITY_ID = "01", "03", "09"
# Both rule families treat a number beginning so as "no number".
NO_NUMBER = "999999"


class StatusKind(TextChoices):
    """Acts that move a household between poor and exited."""

    IDENTIFY = "IDENTIFY", "识别纳入"
    PROPOSE_EXIT = "PROPOSE_EXIT", "预脱贫"
    WITHDRAW_EXIT = "WITHDRAW_EXIT", "取消预脱贫"
    EXIT = "EXIT", "脱贫"
    STOP_POLICY = "STOP_POLICY", "不再享受政策"
    RESUME_POLICY = "RESUME_POLICY", "恢复享受政策"
    RELAPSE = "RELAPSE", "返贫"
    CLEAR_OUT = "CLEAR_OUT", "清退"


class Purpose(TextChoices):
    """Why full numbers are looked at; said each time and kept on the access ledger."""

    VISIT = "VISIT", "入户核查"
    VERIFY = "VERIFY", "信息核对与更正"
    PAYMENT = "PAYMENT", "补贴资金发放"
    MEDICAL = "MEDICAL", "医疗、残疾保障对接"
    COMPLAINT = "COMPLAINT", "信访、举报处理"
    AUDIT = "AUDIT", "审计、检查"


class MemberKind(TextChoices):
    """Why a person joined or left a household."""

    BIRTH = "BIRTH", "新生儿"
    MARRIAGE_IN = "MARRIAGE_IN", "婚入"
    MOVE_IN = "MOVE_IN", "迁入"
    JOIN_OTHER = "JOIN_OTHER", "其他增加"
    DEATH = "DEATH", "死亡"
    MARRIAGE_OUT = "MARRIAGE_OUT", "婚出"
    MOVE_OUT = "MOVE_OUT", "迁出"
    LEAVE_OTHER = "LEAVE_OTHER", "其他减少"


JOINS = (MemberKind.BIRTH, MemberKind.MARRIAGE_IN, MemberKind.MOVE_IN, MemberKind.JOIN_OTHER)
LEAVES = (
    MemberKind.DEATH,
    MemberKind.MARRIAGE_OUT,
    MemberKind.MOVE_OUT,
    MemberKind.LEAVE_OTHER,
)
