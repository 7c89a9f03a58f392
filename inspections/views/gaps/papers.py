"""Lists of what is missing on A4, with a column to sign in."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from core import ledger, papers
from core.limits import limited
from inspections.queries import gaps
from inspections.views.gaps.common import Wanted, lines, of_place, of_self, who_words

# Some sixty sheets; a longer list is printed by town, village or source.
MOST = 1_000


@require_GET
@limited("print")
def paper(request: HttpRequest, code: str) -> HttpResponse:
    """The list of a place."""
    wanted = of_place(request, code)
    return _printed(request, wanted, wanted.name)


@require_GET
@limited("print")
def mine_paper(request: HttpRequest) -> HttpResponse:
    """What the person who is signed in owes."""
    return _printed(request, of_self(request), str(request.user))


def _printed(request: HttpRequest, wanted: Wanted, name: str) -> HttpResponse:
    total, late = gaps.count(wanted.asked)
    if total > MOST:
        messages.warning(request, f"一次最多打印 {MOST:,} 项，请按乡镇、村、来源或责任人分别打印。")
        return redirect(wanted.href("place"))
    rows = lines(wanted, gaps.all_of(wanted.asked, MOST))
    context = {
        "name": name,
        "rows": rows,
        "total": total,
        "late": late,
        "year": wanted.asked.year,
        "day": wanted.asked.day,
        "source": gaps.SOURCES[wanted.asked.source][0] if wanted.asked.source else "",
        "who": who_words(wanted, gaps.owners(wanted.asked)) if wanted.asked.who else "",
        "is_village": wanted.region is not None and not wanted.region.code.endswith("000"),
        "printed": papers.printed(request.user),
    }
    ledger.note(
        ledger.Act.PRINT, request, subject_kind="gaps", rows=len(rows), region=wanted.asked.place,
        detail={"year": wanted.asked.year, "source": wanted.asked.source},
    )  # fmt: skip
    try:
        return papers.answer(papers.pdf("papers/gaps.html", context), f"{name}-缺项清单")
    except papers.PapersUnavailableError as error:
        return render(request, "households/no_paper.html", {"why": str(error)}, status=503)
