"""One batch: how far it is, what was recognised, what it would change, what is wrong in it."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from imports import queries
from imports.enums import Acceptance, BatchState, ReturnKind
from imports.models import Batch, ReturnedFile
from imports.queries import listing
from imports.queries.catalogue import fact_label
from imports.services import accepting, superseding
from imports.views.common import (
    EFFECT_TONES,
    JUDGED,
    KINDS,
    UNITS,
    VERDICTS,
    batches_of,
    found,
    region_name,
    shown,
)

STEPS = ("上传", "识别核对", "预览确认", "写入")
_STEP_OF = {
    BatchState.UPLOADED: 2,
    BatchState.MAPPING: 2,
    BatchState.REFUSED: 2,
    BatchState.STAGED: 3,
    BatchState.DISCARDED: 3,
}
_A_MINUTE = 60


@require_GET
def batch(request: HttpRequest, pk: int) -> HttpResponse:
    one = found(
        request, pk, "layout", "created_by", "applied_by", "undone_by", "job", "push__client"
    )
    return render(request, "imports/batch.html", _context(request, one))


def _context(request: HttpRequest, one: Batch) -> dict[str, Any]:
    is_judged, is_working = one.state in JUDGED, bool(one.job and one.job.is_open)
    mended, mending = listing.chain(one, batches_of(request))
    context: dict[str, Any] = {
        "batch": shown(one),
        "region_name": region_name(one.region_prefix),
        "job": one.job,
        "time_left": duration(one.job.seconds_left) if one.job else "",
        "steps": _steps(one),
        "is_judged": is_judged,
        "is_working": is_working,
        "is_polled": is_working,
        # What a job was to write that failed or was cancelled waits for a person again.
        "is_waiting": one.state in (BatchState.STAGED, BatchState.APPLYING) and not is_working,
        "may_undo": one.state == BatchState.APPLIED and not is_working,
        "mended": mended and shown(mended),
        "mending": [shown(other) for other in mending],
        "time_spent": round(sum(one.seconds.values()), 1) if one.seconds else None,
    }
    return context | _judged(one) if is_judged else context


def _steps(one: Batch) -> list[tuple[str, str]]:
    """Names of the steps, each "done", "now" or still to come."""
    now = _STEP_OF.get(BatchState(one.state), len(STEPS))
    is_over = one.state in (BatchState.APPLIED, BatchState.UNDOING, BatchState.UNDONE)
    return [
        (name, "done" if at < now or is_over else "now" if at == now else "")
        for at, name in enumerate(STEPS, 1)
    ]


def duration(seconds: int | None) -> str:
    """
    >>> duration(75), duration(8), duration(None)
    ('2 分钟', '8 秒', '')
    """
    if seconds is None:
        return ""
    return f"{seconds} 秒" if seconds < _A_MINUTE else f"{-(-seconds // _A_MINUTE)} 分钟"


def _counts(one: Batch) -> list[dict[str, Any]]:
    """Rows of the table of counts; each figure opens into its rows."""
    told = []
    for kind, label in KINDS.items():
        total = getattr(one, f"{kind}_read")
        if total:
            figures = [
                {
                    "count": count,
                    "label": VERDICTS[name].label,
                    "bad": name == "rejected" and count > 0,
                    "href": _rows_address(one, kind, name) if count else "",
                }
                for name, count in one.counts(kind).items()
            ]
            told.append({"label": label, "read": total, "figures": figures})
    return told


def _rows_address(one: Batch, kind: str, verdict: str) -> str:
    query = urlencode({"kind": kind, "verdict": verdict})
    return f"{reverse('imports:rows', args=[one.pk])}?{query}"


def _judged(one: Batch) -> dict[str, Any]:
    problems = listing.summary(one)
    for problem in problems:
        problem["tone"] = EFFECT_TONES[problem["effect"]]
        query = urlencode({"rule": problem["rule"]})
        problem["href"] = f"{reverse('imports:problems', args=[one.pk])}?{query}"
    returned = [_returned(file) for file in one.returns.select_related("job", "created_by")[:20]]
    rejected = _rejected(one)
    return {
        "counts": _counts(one),
        "unwritten": superseding.unwritten(one),
        "problems": problems,
        "of_file": listing.problems_of_file(one),
        "changes": queries.changed_fields(one),
        "has_changes": one.households_updated + one.persons_updated + one.entries_updated > 0,
        "has_rejected": rejected > 0,
        "choices": _choices(one, rejected),
        "may_apply": not accepting.all_or_nothing(one),
        "written": _written(one),
        "sent_back": _sent_back(one),
        "columns": [
            {"header": header or "（空）", "fact": fact_label(name), "is_known": bool(name)}
            for header, name in one.header_map
        ],
        "unknown": sum(1 for _, name in one.header_map if not name),
        "returns": returned,
        "is_polled": any(file.job and file.job.is_open for file in returned)
        or bool(one.job and one.job.is_open),
        "is_making": any(file.job and file.job.is_open for file in returned),
        "return_kinds": [ReturnKind.WHOLE, ReturnKind.BAD_ROWS] if rejected else [ReturnKind.WHOLE],
    }


def _rejected(one: Batch) -> int:
    return one.households_rejected + one.persons_rejected + one.entries_rejected


def _choices(one: Batch, rejected: int) -> list[dict[str, Any]]:
    """The ways of taking the batch, each with what it would mean."""
    return [
        {
            "value": acceptance.value,
            "label": acceptance.label,
            "is_chosen": one.acceptance == acceptance,
            "words": _consequence(one, acceptance, rejected),
        }
        for acceptance in Acceptance
    ]


def _consequence(one: Batch, acceptance: Acceptance, rejected: int) -> str:
    if acceptance == Acceptance.ALL:
        return (
            "有退回的行，整批都不写入，等更正后再导入。" if rejected else "没有退回的行，整批写入。"
        )
    if one.acceptance == acceptance:
        return f"写入 {_written(one)}，退回 {_sent_back(one)}。"
    if acceptance == Acceptance.HOUSEHOLDS:
        return f"一户有一行退回，整户都退回{_along(one, rejected)}。选择后重新核对。"
    return "退回的行不写入，同户其他人照常写入；选择后重新核对，给出户数、人数。"


def _along(one: Batch, rejected: int) -> str:
    told = listing.sent_back_along(one) if rejected else None
    return f"：再退回 {told[0]:,} 户的 {told[1]:,} 行" if told else ""


def _written(one: Batch) -> str:
    return _words(one, lambda kind: getattr(one, f"{kind}_read") - getattr(one, f"{kind}_rejected"))


def _sent_back(one: Batch) -> str:
    return _words(one, lambda kind: getattr(one, f"{kind}_rejected"))


def _words(one: Batch, count: Any) -> str:
    told = [
        f"{count(kind):,} {unit}" for kind, unit in UNITS.items() if getattr(one, f"{kind}_read")
    ]
    return "、".join(told) or "0 行"


def _returned(file: ReturnedFile) -> ReturnedFile:
    file.label = file.get_kind_display()  # type: ignore[attr-defined]
    file.is_ready = bool(file.sha256)  # type: ignore[attr-defined]
    if file.sha256:
        told = ("good", "可下载")
    elif file.job and file.job.is_open:
        told = ("info", "生成中")
    elif file.made_at:
        told = ("neutral", "已到期清理")
    else:
        told = ("bad", "未成功")
    file.tone, file.state_label = told  # type: ignore[attr-defined]
    file.why = file.job.error if file.job and not file.sha256 else ""  # type: ignore[attr-defined]
    parts = [fact_label(file.field) if file.field else "", file.village_code]
    file.terms = "，".join(part for part in parts if part)  # type: ignore[attr-defined]
    return file
