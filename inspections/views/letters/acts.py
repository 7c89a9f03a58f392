"""What is done to letters: drafted, confirmed one by one or together, received, answered."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from core.web import actor_of, require
from inspections.enums.letters import State
from inspections.models import Letter
from inspections.queries import letters as queries
from inspections.services.common import UnfitError
from inspections.services.findings.common import FIND
from inspections.services.letters import preparing, sending
from inspections.views.letters.forms import DropForm, IssueForm, ReceiveForm, ReplyForm, WordsForm
from inspections.views.letters.pages import held, page_of

_MOST = 200


def _done(
    request: HttpRequest, pk: int, key: str, kind: Any, do: Callable[[Letter, dict[str, Any]], Any],
    said: str,
) -> HttpResponse:  # fmt: skip
    one = held(request, pk)
    form = kind(request.POST, auto_id=f"{key}_%s")
    if not form.is_valid():
        return page_of(request, one, key, form)
    try:
        do(one, form.cleaned_data)
    except UnfitError as unfit:
        return page_of(request, one, key, form, str(unfit))
    messages.success(request, said)
    return redirect("letters:letter", pk=pk)


@require_POST
def write(request: HttpRequest, pk: int) -> HttpResponse:
    def do(one: Letter, told: dict[str, Any]) -> None:
        sending.write(letter=one, words=told["words"], by=request.user)

    return _done(request, pk, "write", WordsForm, do, "已保存。")


@require_POST
def issue(request: HttpRequest, pk: int) -> HttpResponse:
    def do(one: Letter, told: dict[str, Any]) -> None:
        sending.issue(letter=one, on=told["on"], reply_due_on=told["reply_due_on"], by=request.user)

    return _done(request, pk, "issue", IssueForm, do, "已签发并编号，请下载后用印送达。")


@require_POST
def drop(request: HttpRequest, pk: int) -> HttpResponse:
    def do(one: Letter, told: dict[str, Any]) -> None:
        sending.drop(letter=one, why=told["why"], by=request.user)

    return _done(request, pk, "drop", DropForm, do, "已登记不予发出。")


@require_POST
def receive(request: HttpRequest, pk: int) -> HttpResponse:
    def do(one: Letter, told: dict[str, Any]) -> None:
        sending.receive(letter=one, on=told["on"], name=told["name"], by=request.user)

    return _done(request, pk, "receive", ReceiveForm, do, "已登记签收。")


@require_POST
def reply(request: HttpRequest, pk: int) -> HttpResponse:
    def do(one: Letter, told: dict[str, Any]) -> None:
        sending.reply(letter=one, on=told["on"], words=told["words"], by=request.user)

    return _done(request, pk, "reply", ReplyForm, do, "已登记答复。")


@require_POST
def prepare(request: HttpRequest) -> HttpResponse:
    """Draft now what the night would draft, in the places of the person."""
    require(request, FIND)
    many = 0
    for prefix in sorted(actor_of(request).prefixes_for(FIND)):
        many += len(preparing.prepare(today=timezone.localdate(), prefix=prefix, by=request.user))
    if many:
        messages.success(request, f"{many} 份文书待确认，请逐份确认签发。")
    else:
        messages.info(request, "没有需要新拟的文书。")
    return redirect("letters:list")


@require_POST
def bulk(request: HttpRequest) -> HttpResponse:
    """Confirm the chosen drafts with today's date, all or none."""
    require(request, FIND)
    keys = [int(one) for one in request.POST.getlist("letter") if one.isdecimal() and len(one) < 18]
    if not keys or len(keys) > _MOST:
        messages.error(request, f"请选择要签发的文书，每次不超过 {_MOST} 份。")
        return redirect("letters:list")
    drafts = queries.whole(actor_of(request)).filter(pk__in=keys, state=State.PREPARED)
    chosen = list(drafts.select_related("region"))
    if len(chosen) != len(set(keys)):
        messages.error(request, "所选文书有的已由他人办理，一份也没有签发，请重新选择。")
        return redirect("letters:list")
    try:
        many = sending.issue_many(letters=chosen, on=timezone.localdate(), by=request.user)
    except UnfitError as unfit:
        messages.error(request, f"一份也没有签发。{unfit}")
    else:
        messages.success(request, f"已签发 {many} 份文书。")
    return redirect("letters:list")
