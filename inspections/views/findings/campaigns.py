"""Inspections: the list with what was told and what was entered, one with its papers, the form."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core import ledger, scans
from core.ledger.services import without_numbers
from core.limits import limited
from core.scope import covers, within
from core.web import actor_of, require
from inspections.enums.findings import Level, Source
from inspections.models import Campaign, CampaignPaper, FindingWorkbook
from inspections.queries.findings import campaigns as queries
from inspections.services.common import UnfitError
from inspections.services.findings import documents, entering
from inspections.services.findings.common import FIND
from inspections.views.findings.listing import READ
from villages.enums import Level as PlaceLevel
from villages.models import Region

_ASKED = ("source", "level", "year", "words")
# A city looks at its counties; a county also at its towns.
_PLACES = (PlaceLevel.CITY, PlaceLevel.COUNTY)
_COUNTY_DIGITS = 6


def _day(label: str, **kwargs: Any) -> forms.DateField:
    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    return forms.DateField(label=label, widget=widget, **kwargs)


class _Told(forms.Form):
    """What can be put right later, too."""

    name = forms.CharField(label="检查名称", max_length=100)
    team = forms.CharField(label="检查组", max_length=100, required=False)
    ended_on = _day("结束日期", required=False)
    expected = forms.IntegerField(
        label="反馈问题数（个）", required=False, min_value=0, max_value=100_000,
        help_text="照反馈文件填写；与登记数不一致时提示，不会自动修改。",
    )  # fmt: skip

    def clean_name(self) -> str:
        return without_numbers(self.cleaned_data["name"])

    def clean_team(self) -> str:
        return without_numbers(self.cleaned_data["team"])


class CampaignForm(_Told):
    """A new inspection."""

    region = forms.ChoiceField(label="被检查区划")
    source = forms.ChoiceField(label="来源", choices=Source.choices)
    level = forms.ChoiceField(label="检查层级", choices=Level.choices)
    began_on = _day("开始日期")
    told_on = _day("反馈日期")
    document = forms.CharField(label="反馈文号", max_length=100)

    field_order = (
        "name", "region", "source", "level", "team", "document", "began_on", "ended_on", "told_on",
        "expected",
    )  # fmt: skip

    def __init__(self, *args: Any, regions: list[Region], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(one.code, one.name) for one in regions]
        self.fields["region"].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        began, ended, fed_back = (told.get(one) for one in ("began_on", "ended_on", "told_on"))
        if began and ended and ended < began:
            self.add_error("ended_on", "结束日期早于开始日期。")
        if began and fed_back and fed_back < began:
            self.add_error("told_on", "反馈日期早于开始日期。")
        if fed_back and fed_back > timezone.localdate():
            self.add_error("told_on", "反馈日期不能晚于今天。")
        return told


class AmendForm(_Told):
    """What was told of an inspection, put right."""

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.campaign = campaign

    def clean_ended_on(self) -> Any:
        ended = self.cleaned_data["ended_on"]
        if ended and ended < self.campaign.began_on:
            raise forms.ValidationError("结束日期早于开始日期。")
        return ended


class PaperForm(forms.Form):
    """A scan of a document."""

    file = forms.FileField(label="文件", help_text="JPG、PNG 照片或 PDF 扫描件。")
    note = forms.CharField(label="说明", max_length=100, required=False)


@require_GET
def campaign_list(request: HttpRequest) -> HttpResponse:
    """Inspections of one's places: how many problems were told, entered and mended."""
    require(request, READ)
    asked = {name: request.GET.get(name, "").replace("\x00", "")[:60] for name in _ASKED}
    given = {name: value for name, value in asked.items() if value}
    found = queries.narrowed(queries.visible(actor_of(request)), given)
    total = found.count()
    rows = queries.counted(found, timezone.localdate()).select_related("region")
    page = queries.page(rows, request.GET.get("after", ""), request.GET.get("before", ""))
    context = {
        "rows": page.rows,
        "total": total,
        "asked": asked,
        "sources": Source.choices,
        "levels": Level.choices,
        "previous": urlencode(given | {"before": page.before}) if page.before else "",
        "next": urlencode(given | {"after": page.after}) if page.after else "",
        "may_find": request.user.has_perm(FIND),
    }
    return render(request, "findings/campaigns.html", context)


def seen(request: HttpRequest, pk: int) -> Campaign:
    found = queries.visible(actor_of(request)).select_related("region", "created_by")
    campaign: Campaign = get_object_or_404(found, pk=pk)
    return campaign


def owned(request: HttpRequest, pk: int) -> Campaign:
    """The inspection, for somebody who registers problems of its place."""
    require(request, FIND)
    campaign = seen(request, pk)
    if not covers(actor_of(request), campaign.region_code, FIND):
        raise PermissionDenied
    return campaign


@require_GET
def campaign_page(request: HttpRequest, pk: int) -> HttpResponse:
    """One inspection: what is known of it, its problems by state, its documents."""
    require(request, READ)
    return _page(request, seen(request, pk))


def _page(request: HttpRequest, campaign: Campaign, form: PaperForm | None = None) -> HttpResponse:
    actor = actor_of(request)
    counts = queries.counted(queries.visible(actor).filter(pk=campaign.pk), timezone.localdate())
    papers = CampaignPaper.objects.visible_to(actor).filter(campaign=campaign)
    waiting = FindingWorkbook.objects.visible_to(actor).filter(
        campaign=campaign, created_by=request.user.pk, made__isnull=True
    )
    context = {
        "one": campaign,
        "counts": counts.get(),
        "states": queries.by_state(campaign),
        "papers": [
            {"paper": paper, "type": scans.SUFFIXES[paper.media_type].upper()}
            for paper in papers.select_related("created_by").order_by("pk")
        ],
        "may_find": covers(actor, campaign.region_code, FIND),
        "workbook": waiting.first(),
        "form": form or PaperForm(),
    }
    return render(request, "findings/campaign.html", context, status=422 if form else 200)


def _places(request: HttpRequest) -> list[Region]:
    prefixes = actor_of(request).prefixes_for(FIND)
    today = Region.objects.valid_on(timezone.localdate())
    found = today.filter(within(prefixes, "code"), level__in=_PLACES)
    narrow = [one for one in prefixes if len(one) >= _COUNTY_DIGITS]
    towns = today.filter(within(narrow, "code"), level=PlaceLevel.TOWN)
    return [*found.order_by("code"), *towns.order_by("code")]


@require_http_methods(["GET", "POST"])
def campaign_new(request: HttpRequest) -> HttpResponse:
    """Register an inspection."""
    require(request, FIND)
    regions = _places(request)
    form = CampaignForm(request.POST if request.method == "POST" else None, regions=regions)
    if request.method == "POST" and form.is_valid():
        told = dict(form.cleaned_data)
        region = next(one for one in regions if one.code == told.pop("region"))
        try:
            made = entering.open_campaign(
                region=region, told=entering.Inspection(**told), by=request.user
            )
        except UnfitError as unfit:
            form.add_error(None, str(unfit))
        else:
            messages.success(request, "已登记检查，可以登记或导入反馈的问题。")
            return redirect("findings:campaign", pk=made.pk)
    status = 422 if form.is_bound else 200
    return render(
        request, "findings/campaign_form.html", {"form": form, "one": None}, status=status
    )


@require_http_methods(["GET", "POST"])
def campaign_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Put right what was told of an inspection."""
    campaign = owned(request, pk)
    start = {name: getattr(campaign, name) for name in _Told.base_fields}
    data = request.POST if request.method == "POST" else None
    form = AmendForm(data, initial=start, campaign=campaign)
    if request.method == "POST" and form.is_valid():
        try:
            entering.amend_campaign(campaign=campaign, **form.cleaned_data, by=request.user)
        except UnfitError as unfit:
            form.add_error(None, str(unfit))
        else:
            messages.success(request, "已保存。")
            return redirect("findings:campaign", pk=pk)
    status = 422 if form.is_bound else 200
    context = {"form": form, "one": campaign}
    return render(request, "findings/campaign_form.html", context, status=status)


@require_POST
@limited("attach")
def paper_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Hand in a scan of what was fed back."""
    campaign = owned(request, pk)
    form = PaperForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            documents.add(campaign=campaign, by=request.user, **form.cleaned_data)
        except UnfitError as unfit:
            form.add_error("file", str(unfit))
        else:
            messages.success(request, "已上传。")
            return redirect("findings:campaign", pk=pk)
    return _page(request, campaign, form)


@require_GET
def paper_open(request: HttpRequest, pk: int) -> HttpResponse:
    """A document, for whoever sees the inspection."""
    require(request, READ)
    papers = CampaignPaper.objects.visible_to(actor_of(request))
    paper = get_object_or_404(papers, pk=pk)
    try:
        body = documents.opened(paper=paper)
    except UnfitError as unfit:
        messages.warning(request, str(unfit))
        return redirect("findings:campaign", pk=paper.campaign_id)
    ledger.note(
        ledger.Act.PAPER, request, subject_kind="campaign", subject=str(paper.campaign_id),
        region=paper.region_code, rows=1, detail={"paper": paper.pk},
    )  # fmt: skip
    return scans.response(body, paper.media_type, f"inspection-{paper.pk}")
