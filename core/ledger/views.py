"""The audit pages: who did what, one person, one day, and what struck the rules."""

from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth import get_user_model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from core.ledger import alerts, queries, words
from core.ledger.enums import Act, AlertState, Outcome
from core.ledger.forms import SearchForm, is_personal
from core.ledger.models import AccessEntry, Alert
from core.ledger.queries import VIEW, BadCursorError, Search
from core.ledger.services import note
from core.limits import limited
from core.text import squeeze
from core.web import actor_of, require

PAGE_SIZE = 50
OPEN_ALERTS = 20
TONES = {Outcome.OK: "good", Outcome.REFUSED: "warn", Outcome.FAILED: "bad"}
_CURSORS = ("after", "before")


@require_GET
def entry_list(request: HttpRequest) -> HttpResponse:
    """Search by time, act, outcome, user, region and subject. Looking is on the ledger as well."""
    require(request, VIEW)
    if is_personal(squeeze(request.GET.get("subject", ""))):
        return redirect("ledger:list")
    form = SearchForm(request.GET or None, actor=actor_of(request))
    asked = form.asked if form.is_bound and form.is_valid() else Search()
    context = _listing(request, asked)
    is_first = not any(request.GET.get(name) for name in _CURSORS)
    if is_first and (form.is_valid() or not form.is_bound):
        _note_search(request, asked)
    if form.is_bound and not form.is_valid():
        context["entries"] = []
        context["page"] = queries.Page([])
    return render(
        request,
        "core/ledger/list.html",
        {**context, "form": form, "chosen": _chosen(request, asked), **_open_alerts(request)},
    )


@require_POST
def search(request: HttpRequest) -> HttpResponse:
    """Turn what was typed into an address without personal words."""
    require(request, VIEW)
    form = SearchForm(request.POST, actor=actor_of(request))
    if not form.is_valid():
        return render(
            request,
            "core/ledger/list.html",
            {"form": form, "entries": [], "page": queries.Page([]), "chosen": "", "alerts": []},
            status=422,
        )
    query = urlencode(form.address())
    return redirect(f"{reverse('ledger:list')}{'?' if query else ''}{query}")


@require_GET
def user(request: HttpRequest, pk: int) -> HttpResponse:
    """Everything one user did, with sums. A user without visible entries is not there."""
    require(request, VIEW)
    asked = Search(user=pk)
    found = queries.search(actor_of(request), asked)
    sums = queries.tallies(found)
    if not sums:
        raise Http404
    person = get_user_model()._default_manager.filter(pk=pk).first()
    context = _listing(request, asked)
    if not any(request.GET.get(name) for name in _CURSORS):
        note(Act.LEDGER, request, subject_kind="user", subject=_username(person))
    name = str(person) if person else context["entries"][0].actor_name
    return render(
        request, "core/ledger/user.html", {**context, "person": name, "pk": pk, "tallies": sums}
    )


def _username(person: Any) -> str:
    return person.get_username() if person else ""


@require_GET
def today(request: HttpRequest) -> HttpResponse:
    require(request, VIEW)
    return redirect("ledger:day", timezone.localdate())


@require_GET
def day(request: HttpRequest, day: date) -> HttpResponse:
    """The daily report, to be printed and kept: sums, exports, alerts and the day's root."""
    require(request, VIEW)
    now = timezone.localdate()
    if not date(2000, 1, 1) <= day <= now:
        raise Http404
    actor = actor_of(request)
    found = queries.on_day(actor, day)
    note(Act.LEDGER, request, subject_kind="day", subject=day.isoformat())
    return render(
        request,
        "core/ledger/day.html",
        {
            "day": day,
            "is_over": day < now,
            "previous": day - timedelta(days=1),
            "next": day + timedelta(days=1) if day < now else None,
            "tallies": queries.tallies(found),
            "people": queries.by_person(found),
            "exports": [_shown(entry) for entry in queries.exports_of(found)],
            "alerts": queries.alerts_on(actor, day),
            "seal": _printed(queries.seal_of_day(day)),
            "running": None if day < now else _printed(queries.last_seal()),
            "whole_city": queries.sees_whole_city(actor),
        },
    )


@require_POST
@limited("search")
def printed(request: HttpRequest) -> HttpResponse:
    """A page was sent to the printer; pages about one object have an address of their own for it."""
    try:
        found = resolve(request.POST.get("page", ""))
    except Resolver404:
        return HttpResponse(status=422)
    note(Act.PRINT, request, subject_kind="route", subject=found.view_name)
    return HttpResponse(status=204)


@require_POST
def acknowledge(request: HttpRequest, pk: int) -> HttpResponse:
    require(request, VIEW)
    alert = get_object_or_404(queries.visible_alerts(actor_of(request)), pk=pk)
    try:
        alerts.acknowledge(alert=alert, by=request.user)
        _note_seen(request, alert)
        messages.success(request, "已登记为查看。")
    except alerts.AlreadySeenError:
        messages.warning(request, "这条告警已有人查看。")
    return redirect("ledger:list")


# --- what the pages show -----------------------------------------------------------------------


def _listing(request: HttpRequest, asked: Search) -> dict[str, Any]:
    try:
        page = queries.page_of(
            queries.search(actor_of(request), asked),
            size=PAGE_SIZE,
            after=request.GET.get("after", ""),
            before=request.GET.get("before", ""),
        )
    except BadCursorError as error:
        raise Http404 from error
    return {
        "entries": [_shown(entry) for entry in page.rows],
        "page": {
            "previous": _beside(request, before=page.previous),
            "next": _beside(request, after=page.next),
        },
    }


def _beside(request: HttpRequest, **cursor: str) -> str:
    if not any(cursor.values()):
        return ""
    query = request.GET.copy()
    for name in _CURSORS:
        query.pop(name, None)
    query.update(cursor)
    return query.urlencode()


def _shown(entry: AccessEntry) -> AccessEntry:
    entry.tone = TONES[Outcome(entry.outcome)]  # type: ignore[attr-defined]
    entry.told = words.told(entry.detail)  # type: ignore[attr-defined]
    entry.thing = words.thing(entry.subject_kind, entry.subject)  # type: ignore[attr-defined]
    entry.kind = words.kind_of(entry.subject_kind)  # type: ignore[attr-defined]
    entry.is_searched = entry.subject_kind in words.SEARCHED  # type: ignore[attr-defined]
    return entry


def _chosen(request: HttpRequest, asked: Search) -> str:
    """Whom the search is about, where the address knows a number only."""
    if asked.user and not queries.is_met(actor_of(request), asked.user):
        return f"用户 {asked.user}"
    if asked.user:
        person = get_user_model()._default_manager.filter(pk=asked.user).first()
        return str(person) if person else f"用户 {asked.user}"
    return f"接口客户端 {asked.client}" if asked.client else ""


def _open_alerts(request: HttpRequest) -> dict[str, Any]:
    found = queries.visible_alerts(actor_of(request)).filter(state=AlertState.OPEN)
    return {"alerts": found[:OPEN_ALERTS]}


def _printed(seal: Any) -> dict[str, Any] | None:
    """A root in groups of eight that a person can compare."""
    if seal is None:
        return None
    text = bytes(seal.root).hex()
    groups = [text[start : start + 8] for start in range(0, len(text), 8)]
    return {"no": seal.no, "at": seal.sealed_at, "groups": groups}


def _note_search(request: HttpRequest, asked: Search) -> None:
    told = {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in vars(asked).items()
        if value not in ("", None) and name not in ("subject", "region")
    }
    # Not as the subject: whoever asks who saw a household has not seen it.
    if asked.subject:
        told["about"] = asked.subject
    note(Act.LEDGER, request, region=asked.region, detail=told)


def _note_seen(request: HttpRequest, alert: Alert) -> None:
    note(
        Act.ALERT,
        request,
        subject_kind="alert",
        subject=str(alert.pk),
        region=alert.region,
        detail={"rule": alert.rule, "what": "seen"},
    )
