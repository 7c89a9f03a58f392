"""Templates of letters: which one holds, what it may use, and how to replace it."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_http_methods

from core.limits import limited
from core.scope import trim
from core.web import actor_of, require
from inspections.enums.letters import Kind
from inspections.models import LetterTemplate
from inspections.services.common import UnfitError
from inspections.services.findings.common import FIND
from inspections.services.letters import templates, wording
from inspections.views.letters.forms import TemplateForm
from villages.models import Region

_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_CITY, _COUNTY = 4, 6


def _places(request: HttpRequest) -> list[tuple[str, str]]:
    """Where the person may put a template in force: cities and counties."""
    prefixes = [one for one in actor_of(request).prefixes_for(FIND) if len(one) in (_CITY, _COUNTY)]
    codes = [one.ljust(12, "0") for one in prefixes]
    names = Region.objects.filter(code__in=codes, valid_to=None).order_by("code")
    return [(trim(code), name) for code, name in names.values_list("code", "name")]


@require_http_methods(["GET", "POST"])
@limited("upload", methods=("POST",))
def templates_page(request: HttpRequest) -> HttpResponse:
    """The templates in force, the fields they may use, and a form to put another in their place."""
    require(request, FIND)
    places = _places(request)
    form = TemplateForm(places=places)
    if request.method == "POST":
        form = TemplateForm(request.POST, request.FILES, places=places)
        if form.is_valid() and _replaced(request, form):
            messages.success(request, "已换用新模板；以前签发的文书不变。")
            return redirect("letters:templates")
    kinds = [
        {"kind": kind, "label": label, "held": [(code, name, templates.held(kind, code)) for code, name in places]}
        for kind, label in Kind.choices
    ]  # fmt: skip
    former = LetterTemplate.objects.filter(region_prefix__in=[code for code, _ in places])
    context = {
        "form": form,
        "kinds": kinds,
        "former": former.select_related("created_by").order_by("-pk")[:20],
        "fields": wording.FIELDS.items(),
        "item_fields": wording.ITEM_FIELDS.items(),
    }
    status = 200 if request.method == "GET" else 422
    return render(request, "letters/templates.html", context, status=status)


def _replaced(request: HttpRequest, form: Any) -> bool:
    told = form.cleaned_data
    try:
        templates.replace(
            kind=told["kind"], prefix=told["place"], body=told["file"].read(), note=told["note"],
            by=request.user,
        )  # fmt: skip
    except UnfitError as unfit:
        form.add_error("file", str(unfit))
        return False
    return True


@require_GET
def template(request: HttpRequest, kind: str) -> HttpResponse:
    """The template that holds for a place of the person's, to be changed in Word."""
    require(request, FIND)
    if kind not in Kind.values:
        raise Http404
    places = [code for code, _ in _places(request)]
    place = request.GET.get("place") or next(iter(places), "")
    if place and place not in places:
        raise Http404
    held = templates.held(kind, place) if place else None
    try:
        body = templates.body_of(held, kind)
    except UnfitError as unfit:
        raise Http404 from unfit
    response = HttpResponse(body, content_type=_WORD)
    response["Content-Disposition"] = content_disposition_header(
        as_attachment=True, filename=f"{Kind(kind).label}模板.docx"
    )
    return response
