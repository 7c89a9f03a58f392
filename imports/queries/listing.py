"""Lists about imports: history of batches, problems of one by page, what other files mend it."""

from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import Count, QuerySet

from core.scope import Actor, within
from households.catalog import facts
from households.queries.keyset import Keyset, Page
from imports.enums import Acceptance, BatchState, Effect
from imports.models import Batch, BatchQuerySet, Layout, Problem
from imports.queries.changes import staged_plan
from imports.queries.showing import rule_of, shown

LOAD = "imports.load_workbook"
PAGE = 50
PROBLEMS = Keyset(("row_no", "id"), (int, int))


def batches_for(actor: Actor) -> BatchQuerySet:
    """Batches of the divisions that the person may load into; elsewhere none exist for them."""
    return Batch.objects.visible_to(actor).filter(within(actor.prefixes_for(LOAD), "region_prefix"))


def history(batches: BatchQuerySet, terms: dict[str, Any]) -> QuerySet[Batch]:
    """Batches by state, year, layout and uploader, the latest first, with all that a row shows."""
    names = {
        "state": "state",
        "partition": "partition",
        "layout": "layout_id",
        "by": "created_by_id",
    }
    asked = {column: terms[name] for name, column in names.items() if terms.get(name)}
    return batches.filter(**asked).select_related("layout", "created_by", "push__client")


def uploaders(batches: BatchQuerySet) -> list[tuple[int, str]]:
    """Who uploaded any of the batches."""
    known = batches.exclude(created_by=None).order_by().values("created_by_id").distinct()
    people = get_user_model()._default_manager.filter(pk__in=known)
    return sorted(((user.pk, str(user)) for user in people), key=lambda one: one[1])


def layouts_in(batches: BatchQuerySet) -> list[Layout]:
    known = batches.exclude(layout=None).order_by().values("layout_id").distinct()
    return list(Layout.objects.filter(pk__in=known))


_GRAVEST_FIRST = {effect: at for at, effect in enumerate(Effect)}


def summary(batch: Batch) -> list[dict[str, Any]]:
    """Problems by rule and what is done about them, the gravest first."""
    counted = batch.problems.order_by().values("rule", "effect").annotate(n=Count("pk"))
    told = [
        {
            "rule": row["rule"],
            "label": rule_of(row["rule"])[0],
            "effect": Effect(row["effect"]),
            "effect_label": Effect(row["effect"]).label,
            "count": row["n"],
        }
        for row in counted
    ]
    return sorted(told, key=lambda one: (_GRAVEST_FIRST[one["effect"]], one["rule"]))


def problem_page(batch: Batch, *, rule: str = "", after: str = "", before: str = "") -> Page[Any]:
    """Problems by row, masked; raises BadCursorError."""
    rows = batch.problems.all()
    if rule:
        rows = rows.filter(rule=rule)
    page = PROBLEMS.page(rows, size=PAGE, after=after, before=before)
    return Page([_told(row) for row in page.rows], page.previous, page.next)


def problems_of_file(batch: Batch) -> list[dict[str, Any]]:
    """What was found about the file as a whole."""
    return [_told(row) for row in batch.problems.filter(row_no=0).order_by("rule", "pk")[:PAGE]]


def _told(row: Problem) -> dict[str, Any]:
    fact = facts().get(row.identifier)
    message, remedy = rule_of(row.rule)
    return {
        "row_no": row.row_no,
        "rule": row.rule,
        "effect": row.effect,
        "effect_label": row.get_effect_display(),
        "other_row": row.other_row,
        "field": row.header or (fact.label if fact else ""),
        "value": shown(fact, row.value),
        "message": message,
        "remedy": remedy,
    }


def sent_back_along(batch: Batch) -> tuple[int, int] | None:
    """(households, rows) that would be sent back besides, if whole households had to be good.

    None when it does not come to that, or the judged rows are gone.
    """
    plan = staged_plan(batch)
    asks = batch.acceptance == Acceptance.ROWS and batch.state == BatchState.STAGED
    if plan is None or not asks or not plan.has("household_no"):
        return None
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(DISTINCT household_no), count(*) FROM {plan.rows} WHERE household_no IN"
            f" (SELECT household_no FROM {plan.rows} JOIN {plan.errors} USING (row_no)"
            f"   WHERE household_no <> '')"
            f" AND row_no NOT IN (SELECT row_no FROM {plan.errors})"
        )
        households, rows = cursor.fetchone()
        return households, rows


def chain(batch: Batch, batches: BatchQuerySet) -> tuple[Batch | None, list[Batch]]:
    """The batch that this one's file mends, and those whose files mend this one, as far as seen."""
    mended = batches.filter(pk=batch.corrects_id).first() if batch.corrects_id else None
    return mended, list(batches.filter(corrects=batch.pk))
