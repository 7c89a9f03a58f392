"""Acts on many problems: what was chosen, what stands against it, and the act itself."""

import hashlib
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from core.ledger.services import without_numbers
from core.limits import limited
from core.web import actor_of, require
from inspections.models import Finding
from inspections.queries.findings import listing
from inspections.services.common import UnfitError
from inspections.services.findings import assigning, reminding, stepping
from inspections.services.findings.common import FIND
from inspections.views.findings.filters import Narrowing
from inspections.views.findings.listing import shown

ASSIGN, REMIND = "assign", "remind"
TITLES = {ASSIGN: "批量交办", REMIND: "批量提醒"}
# More than a county's whole ledger of a year.
MOST = 2_000
_MOST_LETTERS = 4_000
# Rows that the page shows; the rest is told by its number.
SHOWN = 100


def _day(label: str, **kwargs: Any) -> forms.DateField:
    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    return forms.DateField(label=label, widget=widget, **kwargs)


class AssignForm(forms.Form):
    """To whom several problems are given until when."""

    unit = forms.CharField(label="责任单位", max_length=100)
    name = forms.CharField(label="责任人", max_length=60, help_text="姓名、职务。")
    username = forms.CharField(
        label="责任人账号", max_length=150, required=False,
        help_text="用户名；填写后问题进入其待办。没有账号的留空。",
    )  # fmt: skip
    on = _day("交办日期")
    due_on = _day(
        "整改期限", required=False, help_text="不填的，按“期限设置”中适用的规定逐个计算。"
    )
    due_source = forms.CharField(
        label="期限依据", max_length=200, required=False, help_text="填写期限时必填：文号、名称。"
    )
    words = forms.CharField(label="交办意见", max_length=500, initial="交办")

    def clean_on(self) -> Any:
        on = self.cleaned_data["on"]
        if on > timezone.localdate():
            raise forms.ValidationError("交办日期不能晚于今天。")
        return on

    def clean_username(self) -> Any:
        """The account; None without one."""
        name = self.cleaned_data["username"]
        if not name:
            return None
        found = get_user_model()._default_manager.filter(username=name, is_active=True).first()
        if found is None:
            raise forms.ValidationError("没有这个账号，请核对用户名，或留空。")
        return found

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        if told.get("due_on") and not told.get("due_source"):
            self.add_error("due_source", "请写明整改期限的依据。")
        return told

    def duty(self) -> stepping.Duty:
        told = self.cleaned_data
        return stepping.Duty(
            without_numbers(told["unit"]), without_numbers(told["name"]), told["username"],
            told["due_on"], told["due_source"],
        )  # fmt: skip


@dataclass(frozen=True)
class Chosen:
    """What the list's form says: a whole search, or some of its problems; those one may see."""

    findings: list[Finding]
    query: str
    is_all: bool
    # How many the page showed; None for those ticked one by one.
    counted: int | None

    @property
    def digest(self) -> str:
        """Tells whether they are still the same ones."""
        keys = ",".join(str(one.pk) for one in self.findings)
        return hashlib.sha256(keys.encode()).hexdigest()

    @property
    def back(self) -> str:
        return f"{reverse('findings:list')}?{self.query}"


def _chosen(request: HttpRequest) -> Chosen:
    """The problems in the order of their keys; one more than may be acted on tells of too many."""
    actor, day = actor_of(request), timezone.localdate()
    asked = Narrowing(QueryDict(request.POST.get("filter", "")[:_MOST_LETTERS]), actor, day)
    found = listing.visible(actor).select_related("region", "campaign", "category")
    is_all = request.POST.get("all") == "1"
    if is_all:
        found = listing.narrowed(found, asked.terms, day)
    else:
        keys = [one for one in request.POST.getlist("finding") if _is_key(one)]
        found = found.filter(pk__in=keys[: MOST + 1])
    counted = request.POST.get("counted", "")
    return Chosen(
        list(found.order_by("pk")[: MOST + 1]), asked.query(), is_all,
        int(counted) if is_all and _is_key(counted) else None,
    )  # fmt: skip


def _is_key(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


@require_POST
@limited("search")
def bulk(request: HttpRequest) -> HttpResponse:
    """Show what was chosen and ask for the rest; with the answer, do it."""
    require(request, FIND)
    act, chosen = request.POST.get("act", ""), _chosen(request)
    if act not in TITLES or not chosen.findings:
        messages.warning(request, "请先在台账中选择问题，再选择办理事项。")
        return redirect("findings:list")
    if len(chosen.findings) > MOST:
        messages.warning(request, f"一次最多办理 {MOST:,} 个问题，请用筛选条件缩小范围。")
        return redirect(chosen.back)
    is_sure = request.POST.get("step") == "confirm"
    if is_sure and request.POST.get("digest") != chosen.digest:
        told = f"符合条件的问题有变化，现有 {len(chosen.findings):,} 个，请核对后重新提交。"
        return _page(request, act, chosen, refusal=told, status=422)
    if act == REMIND:
        return _remind(request, chosen) if is_sure else _page(request, act, chosen)
    return _assign(request, chosen) if is_sure else _page(request, act, chosen)


def _assign(request: HttpRequest, chosen: Chosen) -> HttpResponse:
    form = AssignForm(request.POST)
    if not form.is_valid():
        return _page(request, ASSIGN, chosen, form=form, status=422)
    duty, told = form.duty(), form.cleaned_data
    plan = assigning.planned(findings=chosen.findings, duty=duty, on=told["on"], by=request.user)
    if plan.unfit:
        return _page(request, ASSIGN, chosen, form=form, unfit=plan.unfit, status=422)
    try:
        many = stepping.assign_many(
            findings=chosen.findings, duty=duty, on=told["on"], words=told["words"],
            by=request.user,
        )  # fmt: skip
    except UnfitError as unfit:
        return _page(request, ASSIGN, chosen, form=form, refusal=str(unfit), status=422)
    messages.success(request, f"已交办 {many:,} 个问题。")
    return redirect(chosen.back)


def _remind(request: HttpRequest, chosen: Chosen) -> HttpResponse:
    try:
        told = reminding.remind(
            findings=chosen.findings, today=timezone.localdate(), by=request.user
        )
    except UnfitError as unfit:
        return _page(request, REMIND, chosen, refusal=str(unfit), status=422)
    if not told.drafts:
        return _page(request, REMIND, chosen, refusal="没有需要拟写的文书。", status=422)
    messages.success(
        request,
        f"已拟写 {len(told.drafts):,} 份文书，涉及 {len(told.due):,} 个问题，待签发；"
        f"{len(told.others):,} 个问题暂不需要文书。",
    )
    return redirect("letters:list")


def _page(
    request: HttpRequest,
    act: str,
    chosen: Chosen,
    *,
    form: AssignForm | None = None,
    unfit: list[assigning.Unfit] | None = None,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    day, many = timezone.localdate(), len(chosen.findings)
    if chosen.counted is not None and chosen.counted != many and not refusal:
        refusal = (
            f"您在列表上看到 {chosen.counted:,} 个问题，现在符合条件的有 {many:,} 个，请核对。"
        )
    context: dict[str, Any] = {
        "act": act,
        "title": TITLES[act],
        "chosen": chosen,
        "many": many,
        "rows": [shown(one, day) for one in chosen.findings[:SHOWN]],
        "more": max(0, many - SHOWN),
        "refusal": refusal,
        "form": None,
        "unfit": (unfit or [])[:SHOWN],
        "many_unfit": len(unfit or ()),
        "reminder": None,
    }
    if act == ASSIGN:
        context["form"] = form or AssignForm(initial={"on": day})
    else:
        told = reminding.looked_over(findings=chosen.findings, today=day, by=request.user)
        context |= {"reminder": told, "others": told.others[:SHOWN]}
    return render(request, "findings/bulk.html", context, status=status)
