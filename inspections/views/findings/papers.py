"""Papers of a problem: handed in on its page, opened by whoever sees it."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_GET, require_POST

from core import ledger, scans
from core.limits import limited
from core.web import actor_of, require
from inspections.models import FindingPaper
from inspections.services.common import UnfitError
from inspections.services.findings import papers as service
from inspections.services.findings.common import may_find, may_mend
from inspections.views.findings import detail
from inspections.views.findings.forms import PaperForm


@require_POST
@limited("attach")
def papers(request: HttpRequest, pk: int) -> HttpResponse:
    """Hand in a photo or scan at the step the problem has reached."""
    one = detail.require_hand(request, pk)
    actor = actor_of(request)
    if not (may_mend(actor, one) or may_find(actor, one.region_code)):
        raise PermissionDenied
    form = PaperForm(request.POST, request.FILES)
    if not form.is_valid():
        return detail.page(request, one, "papers", form)
    try:
        service.add(finding=one, by=request.user, **form.cleaned_data)
    except UnfitError as unfit:
        form.add_error("file", str(unfit))
        return detail.page(request, detail.seen(request, pk), "papers", form, str(unfit))
    messages.success(request, "已上传。")
    return redirect("findings:finding", pk=pk)


@require_GET
def paper(request: HttpRequest, pk: int, paper: int) -> HttpResponse:
    """The file, for whoever sees the problem."""
    require(request, detail.READ)
    found = get_object_or_404(
        FindingPaper.objects.visible_to(actor_of(request)), finding=pk, pk=paper
    )
    try:
        body = service.opened(paper=found)
    except UnfitError as unfit:
        messages.warning(request, str(unfit))
        return redirect("findings:finding", pk=pk)
    ledger.note(
        ledger.Act.PAPER, request, subject_kind="finding", subject=str(pk),
        region=found.region_code, rows=1, detail={"paper": found.pk},
    )  # fmt: skip
    return scans.response(body, found.media_type, f"finding-paper-{found.pk}")
