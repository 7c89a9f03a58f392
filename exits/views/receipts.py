"""The receipt of one result of a village or county, and checks made there on the spot."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from core.scope import covers, trim
from core.web import require
from exits.enums import Evidence, Measure, Metric
from exits.forms import CheckForm
from exits.models import Attestation, StandardItem
from exits.queries.readiness import sides
from exits.services.standards import StandardRefusedError, attest
from exits.views.common import EDIT, Asked, asked, crumbs
from exits.views.places import GATED, checkable, shown_item
from households.queries import list_query

# As many checks as a receipt shows.
_MOST = 50


@require_POST
def check(request: HttpRequest, code: str) -> HttpResponse:
    """Record what was found on the spot about the village or county itself."""
    require(request, EDIT)
    found = asked(request, code, *GATED)
    if not covers(found.actor, found.region.code, EDIT):
        raise Http404
    form = CheckForm(request.POST, items=checkable(found))
    if not form.is_valid():
        context = {"place": found, "breadcrumbs": crumbs(found, "现场核实"), "form": form}
        return render(request, "exits/check.html", context, status=422)
    try:
        attest(
            region=found.region, partition=found.year, today=timezone.localdate(),
            by=request.user, **form.cleaned_data,
        )  # fmt: skip
        messages.success(request, "已登记现场核实结果，几秒内重新判定。")
    except StandardRefusedError as refusal:
        messages.warning(request, str(refusal))
    return redirect(found.href("place"))


@require_GET
def gate(request: HttpRequest, code: str, standard: str, item: str) -> HttpResponse:
    """The receipt of one result: what it means, by which version, from what, and the list behind it."""
    found = asked(request, code, *GATED)
    for side in sides(found.region, found.year, found.actor):
        for one in side.items:
            if (side.standard.code, one.item.code) == (standard, item):
                checks = Attestation.objects.visible_to(found.actor).filter(
                    region_code=found.region.code, partition=found.year, item=item,
                    household__isnull=True,
                )  # fmt: skip
                context = {
                    "place": found,
                    "breadcrumbs": crumbs(found, one.item.label),
                    "side": side,
                    "shown": shown_item(one, side, found),
                    "result": one.result,
                    "is_old": one.result is not None
                    and one.result.standard_version != side.standard.version,
                    "behind": _behind(one.item, found),
                    "checks": checks.select_related("checked_by").order_by("-pk")[:_MOST],
                }
                return render(request, "exits/receipt.html", context)
    raise Http404


def _behind(item: StandardItem, found: Asked) -> tuple[str, str] | None:
    """The list that makes the figure, and what it is called."""
    metrics = {
        Measure.HEADCOUNT: (Metric.REMAINING, "未脱贫人口名单"),
        Measure.EXITED_SHARE: (Metric.EXITED, "已脱贫人口名单"),
    }
    if item.measure in metrics:
        metric, words = metrics[Measure(item.measure)]
        terms = {"region": trim(found.region.code), **list_query(metric, "", found.year)}
        return f"{reverse('households:persons')}?{urlencode(terms)}", words
    if item.measure == Measure.VILLAGE_EXIT_RATE:
        terms = {"region": found.region.code, "year": str(found.year)}
        return f"{reverse('villages:list')}?{urlencode(terms)}", "行政村清单"
    if item.evidence == Evidence.FACTS:
        page = reverse("villages:village", args=[found.region.code])
        return f"{page}?year={found.year}", "村年度信息"
    return None
