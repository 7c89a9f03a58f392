"""Papers of an exit: the public notice, and a county's application with all that proves it."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from core import ledger, papers
from core.limits import limited
from core.scope import Actor
from core.web import actor_of
from exits import queries as figures
from exits.enums import Metric, SubjectLevel
from exits.models import ExitNotice, ExitProcedure
from exits.queries import procedures as queries
from exits.queries.readiness import sides
from exits.services import procedures as service
from exits.tabs import dossier_parts
from exits.views.common import asked
from exits.views.places import shown_item
from exits.views.procedures import seen
from villages.models import VillageYear


@require_GET
@limited("print")
def procedure_notice(request: HttpRequest, pk: int) -> HttpResponse:
    """The list as it was posted last; a draft before that."""
    procedure = seen(request, pk)
    template = service.template_of(procedure)
    posted = ExitNotice.objects.filter(procedure=procedure).order_by("-pk").first()
    step = template.named(posted.step) if posted else None
    names = list(posted.listed) if posted else service.listed(procedure)
    context = {
        "procedure": procedure,
        "step": step or next(one for one in template.steps if one.has_notice),
        "notice": posted,
        "names": names,
        "fits": posted is None or service.digest(names) == posted.list_digest,
        "is_county": procedure.level == SubjectLevel.COUNTY,
        "printed": papers.Printed("", timezone.now(), "", "" if posted else "未张贴"),
    }
    _noted(request, procedure, len(names))
    return _paper(request, "papers/exit_notice.html", context, f"退出公示-{pk}")


@require_GET
@limited("print")
def procedure_dossier(request: HttpRequest, pk: int) -> HttpResponse:
    """A county's application: gates with their evidence, samples, lists, decisions, signatures blank."""
    procedure = seen(request, pk)
    if procedure.level != SubjectLevel.COUNTY:
        raise Http404
    actor = actor_of(request)
    code, year = procedure.region_code, procedure.partition_id
    place = asked(request, code[:6])
    found = sides(procedure.region, year, actor)
    own = figures.figures([code], year, actor, tallies_of=code)[code]
    villages: Any = VillageYear.objects.filter(
        region_code__startswith=code[:6], year=year, is_poor_village=True
    )
    today = timezone.localdate()
    context: dict[str, Any] = {
        "procedure": procedure,
        "side": found[0] if found else None,
        "items": [shown_item(one, found[0], place) for one in found[0].items] if found else [],
        "figures": [
            (Metric(code).label, own.by_metric[code])
            for code in (
                Metric.REGISTERED, Metric.EXITED, Metric.EXITED_IN_YEAR, Metric.REMAINING
            )
            if code in own.by_metric
        ],
        "villages": _with_remaining(
            list(villages.select_related("region").order_by("region_code")), year, actor
        ),
        "steps": queries.clock(procedure, service.template_of(procedure), today),
        "parts": dossier_parts(procedure.region, year, actor),
        "printed": papers.printed(request.user),
    }  # fmt: skip
    _noted(request, procedure, len(context["villages"]))
    return _paper(request, "papers/dossier.html", context, f"退出申请材料-{code[:6]}-{year}")


def _with_remaining(rows: list[VillageYear], year: int, actor: Actor) -> list[dict[str, Any]]:
    """Villages with the figure of who is still poor there; one query. None where it is not computed."""
    found = figures.figures([row.region_code for row in rows], year, actor, tallies_of="")
    return [
        {"row": row, "left": found[row.region_code].by_metric.get(Metric.REMAINING)}
        for row in rows
    ]  # fmt: skip


def _noted(request: HttpRequest, procedure: ExitProcedure, rows: int) -> None:
    ledger.note(
        ledger.Act.PRINT,
        request,
        subject_kind="exit",
        subject=str(procedure.pk),
        region=procedure.region_code,
        rows=rows,
    )


def _paper(request: HttpRequest, template: str, context: dict[str, Any], name: str) -> HttpResponse:
    try:
        return papers.answer(papers.pdf(template, context), name)
    except papers.PapersUnavailableError as error:
        return render(request, "households/no_paper.html", {"why": str(error)}, status=503)
