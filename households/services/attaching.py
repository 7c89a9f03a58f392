"""Papers handed in, opened and withdrawn: photos and scans that prove what the register says.

Files lie sealed below the uploads under the SHA-256 of their contents: identity cards and hospital
bills are on them. They are opened one at a time, for whoever may see full numbers there, after the
access ledger noted who and why.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import IntegrityError
from django.db.models.functions import Now
from django.utils import timezone

from core import ledger, scans, vault
from core.acting import acting
from core.ledger.services import without_numbers
from core.scope import Actor, covers
from households.catalog import labels
from households.enums import Purpose
from households.models import Attachment, Change, Household, HouseholdYear, Procedure

EDIT, REVIEW, REVEAL = "households.edit", "households.review", "households.reveal"
KINDS = "evidence_document_type"
_SEALED_AS = "attachment"
_MB = 1024 * 1024


class UnfitError(Exception):
    """The file or the act does not fit; the text tells the user why."""


def may_attach(actor: Actor, household: Household) -> bool:
    """Whether the actor enters what the register says of the household."""
    return covers(actor, household.village_code, EDIT)


def may_attach_to(actor: Actor, procedure: Procedure) -> bool:
    """Whether the actor has to do with the procedure: who applies, and who reviews."""
    return any(covers(actor, procedure.village_code, right) for right in (EDIT, REVIEW))


def may_open(actor: Actor, attachment: Attachment) -> bool:
    """Papers show what the pages mask."""
    return covers(actor, attachment.village_code, REVEAL)


def attach(
    *,
    household: Household,
    partition: int,
    kind: str,
    file: Any,
    note: str = "",
    change: Change | None = None,
    by: Any,
) -> Attachment:
    """Hand in a paper of a household in a year; the same one again gives the one that is there.

    Also for a closed year, whose correction must be proven. Raises UnfitError for a file that is no
    photo or scan, a kind that is not in the code table, and a year the household is not in.
    """
    if not may_attach(by, household):
        raise UnfitError("您没有为该户上传附件的权限。")
    if not HouseholdYear.objects.filter(household=household, partition_id=partition).exists():
        raise UnfitError(f"该户没有 {partition} 年度的数据。")
    if change is not None and change.household_id != household.pk:
        raise UnfitError("这项变更不是该户的。")
    owner = {"household": household, "change": change, "village_code": household.village_code}
    return _attach(owner, partition, kind, file, note, by)


def attach_to(*, procedure: Procedure, kind: str, file: Any, note: str = "", by: Any) -> Attachment:
    """Hand in a paper of a procedure: minutes, a photo of the notice. Raises UnfitError."""
    if not may_attach_to(by, procedure):
        raise UnfitError("您没有为该程序上传附件的权限。")
    owner = {"procedure": procedure, "village_code": procedure.village_code}
    return _attach(owner, procedure.partition_id, kind, file, note, by)


def _attach(
    owner: dict[str, Any], partition: int, kind: str, file: Any, note: str, by: Any
) -> Attachment:
    if kind not in labels(KINDS):
        raise UnfitError("材料类型不在代码表中。")
    scan = read_scan(file)
    made = Attachment(
        **owner,
        partition_id=partition,
        kind=kind,
        note=without_numbers(note.strip())[:100],
        media_type=scan.media_type,
        sha256=hashlib.sha256(scan.body).hexdigest(),
        size=len(scan.body),
        created_by=by,
    )
    try:
        with acting(by=by, reason="上传附件"):
            made.save()
            # After the row, so that a refused one leaves no file behind.
            keep(made.path, scan.body)
    except IntegrityError:
        found = _same(made).first()
        if found is None:
            raise
        return found
    return made


def _same(made: Attachment) -> Any:
    owner = "household_id" if made.household_id else "procedure_id"
    return Attachment.objects.filter(
        **{owner: getattr(made, owner)},
        partition_id=made.partition_id,
        kind=made.kind,
        sha256=made.sha256,
        withdrawn_at__isnull=True,
    )


def read_scan(file: Any) -> scans.Scan:
    """The photo or scan as it is kept. Raises UnfitError."""
    most = settings.ATTACHMENT_MAX_MB
    if file.size > most * _MB:
        raise UnfitError(f"文件超过 {most} MB。")
    if not file.size:
        raise UnfitError("文件是空的。")
    try:
        return scans.read(file.read())
    except scans.ScanError as error:
        raise UnfitError(str(error)) from error


def keep(path: Path, body: bytes) -> None:
    """Put the file in its place, sealed; one that is there already stays, unless it is damaged."""
    try:
        if vault.open_bytes(_SEALED_AS, path.read_bytes()) == body:
            return
    except (OSError, vault.SealError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _put(path, vault.seal_bytes(_SEALED_AS, body))


def _put(path: Path, sealed: bytes) -> None:
    """In one step: whoever reads meanwhile reads the one file or the other, never half of one."""
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as target:
            target.write(sealed)
            target.flush()
            os.fsync(target.fileno())
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


def reseal_papers(say: Callable[[str], None] = lambda _: None) -> int:
    """Bring the files that are under other keys under the current one; returns how many.

    One that does not open is told about and left: it may be restored from a backup.
    """
    current, changed = vault.ring().current, 0
    for path in sorted((Path(settings.UPLOAD_DIR) / "attachments").glob("??/*.sealed")):
        with path.open("rb") as file:
            if file.read(2)[1:] == bytes([current]):
                continue
        try:
            body = vault.open_bytes(_SEALED_AS, path.read_bytes())
        except vault.SealError:
            say(f"附件 {path.stem}：打不开，没有更换密钥")
            continue
        _put(path, vault.seal_bytes(_SEALED_AS, body))
        changed += 1
    if changed:
        say(f"附件：已更新 {changed:,} 份")
    return changed


def opened(*, attachment: Attachment, purpose: Purpose, words: str, request: Any, by: Any) -> bytes:
    """The file, after the access ledger noted who opens it and why.

    PermissionError when `by` may not see full numbers there, UnfitError when the file is gone or
    is not what was handed in.
    """
    if not may_open(by, attachment):
        raise PermissionError(REVEAL)
    household = attachment.household
    ledger.note(
        ledger.Act.REVEAL,
        request,
        by,
        subject_kind="household" if household else "procedure",
        subject=household.household_no if household else str(attachment.procedure_id),
        region=attachment.village_code,
        rows=1,
        purpose=f"{Purpose(purpose).label}：{words}",
        detail={
            "year": attachment.partition_id,
            "attachment": attachment.pk,
            "kind": attachment.kind,
        },
    )
    return kept(attachment.path, attachment.sha256)


def kept(path: Path, sha256: str) -> bytes:
    """The file that lies there. Raises UnfitError when it is gone or is not what was handed in."""
    try:
        body = vault.open_bytes(_SEALED_AS, path.read_bytes())
    except (OSError, vault.SealError) as error:
        raise UnfitError("附件文件不在或打不开，请联系管理员。") from error
    if hashlib.sha256(body).hexdigest() != sha256:
        raise UnfitError("附件文件与登记的摘要不符，请联系管理员。")
    return body


def withdraw(*, attachment: Attachment, reason: str, by: Any) -> None:
    """Mark a paper as no longer valid; it stays, with the reason. Raises UnfitError."""
    owner = attachment.household
    allowed = may_attach(by, owner) if owner else may_attach_to(by, _procedure_of(attachment))
    if not allowed:
        raise UnfitError("您没有作废该附件的权限。")
    words = without_numbers(reason.strip())
    if not words:
        raise UnfitError("请写明作废原因。")
    with acting(by=by, reason=words):
        live = Attachment.objects.filter(pk=attachment.pk, withdrawn_at__isnull=True)
        changed = live.update(withdrawn_at=Now(), withdrawn_by=by, withdrawn_reason=words[:200])
    if not changed:
        raise UnfitError("该附件已经作废。")


def _procedure_of(attachment: Attachment) -> Procedure:
    if attachment.procedure is None:
        raise ValueError(attachment.pk)
    return attachment.procedure


def stem_of(attachment: Attachment) -> str:
    """What the file is called when it is kept, without its kind: number and day, nothing of a person."""
    return f"paper-{attachment.pk}-{timezone.localtime(attachment.created_at):%Y%m%d}"
