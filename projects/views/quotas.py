"""How much counties may assign to a sector in a year, and how much of it is assigned."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from core.scope import within
from core.web import actor_of, require
from projects.forms import QuotaForm
from projects.queries import quotas as told
from projects.services import quotas
from projects.services.common import DECIDE, UnfitError
from villages.models import Region

READ = "households.view_register"


@require_http_methods(["GET", "POST"])
def quota_page(request: HttpRequest) -> HttpResponse:
    """The quotas of a year; set anew, or changed with another ground."""
    require(request, READ if request.method == "GET" else DECIDE)
    given = request.GET.get("year", "")
    known = given.isascii() and given.isdigit() and 2010 <= int(given) <= 2100
    year = int(given) if known else timezone.localdate().year
    places = {one.code: one for one in _counties(request)}
    form = QuotaForm(
        request.POST if request.method == "POST" else None,
        places=[(code, one.name) for code, one in places.items()], initial={"year": year},
    )  # fmt: skip
    if request.method == "POST" and form.is_valid():
        fields = dict(form.cleaned_data)
        region = places[fields.pop("region")]
        try:
            quotas.set_quota(region=region, by=request.user, **fields)
        except UnfitError as unfit:
            form.add_error(None, str(unfit))
        else:
            messages.success(request, "已保存。")
            return redirect(f"{request.path}?year={fields['year']}")
    context = {
        "year": year,
        "rows": told.of_year(year, actor_of(request)),
        "form": form if places else None,
    }
    status = 422 if form.is_bound else 200
    return render(request, "projects/quotas.html", context, status=status)


def _counties(request: HttpRequest) -> list[Region]:
    """The counties whose quotas this person sets."""
    prefixes = actor_of(request).prefixes_for(DECIDE)
    found = Region.objects.valid_on(timezone.localdate()).filter(
        within(prefixes, "code"), level="county"
    )
    return list(found.order_by("code"))
