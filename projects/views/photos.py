"""A photo of a project, as it was handed in."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_GET

from core import scans
from core.web import actor_of, require
from projects.models import ProjectPhoto
from projects.services import photographing
from projects.services.common import UnfitError

READ = "households.view_register"
# Whatever is in the file, it runs nothing and asks nobody for anything.
_ALONE = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"


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
    response = HttpResponse(body, content_type=found.media_type)
    how = "attachment" if found.media_type == scans.PDF else "inline"
    suffix = scans.SUFFIXES[found.media_type]
    response["Content-Disposition"] = f'{how}; filename="project-photo-{found.pk}.{suffix}"'
    response["Content-Security-Policy"] = _ALONE
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store"
    return response
