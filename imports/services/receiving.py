"""Taking a file in and deciding about it."""

import hashlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from core import walls
from core.acting import acting
from core.jobs.models import Job
from core.jobs.services import enqueue
from core.scope import trim
from core.workbooks import guard
from households.models import Partition
from imports.enums import BatchState
from imports.models import Batch


class ClosedPartitionError(Exception):
    """The year is closed; nothing may be loaded into it."""


class WrongStateError(Exception):
    """The batch is past the point at which this could be done."""


def receive(
    *, chunks: Iterable[bytes], file_name: str, partition: int, region_prefix: str, by: Any
) -> Batch:
    """Store the file under its own hash and open a batch.

    Raises guard.RefusedError when the archive is refused at sight, ClosedPartitionError when the
    year is closed. A file that was refused is not kept.
    """
    if Partition.objects.filter(pk=partition, closed_at__isnull=False).exists():
        raise ClosedPartitionError
    digest, size = _store(chunks)
    with acting(by=by, reason="上传工作簿"):
        Partition.objects.get_or_create(year=partition)
        return Batch.objects.create(
            file_name=Path(file_name).name[:200],
            sha256=digest,
            size=size,
            partition=partition,
            region_prefix=trim(region_prefix),
            created_by=by,
        )


def _store(chunks: Iterable[bytes]) -> tuple[str, int]:
    folder = Path(settings.UPLOAD_DIR)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=folder, suffix=".part")
    try:
        digest, size = hashlib.sha256(), 0
        with os.fdopen(handle, "wb") as file:
            for chunk in chunks:
                size += len(chunk)
                if size > guard.MAX_FILE:
                    raise guard.RefusedError(
                        "size", f"文件超过 {guard.MAX_FILE // 1024**2} MB，请按县拆分后分别导入。"
                    )
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        guard.inspect_archive(Path(name))
        final = folder / digest.hexdigest()[:2] / f"{digest.hexdigest()}.xlsx"
        final.parent.mkdir(exist_ok=True, mode=0o700)
        Path(name).replace(final)
        return digest.hexdigest(), size
    finally:
        Path(name).unlink(missing_ok=True)


def request_stage(*, batch: Batch, by: Any) -> Job:
    """Ask for the file to be read and compared with the register."""
    with transaction.atomic():
        job = enqueue(
            "imports.stage",
            subject=f"导入批次 {batch.pk}",
            scope=batch.region_prefix,
            params={"batch": batch.pk},
            key=f"imports.stage:{batch.pk}",
            by=by,
        )
        Batch.objects.filter(pk=batch.pk).update(job=job)
    return job


def request_apply(*, batch: Batch, by: Any) -> Job:
    """Ask for a previewed batch to be written. Raises WrongStateError unless it is previewed."""
    with transaction.atomic():
        changed = Batch.objects.filter(pk=batch.pk, state=BatchState.STAGED).update(
            state=BatchState.APPLYING
        )
        if changed != 1:
            raise WrongStateError
        job = enqueue(
            "imports.apply",
            subject=f"导入批次 {batch.pk}",
            scope=batch.region_prefix,
            params={"batch": batch.pk},
            key=f"imports.apply:{batch.pk}",
            by=by,
        )
        Batch.objects.filter(pk=batch.pk).update(job=job)
    return job


def discard(*, batch: Batch, by: Any) -> None:
    """Give a batch up before it is written; the file and the problems found stay on record."""
    with acting(by=by, reason="放弃导入批次"):
        changed = Batch.objects.filter(
            pk=batch.pk, state__in=[BatchState.UPLOADED, BatchState.STAGED]
        ).update(state=BatchState.DISCARDED, stage="")
        if changed != 1:
            raise WrongStateError
        drop_stage(batch)


def drop_stage(batch: Batch) -> None:
    """Remove the batch's staging tables, those of earlier tries that died in the middle too."""
    walls.drop_scratch(f"b{batch.pk}_")
