"""One problem: what is wrong, who mends it until when, each step, and what comes next."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from core.web import actor_of, require
from inspections.enums.findings import BY_ANOTHER, DONE, FOLLOWS, State
from inspections.models import Extension, Finding, Rectification
from inspections.queries.findings import about, listing
from inspections.services.findings import extending, stepping
from inspections.services.findings.common import FIND, may_find, may_mend
from inspections.views.findings import acts, shown
from inspections.views.findings.forms import (
    AssignForm,
    DecideForm,
    ExtendForm,
    LookForm,
    MergeForm,
    StepForm,
    WatchForm,
)
from inspections.views.sweeps.shown import likes_of

READ = "households.view_register"


def seen(request: HttpRequest, pk: int) -> Finding:
    """The problem, for whoever sees it; 404 otherwise."""
    found = listing.visible(actor_of(request)).select_related(
        "region", "campaign", "category", "duty_user", "entered_by"
    )
    one: Finding = get_object_or_404(found, pk=pk)
    return one


@require_GET
def finding(request: HttpRequest, pk: int) -> HttpResponse:
    """A problem with all that happened to it, and the forms of what this person may do next."""
    require(request, READ)
    return page(request, seen(request, pk))


def page(
    request: HttpRequest, one: Finding, key: str = "", form: Any = None, wrong: str = ""
) -> HttpResponse:
    """The page; with a form that came back, and at its head what was wrong.

    A form that somebody else's step made useless is offered no more.
    """
    actor, day = actor_of(request), timezone.localdate()
    offered = acts.offered(one, request.user, (key, form) if key else None)
    back = next((act for act in offered if act.key == key), None)
    if key and not wrong:
        wrong = (
            f"“{back.title}”没有办理，请按表单里的提示修改。"
            if back
            else "这一步现在不能办理，请按现在的状态重新办理。"
        )
    papers = shown.papers(one)
    context = shown.shown(one, day) | {
        "about": shown.about(one, actor),
        "origin": shown.origin(one, actor),
        "rectified": Rectification.objects.filter(case=one.case_id).first()
        if one.case_id
        else None,
        "assigned": one.steps.filter(state=State.ASSIGNED).order_by("-position").first(),
        "papers": papers,
        "timeline": shown.timeline(one, papers, actor),
        "family": about.family(one, actor),
        "acts": offered,
        "wrong": wrong,
        "wish": acts.wish_of(one),
        "second": _second_person(one, request.user),
        "no_rule": any(act.key == "assign" for act in offered) and not acts.due_words(one)[1],
        "may_amend": one.state == State.FOUND and may_find(actor, one.region_code),
        "may_split": State.SPLIT in stepping.next_steps(one, request.user),
        "likes": likes_of(one, actor),
    }
    return render(request, "findings/finding.html", context, status=422 if key else 200)


def _second_person(one: Finding, by: Any) -> str:
    """Why this person, who claimed the mending, is offered none of what comes next."""
    if one.claimed_by_id != by.pk or not may_find(by, one.region_code):
        return ""
    if one.state in DONE:
        return "您报的整改完成，复查须由另一人办理。"
    if any(state in BY_ANOTHER for state in FOLLOWS[one.state]):
        return "您报的整改完成，核验和销号须由另一人办理。"
    return ""


# --- What is sent from the page ----------------------------------------------------------------


def require_hand(request: HttpRequest, pk: int) -> Finding:
    """The problem, for whoever may do something to problems or was given this one by name."""
    if not any(request.user.has_perm(right) for right in acts.RIGHTS):
        theirs = listing.visible(actor_of(request)).filter(duty_user=request.user.pk, pk=pk)
        if not theirs.exists():
            raise PermissionDenied
    return seen(request, pk)


def _require_find(request: HttpRequest, pk: int) -> Finding:
    require(request, FIND)
    one = seen(request, pk)
    if not may_find(actor_of(request), one.region_code):
        raise PermissionDenied
    return one


def _done(request: HttpRequest, one: Finding, key: str, form: Any, do: acts.Do) -> HttpResponse:
    if not form.is_valid():
        return page(request, one, key, form)
    if wrong := acts.carried_out(one, form, do, request.user):
        now = seen(request, one.pk)
        # Whoever has read what went on may send the form again.
        form.data = form.data.copy()
        form.data["seen"] = str(now.position)
        return page(request, now, key, form, wrong)
    messages.success(request, "已办理。")
    return redirect("findings:finding", pk=one.pk)


@require_POST
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the step that the form names."""
    one = require_hand(request, pk)
    state = request.POST.get("step", "")
    if state not in acts.PLAIN:
        return page(request, one, "none", wrong="请选择要办理的事项。")
    if not stepping.takes(one, state, request.user) and not (
        state in BY_ANOTHER and may_find(actor_of(request), one.region_code)
    ):
        raise PermissionDenied
    form = StepForm(request.POST, about=acts.PLAIN[state].words)
    return _done(request, one, state.lower(), form, acts.take_step(state))


@require_POST
def assign(request: HttpRequest, pk: int) -> HttpResponse:
    """Give the problem to a unit and a person until a day."""
    one = _require_find(request, pk)
    form = AssignForm(request.POST, people=acts.people(one))
    return _done(request, one, "assign", form, acts.assign)


@require_POST
def extend(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for more time."""
    one = require_hand(request, pk)
    if not may_mend(actor_of(request), one):
        raise PermissionDenied
    form = ExtendForm(request.POST, due=one.due_on)
    return _done(request, one, "extend", form, acts.extend)


@require_POST
def extension(request: HttpRequest, pk: int, extension: int) -> HttpResponse:
    """Give or refuse the time that somebody else asked for."""
    one = _require_find(request, pk)
    wish = get_object_or_404(Extension.objects.filter(finding=one), pk=extension)

    def do(one: Finding, told: dict[str, Any], by: Any) -> None:
        extending.decide(
            extension=wish, is_granted=told["granted"] == "1", why=told["why"], on=told["on"],
            by=by,
        )  # fmt: skip

    return _done(request, one, "decide", DecideForm(request.POST), do)


@require_POST
def merge(request: HttpRequest, pk: int) -> HttpResponse:
    """The same problem is on the ledger already: this one goes on there."""
    one = _require_find(request, pk)
    return _done(request, one, "merge", MergeForm(request.POST), acts.merge)


@require_POST
def watch(request: HttpRequest, pk: int) -> HttpResponse:
    """Say whether the mended problem has to be kept an eye on."""
    one = _require_find(request, pk)
    return _done(request, one, "watch", WatchForm(request.POST), acts.watch)


@require_POST
def look(request: HttpRequest, pk: int) -> HttpResponse:
    """Put down what a second look saw."""
    one = _require_find(request, pk)
    return _done(request, one, "look", LookForm(request.POST), acts.look)
