"""Accounts: what stands where, and one as a book with its running balance."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from core.scope import covers
from core.web import actor_of, require
from funds.enums import AccountKind
from funds.queries import ledger, listing
from funds.services.common import EDIT
from funds.views.shown import READ, asked, holder, seen_account

_ASKED = ("kind", "year", "region", "source", "project", "left", "words")


@require_GET
def account_list(request: HttpRequest) -> HttpResponse:
    """Accounts of one's places: by division, what was handed on and what is left."""
    require(request, READ)
    told = asked(request, _ASKED)
    found = listing.accounts(actor_of(request), told)
    page = listing.by_place(found, request.GET.get("after", ""))
    sums = listing.by_kind(found)
    without = {name: value for name, value in told.items() if name != "kind"}
    context = {
        "rows": [{"one": one, "holder": holder(one)} for one in page.rows],
        "kinds": [
            (kind, label, sums.get(kind), urlencode(without | {"kind": kind}))
            for kind, label in AccountKind.choices
        ],
        "asked": {name: told.get(name, "") for name in _ASKED},
        "previous": None,
        "next": urlencode(told | {"after": page.after}) if page.after else None,
    }
    return render(request, "funds/accounts.html", context)


@require_GET
def account_book(request: HttpRequest, pk: int) -> HttpResponse:
    """One account's entries by day, with what stood in it after each."""
    require(request, READ)
    account = seen_account(request, pk)
    book = ledger.book(account, request.GET.get("after", ""))
    may_edit = covers(actor_of(request), account.region_code, EDIT)
    context = {
        "account": account,
        "holder": holder(account),
        "book": book,
        "is_further": bool(book.opening) or bool(request.GET.get("after")),
        "may_allocate": may_edit and account.kind == AccountKind.POOL,
        "may_pay": may_edit and account.kind == AccountKind.ALLOTMENT,
        "previous": None,
        "next": urlencode({"after": book.after}) if book.after else None,
    }
    return render(request, "funds/ledger.html", context)
