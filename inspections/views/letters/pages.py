"""Letters: the list, one with what it is about and what comes next, Word and PDF."""

from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET

from core import ledger, papers
from core.scope import trim
from core.web import actor_of, require
from households.queries import places
from inspections.enums.letters import RUNGS, Kind, State
from inspections.models import Accountability, Letter
from inspections.queries import letters as queries
from inspections.services.common import UnfitError
from inspections.services.findings.common import FIND, may_find
from inspections.services.letters import sending, templates, wording
from inspections.views.letters.forms import DropForm, IssueForm, ReceiveForm, ReplyForm, WordsForm

READ = "households.view_register"
TONES: dict[str, str] = {
    State.PREPARED: "warn", State.ISSUED: "info", State.RECEIVED: "info", State.REPLIED: "good",
    State.DROPPED: "neutral",
}  # fmt: skip
KIND_TONES: dict[str, str] = {Kind.REMIND: "neutral", Kind.SUPERVISE: "warn", Kind.ACCOUNT: "bad"}
_ASKED = ("region", "kind", "standing", "state", "unit", "year", "issued_from", "issued_to",
          "reply_due")  # fmt: skip
_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@require_GET
def letter_list(request: HttpRequest) -> HttpResponse:
    """Letters of one's places: drafts that wait for a person first."""
    require(request, READ)
    day = timezone.localdate()
    asked = {name: request.GET.get(name, "").replace("\x00", "")[:60] for name in _ASKED}
    if asked["region"].isdecimal():
        asked["region"] = trim(asked["region"])
    given = {name: value for name, value in asked.items() if value}
    actor = actor_of(request)
    visible = queries.visible(actor)
    counties = places.counties_for(actor, day)
    others = {name: value for name, value in given.items() if name != "standing"}
    base = queries.narrowed(visible, others, day)
    found = queries.narrowed(visible, given, day)
    page = queries.page(found, request.GET.get("after", ""), request.GET.get("before", ""))
    many = queries.counts(base, day)
    context = {
        "rows": [shown(one, day) for one in page.rows],
        "total": found.count(),
        "tallies": [
            (name, label, many[name], urlencode(others | {"standing": name}))
            for name, label in queries.STANDING.items()
        ],
        "asked": asked,
        "kinds": Kind.choices,
        "standing": queries.STANDING.items(),
        "states": State.choices,
        "counties": counties if len(counties) > 1 else [],
        "may_find": request.user.has_perm(FIND),
        "previous": urlencode(given | {"before": page.before}) if page.before else None,
        "next": urlencode(given | {"after": page.after}) if page.after else None,
    }
    return render(request, "letters/list.html", context)


def shown(one: Letter, day: date) -> dict[str, Any]:
    waits = one.state in (State.ISSUED, State.RECEIVED)
    late = (day - one.reply_due_on).days if waits and one.reply_due_on else 0
    return {
        "one": one,
        "number": wording.number(one),
        "tone": TONES[one.state],
        "kind_tone": KIND_TONES[one.kind],
        "late": max(late, 0),
    }


def seen(request: HttpRequest, pk: int) -> Letter:
    """The letter, for whoever sees it or one of its problems; 404 otherwise."""
    found = queries.visible(actor_of(request)).select_related("region", "issued_by", "prepared_by")
    one: Letter = get_object_or_404(found, pk=pk)
    return one


def held(request: HttpRequest, pk: int) -> Letter:
    """The letter, for whoever confirms letters of its county; 404 and 403 otherwise."""
    require(request, FIND)
    one = seen(request, pk)
    if not may_find(actor_of(request), one.region_code):
        raise PermissionDenied
    return one


@require_GET
def letter(request: HttpRequest, pk: int) -> HttpResponse:
    """One letter: what it is about, why, how far it has come, and what this person may do."""
    require(request, READ)
    return page_of(request, seen(request, pk))


def page_of(
    request: HttpRequest, one: Letter, key: str = "", form: Any = None, wrong: str = ""
) -> HttpResponse:
    """The page; with a form that came back, or with what was wrong at its head."""
    actor, day = actor_of(request), timezone.localdate()
    on = one.issued_on or day
    may = may_find(actor, one.region_code)
    items = [
        {"item": item, "why": wording.occasion(item, on)} for item in queries.items(one, actor)
    ]
    context = shown(one, day) | {
        "items": items,
        "ladder": [
            (label, RUNGS[kind] < RUNGS[one.kind], kind == one.kind) for kind, label in Kind.choices
        ],
        "said": templates.said_by(one) if queries.whole(actor).filter(pk=one.pk).exists() else None,
        "forms": _forms(one, key, form) if may else [],
        "record": Accountability.objects.visible_to(actor).filter(letter=one).first(),
        "may_find": may,
        "wrong": wrong,
    }
    return render(request, "letters/letter.html", context, status=422 if form or wrong else 200)


def _forms(one: Letter, key: str, form: Any) -> list[dict[str, Any]]:
    """What may be done next, each with its form; the first is what is expected."""
    made: list[tuple[str, str, str, Any, str]] = []
    if one.state == State.PREPARED:
        note = "签发后即编号，不能再修改；系统不会自动发送。"
        try:
            rule = sending.rule_day(one, timezone.localdate())
            note += f"今日签发的答复期限为 {rule}。"
        except UnfitError as unfit:
            note += str(unfit)
        made = [
            ("issue", "确认签发", "签发", IssueForm, note),
            ("write", "补充说明", "保存", WordsForm, ""),
            (
                "drop",
                "不予发出",
                "不予发出",
                DropForm,
                "这次事由不再拟稿；问题仍逾期的，下次事由照常拟稿。",
            ),
        ]
    elif one.state == State.ISSUED:
        made = [
            ("receive", "登记签收", "登记签收", ReceiveForm, "照回执填写。"),
            ("reply", "登记答复", "登记答复", ReplyForm, ""),
        ]
    elif one.state == State.RECEIVED:
        made = [("reply", "登记答复", "登记答复", ReplyForm, "")]
    return [
        {
            "key": name, "title": title, "button": button, "note": note,
            "form": form
            if name == key and form is not None
            else kind(
                initial={"words": one.words} if name == "write" else None, auto_id=f"{name}_%s"
            ),
        }
        for name, title, button, kind, note in made
    ]  # fmt: skip


def _whole(request: HttpRequest, pk: int) -> Letter:
    """For whoever sees the county whole: the file names all of its problems."""
    require(request, READ)
    found = queries.whole(actor_of(request)).select_related("region", "issued_by")
    one: Letter = get_object_or_404(found, pk=pk)
    return one


def _noted(request: HttpRequest, one: Letter) -> None:
    ledger.note(
        ledger.Act.PRINT, request, subject_kind="letter", subject=str(one.pk),
        region=one.region_code, rows=one.items.count(),
    )  # fmt: skip


def _name(one: Letter) -> str:
    return f"{one.get_kind_display()}{wording.number(one).replace(' ', '')}"


@require_GET
def in_word(request: HttpRequest, pk: int) -> HttpResponse:
    """The letter to edit, sign and seal; a draft says that it is one."""
    one = _whole(request, pk)
    try:
        body = templates.in_word(one)
    except UnfitError as unfit:
        return page_of(request, one, wrong=str(unfit))
    _noted(request, one)
    response = HttpResponse(body, content_type=_WORD)
    response["Content-Disposition"] = content_disposition_header(
        as_attachment=True, filename=f"{_name(one)}.docx"
    )
    return response


@require_GET
def in_pdf(request: HttpRequest, pk: int) -> HttpResponse:
    """The same on paper, with the slip for the answer."""
    one = _whole(request, pk)
    context = {
        "said": templates.said_by(one),
        "answer": "处理意见" if one.kind == Kind.ACCOUNT else "整改情况",
        "is_draft": not one.number,
    }
    _noted(request, one)
    try:
        return papers.answer(papers.pdf("papers/letter.html", context), _name(one))
    except papers.PapersUnavailableError as error:
        return render(request, "households/no_paper.html", {"why": str(error)}, status=503)
