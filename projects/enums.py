"""The fixed words of projects: states and what follows what, who benefits and with what."""

from django.db.models import TextChoices


class State(TextChoices):
    """How far a project has come."""

    PROPOSED = "PROPOSED", "已申报"
    REVIEWED = "REVIEWED", "乡镇已审核"
    DECIDED = "DECIDED", "县级已审定"
    LIBRARY = "LIBRARY", "已入库"
    BUDGETED = "BUDGETED", "已安排资金"
    STARTED = "STARTED", "已开工"
    COMPLETED = "COMPLETED", "已完工"
    ACCEPTED = "ACCEPTED", "已验收"
    SETTLED = "SETTLED", "已结算"
    REGISTERED = "REGISTERED", "资产已登记"
    EVALUATED = "EVALUATED", "已评价"
    REFUSED = "REFUSED", "未通过"
    CANCELLED = "CANCELLED", "已取消"


# Which state may follow which; the database holds the same list (migration 0002). A project whose
# type leaves no asset is evaluated after its settlement.
FOLLOWS: dict[str, tuple[str, ...]] = {
    "": (State.PROPOSED,),
    State.PROPOSED: (State.REVIEWED, State.REFUSED, State.CANCELLED),
    State.REVIEWED: (State.DECIDED, State.REFUSED, State.CANCELLED),
    State.DECIDED: (State.LIBRARY, State.CANCELLED),
    State.LIBRARY: (State.BUDGETED, State.CANCELLED),
    State.BUDGETED: (State.STARTED, State.CANCELLED),
    State.STARTED: (State.COMPLETED, State.CANCELLED),
    State.COMPLETED: (State.ACCEPTED,),
    State.ACCEPTED: (State.SETTLED,),
    State.SETTLED: (State.REGISTERED, State.EVALUATED),
    State.REGISTERED: (State.EVALUATED,),
    State.EVALUATED: (),
    State.REFUSED: (),
    State.CANCELLED: (),
}

# On the way in order, for lists, shares and the timeline.
ORDER: tuple[str, ...] = (
    State.PROPOSED, State.REVIEWED, State.DECIDED, State.LIBRARY, State.BUDGETED, State.STARTED,
    State.COMPLETED, State.ACCEPTED, State.SETTLED, State.REGISTERED, State.EVALUATED,
)  # fmt: skip
PLANNED: tuple[str, ...] = ORDER[ORDER.index(State.BUDGETED) :]
BEGUN: tuple[str, ...] = ORDER[ORDER.index(State.STARTED) :]
DONE: tuple[str, ...] = ORDER[ORDER.index(State.COMPLETED) :]


class NoticeKind(TextChoices):
    """What is made public: before the library takes a project in, and before it is settled."""

    PLAN = "PLAN", "计划公示"
    COMPLETION = "COMPLETION", "完工公示"


# Which step waits for which notice.
WAITS_FOR: dict[str, str] = {
    State.LIBRARY: NoticeKind.PLAN,
    State.SETTLED: NoticeKind.COMPLETION,
}


class DayKind(TextChoices):
    CALENDAR = "CALENDAR", "自然日"
    WORKING = "WORKING", "工作日"


class BeneficiaryKind(TextChoices):
    VILLAGE = "VILLAGE", "村"
    HOUSEHOLD = "HOUSEHOLD", "户"
    PERSON = "PERSON", "人"


class Benefit(TextChoices):
    """With what a project helps somebody."""

    JOB = "JOB", "务工"
    DIVIDEND = "DIVIDEND", "分红"
    SHARE = "SHARE", "股份（量化资产）"
    MATERIAL = "MATERIAL", "物资"
    SERVICE = "SERVICE", "服务"


class Owner(TextChoices):
    """Whose the asset is that a project leaves."""

    VILLAGE = "VILLAGE", "村集体"
    COUNTY = "COUNTY", "国有（县、乡）"
    HOUSEHOLD = "HOUSEHOLD", "到户"
    OTHER = "OTHER", "其他"


class Grade(TextChoices):
    """Of the evaluation after the end."""

    EXCELLENT = "EXCELLENT", "优"
    GOOD = "GOOD", "良"
    FAIR = "FAIR", "中"
    POOR = "POOR", "差"
