"""What becomes of a batch once a file that mends it was read: given up, or still to be written."""

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from imports.catalog.plan import Plan
from imports.enums import BatchState, Grain
from imports.models import Batch, Push
from imports.services.receiving import drop_stage
from imports.services.staging import is_staged

UNWRITTEN = "第 {} 批还有未写入的行，请先写入第 {} 批合格的行。"
_NEVER_WRITTEN = (BatchState.UPLOADED, BatchState.MAPPING, BatchState.STAGED, BatchState.REFUSED)
# Of a correction that did not take its place.
_READ = (BatchState.STAGED, BatchState.APPLYING, BatchState.APPLIED)


def supersede(batch: Batch) -> None:
    """Give up what this batch's file corrects, unless that was written; in the caller's transaction.

    To be called while the batch is staged. A previewed batch with good rows that the new file does
    not bring stays: nobody would ever write them.
    """
    if batch.corrects_id is None:
        return
    # The same place and year: `receive` saw to it, and a foreign batch is nobody's to give up.
    given_up = Batch.objects.filter(
        pk=batch.corrects_id,
        partition=batch.partition,
        region_prefix=batch.region_prefix,
        state__in=_NEVER_WRITTEN,
    )
    for old in given_up.select_for_update(of=("self",), no_key=True).select_related("layout"):
        if not _is_same_hand(batch, old):
            continue
        if old.state == BatchState.STAGED and not _covers(batch, old):
            continue
        drop_stage(old)
        Batch.objects.filter(pk=old.pk).update(state=BatchState.DISCARDED, stage="")


def _is_same_hand(batch: Batch, old: Batch) -> bool:
    """A machine client gives up its own batches alone."""
    clients = dict(Push.objects.filter(batch__in=[batch, old]).values_list("batch", "client"))
    return batch.pk not in clients or clients.get(old.pk) == clients[batch.pk]


def _covers(batch: Batch, old: Batch) -> bool:
    """Whether the new file brings every household, person or record that the old one would write."""
    if not is_staged(old) or not is_staged(batch):
        return False
    new_plan, old_plan = Plan.of_batch(batch), Plan.of_batch(old)
    if new_plan.grain != old_plan.grain:
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT NOT EXISTS ({_keys(old_plan)} LEFT JOIN {old_plan.errors} e USING (row_no)"
            f" WHERE e.row_no IS NULL EXCEPT {_keys(new_plan)})"
        )
        return bool(cursor.fetchone()[0])


def _keys(plan: Plan) -> str:
    """SQL: what tells the rows of a file apart, without an end."""
    if plan.grain == Grain.VILLAGE:
        names = ["county", "town", "village"]
    elif plan.has_persons or plan.has_entries:
        # Who has no number is told by name.
        names = ["household_no", "person_no", "name"]
    else:
        names = ["household_no"]
    told = [f"coalesce(r.{name}, '')" for name in names]
    if "name" in names:
        told[-1] = f"CASE WHEN coalesce(r.person_no, '') = '' THEN {told[-1]} ELSE '' END"
    if plan.has("started_month"):
        told.append("coalesce(r.started_month, '')")
    return f"SELECT {', '.join(told)} FROM {plan.rows} r"


def with_mended(batches: QuerySet[Batch]) -> QuerySet[Batch]:
    """The batches, each knowing whether a file that mends it was read, as `unwritten` asks."""
    mending = Batch.objects.filter(corrects=OuterRef("pk"), state__in=_READ)
    return batches.annotate(is_mended=Exists(mending))


def unwritten(batch: Batch) -> str:
    """What a person must do so that no row is lost between a batch and its correction; may be empty."""
    old = batch.corrects if batch.state in _READ else None
    if old is not None and old.state == BatchState.STAGED:
        return UNWRITTEN.format(old.pk, old.pk)
    if batch.state != BatchState.STAGED:
        return ""
    is_mended = getattr(batch, "is_mended", None)
    if is_mended is None:
        is_mended = batch.corrections.filter(state__in=_READ).exists()
    return UNWRITTEN.format(batch.pk, batch.pk) if is_mended else ""
