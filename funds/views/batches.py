"""Payments to households by workbook: hand in, look at what was found, confirm, hand back, publish."""

import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core import ledger
from core.ledger import Act
from core.limits import limited
from core.scope import covers
from core.web import actor_of, require
from core.workbooks import guard
from core.workbooks.writing import XLSX, Watermark
from funds import workbooks
from funds.enums import AccountKind, BatchState
from funds.forms import BatchForm, PayrollForm
from funds.models import Account, PaymentBatch
from funds.queries import batches
from funds.queries.listing import by_key
from funds.services import batching, batching_files, batching_payroll
from funds.services.batching import Order
from funds.services.common import EDIT, UnfitError
from funds.views.shown import READ, holder, places_of
from villages.models import Region

TONES = {
    BatchState.UPLOADED: "info", BatchState.REFUSED: "bad", BatchState.CHECKED: "warn",
    BatchState.PAYING: "info", BatchState.SUBMITTED: "good", BatchState.DISCARDED: "neutral",
}  # fmt: skip
_FORMS = {"payments": workbooks.form_to_fill_in, "payroll": workbooks.roster_to_fill_in}
_ACTS = {
    "confirm": (batching.confirm, "已确认，后台正在生成凭证；生成后由另一人复核。"),
    "discard": (batching.discard, "已放弃本批，名单不再保留。"),
}
# Accounts to choose from; an office has some dozens.
_ACCOUNTS = 500


@require_GET
def batch_list(request: HttpRequest) -> HttpResponse:
    """Batches of one's own offices, the youngest first."""
    require(request, READ)
    page = by_key(batches.visible(actor_of(request)), request.GET.get("after", ""))
    context = {
        "rows": [{"one": one, "tone": TONES[BatchState(one.state)]} for one in page.rows],
        "previous": None,
        "next": urlencode({"after": page.after}) if page.after else None,
        "may_edit": request.user.has_perm(EDIT),
    }
    return render(request, "funds/batches.html", context)


@require_http_methods(["GET", "POST"])
@limited("upload", methods=("POST",))
def batch_new(request: HttpRequest) -> HttpResponse:
    """Hand a workbook in."""
    require(request, EDIT)
    accounts = {one.pk: one for one in _accounts(request)}
    choices = [(pk, _words(one)) for pk, one in accounts.items()]
    today = timezone.localdate()
    form = BatchForm(
        *((request.POST, request.FILES) if request.method == "POST" else ()), accounts=choices,
        initial={"key": uuid4().hex, "on": today, "year": today.year},
    )  # fmt: skip
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        order = Order(
            accounts[int(told["account"])], told["on"], told["document"], told["year"],
            told["part"], told["key"], told["cap"], told["cap_source"],
        )  # fmt: skip
        try:
            stored = batching_files.store(told["file"].chunks())
            made = batching.receive(
                order=order, file=stored, file_name=Path(told["file"].name).name, by=request.user
            )
        except guard.RefusedError as refusal:
            form.add_error("file", str(refusal))
        except UnfitError as unfit:
            form.add_error(None, str(unfit))
        else:
            return redirect("funds:batch", pk=made.pk)
    status = 422 if form.is_bound else 200
    return render(request, "funds/batch_new.html", {"form": form}, status=status)


def _accounts(request: HttpRequest) -> list[Account]:
    """Allotments with money left that the actor may pay out of."""
    actor = actor_of(request)
    found = Account.objects.visible_to(actor).filter(kind=AccountKind.ALLOTMENT, balance__gt=0)
    parts = ("source", "project", "region")
    rows = found.select_related(*parts).order_by("-year", "region_code", "pk")[:_ACCOUNTS]
    return [one for one in rows if covers(actor, one.region_code, EDIT)]


def _words(one: Account) -> str:
    return f"{one.region.name} {holder(one)}（{one.source.doc_no}，{one.year} 年，余额 {one.balance:,.2f} 元）"


def seen(request: HttpRequest, pk: int) -> PaymentBatch:
    batch: PaymentBatch = get_object_or_404(batches.visible(actor_of(request)), pk=pk)
    return batch


@require_GET
def batch_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """How far it is, what was found, and what may be done about it."""
    require(request, READ)
    return _page(request, seen(request, pk))


def _page(request: HttpRequest, batch: PaymentBatch, refusal: str = "") -> HttpResponse:
    may_edit = covers(actor_of(request), batch.region_code, EDIT)
    is_working = bool(batch.job and batch.job.is_open)
    is_own = batch.created_by_id == request.user.pk
    is_waiting = not is_working and batch.state in (BatchState.CHECKED, BatchState.PAYING)
    context = {
        "batch": batch,
        "job": batch.job,
        "tone": TONES[BatchState(batch.state)],
        "account": _words(batch.account),
        "faults": batches.found_faults(batch),
        "has_bad": may_edit and batch.rows_bad > 0 and batch.rows.exclude(faults=[]).exists(),
        "is_working": is_working,
        "is_stuck": bool(batch.job and not is_working and batch.state == BatchState.UPLOADED),
        "asks_again": bool(
            batch.state == BatchState.CHECKED and batch.job and batch.job.result.get("paid") is False
        ),
        "may_confirm": may_edit and is_own and is_waiting and batch.rows_good > 0,
        "may_discard": may_edit and not is_working
        and batch.state not in (BatchState.SUBMITTED, BatchState.DISCARDED),
        "is_public": batches.is_posted(batch),
        "refusal": refusal,
    }  # fmt: skip
    return render(request, "funds/batch.html", context, status=422 if refusal else 200)


@require_POST
def batch_act(request: HttpRequest, pk: int, act: str) -> HttpResponse:
    """Confirm it, or give it up."""
    require(request, EDIT)
    batch = seen(request, pk)
    if act not in _ACTS:
        raise Http404
    if not covers(actor_of(request), batch.region_code, EDIT):
        raise PermissionDenied
    do, said = _ACTS[act]
    try:
        do(batch=batch, by=request.user)
    except UnfitError as unfit:
        return _page(request, batch, str(unfit))
    messages.success(request, said)
    return redirect("funds:batch", pk=batch.pk)


@require_GET
@limited("export")
def batch_returned(request: HttpRequest, pk: int) -> HttpResponse:
    """The rows that are not paid, with what is wrong and how to mend it; accounts masked."""
    require(request, EDIT)
    batch = seen(request, pk)
    if not covers(actor_of(request), batch.region_code, EDIT):
        raise PermissionDenied
    user: Any = request.user
    purpose = f"发放批次 {batch.pk} 退回修改"
    body, rows = workbooks.returned(
        batches.bad_rows(batch), Watermark(user.display_name, timezone.now(), purpose)
    )
    ledger.note(
        Act.EXPORT, request=request, subject_kind="payment_batch", subject=str(batch.pk),
        region=batch.region_code, rows=rows, purpose=purpose, detail={"full": False},
    )  # fmt: skip
    return _file(body, f"batch-{batch.pk}-returned.xlsx")


def _file(body: bytes, name: str) -> HttpResponse:
    response = HttpResponse(body, content_type=XLSX)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_GET
def blank(request: HttpRequest, kind: str) -> HttpResponse:
    """The heads of a workbook to fill in."""
    require(request, EDIT)
    if kind not in _FORMS:
        raise Http404
    return _file(_FORMS[kind](), f"{kind}.xlsx")


@require_GET
def batch_public(request: HttpRequest, pk: int) -> HttpResponse:
    """The list that hangs in the villages once the voucher is posted: names masked, for A4 paper."""
    require(request, READ)
    batch = seen(request, pk)
    if not batches.is_posted(batch):
        raise Http404
    actor = actor_of(request)
    places = batches.villages(batch, actor)
    village = request.GET.get("village", "")
    if village and village not in {one.code for one in places}:
        raise Http404
    page = batches.public_page(batch, actor, village, request.GET.get("after", ""))
    context = {
        "batch": batch,
        "voucher": batch.voucher,
        "places": places,
        "village": village,
        "groups": batches.by_village(page.rows, places),
        "previous": None,
        "next": urlencode({"village": village, "after": page.after}) if page.after else None,
    }
    return render(request, "funds/batch_public.html", context)


@require_http_methods(["GET", "POST"])
@limited("upload", methods=("POST",))
def payroll(request: HttpRequest) -> HttpResponse:
    """Rosters of the public payroll: how many people each names, and a form to load one."""
    require(request, EDIT)
    places = places_of(request)
    form = PayrollForm(
        *((request.POST, request.FILES) if request.method == "POST" else ()), places=places
    )
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        region = next(one for one in places if one.code == told["region"])
        try:
            many = _load_roster(told, region, request.user)
        except (guard.RefusedError, UnfitError) as refusal:
            form.add_error("file", str(refusal))
        else:
            messages.success(request, f"已导入 {many:,} 人，原名册已替换。")
            return redirect("funds:payroll")
    context = {"form": form, "rosters": batches.rosters(actor_of(request))}
    status = 422 if form.is_bound else 200
    return render(request, "funds/batch_payroll.html", context, status=status)


def _load_roster(told: dict[str, Any], region: Region, by: Any) -> int:
    Path(settings.UPLOAD_DIR).mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.NamedTemporaryFile(dir=settings.UPLOAD_DIR, suffix=".part") as target:
        for chunk in told["file"].chunks():
            target.write(chunk)
        target.flush()
        path = Path(target.name)
        numbers = workbooks.roster(path, guard.tell_format(path))
    return batching_payroll.load_roster(
        region=region, numbers=numbers, source=told["source"], by=by
    )
