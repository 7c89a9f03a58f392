"""What stands behind the figures of a batch: its rows, what is wrong, what changes, what was in the file."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_http_methods

from core.limits import limited
from core.workbooks.writing import XLSX
from households.queries.keyset import BadCursorError
from imports.enums import BatchState, Effect, ReturnKind
from imports.forms import RawSearchForm
from imports.models import ReturnedFile
from imports.queries import changes as changing
from imports.queries import listing, raws
from imports.queries import rows as rowing
from imports.services import pushing, returning
from imports.services.receiving import WrongStateError
from imports.views.common import EFFECT_TONES, JUDGED, KINDS, UNITS, VERDICTS, found, shown

_RAW_ROWS = 50


@require_GET
def rows(request: HttpRequest, pk: int) -> HttpResponse:
    """The households, persons or records of one verdict, masked, by page."""
    one = found(request, pk, "layout", "created_by", "push__client")
    kind = request.GET.get("kind", "persons")
    verdict = request.GET.get("verdict", "rejected")
    if kind not in KINDS or verdict not in VERDICTS or one.state not in JUDGED:
        raise Http404
    page = _page(lambda after: rowing.page(one, kind, VERDICTS[verdict].value, after), request)
    context = {
        "batch": shown(one),
        "kind_label": KINDS[kind],
        "verdict_label": VERDICTS[verdict].label,
        "unit": UNITS[kind],
        "count": one.counts(kind)[verdict],
        "page": page,
        "has_numbers": any(row.row_no for row in page.rows),
        "has_households": any(row.household_no for row in page.rows),
        "has_names": any(row.name for row in page.rows),
        "has_reasons": verdict == "rejected",
        "next": urlencode({"kind": kind, "verdict": verdict, "after": page.next})
        if page.next
        else "",
        "choices": [
            {
                "label": f"{label}：{VERDICTS[name].label}",
                "count": count,
                "href": f"?{urlencode({'kind': other, 'verdict': name})}",
                "is_chosen": (other, name) == (kind, verdict),
            }
            for other, label in KINDS.items()
            for name, count in one.counts(other).items()
            if count
        ],
    }
    return render(request, "imports/rows.html", context)


@require_GET
def problems(request: HttpRequest, pk: int) -> HttpResponse:
    """What is wrong, row by row, of all rules or of one."""
    one = found(request, pk, "layout", "created_by", "push__client")
    summary = listing.summary(one)
    rule = request.GET.get("rule", "")[:8]
    counts: dict[str, int] = {}
    for problem in summary:
        counts[problem["rule"]] = counts.get(problem["rule"], 0) + problem["count"]
    if rule not in counts:
        rule = ""
    after, before = request.GET.get("after", ""), request.GET.get("before", "")
    try:
        page = listing.problem_page(one, rule=rule, after=after, before=before)
    except BadCursorError:
        page = listing.problem_page(one, rule=rule)
    for row in page.rows:
        row["tone"] = EFFECT_TONES[Effect(row["effect"])]
    context = {
        "batch": shown(one),
        "rule": rule,
        "summary": summary,
        "count": counts[rule] if rule else sum(counts.values()),
        "page": page,
        "page_previous": urlencode({"rule": rule, "before": page.previous})
        if page.previous
        else "",
        "next": urlencode({"rule": rule, "after": page.next}) if page.next else "",
    }
    return render(request, "imports/problems.html", context)


@require_GET
def changes(request: HttpRequest, pk: int) -> HttpResponse:
    """What changes field by field, of one field, of one village."""
    one = found(request, pk, "layout", "created_by", "push__client")
    if one.state not in JUDGED:
        raise Http404
    fields, villages = changing.fields(one), changing.villages(one)
    field = _known(request.GET.get("field", ""), (told[0] for told in fields))
    village = _known(request.GET.get("village", ""), (told[0] for told in villages))
    page = _page(
        lambda after: changing.page(one, field=field, village_code=village, after=after), request
    )
    terms = {"field": field, "village": village}
    context = {
        "batch": shown(one),
        "fields": fields,
        "villages": villages,
        "field": field,
        "village": village,
        "rows": page.rows,
        "next": urlencode({**terms, "after": page.next}) if page.next else "",
        # While it is previewed: afterwards there is nothing left to compare.
        "kind": ReturnKind.CHANGES.value if one.state == BatchState.STAGED else "",
        "is_over": not villages,
    }
    return render(request, "imports/changes.html", context)


def _known(text: str, choices: Iterable[str]) -> str:
    return text if text in set(choices) else ""


def _page(read: Any, request: HttpRequest) -> Any:
    """The page after a cursor; of a cursor that this list did not write, the first one."""
    try:
        return read(request.GET.get("after", ""))
    except BadCursorError:
        return read("")


@require_http_methods(["GET", "POST"])
@limited("search", methods=("POST",))
def raw(request: HttpRequest, pk: int) -> HttpResponse:
    """Rows as they stood in the file, columns nobody knows included; asked for by POST alone."""
    one = found(request, pk, "layout", "created_by", "push__client")
    form = RawSearchForm(request.POST or None)
    context: dict[str, Any] = {"batch": shown(one), "form": form, "rows": None, "limit": _RAW_ROWS}
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                context["rows"] = raws.search(one, form.cleaned_data["text"], _RAW_ROWS)
                # What was typed may be somebody's whole number: it is not shown again.
                context["form"] = RawSearchForm()
                status = 200
                pushing.note(one, "searched", request=request, by=request.user)
            except raws.NoRawRowsError:
                form.add_error("text", "原始行已到保留期限或从未读入，无法查找。")
            except ValueError:
                form.add_error("text", "查找内容太短或太长。")
    return render(request, "imports/raw.html", context, status=status)


@require_GET
def download(request: HttpRequest, pk: int, id: int) -> HttpResponseBase:
    """A workbook made from the batch, for whoever may load into its region; noted each time."""
    one = found(request, pk)
    file = get_object_or_404(ReturnedFile, pk=id, batch=one)
    try:
        opened = returning.open_file(file, request=request, by=request.user)
    except WrongStateError as error:
        raise Http404 from error
    answer = FileResponse(opened, content_type=XLSX)
    name = f"第{one.pk}批-{file.get_kind_display()}.xlsx"
    answer["Content-Disposition"] = (
        content_disposition_header(as_attachment=True, filename=name) or ""
    )
    answer["Cache-Control"] = "no-store"
    return answer
