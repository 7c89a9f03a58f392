"""Who complained, shown once after it was put on record."""

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from core.limits import limited
from core.web import actor_of, require
from households.enums import Purpose
from inspections.enums.complaints import PETITION
from inspections.services.common import UnfitError
from inspections.services.complaints import revealing
from inspections.services.complaints.common import may_receive
from inspections.views.complaints.common import page, seen
from inspections.views.complaints.forms import RevealForm


@sensitive_variables()
@require_POST
@limited("reveal")
def complainant(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the complainant and the original words, once, after noting who asked and why."""
    require(request, PETITION)
    one = seen(request, pk)
    if not may_receive(actor_of(request), one):
        raise Http404
    form = RevealForm(request.POST, auto_id="id_reveal_%s")
    if form.is_valid():
        told = form.cleaned_data
        purpose = f"{Purpose(told['purpose']).label}：{told['words']}"
        try:
            revealed = revealing.reveal(
                complaint=one, purpose=purpose, request=request, by=request.user
            )
        except UnfitError as unfit:
            form.add_error("words", str(unfit))
        else:
            return page(request, one, revealed=revealed, purpose=purpose)
    return page(request, one, status=422, reveal=form)
