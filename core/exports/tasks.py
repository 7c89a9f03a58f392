"""Writing export files in the background."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model

from core import ledger, walls
from core.exports.kinds import Kind, kind_of
from core.exports.models import PDF, ExportFile, FileState
from core.exports.services import NotAllowedError, check_rights, mark_of, on_paper
from core.jobs.services import JobFailedError, Run, handles
from core.ledger import Act
from core.workbooks import writing


@handles("core.export", queue="exports", label="生成导出文件")
def export_job(run: Run) -> None:
    """Write the file with the rights that the person has now, not those of when they asked."""
    file = ExportFile.objects.select_related("asked_by", "release").get(pk=run.params["export"])
    actor: Any = get_user_model().objects.get(pk=file.asked_by_id)
    kind = kind_of(file.kind)
    if file.state != FileState.WAITING:
        raise JobFailedError("导出状态已变化，不再生成。")
    try:
        check_rights(kind, file.region_prefix, actor, full=file.is_full)
        with walls.scoped(actor):
            path, count = _write(file, kind, actor, run)
    except NotAllowedError as refusal:
        ExportFile.objects.filter(pk=file.pk, state=FileState.WAITING).update(
            state=FileState.FAILED
        )
        raise JobFailedError(str(refusal)) from refusal
    try:
        digest, size = _digest(path)
        file.sha256 = digest
        file.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with run.effect(reason="导出"):
            ExportFile.objects.filter(pk=file.pk).update(
                state=FileState.READY, rows=count, sha256=digest, size=size
            )
            ledger.note(
                Act.EXPORT, actor=actor, subject_kind="export", subject=str(file.pk),
                region=file.region_prefix, rows=count, purpose=file.purpose,
                detail={"terms": file.terms, "full": file.is_full, "sha256": digest, "step": "made"},
            )  # fmt: skip
            run.result = {"rows": count}
            path.replace(file.path)
    finally:
        path.unlink(missing_ok=True)


def _write(file: ExportFile, kind: Kind, actor: Any, run: Run) -> tuple[Path, int]:
    folder = Path(settings.UPLOAD_DIR) / "exports"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=folder, suffix=".part")
    os.close(handle)
    path = Path(name)
    region, full = file.region_prefix, file.is_full
    total = kind.count(file.terms, actor, region=region, full=full)

    def told() -> Iterator[Any]:
        rows = kind.rows(file.terms, actor, region=region, full=full)
        for number, row in enumerate(rows):
            if number % 1000 == 0:
                run.progress("写出", number, total)
            yield row

    try:
        if file.file_format == PDF:
            cells = list(told())
            path.write_bytes(on_paper(kind, file.terms, cells, file.purpose, actor))
            return path, len(cells)
        count = writing.write(
            path,
            file.file_format,
            kind.label,
            kind.heads(file.terms),
            told(),
            mark=mark_of(actor, file.purpose, f"编号：{file.pk}" + ("，含完整号码" * full)),
        )
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path, count


def _digest(path: Path) -> tuple[str, int]:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size
