"""Papers: the card of a household, the lists of a village, the list of a public notice."""

from itertools import zip_longest
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from core import ledger, papers
from core.exports import services as exports
from core.exports.models import PDF
from core.ledger.services import without_numbers
from core.limits import limited
from core.scope import overlaps
from core.web import actor_of, partition_of, require
from households.formulas import TEMPLATES
from households.models import Procedure, Publicity
from households.queries import papers as queries
from households.queries import places, sheet
from households.services import procedure as service
from households.views.frame import READ, known_years
from households.views.procedure import place_of
from households.workbooks import GAPS, ROSTER, sheet_context, village_rows

# Rows of a list that the page shows before it is printed.
_SHOWN = 12
_VILLAGE_DIGITS = 12


class PurposeForm(forms.Form):
    """What a list is printed for; stands at the foot of every sheet."""

    purpose = forms.CharField(
        label="用途",
        min_length=4,
        max_length=100,
        help_text="写明做什么用、交给谁；会印在每一页并记入台账。不要填写个人号码。",
        error_messages={"required": "请写明用途。", "min_length": "用途太短，请写明做什么用。"},
    )

    def clean_purpose(self) -> str:
        purpose = " ".join(str(self.cleaned_data["purpose"]).split())
        if without_numbers(purpose) != purpose:
            raise ValidationError("用途里不要填写证件号码或手机号码。")
        return purpose


@require_GET
@limited("print")
def card(request: HttpRequest, household_no: str) -> HttpResponse:
    """The card of one household in one year, masked as its page is."""
    require(request, READ)
    actor = actor_of(request)
    # Years first: a household elsewhere leaves no chosen year behind, as one that never was.
    years = known_years(household_no, actor)
    year = partition_of(request)
    if year is None or year not in years:
        raise Http404
    row = sheet.year_of(household_no, year, actor)
    members = sheet.member_years(row)
    income = sheet.income(row)
    context = {
        "household": sheet.head_of_page(row, members),
        "year": year,
        "members": [sheet.member(member) for member in members],
        "cards": [
            {"title": one.title, "pairs": _pairs(one.items)} for one in sheet.cards(row, actor)
        ],
        "income": {
            "declared": income.declared,
            "computed": income.computed,
            "differs": income.differs,
            "pairs": _pairs(income.items),
        },
        "printed": papers.printed(request.user),
    }
    ledger.note(
        ledger.Act.PRINT,
        request,
        subject_kind="household",
        subject=household_no,
        region=row.village_code,
        detail={"year": year},
    )
    return _paper(request, "papers/card.html", context, f"登记卡-{household_no}-{year}")


def _pairs(items: list[sheet.Item]) -> list[tuple[Any, Any]]:
    """Two facts a line."""
    return list(zip_longest(items[::2], items[1::2]))


def _paper(request: HttpRequest, template: str, context: dict[str, Any], name: str) -> HttpResponse:
    try:
        return papers.answer(papers.pdf(template, context), name)
    except papers.PapersUnavailableError as error:
        return render(request, "households/no_paper.html", {"why": str(error)}, status=503)


@require_http_methods(["GET", "POST"])
@limited("export", methods=("POST",))
def roster(request: HttpRequest, code: str) -> HttpResponse:
    """Every household of a village in the year."""
    return _village(request, code, ROSTER)


@require_http_methods(["GET", "POST"])
@limited("export", methods=("POST",))
def gaps(request: HttpRequest, code: str) -> HttpResponse:
    """The households of a village of which something is missing that everybody is asked for."""
    return _village(request, code, GAPS)


def _village(request: HttpRequest, code: str, kind: str) -> HttpResponse:
    """The beginning of the list and what it is printed for; then the PDF, or a job that makes it."""
    require(request, READ)
    actor, year = actor_of(request), partition_of(request)
    is_code = len(code) == _VILLAGE_DIGITS and code.isascii() and code.isdecimal()
    if year is None or not is_code or code.endswith("000"):
        raise Http404
    if not overlaps(actor, code) or not places.is_known(code, actor):
        raise Http404
    terms = {"year": year, "village": code}
    found = village_rows(kind, terms, actor)
    total = found.count()
    form = PurposeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        done = _ordered(request, form, kind, terms, total)
        if done is not None:
            return done
    read = queries.roster_rows if kind == ROSTER else queries.gap_rows
    context = {
        **sheet_context(kind, terms, read(found[:_SHOWN], year), total),
        "total": total,
        "shown": min(total, _SHOWN),
        "at_once": total <= exports.AT_ONCE_ON_PAPER,
        "form": form,
        "back": f"{reverse('households:list')}?year={year}&village={code}",
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "households/paper_list.html", context, status=status)


def _ordered(
    request: HttpRequest, form: PurposeForm, kind: str, terms: dict[str, Any], total: int
) -> HttpResponse | None:
    code = str(terms["village"])
    order = exports.Order(kind, terms, code, PDF, form.cleaned_data["purpose"], total)
    if not order.is_at_once:
        exports.later(order=order, request=request, by=request.user)
        messages.success(request, f"共 {total:,} 户，正在后台排版，完成后在本页下载。")
        return redirect("exports:list")
    try:
        body = exports.now(order=order, within=code, request=request, by=request.user)
    except exports.NotAllowedError as refusal:
        form.add_error(None, str(refusal))
        return None
    title = "花名册" if kind == ROSTER else "未填清单"
    return papers.answer(body, f"{title}-{code}-{terms['year']}")


@require_GET
@limited("print")
def notice(request: HttpRequest, pk: int, step: str) -> HttpResponse:
    """The list as it was posted, groups and names only; a draft before that."""
    require(request, READ)
    found = Procedure.objects.visible_to(actor_of(request)).select_related("village__parent")
    procedure = get_object_or_404(found, pk=pk)
    steps = {one.code: one for one in TEMPLATES[procedure.kind].steps if one.has_notice}
    if step not in steps:
        raise Http404
    posted = Publicity.objects.filter(procedure=procedure, step=step).first()
    names, fits = service.posted_list(procedure, posted)
    # The wall need not know who stood at the printer; the ledger does.
    mark = "" if posted else "未张贴"
    context = {
        "procedure": procedure,
        "place": place_of(procedure.village),
        "step": steps[step],
        "notice": posted,
        "names": names,
        "fits": fits,
        "printed": papers.Printed("", timezone.now(), "", mark),
    }
    ledger.note(
        ledger.Act.PRINT,
        request,
        subject_kind="procedure",
        subject=str(pk),
        region=procedure.village_code,
        rows=len(names),
        detail={"step": step},
    )
    return _paper(request, "papers/notice.html", context, f"公示名单-{pk}")
