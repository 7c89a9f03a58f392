"""A photo of a project, as it was handed in."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_GET

from core import ledger, scans
from core.web import actor_of, require
from projects.models import ProjectPhoto
from projects.services import photographing
from projects.services.common import UnfitError

READ = "households.view_register"


@require_GET
def photo(request: HttpRequest, pk: int) -> HttpResponse:
    """The file, for whoever sees the project."""
    require(request, READ)
    found = get_object_or_404(ProjectPhoto.objects.visible_to(actor_of(request)), pk=pk)
    try:
        body = photographing.opened(photo=found)
    except UnfitError as unfit:
        messages.warning(request, str(unfit))
        return redirect("projects:project", pk=found.project_id)
    ledger.note(
        ledger.Act.PAPER, request, subject_kind="project", subject=str(found.project_id),
        region=found.region_code, rows=1, detail={"photo": found.pk},
    )  # fmt: skip
    return scans.response(body, found.media_type, f"project-photo-{found.pk}")
