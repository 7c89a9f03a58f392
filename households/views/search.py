"""One box for everything: households, persons and villages that a word or number finds."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from core.limits import limited
from core.web import actor_of, partition_of, require
from households.queries.searching import SHOWN, Found, search
from households.views.record import READ

# So many of each kind while somebody types.
_TYPED = 5


class SearchForm(forms.Form):
    """What was typed into the header's box. It may be somebody's number: it stays out of addresses."""

    q = forms.CharField(label="查找", max_length=60)


@require_POST
@limited("search")
def find(request: HttpRequest) -> HttpResponse:
    """The first of each kind, in the signed-in person's scope; 422 without a word.

    With `live` a part of a page, for the list under the box: fewer of each.
    """
    require(request, READ)
    live = "live" in request.POST
    form, year = SearchForm(request.POST), partition_of(request)
    found: Found | None = None
    if form.is_valid() and year is not None:
        found = search(
            form.cleaned_data["q"], year, actor_of(request), shown=_TYPED if live else SHOWN
        )
    context: dict[str, Any] = {"found": found, "partition": year or "—"}
    template = "households/_found.html" if live else "households/search.html"
    return render(request, template, context, status=200 if form.is_valid() else 422)
