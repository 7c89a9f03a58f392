"""Files that other systems hand in: the same call made twice is one batch."""

import hashlib
from collections.abc import Iterator
from typing import IO, Any

from django.db import connection

from core import ledger
from imports.models import Batch, Push
from imports.services.receiving import receive, request_stage

_CHUNK = 1024 * 1024


class KeyReusedError(Exception):
    """The key was used before, with another file, year or region."""


def push(
    *,
    file: IO[bytes],
    file_name: str,
    partition: int,
    region_prefix: str,
    key: str = "",
    corrects: Batch | None = None,
    request: Any = None,
    by: Any,
) -> tuple[Batch, bool]:
    """Take in a file of a machine client and ask for it to be read; (batch, whether it is new).

    With a `key`, a second call with the same content returns the first call's batch. Raises
    KeyReusedError, and whatever `receive` raises. Runs in the caller's transaction, which the key
    is locked for: two calls at once make one batch.
    """
    body = _body_print(file, file_name, partition, region_prefix, corrects)
    if key:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"push {by.pk} {key}"]
            )
        former = Push.objects.filter(client_id=by.pk, key=key).select_related("batch").first()
        if former is not None:
            if former.body_print != body:
                raise KeyReusedError
            return former.batch, False
    file.seek(0)
    batch = receive(
        chunks=_chunks(file),
        file_name=file_name,
        partition=partition,
        region_prefix=region_prefix,
        corrects=corrects,
        by=by,
    )
    Push.objects.create(batch=batch, client_id=by.pk, key=key, body_print=body)
    request_stage(batch=batch, by=by)
    note(batch, "received", request=request, by=by)
    return batch, True


def note(batch: Batch, step: str, *, request: Any = None, by: Any, **more: Any) -> None:
    """What somebody did with a batch, on the access ledger: never what stood in it."""
    ledger.note(
        ledger.Act.IMPORT,
        request=request,
        actor=by,
        subject_kind="batch",
        subject=str(batch.pk),
        region=batch.region_prefix,
        rows=batch.rows_read or None,
        detail={"step": step, "year": batch.partition, "sha256": batch.sha256, **more},
    )


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk


def _body_print(
    file: IO[bytes], file_name: str, partition: int, region_prefix: str, corrects: Batch | None
) -> str:
    file.seek(0)
    digest = hashlib.sha256()
    for chunk in _chunks(file):
        digest.update(chunk)
    words = (digest.hexdigest(), str(partition), region_prefix, str(corrects and corrects.pk))
    return hashlib.sha256("\0".join((*words, file_name)).encode()).hexdigest()
