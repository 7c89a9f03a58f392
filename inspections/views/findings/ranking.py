"""The quarterly ranking of a city's counties: as it was made public, as it would be, and its rule."""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.scope import covers, trim
from core.web import actor_of, require
from inspections.enums.ranking import MEANING, PER_CENT, Figure
from inspections.models import RankingRun, ScoringRule
from inspections.queries.findings import ranking as queries
from inspections.queries.findings.ranking import Quarter
from inspections.services.common import UnfitError
from inspections.services.findings import ranking as service
from inspections.services.findings.common import FIND
from inspections.services.findings.ranking import Placed
from villages.formulas import short_name
from villages.models import Region
from villages.queries import region_at

READ = "households.view_register"
_CITY = 4
_SHOWN = 12


def _city(request: HttpRequest) -> Region | None:
    """The city the person belongs to; who sees single households belongs to none."""
    prefixes = sorted(one[:_CITY] for one in actor_of(request).region_prefixes)
    return region_at(prefixes[0].ljust(12, "0"), timezone.localdate()) if prefixes else None


def _may_score(request: HttpRequest, city: Region) -> bool:
    return covers(actor_of(request), city.code, FIND)


@require_GET
def ranking(request: HttpRequest) -> HttpResponse:
    """A quarter's places; before they are public for those alone who see the whole city."""
    require(request, READ)
    city = _city(request)
    if city is None:
        return render(request, "findings/board_empty.html")
    sees_all = covers(actor_of(request), city.code)
    runs = list(queries.published(city.code)[:_SHOWN])
    quarter = _asked(request, runs, sees_all=sees_all)
    run = next((one for one in runs if (one.year, one.quarter) == _key(quarter)), None)
    if quarter is not None and run is None:
        run = queries.published(city.code).filter(year=quarter.year, quarter=quarter.number).first()
        if run is None and not sees_all:
            raise Http404
    rule = run.rule if run else queries.rule_for(city.code, quarter.last) if quarter else None
    now = service.placed(city.code, quarter, rule) if quarter and sees_all else []
    rows = service.of_run(run) if run else now
    items = {one.figure: one for one in rule.items.all()} if rule else {}
    context = {
        "city": short_name(city.name),
        "quarter": quarter,
        "quarters": _choices(runs, sees_all=sees_all),
        "run": run,
        "rule": rule,
        "rows": [_shown(row, request, items) for row in rows],
        "figures": [
            (label, MEANING[figure], items.get(figure)) for figure, label in Figure.choices
        ],
        "differs": bool(run) and sees_all and _places(now) != _places(rows),
        "now": [_shown(row, request, items) for row in now] if run else [],
        "may_score": _may_score(request, city),
        "is_over": quarter is not None and quarter.last < timezone.localdate(),
    }
    return render(request, "findings/ranking.html", context)


def _key(quarter: Quarter | None) -> tuple[int, int] | None:
    return (quarter.year, quarter.number) if quarter else None


def _asked(request: HttpRequest, runs: list[RankingRun], *, sees_all: bool) -> Quarter | None:
    """The quarter of the address; else the last that is over, or the last that is public."""
    if text := request.GET.get("quarter", ""):
        asked = queries.parsed(text)
        if asked is None or asked.first > timezone.localdate():
            raise Http404
        return asked
    if sees_all:
        return queries.before(queries.quarter_of(timezone.localdate()))
    return Quarter(runs[0].year, runs[0].quarter) if runs else None


def _choices(runs: list[RankingRun], *, sees_all: bool) -> list[Quarter]:
    public = {Quarter(one.year, one.quarter) for one in runs}
    if not sees_all:
        return sorted(public, reverse=True)
    quarter = queries.quarter_of(timezone.localdate())
    recent = set()
    for _ in range(_SHOWN):
        recent.add(quarter)
        quarter = queries.before(quarter)
    return sorted(public | recent, reverse=True)


def _shown(row: Placed, request: HttpRequest, items: dict[str, Any]) -> dict[str, Any]:
    covered = covers(actor_of(request), row.code)
    return {
        "row": row,
        "name": short_name(row.name),
        "href": reverse("findings:board-of", args=[trim(row.code)]) if covered else "",
        "parts": [_part(figure, *row.parts[figure]) for figure in Figure.values],
    }


def _part(figure: str, numerator: int, denominator: int, points: Decimal | None) -> dict[str, Any]:
    if not denominator:
        return {"value": "无数据", "told": "", "points": None}
    exact = Decimal(numerator) * (100 if figure in PER_CENT else 1) / denominator
    return {
        "value": f"{exact:.2f}%" if figure in PER_CENT else f"{exact:.1f}",
        "told": f"{numerator:,} / {denominator:,}",
        "points": points,
    }


def _places(rows: list[Placed]) -> list[tuple[Any, ...]]:
    return [(row.code, row.rank, row.points) for row in rows]


@require_POST
def publish(request: HttpRequest) -> HttpResponse:
    """Make a quarter's ranking public."""
    require(request, FIND)
    city = _city(request)
    if city is None or not _may_score(request, city):
        raise PermissionDenied
    quarter = queries.parsed(request.POST.get("quarter", ""))
    if quarter is None:
        messages.error(request, "请选择要公布的季度。")
        return redirect("findings:ranking")
    try:
        service.publish(city=city, quarter=quarter, by=request.user)
    except UnfitError as unfit:
        messages.error(request, str(unfit))
    else:
        messages.success(request, f"已公布{quarter.label}排名，全市可见，以后不再改动。")
    return redirect(f"{reverse('findings:ranking')}?quarter={quarter}")


class RuleForm(forms.Form):
    """A rule with its source and points for each figure that counts."""

    valid_from = forms.DateField(
        label="自何日起", widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )
    source = forms.CharField(label="依据", max_length=200, help_text="文件名称和文号。")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for figure, label in Figure.choices:
            for name, words in (
                ("points", "满分"),
                ("full_at", "得满分的值"),
                ("zero_at", "不得分的值"),
            ):
                digits = 5 if name == "points" else 7
                self.fields[f"{figure}_{name}"] = forms.DecimalField(
                    label=f"{label}：{words}", required=False, max_digits=digits, decimal_places=2,
                    min_value=Decimal(0),
                )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        self.items: list[dict[str, Any]] = []
        for figure, label in Figure.choices:
            names = ("points", "full_at", "zero_at")
            values = {name: told.get(f"{figure}_{name}") for name in names}
            if all(value is None for value in values.values()):
                continue
            if any(value is None for value in values.values()):
                self.add_error(f"{figure}_points", f"“{label}”的三个数都要填写，或者都不填。")
            elif not values["points"]:
                self.add_error(f"{figure}_points", "满分须大于 0；不计分的指标请留空。")
            elif values["full_at"] == values["zero_at"]:
                self.add_error(f"{figure}_full_at", "得满分的值与不得分的值不能相同。")
            else:
                self.items.append({"figure": figure, **values})
        if not self.items and not self.errors:
            raise forms.ValidationError("请至少填写一个评分项。")
        return told


@require_http_methods(["GET", "POST"])
def rules(request: HttpRequest) -> HttpResponse:
    """The rules of the city, the youngest first; the city states a new one."""
    require(request, FIND if request.method == "POST" else READ)
    city = _city(request)
    if city is None:
        return render(request, "findings/board_empty.html")
    may = _may_score(request, city)
    if request.method == "POST" and not may:
        raise PermissionDenied
    form = RuleForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        try:
            service.set_rule(
                prefix=trim(city.code), valid_from=told["valid_from"], source=told["source"],
                items=form.items, by=request.user,
            )  # fmt: skip
        except UnfitError as unfit:
            form.add_error(None, str(unfit))
        else:
            messages.success(request, "已设置评分办法。")
            return redirect("findings:ranking-rules")
    found = ScoringRule.objects.filter(region_prefix=trim(city.code)).prefetch_related("items")
    context = {
        "rules": found.select_related("created_by").order_by("-valid_from"),
        "form": form if may else None,
    }
    status = 200 if request.method == "GET" else 422
    return render(request, "findings/ranking_rules.html", context, status=status)
