"""Fixed words of complaints and petitions: how they came, how far they are dealt with."""

from django.db.models import TextChoices

# Who receives complaints and learns who complained; who handles what is passed on.
PETITION, FIND = "inspections.petition", "inspections.find"


class Channel(TextChoices):
    """How a complaint came in."""

    LETTER = "LETTER", "来信"
    VISIT = "VISIT", "来访"
    PHONE = "PHONE", "电话"
    ONLINE = "ONLINE", "网上"
    PASSED_DOWN = "DOWN", "上级转办"


class Kind(TextChoices):
    """Somebody asks for something, or reports somebody."""

    PETITION = "PETITION", "信访"
    REPORT = "REPORT", "举报"


class State(TextChoices):
    """How far a complaint is dealt with."""

    RECEIVED = "RECEIVED", "已登记"
    ASSIGNED = "ASSIGNED", "已转办"
    ANSWERED = "ANSWERED", "已答复"
    CLOSED = "CLOSED", "已办结"
    RETURNED = "RETURNED", "已退回"
    TRANSFERRED = "PASSED", "已转送"


# Which state may follow which; the database holds the same list (migration 0016).
FOLLOWS: dict[str, tuple[str, ...]] = {
    "": (State.RECEIVED,),
    State.RECEIVED: (State.ASSIGNED, State.TRANSFERRED),
    State.ASSIGNED: (State.ASSIGNED, State.ANSWERED, State.RETURNED),
    State.ANSWERED: (State.CLOSED, State.RETURNED),
    State.RETURNED: (State.ASSIGNED, State.ANSWERED, State.TRANSFERRED),
    State.CLOSED: (),
    State.TRANSFERRED: (),
}
# Not yet with anybody who handles it: only whoever receives complaints knows of it.
UNSEEN: tuple[str, ...] = ("", State.RECEIVED, State.TRANSFERRED)
# An answer is still owed.
OWED: tuple[str, ...] = (State.ASSIGNED, State.RETURNED)
OPEN: tuple[str, ...] = (State.RECEIVED, State.ASSIGNED, State.ANSWERED, State.RETURNED)


class Way(TextChoices):
    """How the answer was given."""

    IN_PERSON = "PERSON", "当面答复"
    PHONE = "PHONE", "电话答复"
    LETTER = "LETTER", "书面答复"
    ONLINE = "ONLINE", "网上答复"
    NOT_POSSIBLE = "NONE", "匿名，无法答复"
