"""Fixed words of the three letters and of what follows the third."""

from django.db.models import TextChoices


class Kind(TextChoices):
    """The ladder (一次提醒、二次督办、三次问责)."""

    REMIND = "REMIND", "问题整改提示函"
    SUPERVISE = "SUPERVISE", "问题整改督办函"
    ACCOUNT = "ACCOUNT", "责任追究建议函"


# How high each stands; a finding climbs one at a time.
RUNGS: dict[str, int] = {Kind.REMIND: 1, Kind.SUPERVISE: 2, Kind.ACCOUNT: 3}
BY_RUNG: dict[int, str] = {rung: kind for kind, rung in RUNGS.items()}


class State(TextChoices):
    PREPARED = "PREPARED", "待确认"
    ISSUED = "ISSUED", "已签发"
    RECEIVED = "RECEIVED", "已签收"
    REPLIED = "REPLIED", "已答复"
    DROPPED = "DROPPED", "不予发出"


# Which state may follow which; the database holds the same list (migration 0007).
FOLLOWS: dict[str, tuple[str, ...]] = {
    State.PREPARED: (State.ISSUED, State.DROPPED),
    State.ISSUED: (State.RECEIVED, State.REPLIED),
    State.RECEIVED: (State.REPLIED,),
    State.REPLIED: (),
    State.DROPPED: (),
}
SENT: tuple[str, ...] = (State.ISSUED, State.RECEIVED, State.REPLIED)


class Outcome(TextChoices):
    """What came of a recommendation to hold somebody responsible."""

    NONE = "NONE", "不予追究"
    TALK = "TALK", "谈话提醒、批评教育"
    ADMONISHED = "ADMONISHED", "诫勉"
    ORGANISATIONAL = "ORGANISATIONAL", "组织处理"
    DISCIPLINED = "DISCIPLINED", "党纪政务处分"
    TRANSFERRED = "TRANSFERRED", "移送司法机关"
