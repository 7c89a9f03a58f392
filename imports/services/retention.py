"""Drafts nobody confirmed, workbooks nobody needs any more, and what the problems quoted of them.

What stays of a batch for ever: who loaded what file (name and fingerprint) when, and its counts.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from core import retention
from core.acting import acting
from core.jobs.models import OPEN_STATES
from imports.enums import BatchState, FileFormat
from imports.models import Batch, Problem, RawBlock, ReturnedFile
from imports.services.receiving import drop_stage

# States of a batch that still needs its file; one is being written only as long as its job is open.
_UNDECIDED = (BatchState.UPLOADED, BatchState.MAPPING, BatchState.STAGED, BatchState.APPLYING)
_A_DAY = timedelta(days=1)


def _still_worked_on() -> Q:
    return Q(job__state__in=OPEN_STATES)


def due_drafts(before: datetime, limit: int) -> list[int]:
    """Old batches that were never confirmed, and old ones of any end with staged rows left."""
    old = Batch.objects.filter(created_at__lt=before).exclude(_still_worked_on())
    due = old.filter(Q(state__in=_UNDECIDED) | Q(pk__in=_with_staging()))
    return list(due.order_by("pk").values_list("pk", flat=True)[:limit])


def _with_staging() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT substring(tablename from '^b([0-9]+)_')::bigint FROM pg_tables"
            " WHERE schemaname = 'staging' AND tablename ~ '^b[0-9]+_'"
        )
        return [pk for (pk,) in cursor.fetchall()]


def remove_drafts(keys: Sequence[int]) -> int:
    """Give the drafts up and drop their staged rows; one that is worked on by now stays."""
    with acting(by=None, reason="到期清理"):
        found = Batch.objects.select_for_update(of=("self",), skip_locked=True).filter(pk__in=keys)
        over = list(found.exclude(_still_worked_on()).order_by("pk"))
        for batch in over:
            drop_stage(batch)
        pks = [batch.pk for batch in over]
        Batch.objects.filter(pk__in=pks).update(stage="")
        Batch.objects.filter(pk__in=pks, state__in=_UNDECIDED).update(state=BatchState.DISCARDED)
    return len(over)


def due_workbooks(before: datetime, limit: int) -> list[Path]:
    """Files on disk that are old and that no batch needs; and parts of broken uploads."""
    folder = Path(settings.UPLOAD_DIR)
    files = [file for kind in FileFormat.values for file in folder.glob(f"??/*.{kind}")]
    old = [file for file in files if _age(file) > timezone.now() - before]
    needed = _needed([file.stem for file in old], before)
    parts = [
        file
        for pattern in ("*.part", "returned/*.part")
        for file in folder.glob(pattern)
        if _age(file) > _A_DAY
    ]
    return [*sorted(file for file in old if file.stem not in needed), *sorted(parts)][:limit]


def _age(file: Path) -> timedelta:
    try:
        return timedelta(seconds=timezone.now().timestamp() - file.stat().st_mtime)
    except FileNotFoundError:
        return timedelta(0)


def _needed(prints: Sequence[str], before: datetime) -> set[str]:
    batches = Batch.objects.filter(sha256__in=prints)
    kept = batches.filter(Q(created_at__gte=before) | Q(state__in=_UNDECIDED) | _still_worked_on())
    return set(kept.values_list("sha256", flat=True))


def remove_workbooks(files: Sequence[Path]) -> int:
    """Unlink. A file of the same content that arrives at this very moment is not touched.

    It is put aside first: an upload replaces the name with a file of its own, before or after.
    """
    removed = 0
    for file in files:
        aside = file.with_name(f"{file.name}.going")
        try:
            file.rename(aside)
        except FileNotFoundError:
            continue
        if _age(aside) < _A_DAY:
            # It came between listing and now: the batch that brought it needs it.
            if not file.exists():
                aside.rename(file)
            continue
        aside.unlink(missing_ok=True)
        removed += 1
    return removed


def due_quotes(before: datetime, limit: int) -> list[int]:
    """Old batches that still quote what stood in the rows: in their problems, or their first rows."""
    quoting = Problem.objects.filter(batch__created_at__lt=before, value__isnull=False)
    pks = quoting.order_by("batch_id").values_list("batch_id", flat=True).distinct()
    headed = Batch.objects.filter(created_at__lt=before, head__isnull=False)
    decided = headed.exclude(state__in=_UNDECIDED).order_by("pk").values_list("pk", flat=True)
    # A batch may have as many problems as rows.
    most = min(limit, 20)
    return sorted({*pks[:most], *decided[:most]})[:most]


def remove_quotes(keys: Sequence[int]) -> int:
    Batch.objects.filter(pk__in=keys).exclude(state__in=_UNDECIDED).update(head="")
    Problem.objects.filter(batch_id__in=keys, value__isnull=False).update(value="")
    return len(keys)


def due_raws(before: datetime, limit: int) -> list[int]:
    """Batches whose rows were kept long enough; none while the days are 0, which means for ever."""
    if not settings.RETAIN_RAW_DAYS:
        return []
    kept = RawBlock.objects.filter(batch__applied_at__lt=before)
    pks = kept.order_by("batch_id").values_list("batch_id", flat=True).distinct()
    return list(pks[: min(limit, 20)])


def due_raws_in_vain(before: datetime, limit: int) -> list[int]:
    """Batches that were taken back or given up long ago, whose rows are nowhere in the register."""
    over = Q(batch__state=BatchState.UNDONE, batch__undone_at__lt=before)
    over |= Q(batch__state=BatchState.DISCARDED, batch__created_at__lt=before)
    pks = RawBlock.objects.filter(over).order_by("batch_id").values_list("batch_id", flat=True)
    return list(pks.distinct()[: min(limit, 20)])


def remove_raws(keys: Sequence[int]) -> int:
    RawBlock.objects.filter(batch_id__in=keys).delete()
    return len(keys)


def due_returned(before: datetime, limit: int) -> list[int]:
    """Workbooks that were handed back long enough ago."""
    old = ReturnedFile.objects.filter(made_at__lt=before).exclude(sha256="")
    return list(old.order_by("pk").values_list("pk", flat=True)[:limit])


def remove_returned(keys: Sequence[int]) -> int:
    """Note that they are gone; unlinked when that is committed."""
    over = list(ReturnedFile.objects.select_for_update().filter(pk__in=keys).exclude(sha256=""))
    ReturnedFile.objects.filter(pk__in=[one.pk for one in over]).update(sha256="", size=0)
    gone = [one.path for one in over]
    transaction.on_commit(lambda: retention.remove_files(gone) and None)
    return len(over)


retention.keep(
    retention.Rule(
        "drafts", "未确认的导入批次（暂存数据）", due_drafts, remove_drafts, "RETAIN_DRAFT_DAYS"
    )
)
retention.keep(
    retention.Rule(
        "workbooks", "已上传的工作簿文件", due_workbooks, remove_workbooks, "RETAIN_UPLOAD_DAYS"
    )
)
retention.keep(
    retention.Rule("quotes", "问题清单中的原值", due_quotes, remove_quotes, "RETAIN_UPLOAD_DAYS")
)
retention.keep(
    retention.Rule("raws", "已导入批次的原始行", due_raws, remove_raws, "RETAIN_RAW_DAYS")
)
retention.keep(
    retention.Rule(
        "raws-in-vain",
        "已撤销、已放弃批次的原始行",
        due_raws_in_vain,
        remove_raws,
        "RETAIN_UPLOAD_DAYS",
    )
)
retention.keep(
    retention.Rule("returned", "导入退回文件", due_returned, remove_returned, "RETAIN_EXPORT_DAYS")
)
