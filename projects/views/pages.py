"""Projects: the list with its counts, one with all that belongs to it, its acts, its sheet, the year."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.scope import covers
from core.web import actor_of, require
from projects.enums import ORDER, State
from projects.forms import ProjectForm, StartForm
from projects.models import FactType, Project, ProjectType
from projects.queries import figures, listing
from projects.services import entering
from projects.services.common import EDIT, UnfitError
from projects.services.loading import LOAD
from projects.tabs import panels
from projects.views.acts import offered
from projects.views.shown import bars, end_of, shown, tiles
from villages.models import Region

READ = "households.view_register"
BARS = 200
_PHOTOS = 60
_ASKED = ("region", "year", "type", "state", "late", "words")


@require_GET
def project_list(request: HttpRequest) -> HttpResponse:
    """Projects of one's places: filters, rates of what they leave, pages by number."""
    require(request, READ)
    asked = {name: request.GET.get(name, "").replace("\x00", "") for name in _ASKED}
    asked = {name: value for name, value in asked.items() if value}
    day = timezone.localdate()
    found = listing.narrowed(listing.visible(actor_of(request)), asked, day)
    page = listing.page(found, request.GET.get("after", ""))
    counties = figures.by_county(found, day)
    context = {
        "rows": [shown(one, day) for one in page.rows],
        "line": figures.whole(found, day),
        "counties": _named(counties),
        "tiles": tiles(counties, asked, end_of(asked.get("year", ""), day)),
        "sectors": _sectors(figures.by_sector(found, day)),
        "states": _states(found, asked),
        "types": ProjectType.objects.all(),
        "asked": {name: asked.get(name, "") for name in _ASKED},
        "previous": None,
        "next": urlencode(asked | {"after": page.after}) if page.after else None,
        "base": urlencode(asked),
        "may_propose": request.user.has_perm(EDIT),
        "may_load": request.user.has_perm(LOAD) and request.user.has_perm(EDIT),
    }
    return render(request, "projects/list.html", context)


def _states(found: Any, asked: dict[str, str]) -> list[tuple[str, str, int, str]]:
    many = figures.by_state(found)
    return [
        (state, State(state).label, many.get(state, 0), urlencode(asked | {"state": state}))
        for state in State.values
    ]


def _named(lines: list[figures.Line]) -> list[tuple[str, figures.Line]]:
    codes = [line.key.ljust(12, "0") for line in lines]
    names = {one.code[:6]: one.name for one in Region.objects.filter(code__in=codes)}
    return [(names.get(line.key, line.key), line) for line in lines]


def _sectors(lines: list[figures.Line]) -> list[tuple[str, figures.Line]]:
    names = dict(ProjectType.objects.filter(parent=None).values_list("code", "label"))
    return [(names.get(line.key, line.key), line) for line in lines]


def seen(request: HttpRequest, pk: int) -> Project:
    found = listing.visible(actor_of(request)).select_related("type", "region", "entered_by")
    project: Project = get_object_or_404(found, pk=pk)
    return project


@require_GET
def project_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One project: its way, stages, notices, who benefits, what it left, and what comes next."""
    require(request, READ)
    return _page(request, seen(request, pk))


def _page(request: HttpRequest, project: Project, key: str = "", form: Any = None) -> HttpResponse:
    acts: list[dict[str, Any]] = [
        {"act": act, "form": form if act.key == key else act.make(project, None)}
        for act in offered(project, request.user)
    ]
    for one in acts:
        # Many forms stand on the page, each with its day and words.
        one["form"].auto_id = f"id_{one['act'].key}_%s"
    context = _all_of(request, project) | {
        "acts": acts,
        "may_amend": project.state == State.PROPOSED
        and covers(actor_of(request), project.region_code, EDIT),
    }
    return render(request, "projects/detail.html", context, status=422 if key else 200)


def _all_of(request: HttpRequest, project: Project) -> dict[str, Any]:
    beneficiaries = project.beneficiaries.visible_to(actor_of(request))
    reports = project.reports.select_related("created_by").order_by("-month", "-edition")
    return {
        **shown(project, timezone.localdate()),
        "project": project,
        "way": [(State(state).label, state == project.state) for state in ORDER],
        "steps": project.steps.select_related("created_by").order_by("position"),
        "facts": project.facts.select_related("fact").order_by("fact"),
        "targets": project.targets.order_by("position"),
        "stages": _stages(project),
        "reports": reports[:12],
        "photos": project.photos.order_by("-pk")[:_PHOTOS],
        "notices": project.notices.order_by("starts_on"),
        "acceptances": project.acceptances.order_by("position"),
        "settlement": getattr(project, "settlement", None),
        "assets": project.assets.order_by("pk"),
        "evaluation": getattr(project, "evaluation", None),
        "panels": panels(project, actor_of(request)),
        "helped": figures.helped(Project.objects.filter(pk=project.pk)),
        "beneficiaries": beneficiaries.select_related("household", "person", "village").order_by(
            "village_code", "pk"
        )[:BARS],
    }


def _stages(project: Project) -> list[tuple[Any, Any]]:
    """Stages and how much of each the youngest report tells; None before the first one."""
    latest = project.reports.order_by("-month", "-edition").first()
    done = dict(latest.stages.values_list("stage_id", "percent")) if latest else {}
    return [(one, done.get(one.pk)) for one in project.stages.order_by("position")]


@require_POST
def project_act(request: HttpRequest, pk: int, act: str) -> HttpResponse:
    """Carry out one act of the page; it comes back with the reason when it does not fit."""
    require(request, READ)
    project = seen(request, pk)
    chosen = next((one for one in offered(project, request.user) if one.key == act), None)
    if chosen is None:
        raise PermissionDenied
    data: Any = (request.POST, request.FILES) if act == "photo" else request.POST
    form = chosen.make(project, data)
    if not form.is_valid():
        return _page(request, project, act, form)
    try:
        chosen.do(project, form, request.user)
    except UnfitError as unfit:
        form.add_error(None, str(unfit))
        return _page(request, project, act, form)
    messages.success(request, "已办理。")
    return redirect("projects:project", pk=pk)


@require_http_methods(["GET", "POST"])
def project_new(request: HttpRequest) -> HttpResponse:
    """Propose a project: first its type and place, then the rest with the facts of the type."""
    require(request, EDIT)
    start = StartForm(request.GET or None)
    if not start.is_valid():
        return render(request, "projects/new.html", {"start": start, "form": None})
    region = _region(start.cleaned_data["region"])
    if region is None or not covers(actor_of(request), region.code, EDIT):
        start.add_error("region", "没有这个区划，或您没有在该区划申报项目的权限。")
        return render(request, "projects/new.html", {"start": start, "form": None})
    type_ = start.cleaned_data["type"]
    form = ProjectForm(
        request.POST if request.method == "POST" else None,
        facts=_facts(type_),
        initial={"year": timezone.localdate().year},
    )
    if request.method == "POST" and form.is_valid():
        fields, facts = form.told()
        try:
            made = entering.propose(
                region=region, fields=fields | {"type": type_}, facts=facts,
                on=timezone.localdate(), by=request.user,
            )  # fmt: skip
        except UnfitError as unfit:
            form.add_error(None, str(unfit))
        else:
            messages.success(request, f"已申报，项目编号 {made.number}。")
            return redirect("projects:project", pk=made.pk)
    context = {"start": start, "form": form, "type": type_, "region": region}
    return render(request, "projects/new.html", context, status=422 if form.is_bound else 200)


def _region(code: str) -> Region | None:
    if not (code.isascii() and code.isdigit()):
        return None
    found = Region.objects.valid_on(timezone.localdate()).filter(code=code.ljust(12, "0"))
    return found.first()


def _facts(type_: ProjectType) -> Any:
    return FactType.objects.filter(type__in=(type_.code, type_.code[:2])).order_by("type", "pk")


@require_http_methods(["GET", "POST"])
def project_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Put right what was proposed, as long as nobody has reviewed it."""
    require(request, EDIT)
    project = seen(request, pk)
    if project.state != State.PROPOSED or not covers(actor_of(request), project.region_code, EDIT):
        raise Http404
    start = {name: getattr(project, name) for name in entering.FIELDS} | {
        f"fact_{one.fact.code}": one.planned for one in project.facts.select_related("fact")
    }
    form = ProjectForm(
        request.POST if request.method == "POST" else None,
        facts=_facts(project.type),
        initial=start,
    )
    if request.method == "POST" and form.is_valid():
        fields, facts = form.told()
        try:
            entering.amend(project=project, fields=fields, facts=facts, by=request.user)
        except UnfitError as unfit:
            form.add_error(None, str(unfit))
        else:
            messages.success(request, "已保存。")
            return redirect("projects:project", pk=pk)
    context = {"project": project, "form": form}
    return render(request, "projects/edit.html", context, status=422 if form.is_bound else 200)


@require_GET
def project_sheet(request: HttpRequest, pk: int) -> HttpResponse:
    """One project on paper: what was planned, done and paid for; no names of beneficiaries."""
    require(request, READ)
    context = _all_of(request, seen(request, pk))
    return render(request, "projects/sheet.html", context)


@require_GET
def project_year(request: HttpRequest) -> HttpResponse:
    """A year's projects as bars over its months, planned above and real below."""
    require(request, READ)
    asked = {
        name: request.GET.get(name, "").replace("\x00", "")
        for name in ("region", "type", "state", "late")
    }
    given = request.GET.get("year", "")
    year = int(given) if given.isascii() and given.isdigit() else timezone.localdate().year
    year = min(max(year, 2010), 2100)
    day = timezone.localdate()
    found = listing.narrowed(listing.visible(actor_of(request)), asked | {"year": str(year)}, day)
    page = listing.page(found, request.GET.get("after", ""))
    context = {
        "year": year,
        "months": range(1, 13),
        "rows": [shown(one, day) | bars(one, year, day) for one in page.rows],
        "line": figures.whole(found, day),
        "previous": None,
        "next": urlencode({"year": year, "after": page.after}) if page.after else None,
    }
    return render(request, "projects/year.html", context)
