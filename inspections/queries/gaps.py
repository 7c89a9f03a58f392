"""What is still missing, from every source at once: where, whose household, whose to mend, until when.

Each source is a query of the same columns over rows that the actor sees; they are put one below the
other and counted, narrowed and turned over in pages there. Words come later, for a page alone
(`gaps_shown`). As many statements whatever the size of the place.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import (
    BigIntegerField,
    CharField,
    DateField,
    Exists,
    F,
    Func,
    OuterRef,
    Q,
    Subquery,
    Value,
)
from django.db.models.functions import Cast
from django.utils.crypto import salted_hmac

from core.scope import Actor, after, below
from exits.enums import Outcome, SubjectLevel
from exits.models import (
    ExitNotice,
    ExitProcedure,
    GateResult,
    HouseholdReadiness,
    Standard,
    StandardItem,
)
from exits.queries.standards import items_of
from households.models import Assignment, Mark, Procedure, ProcedureState, Publicity, TaskItem
from households.queries.entrusted import households_of
from inspections.enums.findings import OWED
from inspections.models import Extension, Finding, Letter
from inspections.queries.findings import listing
from inspections.queries.findings.days import WAITING, end_of
from villages.models import CountyYear, VillageYear

PAGE = 50
FIND, MEND = "inspections.find", "inspections.mend"
# Nothing says until when.
NEVER = date.max
FINDING, UNMET, UNKNOWN = "finding", "unmet", "unknown"
GATE_UNMET, GATE_UNKNOWN = "gate_unmet", "gate_unknown"
MARK, TASK, PROCEDURE, EXIT = "mark", "task", "procedure", "exit"
EXTENSION, LOOK, LETTER = "extension", "look", "letter"
# Sources as lists count them: their name and the kinds of rows in them.
SOURCES: dict[str, tuple[str, tuple[str, ...]]] = {
    "finding": ("问题整改", (FINDING,)),
    "unmet": ("退出标准未达标", (UNMET, GATE_UNMET)),
    "unknown": ("退出标准缺数据", (UNKNOWN, GATE_UNKNOWN)),
    "check": ("待核查、任务", (MARK, TASK)),
    "procedure": ("程序、公示", (PROCEDURE, EXIT)),
    "answer": ("延期、复查、文书", (EXTENSION, LOOK, LETTER)),
}
SOURCE_OF = {kind: name for name, (_, kinds) in SOURCES.items() for kind in kinds}
# Persons that are counted one by one.
MOST_OWNERS = 100
_COLUMNS = ("kind", "ref", "item", "place", "household", "due", "owner", "named")
_DIGITS_OF_WHO = 16

Sql = tuple[str, list[Any]]


@dataclass(frozen=True)
class Asked:
    """Whose list is asked for: of a place or of oneself, of one source or responsible person."""

    actor: Actor
    year: int | None
    day: date
    place: str = ""
    mine: bool = False
    source: str = ""
    who: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that is missing. `kind`, `ref` and `item` name it for good.

    `who` is the responsible person as a key that names nobody; empty where it is the place's own.
    """

    kind: str
    ref: int
    item: str
    place: str
    household: int | None
    due: date | None
    owner: int | None
    named: str
    who: str

    @property
    def key(self) -> tuple[str, int, str]:
        return self.kind, self.ref, self.item


@dataclass(frozen=True)
class Page:
    """Rows, overdue first, and the keys to go on; "" at either end."""

    rows: list[Gap]
    after: str
    before: str


@dataclass
class Count:
    """How much is missing somewhere, by source, and how much of it is overdue."""

    total: int = 0
    late: int = 0
    sources: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Owner:
    """A responsible person with what is owed."""

    who: str
    owner: int | None
    named: str
    total: int
    late: int


# --- the sources -------------------------------------------------------------------------------


def _none(of: Any) -> Any:
    return Cast(Value(None), of)


def _part(
    rows: Any,
    kind: str,
    *,
    place: str,
    ref: Any = None,
    item: Any = None,
    household: str = "",
    due: Any = None,
    owner: str = "",
    named: str = "",
) -> Sql | None:
    told = {
        "kind": Value(kind),
        "ref": ref if ref is not None else Cast(F("pk"), BigIntegerField()),
        "item": item if item is not None else Value(""),
        "place": F(place),
        "household": F(household) if household else _none(BigIntegerField()),
        "due": due if due is not None else _none(DateField()),
        "owner": Cast(F(owner), BigIntegerField()) if owner else _none(BigIntegerField()),
        "named": F(named) if named else Value(""),
    }
    rows = rows.order_by().annotate(**{f"gap_{name}": told[name] for name in _COLUMNS})
    try:
        text, params = rows.values_list(
            *(f"gap_{name}" for name in _COLUMNS)
        ).query.sql_with_params()
    except EmptyResultSet:
        # Such rows are seen by nobody who asks so.
        return None
    return text, list(params)


def in_force(standards: Sequence[Standard]) -> dict[str, Standard]:
    """Prefix → the standard that is in force below it, unless a longer prefix fits."""
    found: dict[str, Standard] = {}
    for one in sorted(standards, key=lambda one: one.code):
        found.setdefault(one.region_prefix, one)
    return found


def standards_of(year: int) -> list[Standard]:
    return list(Standard.objects.valid_in(year).order_by("code"))


def _below_alone(prefix: str, others: Sequence[str], column: str) -> Q:
    """Rows below a prefix and below none of the longer ones."""
    found = below(prefix, column) if prefix else Q()
    for one in others:
        if len(one) > len(prefix) and one.startswith(prefix):
            found &= ~(Q(**{f"{column}__gte": one}) & Q(**{f"{column}__lt": after(one)}))
    return found


def _unnested(name: str) -> Any:
    return Func(F(name), function="unnest", output_field=CharField())


def _visible(model: Any, asked: Asked) -> Any:
    rows = model.objects.visible_to(asked.actor)
    return rows.in_region(asked.place) if asked.place else rows


def _of_inspections(asked: Asked) -> Iterator[Sql | None]:
    found = _visible(Finding, asked)
    yield _part(
        found.filter(state__in=OWED), FINDING, place="region_code", household="household_id",
        due=F("due_on"), owner="duty_user_id", named="duty_name",
    )  # fmt: skip
    waits = _visible(Extension, asked).filter(is_granted__isnull=True)
    yield _part(
        waits, EXTENSION, place="region_code", household="finding__household_id",
        due=F("finding__due_on"),
    )  # fmt: skip
    month = Value(end_of(asked.day.replace(day=1)), output_field=DateField())
    yield _part(
        found.filter(listing.look_due(asked.day)), LOOK, place="region_code",
        household="household_id", due=Cast(month, DateField()),
    )  # fmt: skip
    letters = _visible(Letter, asked).filter(state__in=WAITING)
    yield _part(letters, LETTER, place="region_code", due=F("reply_due_on"), named="unit")


def _of_register(asked: Asked) -> Iterator[Sql | None]:
    marks = _visible(Mark, asked).open().filter(partition_id=asked.year)
    yield _part(marks, MARK, place="village_code", household="household_id", due=F("due_on"))
    items = _visible(TaskItem, asked).standing().filter(
        done_at__isnull=True, task__closed_at__isnull=True, task__partition_id=asked.year
    )  # fmt: skip
    yield _part(
        items, TASK, place="village_code", household="household_id", due=F("task__due_on"),
        owner="task__owner_id",
    )  # fmt: skip
    for model, notice, kind, place in (
        (Procedure, Publicity, PROCEDURE, "village_code"),
        (ExitProcedure, ExitNotice, EXIT, "region_code"),
    ):
        rows = _visible(model, asked).filter(state=ProcedureState.OPEN, partition_id=asked.year)
        # A notice that has run out is late: the step after it is owed.
        posted = notice.objects.filter(procedure=OuterRef("pk"), step=OuterRef("step"))
        last = posted.order_by("-ends_on").values("ends_on")[:1]
        yield _part(rows, kind, place=place, due=Subquery(last))


def _of_standards(asked: Asked) -> Iterator[Sql | None]:
    year: Any = asked.year
    standards = standards_of(year)
    forced = in_force(standards)
    items = items_of(list(forced.values()))
    for prefix, standard in forced.items():
        veto = _veto(items[standard.pk, SubjectLevel.HOUSEHOLD])
        if veto:
            yield from _homes(asked, standard, prefix, list(forced), veto)
        yield from _gates(asked, standard, prefix, list(forced))


def _veto(items: dict[str, StandardItem]) -> list[str]:
    return [code for code, item in items.items() if item.is_veto]


def _homes(
    asked: Asked, standard: Standard, prefix: str, others: Sequence[str], veto: list[str]
) -> Iterator[Sql | None]:
    rows = _visible(HouseholdReadiness, asked).filter(
        _below_alone(prefix, others, "village_code"),
        partition=asked.year, standard=standard, is_poor=True,
    )  # fmt: skip
    for kind, name in ((UNMET, "not_met"), (UNKNOWN, "missing")):
        part = _part(
            rows.filter(**{f"{name}__overlap": veto}), kind, place="village_code",
            ref=Cast(F("household_id"), BigIntegerField()), item=_unnested(name),
            household="household_id",
        )  # fmt: skip
        if part is not None:
            text, params = part
            columns = ", ".join(_COLUMNS)
            yield f"SELECT * FROM ({text}) AS p({columns}) WHERE item = ANY(%s)", [*params, veto]


def _gates(
    asked: Asked, standard: Standard, prefix: str, others: Sequence[str]
) -> Iterator[Sql | None]:
    """Of poor villages and counties that have not exited yet."""
    of: dict[str, Any] = {"region_code": OuterRef("region_code"), "year": asked.year}
    villages = VillageYear.objects.filter(**of, is_poor_village=True, exited_year__isnull=True)
    counties = CountyYear.objects.filter(**of, exited_year__isnull=True).exclude(
        poverty_level="none"
    )
    rows = _visible(GateResult, asked).filter(
        _below_alone(prefix, others, "region_code"),
        Q(Exists(villages), level=SubjectLevel.VILLAGE)
        | Q(Exists(counties), level=SubjectLevel.COUNTY),
        partition=asked.year, standard=standard, is_veto=True,
    )  # fmt: skip
    number = Cast(F("region_code"), BigIntegerField())
    for kind, outcome in ((GATE_UNMET, Outcome.NOT_MET), (GATE_UNKNOWN, Outcome.MISSING)):
        yield _part(
            rows.filter(outcome=outcome), kind, place="region_code", ref=number, item=F("item")
        )


def _parts(asked: Asked) -> list[Sql]:
    found = list(_of_inspections(asked))
    if asked.year is not None:
        found += [*_of_register(asked), *_of_standards(asked)]
    return [one for one in found if one is not None]


# --- together ----------------------------------------------------------------------------------

_WHO = f"""CASE WHEN owner IS NOT NULL THEN 'u' || owner
 WHEN named <> '' THEN 'n' || left(encode(sha256(convert_to(%s || named, 'UTF8')), 'hex'), {_DIGITS_OF_WHO})
 ELSE '' END"""


def _salt() -> str:
    """What keeps a list of names from being tried against the keys in addresses."""
    return salted_hmac("inspections.gaps.who", "").hexdigest()


def _united(asked: Asked) -> Sql | None:
    """WITH gaps AS (…): every row that is asked for, with who is responsible.

    A household that is entrusted to somebody is theirs to mend where nobody is named.
    """
    parts = _parts(asked)
    if not parts:
        return None
    held, params = _entrusted(asked)
    union = " UNION ALL ".join(f"({text})" for text, _ in parts)
    params += [value for _, values in parts for value in values]
    columns = ", ".join(_COLUMNS)
    wanted, more = _wanted(asked)
    kinds = f"'{UNMET}', '{UNKNOWN}', '{MARK}'"
    text = f"""WITH entrusted AS ({held}), found AS (
 SELECT g.kind, g.ref, g.item, g.place, g.household, g.due, g.named,
        CASE WHEN g.kind IN ({kinds}) THEN e.user_id ELSE g.owner END AS owner
   FROM ({union}) AS g({columns}) LEFT JOIN entrusted e ON e.household_id = g.household
), named AS (
 SELECT kind, ref, item, place, household, due, owner, named, {_WHO} AS who FROM found
), gaps AS (SELECT * FROM named WHERE {wanted}) """
    return text, [*params, _salt(), *more]


def _entrusted(asked: Asked) -> Sql:
    """Household → the last person it was entrusted to, of those it is entrusted to now."""
    rows = Assignment.objects.visible_to(asked.actor)
    if asked.place:
        rows = rows.in_region(asked.place)
    own = Assignment.objects.filter(user_id=asked.actor.assigned_to or 0)
    held = (rows | own).standing().order_by("household_id", "-created_at", "-pk")
    text, params = (
        held.distinct("household_id").values_list("household_id", "user_id").query.sql_with_params()
    )
    return f"SELECT * FROM ({text}) AS a(household_id, user_id)", list(params)


def _wanted(asked: Asked) -> Sql:
    conditions = ["true"]
    params: list[Any] = []
    if asked.source in SOURCES:
        conditions.append("kind = ANY(%s)")
        params.append(list(SOURCES[asked.source][1]))
    if asked.who:
        conditions.append("who = %s")
        params.append("" if asked.who == "-" else asked.who)
    if asked.mine:
        text, more = _mine(asked.actor)
        conditions.append(text)
        params += more
    return " AND ".join(conditions), params


def _mine(actor: Actor) -> Sql:
    """Owed by name, of an entrusted household, or of the actor's own office where no account is."""
    conditions = [
        "owner = %s",
        f"(owner IS NULL AND place = ANY(%s) AND kind NOT IN ('{EXTENSION}', '{LOOK}'))",
    ]
    own = [prefix.ljust(12, "0") for prefix in actor.prefixes_for(MEND)]
    values: list[Any] = [getattr(actor, "pk", None), own]
    try:
        held, params = households_of(actor).query.sql_with_params()
    except EmptyResultSet:
        pass
    else:
        conditions.append(f"household IN ({held})")
        values += params
    for prefix in actor.prefixes_for(FIND):
        # Second looks and answers to who asks for more time are the office's.
        conditions.append(f"(kind IN ('{EXTENSION}', '{LOOK}') AND place >= %s AND place < %s)")
        values += [prefix, after(prefix)]
    return f"({' OR '.join(conditions)})", values


def overview(asked: Asked, digits: int) -> tuple[dict[str, Count], list[Owner]]:
    """Division by its first digits → what is missing in it; and who owes most. One statement."""
    found: dict[str, Count] = {}
    people: list[Owner] = []
    for is_person, place, kind, who, owner, named, total, late in _asked_for(
        asked,
        "SELECT grouping(kind) = 1, left(place, %s), kind, who, max(owner), max(named),"
        " count(*), count(*) FILTER (WHERE due < %s)"
        " FROM gaps GROUP BY GROUPING SETS ((left(place, %s), kind), (who))",
        [digits, asked.day, digits],
    ):
        if is_person:
            people.append(Owner(who, owner, named, total, late))
            continue
        one = found.setdefault(place, Count())
        source = SOURCE_OF[kind]
        one.total, one.late = one.total + total, one.late + late
        one.sources[source] = one.sources.get(source, 0) + total
    return found, _most(people)


def owners(asked: Asked) -> list[Owner]:
    """Who owes most, the overdue first; one without a key is nobody in person."""
    rows = _asked_for(
        asked,
        "SELECT who, max(owner), max(named), count(*), count(*) FILTER (WHERE due < %s)"
        " FROM gaps GROUP BY who",
        [asked.day],
    )
    return _most([Owner(*row) for row in rows])


def _most(people: list[Owner]) -> list[Owner]:
    return sorted(people, key=lambda one: (-one.late, -one.total, one.who))[:MOST_OWNERS]


def count(asked: Asked) -> tuple[int, int]:
    """How many, and how many of them overdue."""
    rows = _asked_for(
        asked, "SELECT count(*), count(*) FILTER (WHERE due < %s) FROM gaps", [asked.day]
    )
    return rows[0] if rows else (0, 0)


_ORDER = ("first", "place", "home", "day", "kind", "ref", "item")
_LINES = (
    "SELECT kind, ref, item, place, household, due, owner, named, who,"
    " first, home, day FROM (SELECT *, CASE WHEN household IS NULL THEN day"
    " ELSE min(day) OVER (PARTITION BY household) END AS first FROM ("
    "SELECT *, coalesce(due, DATE '9999-12-31') AS day, coalesce(household, 0) AS home FROM gaps"
    ") AS dated) AS lined"
)  # fmt: skip


def page(asked: Asked, after: str = "", before: str = "", size: int = PAGE) -> Page:
    """Rows by day, overdue first; those of a household stay together."""
    back = None if after else _key(before)
    key = back or _key(after)
    where, params = "", []
    order = ", ".join(_ORDER)
    if key:
        sign = "<" if back else ">"
        where = f" WHERE ({order}) {sign} (%s::date, %s, %s, %s::date, %s, %s, %s)"
        params = list(key)
    if back:
        order = ", ".join(f"{one} DESC" for one in _ORDER)
    taken = _asked_for(asked, f"{_LINES}{where} ORDER BY {order} LIMIT %s", [*params, size + 1])
    rows = taken[:size]
    has_more = len(taken) > size
    if back:
        rows.reverse()
        return Page(
            [_gap(row) for row in rows],
            _told(rows[-1]) if rows else "",
            _told(rows[0]) if has_more else "",
        )
    return Page(
        [_gap(row) for row in rows],
        _told(rows[-1]) if has_more else "",
        _told(rows[0]) if key and rows else "",
    )


def all_of(asked: Asked, most: int) -> list[Gap]:
    """Every row, at most so many, in the order of the pages."""
    rows = _asked_for(asked, f"{_LINES} ORDER BY {', '.join(_ORDER)} LIMIT %s", [most])
    return [_gap(row) for row in rows]


def of_keys(asked: Asked, keys: Sequence[tuple[str, int, str]]) -> dict[tuple[str, int, str], Gap]:
    """Those of the rows that are still missing, as far as the actor sees them."""
    rows = _asked_for(
        asked,
        "SELECT kind, ref, item, place, household, due, owner, named, who FROM gaps"
        " JOIN unnest(%s::text[], %s::bigint[], %s::text[]) AS k(k, r, i)"
        " ON kind = k AND ref = r AND item = i",
        [[one[0] for one in keys], [one[1] for one in keys], [one[2] for one in keys]],
    )
    return {one.key: one for one in map(_gap, rows)}


def _asked_for(asked: Asked, text: str, params: Sequence[Any]) -> list[Any]:
    united = _united(asked)
    if united is None:
        return []
    with connection.cursor() as cursor:
        cursor.execute(united[0] + text, [*united[1], *params])
        return list(cursor.fetchall())


def _gap(row: Sequence[Any]) -> Gap:
    return Gap(*row[:9])


def _told(row: Sequence[Any]) -> str:
    """The key of a row: nothing in it names a person."""
    kind, ref, item, place, *_, first, home, day = row
    return f"{first:%Y%m%d}.{place}.{home}.{day:%Y%m%d}.{kind}.{ref}.{item}"


def _key(text: str) -> tuple[Any, ...] | None:
    parts = text.split(".")
    if len(parts) != len(_ORDER) or parts[4] not in SOURCE_OF or "\x00" in text:
        return None
    numbers = [parts[1], parts[2], parts[5]]
    if not all(one.isascii() and one.isdigit() and len(one) < 19 for one in numbers):
        return None
    try:
        first, day = date.fromisoformat(parts[0]), date.fromisoformat(parts[3])
    except ValueError:
        return None
    return first, parts[1], int(parts[2]), day, parts[4], int(parts[5]), parts[6]


def is_late(gap: Gap, day: date) -> bool:
    return gap.due is not None and gap.due < day
