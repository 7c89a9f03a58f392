"""Problems of a household and of a project, each as a page."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from core.web import actor_of, require
from households.views.frame import frame
from inspections.queries.findings import about
from inspections.views.findings.shown import shown
from projects.models import Project

READ = "households.view_register"
_MOST = 200


@require_GET
def of_household(request: HttpRequest, household_no: str) -> HttpResponse:
    """The problems of this household and its members, and how far they are mended."""
    found = frame(request, household_no, "findings")
    if isinstance(found, HttpResponse):
        return found
    day = timezone.localdate()
    rows = about.of_household(found.row.household_id, found.actor)
    context = found.context | {"rows": [shown(one, day) for one in rows]}
    return render(request, "findings/household.html", context)


@require_GET
def of_project(request: HttpRequest, pk: int) -> HttpResponse:
    """The problems of one project."""
    require(request, READ)
    actor, day = actor_of(request), timezone.localdate()
    project = get_object_or_404(Project.objects.visible_to(actor), pk=pk)
    rows = [shown(one, day) for one in about.of_project(project.pk, actor)[:_MOST]]
    return render(request, "findings/project.html", {"project": project, "rows": rows})
