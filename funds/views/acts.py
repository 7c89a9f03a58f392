"""Forms that move money: each asks for a voucher, which another person posts."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from core.scope import below, covers, trim
from core.web import actor_of, require
from funds.enums import AccountKind
from funds.forms import AllocateForm, ArriveForm, CloseForm, GroundForm, PayForm, YearForm
from funds.models import ClosedYear, Voucher
from funds.services import moving, paying
from funds.services.common import APPROVE, EDIT, UnfitError
from funds.services.moving import Share
from funds.views.shown import holder, places_of, seen_account, seen_source
from projects.models import Project
from villages.enums import Level
from villages.models import Region


def _asked_for(
    request: HttpRequest, form: GroundForm, do: Callable[[], Voucher], **context: Any
) -> HttpResponse:
    """Carry the form out and go to its voucher, or show it with what is wrong."""
    if request.method == "POST" and form.is_valid():
        try:
            made = do()
        except UnfitError as unfit:
            form.add_error(None, str(unfit))
        else:
            messages.success(request, "已提交，待另一人复核后入账。")
            return redirect("funds:voucher", pk=made.pk)
    status = 422 if form.is_bound else 200
    context |= {"form": form, "is_shares": isinstance(form, AllocateForm)}
    return render(request, "funds/act.html", context, status=status)


def _data(request: HttpRequest) -> Any:
    return request.POST if request.method == "POST" else None


def _key() -> dict[str, str]:
    return {"key": uuid4().hex}


@require_http_methods(["GET", "POST"])
def arrive(request: HttpRequest, pk: int) -> HttpResponse:
    """Money of a document has come in."""
    require(request, EDIT)
    source = seen_source(request, pk)
    _own(request, source.region_code)
    form = ArriveForm(_data(request), initial=_key() | {"document": source.doc_no})

    def do() -> Voucher:
        return moving.arrive(
            source=source, amount=form.cleaned_data["amount"], ground=form.ground(), by=request.user
        )

    about = f"{source.doc_no}《{source.title}》"
    return _asked_for(request, form, do, title="资金到位", about=about, account=None)


def _own(request: HttpRequest, code: str) -> None:
    if not covers(actor_of(request), code, EDIT):
        raise PermissionDenied


@require_http_methods(["GET", "POST"])
def allocate(request: HttpRequest, pk: int) -> HttpResponse:
    """Hand money of a pool down, or allot it to units and projects."""
    require(request, EDIT)
    pool = seen_account(request, pk, AccountKind.POOL)
    _own(request, pool.region_code)
    places = _below(pool.region_code)
    form = AllocateForm(_data(request), places=places, initial=_key())

    def do() -> Voucher:
        return moving.allocate(
            pool=pool, shares=_shares(request, form, places), ground=form.ground(), by=request.user
        )

    return _asked_for(
        request, form, do, title="资金分配", about=f"{pool.source.doc_no} · {holder(pool)}",
        account=pool,
    )  # fmt: skip


def _below(code: str) -> list[Region]:
    """The division itself, and those it hands money to: the city its counties, a county its towns."""
    today = Region.objects.valid_on(timezone.localdate())
    own = today.get(code=code)
    next_level = Level.COUNTY if own.level == Level.CITY else Level.TOWN
    inside = today.filter(below(trim(code), "code"), level=next_level).order_by("code")
    return [own, *inside]


def _shares(request: HttpRequest, form: AllocateForm, places: list[Region]) -> list[Share]:
    regions = {one.code: one for one in places}
    rows = form.rows()
    numbers = {number for _, _, number, _ in rows if number}
    projects = {
        one.number: one
        for one in Project.objects.visible_to(actor_of(request)).filter(number__in=numbers)
    }
    if missing := sorted(numbers - set(projects)):
        raise UnfitError(f"没有这些项目：{'、'.join(missing)}。请核对项目编号。")
    return [
        Share(regions[code], amount, unit=unit, project=projects.get(number))
        for code, unit, number, amount in rows
    ]


@require_http_methods(["GET", "POST"])
def pay(request: HttpRequest, pk: int) -> HttpResponse:
    """Pay whoever builds or supplies, out of an allotment."""
    require(request, EDIT)
    allotment = seen_account(request, pk, AccountKind.ALLOTMENT)
    _own(request, allotment.region_code)
    form = PayForm(_data(request), initial=_key())

    def do() -> Voucher:
        told = form.cleaned_data
        return paying.pay_contractor(
            allotment=allotment, payee=told["payee"], bank_account=told["bank_account"],
            amount=told["amount"], ground=form.ground(), by=request.user,
        )  # fmt: skip

    return _asked_for(
        request, form, do, title="支付", about=f"{allotment.source.doc_no} · {holder(allotment)}",
        account=allotment,
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def years(request: HttpRequest) -> HttpResponse:
    """The end of a year: carry over what is left, close the books."""
    require(request, EDIT)
    places = places_of(request)
    act = request.POST.get("act", "")
    carry = YearForm(
        request.POST if act == "carry" else None, places=places, initial=_key(),
        auto_id="id_carry_%s",
    )  # fmt: skip
    close = CloseForm(
        request.POST if act == "close" else None, places=places, auto_id="id_close_%s"
    )
    if request.method == "POST":
        form = carry if act == "carry" else close
        if form.is_valid() and (answer := _ended(request, form, act, places)) is not None:
            return answer
    context = {
        "carry": carry,
        "close": close,
        "may_close": request.user.has_perm(APPROVE),
        "closed": ClosedYear.objects.visible_to(actor_of(request)).select_related("created_by")
        .order_by("-year", "region_code")[:100],
        "names": {one.code: one.name for one in places},
    }  # fmt: skip
    status = 422 if request.method == "POST" else 200
    return render(request, "funds/years.html", context, status=status)


def _ended(request: HttpRequest, form: Any, act: str, places: list[Region]) -> HttpResponse | None:
    """What was asked for is done: where to go on; None with the reason on the form."""
    told = form.cleaned_data
    region = next(one for one in places if one.code == told["region"])
    try:
        if act == "carry":
            made = moving.carry_over(
                region=region, year=told["year"], ground=form.ground(), by=request.user
            )
            messages.success(request, "已提交结转凭证，待另一人复核后入账。")
            return redirect("funds:voucher", pk=made.pk)
        moving.close_year(region=region, year=told["year"], by=request.user)
    except UnfitError as unfit:
        form.add_error(None, str(unfit))
        return None
    messages.success(request, f"{region.name} {told['year']} 年已关账。")
    return redirect("funds:years")
