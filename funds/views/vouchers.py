"""Vouchers: the list with what waits, one with its legs and payees, and what a second person does."""

from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from core.scope import covers
from core.web import actor_of, require
from funds.enums import VoucherKind, VoucherState
from funds.forms import DecideForm, GroundForm
from funds.models import Payment, Voucher
from funds.queries import listing
from funds.services import paying, posting
from funds.services.common import APPROVE, EDIT, UnfitError
from funds.views.shown import READ, TONES, asked, legs, seen_voucher

_ASKED = ("state", "kind", "year", "region", "least", "most", "source", "words")
_BACK = (VoucherKind.RETURN, VoucherKind.REVERSE)
_DECIDING = ("approve", "refuse")
_BRINGING_BACK = ("return", "reverse")


@require_GET
def voucher_list(request: HttpRequest) -> HttpResponse:
    """Vouchers of one's places, and of others that moved their money."""
    require(request, READ)
    told = asked(request, _ASKED)
    actor = actor_of(request)
    without = {name: value for name, value in told.items() if name != "state"}
    many = listing.by_state(listing.vouchers(actor, without))
    found = listing.vouchers(actor, told)
    page = listing.by_key(found.select_related("created_by"), request.GET.get("after", ""))
    context = {
        "rows": [{"one": one, "tone": TONES[VoucherState(one.state)]} for one in page.rows],
        "states": [
            (state, label, many.get(state, 0), urlencode(without | {"state": state}))
            for state, label in VoucherState.choices
        ],
        "all": (sum(many.values()), urlencode(without)),
        "kinds": VoucherKind.choices,
        "asked": {name: told.get(name, "") for name in _ASKED},
        "base": urlencode(told),
        "previous": None,
        "next": urlencode(told | {"after": page.after}) if page.after else None,
    }
    return render(request, "funds/vouchers.html", context)


@require_GET
def voucher_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One voucher: what it moves from where to where, for whom, and who answers for it."""
    require(request, READ)
    return _page(request, seen_voucher(request, pk))


def _page(
    request: HttpRequest,
    voucher: Voucher,
    decide: Any = None,
    back: dict[str, GroundForm] | None = None,
) -> HttpResponse:
    actor = actor_of(request)
    words = asked(request, ("words",)).get("words", "")
    found = listing.payments(actor, voucher, words)
    page = listing.by_key(found, request.GET.get("after", ""))
    posted = voucher.state == VoucherState.POSTED
    may_edit = covers(actor, voucher.region_code, EDIT)
    context = {
        "voucher": voucher,
        "tone": TONES[VoucherState(voucher.state)],
        "legs": legs(request, voucher),
        "payments": page.rows,
        "words": words,
        "previous": None,
        "next": urlencode({"words": words, "after": page.after}) if page.after else None,
        "backs": voucher.reversed_by.visible_to(actor).order_by("pk"),
        "may_decide": voucher.state == VoucherState.PENDING
        and covers(actor, voucher.region_code, APPROVE)
        and voucher.created_by_id != actor.pk,  # type: ignore[attr-defined]
        "is_own": voucher.created_by_id == request.user.pk,
        "may_reverse": posted and may_edit and voucher.kind not in _BACK,
        "may_return": posted and may_edit and voucher.kind == VoucherKind.PAY,
        "decide": decide or DecideForm(),
        "back": {act: _back_form(None, act) for act in _BRINGING_BACK} | (back or {}),
    }
    status = 422 if decide is not None or back is not None else 200
    return render(request, "funds/voucher.html", context, status=status)


def _back_form(data: Any, act: str) -> GroundForm:
    """Each act has a key of its own: with one for both, the second would answer with the first."""
    return GroundForm(data, auto_id=f"id_{act}_%s", initial={"key": uuid4().hex})


@require_POST
def voucher_act(request: HttpRequest, pk: int, act: str) -> HttpResponse:
    """Post, send back, take back whole, or bring single payments back."""
    if act not in _DECIDING + _BRINGING_BACK:
        raise Http404
    require(request, APPROVE if act in _DECIDING else EDIT)
    voucher = seen_voucher(request, pk)
    if act in _DECIDING:
        return _decide(request, voucher, act)
    return _bring_back(request, voucher, act)


def _decide(request: HttpRequest, voucher: Voucher, act: str) -> HttpResponse:
    if not covers(actor_of(request), voucher.region_code, APPROVE):
        raise PermissionDenied
    form = DecideForm(request.POST)
    if form.is_valid():
        do = posting.approve if act == "approve" else posting.refuse
        try:
            done = do(voucher=voucher, why=form.cleaned_data["why"], by=request.user)
        except UnfitError as unfit:
            form.add_error(None, str(unfit))
        else:
            messages.success(
                request, f"已入账，凭证号 {done.number}。" if done.number else "已退回经办人。"
            )
            return redirect("funds:voucher", pk=voucher.pk)
    return _page(request, voucher, decide=form)


def _bring_back(request: HttpRequest, voucher: Voucher, act: str) -> HttpResponse:
    if not covers(actor_of(request), voucher.region_code, EDIT):
        raise PermissionDenied
    form = _back_form(request.POST, act)
    if form.is_valid():
        try:
            made = _back(request, voucher, act, form)
        except UnfitError as unfit:
            form.add_error(None, str(unfit))
        else:
            messages.success(request, "已提交，待另一人复核。")
            return redirect("funds:voucher", pk=made.pk)
    return _page(request, voucher, back={act: form})


def _back(request: HttpRequest, voucher: Voucher, act: str, form: GroundForm) -> Voucher:
    if act == "reverse":
        return posting.reverse(voucher=voucher, ground=form.ground(), by=request.user)
    chosen = [
        int(one) for one in request.POST.getlist("payment") if one.isascii() and one.isdigit()
    ]
    rows = Payment.objects.visible_to(actor_of(request)).filter(voucher=voucher, pk__in=chosen)
    return paying.give_back(
        voucher=voucher, payments=list(rows), ground=form.ground(), by=request.user
    )
