"""Small loans: the list with its sums and flags, one with what happened to it, a new one."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.scope import covers
from core.web import actor_of, require
from funds.forms import LoanEventForm, LoanForm, NewLoanForm
from funds.models import Loan, LoanEvent
from funds.queries import loans
from funds.services import lending
from funds.services.common import EDIT, UnfitError
from funds.views.shown import READ, asked
from households.models import Household
from households.views.frame import frame
from villages.models import Region

_ASKED = ("year", "state", "flag", "bank", "region", "words")


@require_GET
def loan_list(request: HttpRequest) -> HttpResponse:
    """Loans of one's places: what they add up to, what is wrong with some, by county."""
    require(request, READ)
    told, day = asked(request, _ASKED), timezone.localdate()
    found = loans.loans(actor_of(request), told, day)
    page = loans.page(found, request.GET.get("after", ""))
    without = {name: value for name, value in told.items() if name != "flag"}
    every = loans.loans(actor_of(request), without, day)
    # Whoever sees several places is told the cap that holds everywhere.
    mine = actor_of(request).region_prefixes
    place = told.get("region") or (mine[0] if len(mine) == 1 else "")
    lines = loans.by_county(found, day)
    caps = loans.caps([place, *(code for code, _ in lines)], day)
    context = {
        "rows": _with_flags(page.rows, day),
        "sums": loans.sums(found, day),
        "cap": caps[place],
        "flags": [
            (flag, label, many, urlencode(without | {"flag": flag}))
            for flag, label, many in loans.by_flag(every, day)
        ],
        "counties": _named(lines, caps),
        "asked": {name: told.get(name, "") for name in _ASKED},
        "base": urlencode({name: value for name, value in told.items() if name != "region"}),
        "terms": urlencode({name: value for name, value in told.items() if name != "words"}),
        "previous": None,
        "next": urlencode(told | {"after": page.after}) if page.after else None,
        "may_edit": request.user.has_perm(EDIT),
    }
    return render(request, "funds/loans.html", context)


def _with_flags(rows: list[Loan], day: Any) -> list[dict[str, Any]]:
    flags = loans.flags_of(rows, day)
    return [{"one": one, "flags": flags[one.pk], "owed": one.amount - one.repaid} for one in rows]


def _named(lines: list[tuple[str, loans.Sums]], caps: dict[str, Any]) -> list[tuple[Any, ...]]:
    """(code, name, sums, cap of the county's households or None)."""
    codes = [code.ljust(12, "0") for code, _ in lines]
    names = {one.code[:6]: one.name for one in Region.objects.filter(code__in=codes)}
    return [(code, names.get(code, code), sums, caps[code]) for code, sums in lines]


def _seen(request: HttpRequest, pk: int) -> Loan:
    found: Loan = get_object_or_404(
        Loan.objects.visible_to(actor_of(request)).select_related("household", "created_by"), pk=pk
    )
    return found


@require_GET
def loan_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One loan: its terms, what is wrong with it, what was repaid."""
    require(request, READ)
    return _page(request, _seen(request, pk))


def _page(request: HttpRequest, loan: Loan, form: Any = None) -> HttpResponse:
    day = timezone.localdate()
    events = loan.events.visible_to(actor_of(request)).select_related("created_by")
    rows = list(events.order_by("on", "pk"))
    back = {one.reverses_id for one in rows}
    context = {
        "loan": loan,
        "flags": loans.flags_of([loan], day)[loan.pk],
        "owed": loan.amount - loan.repaid,
        "events": [{"one": one, "is_undone": one.pk in back} for one in rows],
        "may_edit": covers(actor_of(request), loan.village_code, EDIT),
        "form": form or LoanEventForm(initial={"on": day}),
    }
    return render(request, "funds/loan.html", context, status=422 if form is not None else 200)


@require_http_methods(["GET", "POST"])
def loan_new(request: HttpRequest) -> HttpResponse:
    """Put down a loan by the household's number."""
    require(request, EDIT)
    form = NewLoanForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        told = dict(form.cleaned_data)
        number, borrower = told.pop("household_no"), told.pop("borrower")
        household = (
            Household.objects.visible_to(actor_of(request)).filter(household_no=number).first()
        )
        if household is None:
            form.add_error("household_no", "您的区划内没有这个户编号，请核对。")
        else:
            try:
                made = lending.lend(
                    household=household, borrower=borrower, fields=told, by=request.user
                )
            except UnfitError as unfit:
                form.add_error(None, str(unfit))
            else:
                messages.success(request, "已登记。")
                return redirect("funds:loan", pk=made.pk)
    context = {"form": form, "loan": None}
    status = 422 if form.is_bound else 200
    return render(request, "funds/loan_form.html", context, status=status)


@require_http_methods(["GET", "POST"])
def loan_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Put right what was told wrongly."""
    require(request, EDIT)
    loan = _seen(request, pk)
    _own(request, loan.village_code)
    start = {name: getattr(loan, name) for name in lending.FIELDS}
    if loan.is_productive is not None:
        start["is_productive"] = str(int(loan.is_productive))
    form = LoanForm(request.POST if request.method == "POST" else None, initial=start)
    if request.method == "POST" and form.is_valid():
        try:
            lending.amend(loan=loan, fields=form.cleaned_data, by=request.user)
        except UnfitError as unfit:
            form.add_error(None, str(unfit))
        else:
            messages.success(request, "已保存。")
            return redirect("funds:loan", pk=pk)
    context = {"form": form, "loan": loan}
    status = 422 if form.is_bound else 200
    return render(request, "funds/loan_form.html", context, status=status)


def _own(request: HttpRequest, code: str) -> None:
    if not covers(actor_of(request), code, EDIT):
        raise PermissionDenied


@require_POST
def loan_note(request: HttpRequest, pk: int) -> HttpResponse:
    """Put down what happened to it."""
    require(request, EDIT)
    loan = _seen(request, pk)
    _own(request, loan.village_code)
    form = LoanEventForm(request.POST)
    if form.is_valid():
        told = form.cleaned_data | {"amount": form.cleaned_data["amount"] or 0}
        try:
            lending.note(loan=loan, **told, by=request.user)
        except UnfitError as unfit:
            form.add_error(None, str(unfit))
        else:
            messages.success(request, "已登记。")
            return redirect("funds:loan", pk=pk)
    return _page(request, loan, form)


@require_POST
def loan_undo(request: HttpRequest, pk: int, event: int) -> HttpResponse:
    """Take an event back, with the reason."""
    require(request, EDIT)
    loan = _seen(request, pk)
    _own(request, loan.village_code)
    found = get_object_or_404(LoanEvent, pk=event, loan=loan)
    try:
        lending.undo(event=found, reason=request.POST.get("reason", "")[:300], by=request.user)
    except UnfitError as unfit:
        messages.error(request, str(unfit))
    else:
        messages.success(request, "已更正。")
    return redirect("funds:loan", pk=pk)


@require_GET
def of_household(request: HttpRequest, household_no: str) -> HttpResponse:
    """The loans of this household."""
    found = frame(request, household_no, "loans")
    if isinstance(found, HttpResponse):
        return found
    rows = loans.of_household(found.row.household_id, found.actor)
    context = found.context | {"rows": _with_flags(rows, timezone.localdate())}
    return render(request, "funds/household_loans.html", context)
