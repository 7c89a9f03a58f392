"""Taking a file in and deciding about it."""

import errno
import hashlib
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q

from core import walls
from core.acting import acting, identity
from core.failpoints import failpoint
from core.jobs.models import OPEN_STATES, Job
from core.jobs.services import JobFailedError, enqueue
from core.scope import trim
from core.workbooks import guard
from households.models import Partition
from imports.enums import BatchState
from imports.models import Batch, PoisonedFile

# The ways in which a file system says that it has no room, for anybody or for this account.
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class ClosedPartitionError(Exception):
    """The year is closed; nothing may be loaded into it."""


class ClosedMeanwhileError(ClosedPartitionError, JobFailedError):
    """The year was closed after the preview; the text says so to whoever asked for the job."""


class ForeignCorrectionError(Exception):
    """The batch that a file mends belongs to another year or region."""


class WrongStateError(Exception):
    """The batch is past the point at which this could be done."""


def receive(
    *,
    chunks: Iterable[bytes],
    file_name: str,
    partition: int,
    region_prefix: str,
    corrects: Batch | None = None,
    by: Any,
) -> Batch:
    """Store the file under its own hash and open a batch; `corrects` is the batch that it mends.

    Raises guard.RefusedError when the file is refused at sight, ClosedPartitionError when the year
    is closed, ForeignCorrectionError. A file that was refused is not kept.
    """
    if corrects is not None and (corrects.partition, corrects.region_prefix) != (
        partition,
        trim(region_prefix),
    ):
        raise ForeignCorrectionError
    if Partition.objects.filter(pk=partition, closed_at__isnull=False).exists():
        raise ClosedPartitionError
    stored = _store(chunks)
    failpoint("imports.receive.stored")
    with acting(by=by, reason="上传工作簿"):
        Partition.objects.get_or_create(year=partition)
        batch = Batch.objects.create(
            file_name=Path(file_name).name[:200],
            file_format=stored.file_format,
            sha256=stored.digest,
            size=stored.size,
            partition=partition,
            region_prefix=trim(region_prefix),
            corrects=corrects,
            # A machine client is nobody's account; `services.pushing` remembers it.
            created_by_id=identity(by)[0],
        )
    failpoint("imports.receive.made")
    return batch


@dataclass(frozen=True)
class _Stored:
    digest: str
    size: int
    file_format: str


def _store(chunks: Iterable[bytes]) -> _Stored:
    """Put the file in its place in one step: two at once put the same bytes there, or none half.

    It is written, readable by nobody else, under a random name that says nothing of its contents.
    """
    folder = Path(settings.UPLOAD_DIR)
    name = ""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=folder, suffix=".part")
        with os.fdopen(handle, "wb") as file:
            digest, size = _copy(chunks, file)
        refuse_poisoned(digest)
        file_format = guard.tell_format(Path(name))
        guard.inspect(Path(name), file_format)
        final = folder / digest[:2] / f"{digest}.{file_format}"
        final.parent.mkdir(exist_ok=True, mode=0o700)
        Path(name).replace(final)
        return _Stored(digest, size, file_format)
    except OSError as error:
        if error.errno not in _NO_SPACE:
            raise
        raise guard.refused("no_space") from error
    finally:
        if name:
            Path(name).unlink(missing_ok=True)


def _copy(chunks: Iterable[bytes], file: IO[bytes]) -> tuple[str, int]:
    """The hash and size of what was written, which is on the disk then."""
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        size += len(chunk)
        if size > guard.MAX_FILE:
            raise guard.refused("size", limit=guard.MAX_FILE // 1024**2)
        digest.update(chunk)
        file.write(chunk)
    file.flush()
    os.fsync(file.fileno())
    return digest.hexdigest(), size


def refuse_poisoned(digest: str) -> None:
    """Raise guard.RefusedError "poisoned" for a file that killed the parser too often."""
    if PoisonedFile.objects.filter(pk=digest, deaths__gte=guard.MAX_DEATHS).exists():
        raise guard.refused("poisoned")


def count_death(digest: str) -> None:
    """The file killed the parser once more. To be called where it is kept though the file is refused."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO imports_poisonedfile (sha256, deaths, last_at)"
            " VALUES (%s, 1, clock_timestamp())"
            " ON CONFLICT (sha256) DO UPDATE"
            " SET deaths = imports_poisonedfile.deaths + 1, last_at = clock_timestamp()",
            [digest],
        )


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


def hold_open(partition: int) -> None:
    """Keep the year from being closed until the end of the transaction.

    Raises ClosedMeanwhileError when it is closed by now.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT closed_at IS NULL FROM households_partition WHERE year = %s FOR SHARE",
            [partition],
        )
        found = cursor.fetchone()
    if found is None or not found[0]:
        raise ClosedMeanwhileError(f"{partition} 年度已关闭，没有写入任何数据。")


def stuck(state: BatchState) -> Q:
    """Batches that a job left in this state and that no job works on any more."""
    return Q(state=state) & ~Q(job__state__in=OPEN_STATES)


def discard(*, batch: Batch, by: Any) -> None:
    """Give a batch up before it is written; the file and the problems found stay on record."""
    with acting(by=by, reason="放弃导入批次"):
        undecided = Q(state__in=[BatchState.UPLOADED, BatchState.MAPPING, BatchState.STAGED])
        due = Batch.objects.filter(undecided | stuck(BatchState.APPLYING), pk=batch.pk)
        # A subquery, because an update knows no joins.
        changed = Batch.objects.filter(pk__in=due.values("pk")).update(
            state=BatchState.DISCARDED, stage=""
        )
        if changed != 1:
            raise WrongStateError
        drop_stage(batch)


def drop_stage(batch: Batch) -> None:
    """Remove the batch's staging tables, those of earlier tries that died in the middle too."""
    walls.drop_scratch(f"b{batch.pk}_")
