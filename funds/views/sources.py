"""Documents that announce money: the list, one with what became of it, a new one, its changes."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from core.scope import covers
from core.web import actor_of, require
from funds.enums import AccountKind, SourceLevel
from funds.forms import ChangeForm, SourceForm
from funds.models import Source, Voucher
from funds.queries import listing
from funds.services import sources
from funds.services.common import EDIT, UnfitError
from funds.views.shown import READ, asked, holder, places_of, seen_source
from households.catalog import labels

_ASKED = ("year", "level", "kind", "region", "words")
_OF_ONE = 20


@require_GET
def source_list(request: HttpRequest) -> HttpResponse:
    """Documents of one's places and of those whose money came down to them."""
    require(request, READ)
    actor, told = actor_of(request), asked(request, _ASKED)
    found = listing.sources(actor, told)
    page = listing.by_key(found.select_related("region"), request.GET.get("after", ""))
    where = listing.standing(actor, [one.pk for one in page.rows])
    kinds = labels("fund_source")
    context = {
        "rows": [
            {"one": one, "at": where.get(one.pk), "kind": kinds.get(one.kind, one.kind)}
            for one in page.rows
        ],
        "whole": listing.whole(actor, found),
        "asked": {name: told.get(name, "") for name in _ASKED},
        "levels": SourceLevel.choices,
        "kinds": kinds.items(),
        "base": urlencode(told),
        "previous": None,
        "next": urlencode(told | {"after": page.after}) if page.after else None,
        "may_edit": request.user.has_perm(EDIT),
    }
    return render(request, "funds/sources.html", context)


@require_GET
def source_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One document: what it announced, what was changed, where its money stands, its vouchers."""
    require(request, READ)
    return _page(request, seen_source(request, pk), ChangeForm(auto_id="id_change_%s"))


def _page(request: HttpRequest, source: Source, form: ChangeForm) -> HttpResponse:
    actor = actor_of(request)
    page = listing.by_place(
        listing.accounts(actor, {"source": str(source.pk)}), request.GET.get("after", "")
    )
    vouchers = Voucher.objects.visible_to(actor).filter(entries__account__source=source)
    context = {
        "source": source,
        "kind": labels("fund_source").get(source.kind, source.kind),
        "at": listing.standing(actor, [source.pk]).get(source.pk, listing.Standing()),
        "changes": source.changes.visible_to(actor).select_related("created_by").order_by("on"),
        "accounts": [
            {"one": one, "holder": holder(one), "is_pool": one.kind == AccountKind.POOL}
            for one in page.rows
        ],
        "previous": None,
        "next": urlencode({"after": page.after}) if page.after else None,
        "vouchers": vouchers.distinct().order_by("-pk")[:_OF_ONE],
        "may_edit": covers(actor, source.region_code, EDIT),
        "form": form,
    }
    return render(request, "funds/source.html", context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "POST"])
def source_new(request: HttpRequest) -> HttpResponse:
    """Put down a document."""
    require(request, EDIT)
    places = places_of(request)
    form = SourceForm(request.POST if request.method == "POST" else None, places=places)
    if request.method == "POST" and form.is_valid():
        told: dict[str, Any] = dict(form.cleaned_data)
        code = told.pop("region")
        region = next(one for one in places if one.code == code)
        try:
            made = sources.announce(region=region, fields=told, by=request.user)
        except UnfitError as unfit:
            form.add_error(None, str(unfit))
        else:
            messages.success(request, "已登记。")
            return redirect("funds:source", pk=made.pk)
    context = {"form": form}
    status = 422 if form.is_bound else 200
    return render(request, "funds/source_form.html", context, status=status)


@require_http_methods(["POST"])
def source_change(request: HttpRequest, pk: int) -> HttpResponse:
    """Put down a later document that raises or cuts what was announced."""
    require(request, EDIT)
    source = seen_source(request, pk)
    if not covers(actor_of(request), source.region_code, EDIT):
        raise PermissionDenied
    form = ChangeForm(request.POST, auto_id="id_change_%s")
    if form.is_valid():
        try:
            sources.change(source=source, **form.cleaned_data, by=request.user)
        except UnfitError as unfit:
            form.add_error(None, str(unfit))
        else:
            messages.success(request, "已登记调整。")
            return redirect("funds:source", pk=pk)
    return _page(request, source, form)
