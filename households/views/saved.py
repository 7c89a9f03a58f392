"""Searches kept by name: the page of them, keeping one, renaming, sharing, removing."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.web import require
from households.forms import SavedViewForm
from households.models import Listing, SavedView
from households.services import saving
from households.services.saving import RefusedError
from households.views.record import READ
from villages.formulas import short_name
from villages.models import Region

_ROUTES = {Listing.HOUSEHOLDS: "households:list", Listing.PERSONS: "households:persons"}
# So many stand above a list; the page of views has them all.
SHOWN = 8


def address_of(view: SavedView) -> str:
    """The list as the view keeps it, in the year chosen last."""
    return f"{reverse(_ROUTES[Listing(view.listing)])}?{view.query}"


def views_of(user: Any, listing: str) -> list[tuple[str, str]]:
    """(name, address) of the user's own views of a list, then of those shared with them."""
    seen = SavedView.objects.seen_by(user).filter(listing=listing)
    found = sorted(seen, key=lambda view: (view.owner_id != user.pk, view.name))
    return [(view.name, address_of(view)) for view in found[:SHOWN]]


@require_GET
def view_list(request: HttpRequest) -> HttpResponse:
    """Own views and those of the own office."""
    require(request, READ)
    seen = SavedView.objects.seen_by(request.user).select_related("owner")
    found = sorted(seen, key=lambda view: (view.owner_id != request.user.pk, view.name))
    rows = [(view, address_of(view), view.owner_id == request.user.pk) for view in found]
    return render(request, "households/view_list.html", {"rows": rows})


@require_http_methods(["GET", "POST"])
def view_new(request: HttpRequest, listing: str) -> HttpResponse:
    """Keep the search in the address by a name."""
    require(request, READ)
    query, offices = request.GET.urlencode(), _offices(request.user)
    form = SavedViewForm(request.POST or None, offices=_choices(offices))
    refused = ""
    try:
        kept = saving.storable(query)
    except RefusedError as error:
        refused, kept = str(error), ""
    if request.method == "POST" and form.is_valid() and not refused:
        try:
            view = saving.save_view(
                listing=listing,
                name=form.cleaned_data["name"],
                query=kept,
                share_with=offices.get(form.cleaned_data["office"]),
                by=request.user,
            )
        except RefusedError as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, f"已保存视图“{view.name}”。")
            return redirect(address_of(view))
    context = {"form": form, "refused": refused, "listing": Listing(listing), "query": query}
    context["back"] = f"{reverse(_ROUTES[Listing(listing)])}?{query}"
    status = 422 if request.method == "POST" or refused else 200
    return render(request, "households/view_form.html", context, status=status)


@require_http_methods(["GET", "POST"])
def view_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Rename an own view, share it or end that; somebody else's does not exist."""
    require(request, READ)
    view = get_object_or_404(SavedView, pk=pk, owner_id=request.user.pk)
    offices = _offices(request.user)
    office = next((key for key, one in offices.items() if one == _office_of(view)), "")
    form = SavedViewForm(
        request.POST or None,
        offices=_choices(offices),
        initial={"name": view.name, "office": office},
    )
    if request.method == "POST" and form.is_valid():
        try:
            saving.change_view(
                view=view,
                name=form.cleaned_data["name"],
                share_with=offices.get(form.cleaned_data["office"]),
                by=request.user,
            )
        except RefusedError as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, "视图已修改。")
            return redirect("households:views")
    context = {"form": form, "view": view, "back": reverse("households:views")}
    status = 200 if request.method == "GET" else 422
    return render(request, "households/view_form.html", context, status=status)


@require_POST
def view_delete(request: HttpRequest, pk: int) -> HttpResponse:
    require(request, READ)
    view = get_object_or_404(SavedView, pk=pk, owner_id=request.user.pk)
    saving.delete_view(view=view, by=request.user)
    messages.success(request, f"已删除视图“{view.name}”。")
    return redirect("households:views")


def _office_of(view: SavedView) -> tuple[str, str] | None:
    return (view.region_prefix, view.department) if view.is_shared else None


def _offices(user: Any) -> dict[str, tuple[str, str]]:
    """Key of a choice → region and department of a grant the user holds today."""
    held = {(grant.region_prefix, grant.department) for grant in user.grants_with(READ)}
    return {str(number): office for number, office in enumerate(sorted(held), 1)}


def _choices(offices: dict[str, tuple[str, str]]) -> list[tuple[str, str]]:
    codes = {prefix.ljust(12, "0") for prefix, _ in offices.values()}
    known = Region.objects.filter(code__in=codes).order_by("valid_from")
    names = dict(known.values_list("code", "name"))
    return [
        (
            key,
            f"{short_name(names.get(prefix.ljust(12, '0'), prefix))}{department or '未注明部门'}的同事",
        )
        for key, (prefix, department) in offices.items()
    ]
