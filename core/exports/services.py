"""Taking rows out: masked at once or in the background, whole numbers only with a release."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from core import ledger, papers, retention
from core.acting import acting
from core.exports.kinds import Kind, Terms, kind_of
from core.exports.models import PDF, ExportFile, ExportRelease, FileState, Format, ReleaseState
from core.jobs.services import enqueue
from core.ledger import Act
from core.scope import PREFIX_LENGTHS, Actor, covers, within
from core.workbooks import writing

RELEASE = "core.release_export"
# Rows that a request may write while the person waits; more is background work.
AT_ONCE = 5_000
# Rows that are laid out as pages meanwhile: three seconds of work; a thousand take eleven.
AT_ONCE_ON_PAPER = 300
# Days in which a request must be decided, and a release used.
DECIDE_WITHIN, USE_WITHIN = 7, 3
# A name in the terms is personal data: it stays in the request and is never stored.
PERSONAL_TERMS = frozenset({"q"})


class NotAllowedError(Exception):
    """The person may not do this to this export; the text says why."""


class WrongStateError(Exception):
    """Somebody was faster, or it is too late."""


@dataclass(frozen=True)
class Order:
    """What somebody wants to take out and what for."""

    kind: str
    terms: dict[str, Any]
    region_prefix: str
    file_format: str
    purpose: str
    rows: int

    def __post_init__(self) -> None:
        if self.file_format not in (*Format.values, PDF) or not self.purpose.strip():
            raise ValueError(self.file_format)

    @property
    def is_at_once(self) -> bool:
        """Whether it is little enough to wait for."""
        return self.rows <= (AT_ONCE_ON_PAPER if self.file_format == PDF else AT_ONCE)

    @property
    def can_be_stored(self) -> bool:
        """Whether the terms name no person and the rows lie in one division."""
        return bool(self.region_prefix) and not PERSONAL_TERMS & set(self.terms)


def region_of(actor: Actor, place: str = "") -> str:
    """The smallest division that holds what the actor sees of `place`; empty when none does.

    Two counties of one city make the city, so that only somebody of the city can release them.
    """
    prefixes = [
        place if place.startswith(own) else own
        for own in actor.region_prefixes
        if place.startswith(own) or own.startswith(place)
    ]
    for length in reversed(PREFIX_LENGTHS):
        starts = {prefix[:length] for prefix in prefixes}
        if len(starts) == 1 and len(start := starts.pop()) == length:
            return start
    return ""


def now(*, order: Order, within: str = "", request: Any, by: Any) -> bytes:
    """Write the masked rows while the person waits. ValueError when there are too many for that.

    Without a division to stay `within` they are all that the person sees.
    """
    if not order.is_at_once:
        raise ValueError(order.rows)
    kind = kind_of(order.kind)
    target = BytesIO()
    mark = mark_of(by, order.purpose)
    rows = kind.rows(order.terms, by, region=within, full=False)
    if order.file_format == PDF:
        cells = list(rows)
        target.write(on_paper(kind, order.terms, cells, order.purpose, by))
        count = len(cells)
    elif order.file_format == Format.XLSX:
        with writing.Book(target, kind.label, kind.heads(order.terms), mark=mark) as book:
            for row in rows:
                book.append(row)
        count = book.rows
    else:
        lines = list(writing.csv_lines(kind.heads(order.terms), rows, mark=mark))
        target.write("".join(lines).encode())
        # Byte order mark, watermark and head stand above the rows.
        count = len(lines) - 3
    ledger.note(
        Act.EXPORT, request=request, actor=by, subject_kind="export", subject=order.kind,
        region=order.region_prefix, rows=count, purpose=order.purpose,
        detail={"terms": _stored(order.terms), "full": False},
    )  # fmt: skip
    return target.getvalue()


def later(*, order: Order, request: Any, by: Any) -> ExportFile:
    """Ask for a masked file in the background. ValueError when the terms may not be stored."""
    if not order.can_be_stored:
        raise ValueError("terms")
    with acting(by=by, reason="导出"):
        return _ordered(order, by, release=None)


def ask(*, order: Order, request: Any, by: Any) -> ExportRelease:
    """Ask a second person to let full numbers out.

    Raises NotAllowedError unless the person may see such numbers one by one in the whole division.
    """
    if not order.can_be_stored:
        raise ValueError("terms")
    if not covers(by, order.region_prefix, kind_of(order.kind).reveals):
        raise NotAllowedError("您没有查看完整号码的权限，不能申请。")
    with acting(by=by, reason="申请导出完整号码"):
        release = ExportRelease.objects.create(
            kind=order.kind,
            terms=order.terms,
            region_prefix=order.region_prefix,
            file_format=order.file_format,
            purpose=order.purpose,
            rows_estimated=order.rows,
            asked_by=by,
            expires_at=timezone.now() + timedelta(days=DECIDE_WITHIN),
        )
        _note(release, "asked", request, by)
    return release


def may_decide(actor: Any) -> Q:
    """Requests that the actor may decide: inside their own region, and never their own."""
    return within(actor.prefixes_for(RELEASE), "region_prefix") & ~Q(asked_by_id=actor.pk)


def release(*, release: ExportRelease, remark: str = "", request: Any = None, by: Any) -> None:
    """Let the numbers out, once. Raises NotAllowedError, WrongStateError."""
    _decide(release, ReleaseState.RELEASED, USE_WITHIN, remark, request, by)


def refuse(*, release: ExportRelease, remark: str, request: Any = None, by: Any) -> None:
    """Refuse, with a reason. Raises NotAllowedError, WrongStateError."""
    _decide(release, ReleaseState.REFUSED, 0, remark, request, by)


def _decide(
    release: ExportRelease, state: ReleaseState, days: int, remark: str, request: Any, by: Any
) -> None:
    if release.asked_by_id == by.pk:
        raise NotAllowedError("不能复核本人的申请。")
    if not covers(by, release.region_prefix, RELEASE):
        raise NotAllowedError("不在您的复核范围内。")
    moment = timezone.now()
    with acting(by=by, reason="复核导出"):
        changed = ExportRelease.objects.filter(
            pk=release.pk, state=ReleaseState.ASKED, expires_at__gt=moment
        ).update(
            state=state,
            decided_by=by.pk,
            decided_at=moment,
            remark=remark[:200],
            expires_at=moment + timedelta(days=days),
        )
        if changed != 1:
            raise WrongStateError
        _note(release, state.value.lower(), request, by)


def use(*, release: ExportRelease, request: Any = None, by: Any) -> ExportFile:
    """Turn a release into its one file. Raises NotAllowedError, WrongStateError."""
    if release.asked_by_id != by.pk:
        raise NotAllowedError("只有申请人可以使用。")
    order = Order(
        release.kind, release.terms, release.region_prefix, release.file_format, release.purpose,
        release.rows_estimated,
    )  # fmt: skip
    check_rights(kind_of(order.kind), order.region_prefix, by, full=True)
    with acting(by=by, reason="导出完整号码"):
        changed = ExportRelease.objects.filter(
            pk=release.pk, state=ReleaseState.RELEASED, expires_at__gt=timezone.now()
        ).update(state=ReleaseState.USED)
        if changed != 1:
            raise WrongStateError
        _note(release, "used", request, by)
        return _ordered(order, by, release=release)


def _ordered(order: Order, by: Any, *, release: ExportRelease | None) -> ExportFile:
    kept = timezone.now() + timedelta(days=settings.RETAIN_EXPORT_DAYS)
    file = ExportFile.objects.create(
        kind=order.kind,
        terms=order.terms,
        region_prefix=order.region_prefix,
        file_format=order.file_format,
        purpose=order.purpose,
        release=release,
        is_full=release is not None,
        asked_by=by,
        expires_at=kept,
    )
    job = enqueue(
        "core.export",
        subject=f"导出 {file.pk}",
        scope=_job_scope(by, order.region_prefix),
        params={"export": file.pk},
        key=f"core.export:{file.pk}",
        by=by,
    )
    ExportFile.objects.filter(pk=file.pk).update(job=job)
    file.job = job
    return file


def _job_scope(actor: Actor, region: str) -> str:
    """Where the job belongs: to the region, or to the first of the prefixes that lie in it.

    A job may only be put where its creator reads; the file is written in that person's own scope.
    """
    if covers(actor, region):
        return region
    return next(own for own in sorted(actor.region_prefixes) if own.startswith(region))


def check_rights(kind: Kind, region: str, actor: Any, *, full: bool) -> None:
    """Raise NotAllowedError unless the person may read such rows, or see such numbers, today."""
    if not actor.is_active:
        raise NotAllowedError("账号已停用。")
    needed = [kind.reads, *([kind.reveals] if full else [])]
    if not all(actor.has_perm(right) for right in needed):
        raise NotAllowedError("权限已变化，不能再导出这些数据。")
    if full and not covers(actor, region, kind.reveals):
        raise NotAllowedError("管辖范围已变化，不能再导出这些数据。")


def open_for(*, file: ExportFile, request: Any, by: Any) -> Path:
    """Where a finished file lies, for the person who asked and while their rights last.

    Raises NotAllowedError, WrongStateError (not ready, or removed by now).
    """
    kind = kind_of(file.kind)
    if file.asked_by_id != by.pk:
        raise NotAllowedError("只有申请人可以下载。")
    check_rights(kind, file.region_prefix, by, full=file.is_full)
    if region_of(by, file.region_prefix) != file.region_prefix:
        raise NotAllowedError("管辖范围已变化，不能再下载。")
    if file.state != FileState.READY or file.expires_at <= timezone.now() or not file.path.exists():
        raise WrongStateError
    ledger.note(
        Act.EXPORT, request=request, actor=by, subject_kind="export", subject=str(file.pk),
        region=file.region_prefix, rows=file.rows, purpose=file.purpose,
        detail={"terms": file.terms, "full": file.is_full, "step": "downloaded"},
    )  # fmt: skip
    return file.path


def on_paper(
    kind: Kind, terms: Terms, rows: Sequence[Sequence[Any]], purpose: str, by: Any
) -> bytes:
    """The rows as a PDF. NotAllowedError for a list that is not printed, or without the libraries."""
    if kind.paper is None:
        raise NotAllowedError("该清单不能打印。")
    try:
        return kind.paper(terms, rows, papers.printed(by, purpose))
    except papers.PapersUnavailableError as error:
        raise NotAllowedError(str(error)) from error


def mark_of(by: Any, purpose: str, mark: str = "") -> writing.Watermark:
    return writing.Watermark(f"{by}（{by.get_username()}）", timezone.now(), purpose, mark)


def _stored(terms: Terms) -> dict[str, Any]:
    """The terms without what names a person, saying that there was such a term."""
    kept = {name: value for name, value in terms.items() if name not in PERSONAL_TERMS}
    return kept if len(kept) == len(terms) else {**kept, "by_name": True}


def _note(release: ExportRelease, step: str, request: Any, by: Any) -> None:
    ledger.note(
        Act.EXPORT_RELEASE, request=request, actor=by, subject_kind="release",
        subject=str(release.pk), region=release.region_prefix, rows=release.rows_estimated,
        purpose=release.purpose, detail={"step": step, "kind": release.kind, "terms": release.terms},
    )  # fmt: skip


# --- retention ---------------------------------------------------------------------------------

_A_DAY = 24 * 60 * 60


def due_releases(moment: datetime, limit: int) -> list[int]:
    """Requests nobody decided and releases nobody used in time."""
    due = ExportRelease.objects.filter(
        state__in=[ReleaseState.ASKED, ReleaseState.RELEASED], expires_at__lte=moment
    )
    return list(due.order_by("expires_at").values_list("pk", flat=True)[:limit])


def expire_releases(keys: Sequence[int]) -> int:
    return ExportRelease.objects.filter(
        pk__in=keys,
        state__in=[ReleaseState.ASKED, ReleaseState.RELEASED],
        expires_at__lte=timezone.now(),
    ).update(state=ReleaseState.EXPIRED)


def due_files(moment: datetime, limit: int) -> list[int]:
    """Files whose time is over."""
    due = ExportFile.objects.exclude(state=FileState.REMOVED).filter(expires_at__lte=moment)
    return list(due.order_by("expires_at").values_list("pk", flat=True)[:limit])


def remove_export_files(keys: Sequence[int]) -> int:
    """Mark them removed; what no other row needs is unlinked when that is committed."""
    files = ExportFile.objects.select_for_update(of=("self",)).filter(pk__in=keys)
    over = [
        file
        for file in files
        if file.state != FileState.REMOVED and file.expires_at <= timezone.now()
    ]
    ExportFile.objects.filter(pk__in=[file.pk for file in over]).update(state=FileState.REMOVED)
    kept = _needed(file.sha256 for file in over)
    gone = [file.path for file in over if file.sha256 and file.sha256 not in kept]
    transaction.on_commit(lambda: retention.remove_files(gone) and None)
    return len(over)


def due_strays(_moment: datetime, limit: int) -> list[Path]:
    """Files below exports/ that belong to no export: a worker died, a commit failed."""
    folder = Path(settings.UPLOAD_DIR) / "exports"
    yesterday = timezone.now().timestamp() - _A_DAY
    old = [
        file for file in folder.rglob("*") if file.is_file() and file.stat().st_mtime < yesterday
    ]
    kept = _needed(file.stem for file in old)
    return sorted(file for file in old if file.stem not in kept)[:limit]


def _needed(prints: Iterable[str]) -> set[str]:
    rows = ExportFile.objects.filter(sha256__in=set(prints) - {""}, state=FileState.READY)
    return set(rows.values_list("sha256", flat=True))


retention.keep(
    retention.Rule("export-releases", "过期的导出申请和放行", due_releases, expire_releases)
)
retention.keep(retention.Rule("export-files", "到期的导出文件", due_files, remove_export_files))
retention.keep(
    retention.Rule("export-strays", "没有记录的导出文件", due_strays, retention.remove_files)
)
