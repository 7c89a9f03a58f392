"""What happened to a household, youngest first, one entry per act: who, when, what from and to, why.

Written for the clerk who is asked about it. Pages are cut by the time of the acts, so that what
happens meanwhile moves nothing from one page to the next.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model

from core.scope import Actor
from households.models import Household
from households.queries.happenings import Item, items
from households.queries.trail import trail
from villages.models import Region

# As many acts as one screen and a half hold.
PAGE = 20
# As many facts as a title names.
_NAMED = 2
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Source:
    """What background work wrote: its name, and its page for those who may open it."""

    name: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """The lines of one act about one member, one year or the household itself."""

    title: str
    lines: list[Item]


@dataclass(frozen=True, slots=True)
class Entry:
    """One act."""

    at: datetime
    who: str
    title: str
    subjects: list[Subject]
    reason: str
    source: Source | None

    @property
    def key(self) -> str:
        """Microseconds since 1970: what turns the page."""
        return str((self.at - _EPOCH) // timedelta(microseconds=1))


@dataclass(frozen=True, slots=True)
class Page:
    entries: list[Entry]
    # Key of the next page, "" on the last.
    after: str
    years: list[int]


_sources: Callable[[Collection[int], Actor], dict[int, Source]] | None = None


def jobs_from(source: Callable[[Collection[int], Actor], dict[int, Source]] | None) -> None:
    """Whoever writes the register in the background says what its jobs are called."""
    global _sources  # noqa: PLW0603
    _sources = source


def timeline(
    household: Household, actor: Actor, *, year: int = 0, group: str = "", after: str = ""
) -> Page:
    """One page of acts, narrowed to a year of the register and to a group of facts.

    The number of queries does not grow with the acts.
    """
    told = items(trail(household, actor), actor)
    years = sorted({item.year for item in told if item.year}, reverse=True)
    acts = [narrow for act in _acts(told) if (narrow := _narrowed(act, year, group))]
    kept = [
        act for act in sorted(acts, key=_at, reverse=True) if not after or _micros(act) < int(after)
    ]
    # Acts of one and the same moment stay on one page.
    shown = kept[:PAGE]
    while len(shown) < len(kept) and _at(kept[len(shown)]) == _at(shown[-1]):
        shown.append(kept[len(shown)])
    entries = _entries(shown, actor)
    return Page(entries, entries[-1].key if len(shown) < len(kept) else "", years)


def _narrowed(act: Sequence[Item], year: int, group: str) -> list[Item]:
    return [
        item
        for item in act
        if (not year or item.year == year) and (not group or item.group == group)
    ]


def _at(act: Sequence[Item]) -> datetime:
    return max(item.at for item in act)


def _micros(act: Sequence[Item]) -> int:
    return (_at(act) - _EPOCH) // timedelta(microseconds=1)


def _acts(told: Iterable[Item]) -> list[list[Item]]:
    """Lines of one request, one job, one transaction or one row's change belong to one act."""
    acts: list[list[Item]] = []
    by_key: dict[Any, list[Item]] = {}
    for item in sorted(told, key=lambda one: one.at):
        known = {id(by_key[key]): by_key[key] for key in _keys(item) if key in by_key}
        act, *others = known.values() or [[]]
        if not act:
            acts.append(act)
        for other in others:
            act.extend(other)
            acts = [one for one in acts if one is not other]
        act.append(item)
        for one in act:
            by_key |= dict.fromkeys(_keys(one), act)
    return acts


def _keys(item: Item) -> list[Any]:
    # The facts of one image share its microsecond.
    keys: list[Any] = [("at", item.at)]
    if item.request:
        keys.append(("request", item.request, item.user))
    if item.job:
        keys.append(("job", item.job))
    if item.moment:
        keys.append(("moment", item.moment))
    return keys


def _entries(acts: Sequence[Sequence[Item]], actor: Actor) -> list[Entry]:
    """The acts in words; names of people, places and jobs are fetched for the page as a whole."""
    told = [item for act in acts for item in act]
    users = get_user_model()._default_manager.in_bulk({one.user for one in told if one.user})
    names = {pk: str(user) for pk, user in users.items()}
    places = _places(told)
    jobs = {item.job for item in told if item.job}
    sources = _sources(jobs, actor) if jobs and _sources else {}
    return [_entry(act, names, places, sources) for act in acts]


def _entry(
    act: Sequence[Item],
    names: dict[int, str],
    places: dict[str, str],
    sources: dict[int, Source],
) -> Entry:
    jobs = sorted({item.job for item in act if item.job})
    return Entry(
        at=_at(act),
        who=_who(act, names),
        title=_title(act),
        subjects=list(_subjects([_with_places(item, places) for item in act])),
        reason="；".join(dict.fromkeys(item.reason for item in act if item.reason)),
        source=sources.get(jobs[0], Source(f"后台任务 {jobs[0]}")) if jobs else None,
    )


def _who(act: Sequence[Item], names: dict[int, str]) -> str:
    """The user, the machine client by the name it had, or the system itself."""
    for item in act:
        if item.user is not None:
            return names.get(item.user, f"用户 {item.user}")
    for item in act:
        if item.client:
            return f"{item.client.partition(' ')[2]}（接口）"
    return "系统"


def _title(act: Sequence[Item]) -> str:
    """What the act was, by the events it booked and the facts it changed."""
    events = list(dict.fromkeys(item.label for item in act if item.is_event))
    changed = [item.label for item in act if not item.is_event]
    if changed:
        named = "、".join(dict.fromkeys(changed[:_NAMED]))
        more = f" 等 {len(changed)} 项" if len(changed) > _NAMED else ""
        events.append(f"修改{named}{more}")
    return "，".join(events)


def _subjects(act: Sequence[Item]) -> Iterable[Subject]:
    by_title: dict[str, list[Item]] = {}
    for item in act:
        if not item.is_event or item.after or item.subject:
            by_title.setdefault(item.subject, []).append(item)
    for title, lines in by_title.items():
        yield Subject(title, lines)


def _places(told: Sequence[Item]) -> dict[str, str]:
    """Names of the villages that somebody moved between."""
    codes = {code for item in told if item.label == "所在村" for code in (item.before, item.after)}
    if not codes:
        return {}
    rows = Region.objects.filter(code__in=codes).order_by("valid_from")
    return dict(rows.values_list("code", "name"))


def _with_places(item: Item, places: dict[str, str]) -> Item:
    if item.label != "所在村":
        return item
    before, after = (
        f"{places[code]}（{code}）" if code in places else code
        for code in (item.before, item.after)
    )
    return replace(item, before=before, after=after)
