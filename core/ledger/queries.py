"""Reading the access ledger: who may see which entries, searches, one day, one person."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Q, QuerySet
from django.utils import timezone

from core.ledger.enums import Act, Outcome
from core.ledger.models import AccessEntry, Alert, Seal, act_label
from core.scope import Actor, within

VIEW = "core.view_ledger"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LARGEST = 2**63 - 1
# What the daily report breaks down by person.
BY_PERSON = (
    Act.REFUSED, Act.SIGN_IN_FAILED, Act.REVEAL, Act.EXPORT, Act.API_PULL, Act.PRINT, Act.PAPER,
)  # fmt: skip


class BadCursorError(ValueError):
    """The text is no cursor of the ledger."""


def sees_whole_city(actor: Actor) -> bool:
    """Whether the actor reads everything, entries without a region included."""
    return any(settings.SITE_CITY_CODE.startswith(prefix) for prefix in actor.prefixes_for(VIEW))


def visible_entries(actor: Actor) -> QuerySet[AccessEntry]:
    """Entries on the actor's regions; what concerns no region is for holders of the whole city."""
    if sees_whole_city(actor):
        return AccessEntry.objects.all()
    return AccessEntry.objects.filter(within(actor.prefixes_for(VIEW), "region"))


def visible_alerts(actor: Actor) -> QuerySet[Alert]:
    """Alerts whose acts all lie in the actor's regions."""
    alerts = Alert.objects.select_related("seen_by")
    if sees_whole_city(actor):
        return alerts
    return alerts.filter(within(actor.prefixes_for(VIEW), "region"))


def is_met(actor: Actor, user: int) -> bool:
    """Whether the actor may know of this user: by entries they may read, or reading them all."""
    return sees_whole_city(actor) or visible_entries(actor).filter(actor=user).exists()


def entries_about(subject: str) -> QuerySet[AccessEntry]:
    """Who had to do with this household (or user, or file), youngest first; not limited by region.

    A person's number finds what was done with that person, which stands under the household.
    """
    return AccessEntry.objects.filter(_about(subject)).order_by("-at", "-id")


def _about(subject: str) -> Q:
    return Q(subject=subject) | Q(person_no=subject)


@dataclass(frozen=True)
class Search:
    """What a page of the ledger asks for; empty means any. `until` is a day and included."""

    since: date | None = None
    until: date | None = None
    act: str = ""
    outcome: str = ""
    user: int | None = None
    client: int | None = None
    region: str = ""
    subject: str = ""

    def __bool__(self) -> bool:
        return self != Search()


def search(actor: Actor, asked: Search) -> QuerySet[AccessEntry]:
    """The visible entries that fit, in no order yet."""
    found = visible_entries(actor)
    if asked.since:
        found = found.filter(at__gte=day_start(asked.since))
    if asked.until:
        found = found.filter(at__lt=day_start(asked.until + timedelta(days=1)))
    for name, value in (
        ("act", asked.act),
        ("outcome", asked.outcome),
        ("actor", asked.user),
        ("client", asked.client),
    ):
        if value not in ("", None):
            found = found.filter(**{name: value})
    if asked.region:
        found = found.filter(within([asked.region], "region"))
    if asked.subject:
        found = found.filter(_about(asked.subject))
    return found


def day_start(day: date) -> datetime:
    """Midnight by the local clock."""
    return timezone.make_aware(datetime.combine(day, time.min))


# --- pages by key ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Page:
    """Entries, youngest first, with the cursors of the pages beside them."""

    rows: list[AccessEntry]
    previous: str = ""
    next: str = ""


def page_of(found: QuerySet[AccessEntry], *, size: int, after: str = "", before: str = "") -> Page:
    """One page after (older than) or before (younger than) a cursor, or the first."""
    if before:
        taken = list(_beyond(found, before, "gt").order_by("at", "id")[: size + 1])
        shown = taken[:size][::-1]
        return Page(
            shown,
            previous=_cursor(shown[0]) if len(taken) > size else "",
            next=_cursor(shown[-1]) if shown else "",
        )
    if after:
        found = _beyond(found, after, "lt")
    taken = list(found.order_by("-at", "-id")[: size + 1])
    shown = taken[:size]
    return Page(
        shown,
        previous=_cursor(shown[0]) if after and shown else "",
        next=_cursor(shown[-1]) if len(taken) > size else "",
    )


def _cursor(entry: AccessEntry) -> str:
    return f"{(entry.at - _EPOCH) // timedelta(microseconds=1)}_{entry.pk}"


def _beyond(found: QuerySet[AccessEntry], cursor: str, sense: str) -> QuerySet[AccessEntry]:
    at, number = _read(cursor)
    return found.filter(
        Q(**{f"at__{sense}": at}) | Q(at=at, **{f"id__{sense}": number}), **{f"at__{sense}e": at}
    )


def _read(cursor: str) -> tuple[datetime, int]:
    micros, _, number = cursor.partition("_")
    if not all(part.isascii() and part.isdecimal() and len(part) < 20 for part in (micros, number)):
        raise BadCursorError
    try:
        at = _EPOCH + timedelta(microseconds=int(micros))
    except OverflowError as error:
        raise BadCursorError from error
    if int(number) > _LARGEST:
        raise BadCursorError
    return at, int(number)


# --- sums --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tally:
    """How often an act ended how, on one day or by one person."""

    act: str
    label: str
    ok: int
    refused: int
    failed: int

    @property
    def total(self) -> int:
        return self.ok + self.refused + self.failed


def tallies(found: QuerySet[AccessEntry]) -> list[Tally]:
    """One line per act, in the order of the acts."""
    sums: dict[str, dict[str, int]] = {}
    grouped = found.order_by().values("act", "outcome").annotate(times=Count("id"))
    for row in grouped:
        sums.setdefault(row["act"], {})[row["outcome"]] = row["times"]
    order = {act: number for number, act in enumerate(Act.values)}
    return [
        Tally(act, act_label(act), *(sums[act].get(outcome, 0) for outcome in Outcome.values))
        for act in sorted(sums, key=lambda act: (order.get(act, len(order)), act))
    ]


def by_person(found: QuerySet[AccessEntry], *, most: int = 50) -> list[dict[str, Any]]:
    """Who did how much of what deserves a look, the busiest first."""
    grouped = (
        found.filter(act__in=BY_PERSON)
        .order_by()
        .values("act", "actor", "client", "actor_name")
        .annotate(times=Count("id"), last=Max("at"))
        .order_by("-times", "act", "actor_name")[:most]
    )
    return [{**row, "label": act_label(row["act"])} for row in grouped]


def on_day(actor: Actor, day: date) -> QuerySet[AccessEntry]:
    return search(actor, Search(since=day, until=day))


def exports_of(found: QuerySet[AccessEntry], *, most: int = 100) -> QuerySet[AccessEntry]:
    """What left the product, youngest first."""
    return found.filter(act__in=(Act.EXPORT, Act.EXPORT_RELEASE)).order_by("-at", "-id")[:most]


def alerts_on(actor: Actor, day: date) -> QuerySet[Alert]:
    start = day_start(day)
    return visible_alerts(actor).filter(
        raised_at__gte=start, raised_at__lt=start + timedelta(days=1)
    )


def seal_of_day(day: date) -> Seal | None:
    """The link that closed the day; None while the day lasts or nobody has sealed it."""
    return _bare_seals().filter(table="", day=day).first()


def last_seal() -> Seal | None:
    return _bare_seals().order_by("-no").first()


def _bare_seals() -> QuerySet[Seal]:
    return Seal.objects.defer("columns", "ids", "marks", "digest", "former", "mac")
