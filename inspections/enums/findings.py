"""Fixed words of problems that inspections find: where they come from and how far they are mended."""

from django.db.models import TextChoices


class Source(TextChoices):
    """By what kind of inspection a problem came to light (domain: the feedback sources)."""

    TOUR = "TOUR", "巡视巡察"
    SUPERVISION = "SUPERVISION", "督查"
    AUDIT = "AUDIT", "审计"
    UNANNOUNCED = "UNANNOUNCED", "暗访"
    CROSS_CHECK = "CROSS_CHECK", "交叉检查"
    ASSESSMENT = "ASSESSMENT", "考核评估"
    SELF_CHECK = "SELF_CHECK", "自查"
    PETITION = "PETITION", "信访举报"


class Level(TextChoices):
    """Who inspects."""

    CENTRAL = "CENTRAL", "中央"
    PROVINCE = "PROVINCE", "省级"
    CITY = "CITY", "市级"
    COUNTY = "COUNTY", "县级"
    TOWN = "TOWN", "乡镇"


class Origin(TextChoices):
    """What a finding was entered from."""

    ENTERED = "ENTERED", "录入"
    WORKBOOK = "WORKBOOK", "导入"
    CASE = "CASE", "评估问题"
    FUND_RULE = "FUND_RULE", "资金疑点"
    SPLIT = "SPLIT", "拆分"
    SWEEP = "SWEEP", "举一反三"
    COMPLAINT = "COMPLAINT", "信访举报"


class Severity(TextChoices):
    ORDINARY = "ORDINARY", "一般"
    SERIOUS = "SERIOUS", "较重"
    GRAVE = "GRAVE", "严重"


class ObjectKind(TextChoices):
    """What a problem is about."""

    PLACE = "PLACE", "县、乡镇、村"
    HOUSEHOLD = "HOUSEHOLD", "户"
    PERSON = "PERSON", "人"
    PROJECT = "PROJECT", "项目"
    PAYMENT = "PAYMENT", "支付"
    CADRE = "CADRE", "干部"


class State(TextChoices):
    """How far a problem is mended."""

    FOUND = "FOUND", "待交办"
    ASSIGNED = "ASSIGNED", "已交办"
    MEASURED = "MEASURED", "已报措施"
    CLAIMED = "CLAIMED", "已报完成"
    VERIFIED = "VERIFIED", "已核验"
    WATCHED = "WATCHED", "长期坚持"
    CLOSED = "CLOSED", "已销号"
    RETURNED = "RETURNED", "已退回"
    MERGED = "MERGED", "已并入"
    SPLIT = "SPLIT", "已拆分"


# Which state may follow which; the database holds the same list (migration 0004). A closed one comes
# back only by a re-inspection that found it again, a watched one also by its monthly look.
FOLLOWS: dict[str, tuple[str, ...]] = {
    "": (State.FOUND,),
    State.FOUND: (State.ASSIGNED, State.MERGED, State.SPLIT),
    State.ASSIGNED: (State.ASSIGNED, State.MEASURED, State.MERGED, State.SPLIT),
    State.MEASURED: (State.ASSIGNED, State.CLAIMED, State.RETURNED, State.MERGED),
    State.CLAIMED: (State.VERIFIED, State.RETURNED),
    State.VERIFIED: (State.CLOSED, State.WATCHED, State.RETURNED),
    State.WATCHED: (State.CLOSED, State.RETURNED),
    State.RETURNED: (State.ASSIGNED, State.MEASURED, State.CLAIMED),
    State.CLOSED: (State.RETURNED,),
    State.MERGED: (),
    State.SPLIT: (),
}
# Somebody still has to do something by a day.
OPEN: tuple[str, ...] = (
    State.FOUND, State.ASSIGNED, State.MEASURED, State.CLAIMED, State.VERIFIED, State.RETURNED,
)  # fmt: skip
# The mending is still owed: letters climb for these.
OWED: tuple[str, ...] = (State.ASSIGNED, State.MEASURED, State.RETURNED)
# Mended; a watched one counts as closed in the figures, and is looked at every month.
DONE: tuple[str, ...] = (State.CLOSED, State.WATCHED)
# Counted in another finding, or in several.
GONE: tuple[str, ...] = (State.MERGED, State.SPLIT)
# What only somebody else than whoever claimed it may say.
BY_ANOTHER: tuple[str, ...] = (State.VERIFIED, State.CLOSED, State.WATCHED)


class Look(TextChoices):
    """What a second look at a mended problem saw."""

    HOLDS = "HOLDS", "未反弹"
    RELAPSED = "RELAPSED", "已反弹"
