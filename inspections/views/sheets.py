"""Field sheets of a surveyor, as workbook and on paper, and the answers that come back in a workbook."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_http_methods

from core import ledger, papers
from core.limits import limited
from core.web import require
from core.workbooks import guard
from core.workbooks.refusal import RefusedError
from core.workbooks.writing import XLSX
from inspections import workbooks
from inspections.enums import CASE_SUBJECTS, CaseKind, Purpose, Reason, Subject
from inspections.forms import SheetForm, VisitForm
from inspections.models import Questionnaire, Visit
from inspections.services import surveying
from inspections.services.common import SURVEY, UnfitError
from inspections.views.surveys import filled_of, mine

TASK, HEAD, VILLAGE, PURPOSE, AT, PLACE, OUTCOME = FIXED = (
    "任务编号", "户主", "行政村", "目的", "入户时间", "地点", "未完成原因",
)  # fmt: skip
_WORDS = {"是": "yes", "否": "no", "不清楚": "unknown"}
_TIMES = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y/%m/%d")


@dataclass
class Entered:
    """What became of a sheet: entered + known + refused are the rows read."""

    read: int = 0
    entered: int = 0
    known: int = 0
    faults: list[tuple[int, str, str]] = field(default_factory=list)

    @property
    def refused(self) -> int:
        return len({row for row, _, _ in self.faults})


def _asked(kind: str) -> Questionnaire | None:
    return Questionnaire.objects.filter(subject=kind).order_by("-version", "code").first()


def columns_of(asked: Questionnaire) -> dict[str, str]:
    """Head of the sheet → name of the form's field, in the order of the questionnaire."""
    found = {AT: "visited_at", PLACE: "place", OUTCOME: "outcome"}
    for item in asked.schema:
        unit = f"（{item['unit']}）" if item.get("unit") else ""
        found[f"{item['label']}{unit}"] = f"item_{item['code']}"
    for kind in CaseKind:
        if asked.subject in CASE_SUBJECTS[kind]:
            for name, words in (("persons", "疑似人数"), ("reason", "理由"), ("evidence", "佐证")):
                found[f"{kind.label}{words}"] = f"{kind.value}_{name}"
    return found


def _kind(request: HttpRequest) -> str:
    told = (request.POST or request.GET).get("kind", "")
    return told if told in Subject.values else Subject.EXITED


@require_GET
@limited("print")
def visit_sheet(request: HttpRequest) -> HttpResponse:
    """The surveyor's own households of one type, a row for each, to be filled in."""
    kind = _kind(request)
    tasks = _tasks(request, kind)
    asked = _asked(kind)
    if asked is None or not tasks:
        messages.warning(request, "没有分派给您的这类农户。")
        return redirect("inspections:visits")
    heads = [*FIXED[:4], *columns_of(asked)]
    rows = [
        [
            str(one.pk), one.sample.frame.head_name, one.sample.village.frame.short_name,
            Purpose(one.purpose).label,
        ]
        for one in tasks
    ]  # fmt: skip
    _noted(request, len(rows), kind)
    response = HttpResponse(workbooks.field_sheet(asked.title, heads, rows), content_type=XLSX)
    response["Content-Disposition"] = content_disposition_header(
        as_attachment=True, filename=f"{asked.title}-入户调查表.xlsx"
    )
    return response


@require_GET
@limited("print")
def visit_paper(request: HttpRequest) -> HttpResponse:
    """The same on paper, a sheet for each household."""
    kind = _kind(request)
    tasks = _tasks(request, kind)
    asked = _asked(kind)
    if asked is None or not tasks:
        messages.warning(request, "没有分派给您的这类农户。")
        return redirect("inspections:visits")
    context = {
        "asked": asked,
        "tasks": [{"one": one, "purpose": Purpose(one.purpose).label} for one in tasks],
        "reasons": Reason.labels,
        "kinds": [one.label for one in CaseKind if kind in CASE_SUBJECTS[one]],
        "printed": papers.printed(request.user),
    }
    _noted(request, len(tasks), kind)
    try:
        return papers.answer(papers.pdf("papers/visits.html", context), f"{asked.title}-入户调查表")
    except papers.PapersUnavailableError as error:
        return render(request, "households/no_paper.html", {"why": str(error)}, status=503)


def _tasks(request: HttpRequest, kind: str) -> list[Any]:
    rows = mine(request).filter(sample__kind=kind)
    rows = rows.select_related("sample__frame", "sample__village__frame", "round")
    return list(rows.order_by("village_code", "sample__rank", "pk")[: workbooks.MAX_VISITS])


def _noted(request: HttpRequest, rows: int, kind: str) -> None:
    ledger.note(
        ledger.Act.PRINT, request, subject_kind="visits", subject="", rows=rows,
        detail={"kind": kind},
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def visit_upload(request: HttpRequest) -> HttpResponse:
    """Enter the answers of a filled sheet: good rows at once, bad ones named with what is wrong."""
    require(request, SURVEY)
    is_sent = request.method == "POST"
    form = SheetForm(request.POST if is_sent else None, request.FILES if is_sent else None)
    done = None
    if is_sent and form.is_valid():
        asked = _asked(form.cleaned_data["kind"])
        try:
            if asked is not None:
                rows = read(form.cleaned_data["file"], asked)
                done = _enter(request, asked, rows)
        except RefusedError as refusal:
            form.add_error("file", str(refusal))
    status = 422 if form.errors else 200
    context = {"form": form, "done": done}
    return render(request, "inspections/visit_upload.html", context, status=status)


def read(file: UploadedFile, asked: Questionnaire) -> list[workbooks.SheetRow]:
    """The rows of an upload, proven first and parsed in the child."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "sheet"
        with path.open("wb") as opened:
            for chunk in file.chunks():
                opened.write(chunk)
        return workbooks.read_field_sheet(
            path, guard.tell_format(path), [*FIXED[:4], *columns_of(asked)]
        )


def _enter(request: HttpRequest, asked: Questionnaire, rows: list[workbooks.SheetRow]) -> Entered:
    done = Entered(read=len(rows))
    tasks = {str(one.pk): one for one in _tasks(request, asked.subject)}
    met = set(
        Visit.objects.filter(
            sample__in=[one.sample_id for one in tasks.values()], outcome=""
        ).values_list("sample_id", "purpose")
    )
    names = columns_of(asked)
    labels = {name: head for head, name in names.items()}
    for number, cells in rows:
        if not any(cells.get(head) for head in names):
            # Not visited yet: the row says nothing.
            done.read -= 1
            continue
        task = tasks.get(cells.get(TASK, ""))
        if task is None:
            done.faults.append((number, TASK, "不是分派给您的任务，请使用下载的调查表。"))
        elif (task.sample_id, task.purpose) in met:
            done.known += 1
        else:
            _row(request, asked, task, number, _told(cells, names, asked), labels, done)
    return done


def _told(cells: dict[str, str], names: dict[str, str], asked: Questionnaire) -> dict[str, str]:
    """The cells as the form has them: 是 and 否, times and reasons as they are written by hand."""
    told = {name: cells.get(head, "") for head, name in names.items()}
    reasons = {label: code for code, label in Reason.choices}
    told["outcome"] = reasons.get(told["outcome"], told["outcome"])
    yes_no = {f"item_{item['code']}" for item in asked.schema if item["kind"] == "yesno"}
    for name in yes_no:
        told[name] = _WORDS.get(told[name], told[name])
    told["visited_at"] = _moment(told["visited_at"])
    return told


def _moment(text: str) -> str:
    for pattern in _TIMES:
        try:
            found = datetime.strptime(text, pattern).astimezone(timezone.get_current_timezone())
        except ValueError:
            continue
        return f"{found:%Y-%m-%dT%H:%M}"
    return text


def _row(
    request: HttpRequest, asked: Questionnaire, task: Any, number: int,
    told: dict[str, str], labels: dict[str, str], done: Entered,
) -> None:  # fmt: skip
    form = VisitForm(told, schema=asked.schema, subject=asked.subject)
    if not form.is_valid():
        for name, words in form.errors.items():
            done.faults.append((number, labels.get(name, "整行"), str(words[0])))
        return
    clean = form.cleaned_data
    filled = None if clean["outcome"] else filled_of(asked, form)
    try:
        surveying.record_visit(
            sample=task.sample, purpose=task.purpose, visited_at=clean["visited_at"],
            place=clean["place"], outcome=clean["outcome"], filled=filled, by=request.user,
        )  # fmt: skip
    except UnfitError as unfit:
        done.faults.append((number, "整行", str(unfit)))
    else:
        done.entered += 1
