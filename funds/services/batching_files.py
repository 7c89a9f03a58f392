"""Where an uploaded workbook of payments lies until its rows are in the database."""

import errno
import hashlib
import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db.models import Exists, OuterRef

from core import retention
from core.workbooks import guard
from funds.enums import BatchState
from funds.models import PaymentBatch, PaymentBatchRow

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class Stored:
    """A file that the guard let in at sight, under the print of its contents."""

    sha256: str
    file_format: str


def _folder() -> Path:
    return Path(settings.UPLOAD_DIR) / "payments"


def path_of(batch: PaymentBatch) -> Path:
    return _folder() / f"{batch.sha256}.{batch.file_format}"


def store(chunks: Iterable[bytes]) -> Stored:
    """Put the file in its place in one step, readable by nobody else. Raises guard.RefusedError."""
    folder = _folder()
    name = ""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=folder, suffix=".part")
        digest, size = hashlib.sha256(), 0
        with os.fdopen(handle, "wb") as file:
            for chunk in chunks:
                size += len(chunk)
                if size > guard.MAX_FILE:
                    raise guard.refused("size", limit=guard.MAX_FILE // 1024**2)
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        file_format = guard.tell_format(Path(name))
        guard.inspect(Path(name), file_format)
        stored = Stored(digest.hexdigest(), file_format)
        Path(name).replace(folder / f"{stored.sha256}.{file_format}")
    except OSError as error:
        if error.errno not in _NO_SPACE:
            raise
        raise guard.refused("no_space") from error
    finally:
        if name:
            Path(name).unlink(missing_ok=True)
    return stored


def forget(batch: PaymentBatch) -> None:
    """The rows are in the database, or nobody wants them: the file goes, unless another batch waits
    for the same one."""
    waiting = PaymentBatch.objects.filter(state=BatchState.UPLOADED, sha256=batch.sha256)
    if not waiting.exclude(pk=batch.pk).exists():
        path_of(batch).unlink(missing_ok=True)


def due_files(moment: datetime, limit: int) -> Sequence[Path]:
    """Files that were put down before this moment and that no batch waits for."""
    wanted = set(
        PaymentBatch.objects.filter(state=BatchState.UPLOADED).values_list("sha256", flat=True)
    )
    if not _folder().is_dir():
        return []
    old = [
        path
        for path in sorted(_folder().iterdir())
        if path.name.partition(".")[0] not in wanted and path.stat().st_mtime < moment.timestamp()
    ]
    return old[:limit]


def remove_files(paths: Sequence[Path]) -> int:
    for path in paths:
        path.unlink(missing_ok=True)
    return len(paths)


def due_rows(moment: datetime, limit: int) -> list[int]:
    """Batches of before this moment that still keep rows which nobody fetched or confirmed."""
    found = PaymentBatch.objects.filter(created_at__lt=moment).exclude(state=BatchState.PAYING)
    rows = PaymentBatchRow.objects.filter(batch=OuterRef("pk"))
    return list(found.filter(Exists(rows)).order_by("pk").values_list("pk", flat=True)[:limit])


def remove_rows(keys: Sequence[int]) -> int:
    """Returns the batches; one that waited to be confirmed is given up."""
    PaymentBatch.objects.filter(pk__in=keys, state=BatchState.CHECKED).update(
        state=BatchState.DISCARDED
    )
    PaymentBatchRow.objects.filter(batch__in=keys).delete()
    return len(keys)


retention.keep(
    retention.Rule(
        "payment_files", "未核对的发放名单文件", due_files, remove_files, "RETAIN_UPLOAD_DAYS"
    )
)
retention.keep(
    retention.Rule("payment_rows", "发放名单的行", due_rows, remove_rows, "RETAIN_UPLOAD_DAYS")
)
