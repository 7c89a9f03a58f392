"""How long a mending may take, by the document that says so; and the days that do not count."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from core.limits import limited
from core.scope import trim, within
from core.web import actor_of, require
from exits.services import holidays as days_off
from inspections.enums.findings import Level, Severity, Source
from inspections.queries.findings import rules as queries
from inspections.services.common import UnfitError
from inspections.services.findings import deadlines
from inspections.services.findings.common import FIND
from inspections.views.findings.listing import READ
from villages.enums import Level as PlaceLevel
from villages.models import Region

_PLACES = (PlaceLevel.CITY, PlaceLevel.COUNTY)


def _day(label: str, **kwargs: Any) -> forms.DateField:
    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    return forms.DateField(label=label, widget=widget, **kwargs)


def _any(label: str, choices: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, required=False, choices=[("", "不限"), *choices])


class RuleForm(forms.Form):
    """Within how many working days, for which problems of which place, by which document."""

    region = forms.ChoiceField(label="适用区划")
    kind = _any("来源", Source.choices)
    level = _any("检查层级", Level.choices)
    severity = _any("严重程度", Severity.choices)
    days = forms.IntegerField(label="整改期限（工作日）", min_value=1, max_value=500)
    reply_days = forms.IntegerField(label="文书答复期限（工作日）", min_value=1, max_value=100)
    valid_from = _day("自何日起")
    source = forms.CharField(
        label="依据", max_length=200, help_text="写明文件名称、文号；没有依据的期限不能设置。"
    )

    def __init__(self, *args: Any, regions: list[Region], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(one.code, one.name) for one in regions]
        self.fields["region"].choices = choices  # type: ignore[attr-defined]


class AskForm(forms.Form):
    """A kind of problem, to be told which rule would hold."""

    place = forms.ChoiceField(label="所在区划")
    source = forms.ChoiceField(label="来源", choices=Source.choices)
    level = forms.ChoiceField(label="检查层级", choices=Level.choices)
    severity = forms.ChoiceField(label="严重程度", choices=Severity.choices)
    on = _day("交办日期")

    def __init__(self, *args: Any, regions: list[Region], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(one.code, one.name) for one in regions]
        self.fields["place"].choices = choices  # type: ignore[attr-defined]


def _regions(prefixes: Any) -> list[Region]:
    """The city and counties that lie in these, or that these lie in."""
    own = {one[:6].ljust(12, "0") for one in prefixes}
    today = Region.objects.valid_on(timezone.localdate()).filter(level__in=_PLACES)
    found = today.filter(within(prefixes, "code")) | today.filter(code__in=own)
    return list(found.distinct().order_by("code"))


@require_http_methods(["GET", "POST"])
def deadline_rules(request: HttpRequest) -> HttpResponse:
    """The rules that hold in one's places, which one would hold for a problem, and a new one."""
    require(request, READ)
    if request.method == "POST":
        require(request, FIND)
    actor, form = actor_of(request), None
    if request.user.has_perm(FIND):
        regions = _regions(actor.prefixes_for(FIND))
        form = RuleForm(
            request.POST if request.method == "POST" else None, regions=regions,
            initial={"valid_from": timezone.localdate()},
        )  # fmt: skip
        if request.method == "POST" and form.is_valid() and _set(request, form):
            return redirect("findings:deadlines")
    found = list(queries.rules(actor))
    prefixes = {one.region_prefix.ljust(12, "0") for one in found}
    names = dict(
        Region.objects.valid_on(timezone.localdate()).filter(code__in=prefixes)
        .values_list("code", "name")
    )  # fmt: skip
    context = {
        "rows": [
            {"one": one, "place": names.get(one.region_prefix.ljust(12, "0"), one.region_prefix)}
            for one in found
        ],
        "form": form,
        **_asked(request),
    }
    status = 422 if form is not None and form.is_bound else 200
    return render(request, "findings/deadlines.html", context, status=status)


def _set(request: HttpRequest, form: RuleForm) -> bool:
    told = dict(form.cleaned_data)
    try:
        deadlines.set_rule(region_prefix=trim(told.pop("region")), **told, by=request.user)
    except UnfitError as unfit:
        form.add_error(None, str(unfit))
        return False
    messages.success(request, "已设置，自生效日起交办的问题按此计算。")
    return True


def _asked(request: HttpRequest) -> dict[str, Any]:
    """Which rule would hold for what the address asks, and until when."""
    regions = _regions(actor_of(request).region_prefixes)
    is_asked = request.method == "GET" and "place" in request.GET
    form = AskForm(
        request.GET if is_asked else None, regions=regions, auto_id="ask_%s",
        initial={"on": timezone.localdate()},
    )  # fmt: skip
    answer: dict[str, Any] | None = None
    if is_asked and form.is_valid():
        told = dict(form.cleaned_data)
        rule = deadlines.rule_for(code=told.pop("place"), **told)
        answer = {"rule": rule, "due_on": None, "why": ""}
        if rule is not None:
            try:
                answer["due_on"] = deadlines.by_rule(rule, told["on"]).on
            except UnfitError as unfit:
                answer["why"] = str(unfit)
    return {"ask": form, "answer": answer}


# --- days off ----------------------------------------------------------------------------------


class TableForm(forms.Form):
    """A table of days; when it was looked over, its text comes back."""

    file = forms.FileField(
        label="节假日表", required=False,
        help_text="CSV，三列：day（2018-12-31）、is_off（1 放假，0 上班）、source（依据，如国务院办公厅通知文号）。",
    )  # fmt: skip
    text = forms.CharField(required=False, widget=forms.HiddenInput, max_length=days_off.MAX_BYTES)

    def told(self) -> str:
        """Raises days_off.UnfitError."""
        file = self.cleaned_data["file"]
        if file is not None:
            if file.size > days_off.MAX_BYTES:
                raise days_off.UnfitError("文件过大，节假日表一年只有几十行，请核对文件。")
            return days_off.decoded(file.read())
        if not self.cleaned_data["text"]:
            raise days_off.UnfitError("请选择节假日表文件。")
        return str(self.cleaned_data["text"])


@require_http_methods(["GET", "POST"])
@limited("upload", methods=("POST",))
def holidays(request: HttpRequest) -> HttpResponse:
    """Days off and days worked by year; the city loads them, a year that is known only when sure."""
    require(request, READ)
    may_load = request.user.has_perm(days_off.MANAGE)
    form = difference = None
    if request.method == "POST":
        if not may_load:
            raise PermissionDenied
        form = TableForm(request.POST, request.FILES)
        if form.is_valid():
            done = _loaded(request, form)
            if isinstance(done, HttpResponse):
                return done
            difference = done
    today = timezone.localdate()
    known = days_off.years(today.year, today.year + 1)
    context = {
        "years": [
            {
                "year": year,
                "days": days,
                "off": sum(one.is_off for one in days),
                "worked": sum(not one.is_off for one in days),
            }
            for year, days in reversed(known.items())
        ],
        "missing": [year for year in (today.year, today.year + 1) if not known[year]],
        "form": (form or TableForm()) if may_load else None,
        "difference": difference,
    }
    return render(request, "findings/holidays.html", context, status=422 if form else 200)


def _loaded(request: HttpRequest, form: TableForm) -> HttpResponse | dict[str, Any] | None:
    """Where to go on; what differs, to be confirmed; or None with the reason on the form."""
    try:
        text = form.told()
        rows = days_off.parsed(text)
        found = days_off.difference(rows)
        if not found.new and not found.changed:
            messages.info(request, "这张表与已有的相同，没有变化。")
            return redirect("findings:holidays")
        if found.asks and request.POST.get("sure") != "1":
            return {"found": found, "text": text, "years": sorted({one.day.year for one in rows})}
        years = days_off.load(rows=rows, by=request.user)
    except days_off.UnfitError as unfit:
        form.add_error("file", str(unfit))
        return None
    told = "、".join(map(str, years))
    messages.success(request, f"已导入 {len(rows)} 天，年度：{told}。")
    return redirect("findings:holidays")
