"""Which households an act on many would reach, and why it would leave others as they are.

The same SQL that judges for the preview feeds the act, so that nothing is done that was not shown.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import Left
from django.utils import timezone

from core.scope import Actor, covers, within
from core.walls import shortest
from households.models import (
    Assignment,
    BulkAct,
    BulkKind,
    Household,
    HouseholdYear,
    Mark,
    MarkResult,
    Outcome,
    Partition,
    Task,
    TaskItem,
)
from households.queries.conditions import matching_households

EDIT, ASSIGN = "households.edit", "households.assign"
# Any of these rights, in the village of the household.
RIGHTS: dict[str, tuple[str, ...]] = {
    BulkKind.ASSIGN: (ASSIGN,),
    BulkKind.MARK: (EDIT, ASSIGN),
    BulkKind.TASK: (EDIT, ASSIGN),
}
# Households of these outcomes lie elsewhere: counted, but no row of theirs belongs to the region.
ELSEWHERE = (Outcome.NO_RIGHT, Outcome.MOVED)

# Digits of a town.
TOWN = 9

Sql = tuple[str, list[Any]]


class RegionError(Exception):
    """There is not exactly one division in which the person may do this; the text says so."""


@dataclass(frozen=True)
class Wish:
    """What somebody wants done to which households of a year.

    Households are those of a search (`terms`), or the ones picked from it by `numbers`. `region` is
    the prefix inside which anything is done.
    """

    kind: str
    partition: int
    region: str
    reason: str
    terms: Mapping[str, Any] = field(default_factory=dict)
    numbers: Sequence[str] | None = None
    user: Any = None
    task: Task | None = None
    due_on: date | None = None


@dataclass(frozen=True)
class Counts:
    """How many households by outcome, and a digest that changes when any of them does."""

    by_outcome: dict[str, int]
    digest: str

    @property
    def matched(self) -> int:
        return sum(self.by_outcome.values())

    @property
    def affected(self) -> int:
        return self.by_outcome.get(Outcome.DONE, 0)

    @property
    def skipped(self) -> dict[str, int]:
        return {name: count for name, count in self.by_outcome.items() if name != Outcome.DONE}


def prefixes(kind: str, actor: Actor) -> tuple[str, ...]:
    """Where the actor may do acts of this kind."""
    return shortest({one for right in RIGHTS[kind] for one in actor.prefixes_for(right)})


def region_for(kind: str, place: str, actor: Actor) -> str:
    """The one division in which such an act of the actor on households of `place` happens.

    Raises RegionError when there is none, or when there are several and the place names none of
    them: an act belongs to one office.
    """
    found = shortest(
        place if place.startswith(own) else own
        for own in prefixes(kind, actor)
        if place.startswith(own) or own.startswith(place)
    )
    if not found:
        raise RegionError("您在所选区划没有办理这项工作的权限。")
    if len(found) > 1:
        raise RegionError("您在多个区划有权限，请先在筛选条件中选定其中一个县区或乡镇。")
    return found[0]


def judged(wish: Wish, actor: Actor, part: str = "") -> Sql:
    """SELECT household_id, village_code, outcome of every household that the actor sees and wants.

    `village_code` is where the household lives today, which may be elsewhere than in the year. Of
    all of them only those that lived below `part` in the year.
    """
    found = _chosen(wish, actor).order_by()
    if part:
        found = found.in_region(part)
    keys = found.values_list("household_id", "village_code", "household__village_code")
    chosen, params = keys.query.sql_with_params()
    reasons, more = _reasons(wish)
    return (
        f"SELECT c.household_id, c.village_code, CASE"
        f" WHEN NOT c.year_code ^@ %s THEN '{Outcome.NO_RIGHT}'"
        f" WHEN NOT c.village_code ^@ %s THEN '{Outcome.MOVED}'"
        f" WHEN (SELECT closed_at IS NOT NULL FROM households_partition WHERE year = %s)"
        f" THEN '{Outcome.CLOSED}'"
        f" {reasons} ELSE '{Outcome.DONE}' END AS outcome"
        f" FROM ({chosen}) AS c (household_id, year_code, village_code)",
        [wish.region, wish.region, wish.partition, *more, *params],
    )


def parts(wish: Wish, actor: Actor) -> list[str]:
    """Towns in which the wanted households lived in the year: what long work is cut into."""
    codes = _chosen(wish, actor).order_by().values_list(Left("village_code", TOWN), flat=True)
    return sorted(set(codes.distinct()))


def _chosen(wish: Wish, actor: Actor) -> Any:
    rows = HouseholdYear.objects.visible_to(actor)
    if wish.numbers is not None:
        return rows.in_year(wish.partition).filter(household__household_no__in=wish.numbers)
    return matching_households(rows, wish.terms, wish.partition)


def _reasons(wish: Wish) -> Sql:
    """What single acts of the kind refuse, too."""
    if wish.kind == BulkKind.ASSIGN:
        return (
            f"WHEN NOT c.village_code ^@ ANY (%s::text[]) THEN '{Outcome.UNFIT}'"
            f" WHEN EXISTS (SELECT FROM {Assignment._meta.db_table} AS a WHERE a.user_id = %s"
            f" AND a.household_id = c.household_id AND a.ended_at IS NULL)"
            f" THEN '{Outcome.ALREADY}'",
            [list(wish.user.entrusted_prefixes), wish.user.pk],
        )
    if wish.kind == BulkKind.MARK:
        return (
            f"WHEN EXISTS (SELECT FROM {Mark._meta.db_table} AS m WHERE m.partition_id = %s"
            f" AND m.household_id = c.household_id AND m.closed_at IS NULL)"
            f" THEN '{Outcome.ALREADY}'",
            [wish.partition],
        )
    if wish.task is None:
        return "", []
    return (
        f"WHEN NOT c.village_code ^@ %s THEN '{Outcome.OUTSIDE}'"
        f" WHEN EXISTS (SELECT FROM {TaskItem._meta.db_table} AS t WHERE t.task_id = %s"
        f" AND t.household_id = c.household_id AND t.removed_at IS NULL)"
        f" THEN '{Outcome.ALREADY}'",
        [wish.task.region_code, wish.task.pk],
    )


_MADE = {
    BulkKind.ASSIGN: (Assignment._meta.db_table, "m.ended_at IS NOT NULL"),
    BulkKind.MARK: (Mark._meta.db_table, "m.closed_at IS NOT NULL"),
    BulkKind.TASK: (TaskItem._meta.db_table, "m.done_at IS NOT NULL OR m.removed_at IS NOT NULL"),
}


def undoable(act: BulkAct, part: str = "") -> Sql:
    """SELECT household_id, village_code, outcome, made of every household that the act did.

    What somebody ended, closed or did since stays as it is. Households that moved out of the
    region meanwhile are not there, and stay too. Of all of them only those below `part`.
    """
    table, touched = _MADE[BulkKind(act.kind)]
    return (
        f"SELECT r.household_id, r.village_code, CASE WHEN {touched} THEN '{Outcome.TOUCHED}'"
        f" ELSE '{Outcome.DONE}' END AS outcome, r.made"
        f" FROM households_bulkrow AS r JOIN {table} AS m ON m.id = r.made"
        f" WHERE r.act_id = %s AND r.outcome = '{Outcome.DONE}'"
        f" AND r.village_code ^@ %s",
        [act.pk, part or act.region_code],
    )


def parts_of(act: BulkAct) -> list[str]:
    """Towns of the households that the act did."""
    rows = act.rows.in_region(act.region_code).filter(outcome=Outcome.DONE)
    return sorted(set(rows.values_list(Left("village_code", TOWN), flat=True).distinct()))


# The sum does not depend on the order in which the rows are met.
TALLY = (
    "SELECT outcome, count(*), sum(hashtextextended(household_id || outcome, 0))"
    " FROM judged GROUP BY outcome ORDER BY outcome"
)


def counts(sql: Sql) -> Counts:
    """What the judging comes to, in one statement."""
    text, params = sql
    with connection.cursor() as cursor:
        cursor.execute(f"WITH judged AS ({text}) {TALLY}", params)
        return tallied(cursor.fetchall())


def tallied(rows: Iterable[tuple[str, int, Any]]) -> Counts:
    """Counts of the rows of TALLY, of one statement or of the parts of a whole."""
    found: dict[str, tuple[int, int]] = {}
    for outcome, count, sum_ in rows:
        before = found.get(outcome, (0, 0))
        found[outcome] = (before[0] + count, before[1] + int(sum_))
    print_ = hashlib.sha256(repr(sorted(found.items())).encode()).hexdigest()
    return Counts({outcome: count for outcome, (count, _) in sorted(found.items())}, print_)


# --- what pages show ---------------------------------------------------------------------------


def acts(actor: Actor) -> "QuerySet[BulkAct]":
    """Acts of the offices that the actor belongs to, latest first."""
    found = BulkAct.objects.visible_to(actor)
    return found.select_related("created_by", "user", "task", "job", "undoes").order_by("-id")


def may_undo(act: BulkAct, actor: Actor) -> bool:
    """Whether the act may be taken back now, by whoever holds its right in all of its region."""
    held = any(covers(actor, act.region_code, right) for right in RIGHTS[act.kind])
    if not held or act.state != "DONE" or act.undoes_id or not act.affected:
        return False
    is_open = Partition.objects.filter(pk=act.partition_id, closed_at__isnull=True)
    return is_open.exists() and not act.undoings.exclude(state="FAILED").exists()


def open_marks(actor: Actor) -> "QuerySet[Mark]":
    """Marks that still have to be looked into where the actor may, those due first."""
    mine = _held(actor, "village_code")
    found = Mark.objects.visible_to(actor).open().filter(mine)
    return found.select_related("household", "created_by").order_by("due_on", "id")


def tasks_of(actor: Actor) -> "QuerySet[Task]":
    """Open tasks that the actor is responsible for, with how much of each is done."""
    found = Task.objects.visible_to(actor).open().filter(owner_id=getattr(actor, "pk", None))
    return with_progress(found).order_by("due_on", "-id")


def with_progress(tasks: "QuerySet[Task]") -> "QuerySet[Any]":
    standing = Q(items__removed_at__isnull=True)
    return tasks.select_related("owner", "created_by").annotate(
        households=Count("items", filter=standing),
        done=Count("items", filter=standing & Q(items__done_at__isnull=False)),
    )


def work_counts(actor: Actor) -> dict[str, int]:
    """What waits: open marks of the own region, those overdue, own open tasks; two statements."""
    today = timezone.localdate()
    marks = Mark.objects.visible_to(actor).open().filter(_held(actor, "village_code"))
    return {
        **marks.aggregate(marks=Count("pk"), overdue=Count("pk", filter=Q(due_on__lt=today))),
        "tasks": Task.objects.visible_to(actor)
        .open()
        .filter(owner_id=getattr(actor, "pk", None))
        .count(),
    }


def _held(actor: Actor, column: str) -> Q:
    return within(prefixes(BulkKind.MARK, actor), column)


def marks_shown(household: Household, actor: Actor) -> dict[str, Any]:
    """What `households/_marks.html` shows on a household's page; one statement."""
    marks = list(marks_of(household.pk, actor))
    rights = RIGHTS[BulkKind.MARK]
    return {
        "marks": marks,
        "is_marked": any(mark.closed_at is None for mark in marks),
        "may_mark": any(covers(actor, household.village_code, right) for right in rights),
        "mark_results": MarkResult.choices,
    }


def marks_of(household_id: int, actor: Actor) -> "QuerySet[Mark]":
    """All marks of a household, open ones first."""
    found = Mark.objects.visible_to(actor).filter(household_id=household_id)
    open_first = F("closed_at").desc(nulls_first=True)
    return found.select_related("created_by", "closed_by").order_by(open_first, "-id")


def open_tasks(actor: Actor, year: int, region: str) -> "QuerySet[Task]":
    """Tasks of a year that an act in the region may add to."""
    wide = Q(region_code__in=[region[:length] for length in (4, 6, 9, 12)])
    found = Task.objects.visible_to(actor).open().filter(wide, partition_id=year)
    return found.select_related("owner").order_by("-id")
