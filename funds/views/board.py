"""The leader's pages about money: the board, the receipt of a figure, what makes it, month-ends."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from core.scope import Actor, covers, overlaps, trim
from core.web import actor_of, partition_of, require
from funds import charts, formulas
from funds.enums import AccountKind, SourceLevel, VoucherKind
from funds.queries import board as pages
from funds.queries import drill, figures
from funds.services import figuring
from funds.services.common import APPROVE, UnfitError
from funds.views.board_shown import (
    amount_words,
    each_words,
    headline,
    metric_of,
    shown_row,
    target_words,
    told_rows,
)
from households.catalog import labels
from villages.enums import Level
from villages.formulas import short_name
from villages.models import Region
from villages.queries import ancestors, granted_regions, region_at

READ = "households.view_register"
_FIRST_YEAR, _LAST_YEAR = 2009, 2100
# Bigger numbers than the database has keys.
_HIGHEST = 2**63 - 1


@dataclass(frozen=True)
class Place:
    """What the address asks for: the place, the budget year, the month, and who asks."""

    region: Region
    year: int
    month: date
    # Nobody asked for a month: everything that is booked by now.
    is_live: bool
    actor: Actor

    @property
    def query(self) -> dict[str, Any]:
        terms: dict[str, Any] = {"year": self.year}
        return terms if self.is_live else terms | {"month": f"{self.month:%Y-%m}"}

    def href(self, name: str, *more: str, **terms: Any) -> str:
        """A page of the place, of the same year and month."""
        given = {key: value for key, value in terms.items() if value not in ("", None, False)}
        address = reverse(f"funds:{name}", args=[trim(self.region.code), *more])
        return f"{address}?{urlencode(self.query | given)}"


def place_of(request: HttpRequest, code: str) -> Place:
    """404 for places outside the grants, unknown codes, and months that nobody knows yet."""
    require(request, READ)
    actor, year = actor_of(request), partition_of(request)
    is_code = code.isascii() and code.isdecimal() and len(code) <= 12
    region = region_at(code, date(year, 12, 31)) if year and is_code else None
    if region is None or year is None or not covers(actor, region.code):
        raise Http404
    region.name = short_name(region.name)
    today = timezone.localdate()
    now = date(today.year, today.month, 1)
    text = request.GET.get("month", "")
    month = month_of(text) if text else now
    if month is None or month > now:
        raise Http404
    return Place(region, year, month, not text, actor)


def month_of(text: str) -> date | None:
    """2018-06 as its first day.

    >>> month_of("2018-06"), month_of("2018-13"), month_of("2018-6")
    (datetime.date(2018, 6, 1), None, None)
    """
    year, dash, month = text.partition("-")
    if not (dash and text.isascii() and year.isdecimal() and month.isdecimal()):
        return None
    if len(text) != 7 or not (_FIRST_YEAR <= int(year) <= _LAST_YEAR and 1 <= int(month) <= 12):
        return None
    return date(int(year), int(month), 1)


def crumbs(place: Place, last: str = "") -> list[dict[str, str]]:
    """The divisions above, linked where the person sees them whole, and the page below the board."""
    found = [
        {
            "name": short_name(one.name),
            "href": f"{reverse('funds:board-of', args=[trim(one.code)])}?{urlencode(place.query)}"
            if covers(place.actor, one.code)
            else "",
        }
        for one in ancestors(place.region, date(place.year, 12, 31))
        if one.level != Level.PROVINCE and overlaps(place.actor, one.code)
    ]
    found.append({"name": place.region.name, "href": place.href("board-of") if last else ""})
    return [*found, {"name": last, "href": ""}] if last else found


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """The board of the widest place that the signed-in person may see."""
    require(request, READ)
    year = partition_of(request)
    region = granted_regions(date(year, 12, 31), actor_of(request)).first() if year else None
    if region is None:
        return render(request, "funds/board_empty.html")
    return _board(request, place_of(request, region.code))


@require_GET
def of_place(request: HttpRequest, code: str) -> HttpResponse:
    return _board(request, place_of(request, code))


def _board(request: HttpRequest, place: Place) -> HttpResponse:
    found = pages.board(place.region, place.year, place.month, place.actor, is_live=place.is_live)
    now = timezone.localdate()
    context = {
        "place": place,
        "board": found,
        "breadcrumbs": crumbs(place),
        "headline": headline(found, place),
        "rows": [shown_row(row, found, place) for row in found.rows],
        "row_label": "县区" if place.region.level == Level.CITY else "单位、项目",
        "is_city": place.region.level == Level.CITY,
        "drawing": charts.curve(found.curve),
        "tallies": told_rows(found, place),
        "ages": [
            (
                one,
                place.href("figure-idle", kind="pool", age=str(one.bracket)),
                place.href("figure-idle", kind="allotment", age=str(one.bracket)),
            )
            for one in found.ages
        ],
        "age_total": (
            sum((one.waiting for one in found.ages), Decimal(0)),
            sum((one.unpaid for one in found.ages), Decimal(0)),
        ),
        "debtors": [
            (
                one, amount_words(one.amount),
                place.href("figure-idle", kind=one.kind.lower(), at=trim(one.code), own=1),
            )
            for one in found.debtors
        ],
        "project_lists": [
            (found.projects.unpaid, amount_words(found.projects.unpaid_budget), "安排资金",
             drill.WHICH[drill.UNPAID][0], place.href("figure-projects", drill.UNPAID)),
            (found.projects.unmoved, amount_words(found.projects.unmoved_paid), "已支付",
             drill.WHICH[drill.UNMOVED][0], place.href("figure-projects", drill.UNMOVED)),
        ],
        "cost_href": place.href("figure-projects", drill.COST),
        "months": _months(place.year, now),
        "month_href": place.href("month") if not place.is_live else "",
    }  # fmt: skip
    return render(request, "funds/board.html", context)


def _months(year: int, today: date) -> list[str]:
    """Month-ends that can be asked for: those of the budget year that have passed."""
    first = date(today.year, today.month, 1)
    return [f"{year}-{month:02}" for month in range(1, 13) if date(year, month, 1) < first]


@require_GET
def figure(request: HttpRequest, code: str, metric: str) -> HttpResponse:
    """The receipt of a rate: what it means, from what, by which definition, and the proof by entries."""
    place = place_of(request, code)
    told = metric_of(metric)
    asked = _asked(request, place)
    parts = []
    totals = drill.totals(told.parts, asked)
    proofs = drill.proofs(told.parts, asked)
    for part, amount, proof in zip(told.parts, totals, proofs, strict=True):
        parts.append(
            {
                "name": drill.PARTS[part][0],
                "amount": amount,
                "fen": formulas.fen(amount),
                "proof": proof,
                "agrees": proof is None or proof["amount"] == amount,
                "accounts": _list_href(request, place, "figure-accounts", part),
                "entries": "" if proof is None
                else _list_href(request, place, "figure-entries", part),
            }
        )  # fmt: skip
    rate = formulas.share(totals[0], totals[1], told.nothing)
    definition = figures.definitions(place.region.code, place.year).get(told.code)
    context = {
        "place": place,
        "breadcrumbs": crumbs(place, told.name),
        "metric": told,
        "definition": definition,
        "target": target_words(definition),
        "parts": parts,
        "rate": rate,
        "narrowed": _narrowed(asked),
        "month_href": place.href("month") if not place.is_live else "",
    }
    return render(request, "funds/figure.html", context)


@require_GET
def accounts(request: HttpRequest, code: str, part: str) -> HttpResponse:
    """The accounts, or documents, that make one amount, with what each contributes."""
    place, asked = _list_of(request, code, part)
    after = request.GET.get("after", "")
    context = _list_context(request, place, asked, part)
    if part == drill.ANNOUNCED:
        first, _, second = after.partition("-")
        page = drill.documents(asked, (_number(first), _number(second)) if after else (0, -1))
        context["levels"] = dict(SourceLevel.choices)
        template = "funds/figure_documents.html"
    else:
        page = drill.accounts(part, asked, _number(after))
        template = "funds/figure_accounts.html"
        for row in page.rows:
            row["href"] = _list_href(
                request, place, "figure-entries", part, account=row["account_id"]
            )
            row["kind_label"] = AccountKind(row["kind"]).label
            row["shown"] = -row["amount"] if part == "received" else row["amount"]
    _named(page.rows, place.year)
    return render(request, template, context | _paged(request, page))


@require_GET
def entries(request: HttpRequest, code: str, part: str) -> HttpResponse:
    """The entries that make one amount, with the voucher of each."""
    place, asked = _list_of(request, code, part)
    if part == drill.ANNOUNCED:
        raise Http404
    page = drill.entries(part, asked, _number(request.GET.get("after", "")))
    for row in page.rows:
        row["kind_label"] = VoucherKind(row["kind"]).label
        row["shown"] = -row["amount"] if part == "received" else row["amount"]
    _named(page.rows, place.year)
    context = _list_context(request, place, asked, part)
    return render(request, "funds/figure_entries.html", context | _paged(request, page))


@require_GET
def idle(request: HttpRequest, code: str) -> HttpResponse:
    """Who holds idle money, most first, of one age or of all."""
    place = place_of(request, code)
    asked = _asked(request, place)
    kind = {"pool": AccountKind.POOL, "allotment": AccountKind.ALLOTMENT}.get(
        request.GET.get("kind", "")
    )
    text = request.GET.get("age", "")
    if kind is None or text not in ("", *(str(n) for n in range(len(formulas.AGES)))):
        raise Http404
    since = formulas.months_of(int(text), place.month) if text else (None, place.month)
    page = drill.idle(kind, asked, since, _amount_key(request.GET.get("after", "")))
    _named(page.rows, place.year)
    for row in page.rows:
        row["age"] = formulas.age_of(row["since"], place.month)
    label = formulas.AGES[int(text)][0] if text else "不限时长"
    context = {
        "place": place,
        "breadcrumbs": crumbs(place, f"{kind.label}（{label}）"),
        "title": f"{kind.label}（{label}）",
    }
    return render(request, "funds/figure_idle.html", context | _paged(request, page))


@require_GET
def projects(request: HttpRequest, code: str, which: str) -> HttpResponse:
    """Projects whose money and work do not fit together, and what a beneficiary costs."""
    place = place_of(request, code)
    if which not in drill.WHICH:
        raise Http404
    title = drill.WHICH[which][0]
    page = drill.projects(
        which, place.region.code, place.year, place.month, request.GET.get("after", "")[:24]
    )
    names = pages.place_names((row["region_code"] for row in page.rows), place.year)
    for row in page.rows:
        row["place"] = names.get(row["region_code"], row["region_code"])
        row["household_words"] = each_words(
            formulas.each(row["paid"], row["households"], formulas.NO_BENEFICIARIES)
        )
    costs = None
    if which == drill.COST:
        told = drill.cost(place.region.code, place.year, place.month)
        nothing = formulas.NO_BENEFICIARIES
        household = formulas.each(told["paid"], told["households"], nothing)
        person = formulas.each(told["paid_persons"], told["persons"], nothing)
        costs = told | {
            "household": household,
            "household_words": each_words(household),
            "person": person,
            "person_words": each_words(person),
        }
    context = {
        "place": place,
        "breadcrumbs": crumbs(place, title),
        "title": title,
        "which": which,
        "costs": costs,
    }
    return render(request, "funds/figure_projects.html", context | _paged(request, page))


@require_http_methods(["GET", "POST"])
def month(request: HttpRequest, code: str) -> HttpResponse:
    """A month-end: its editions, what is booked for it by now, and telling it anew."""
    place = place_of(request, code)
    if place.is_live:
        raise Http404
    may_revise = trim(place.region.code) == settings.SITE_CITY_CODE and covers(
        place.actor, place.region.code, APPROVE
    )
    problem = ""
    if request.method == "POST":
        require(request, APPROVE)
        if not may_revise:
            raise Http404
        try:
            edition = figuring.revise(
                year=place.year, month=place.month, reason=request.POST.get("reason", "")[:300],
                by=request.user,
            )  # fmt: skip
        except UnfitError as unfit:
            problem = str(unfit)
        else:
            messages.success(request, f"已编制第 {edition} 版。")
            return redirect(place.href("month"))
    live = figures.state(place.region.code, place.year, place.month).whole
    editions = figures.editions(place.region.code, place.year, place.month, place.actor)
    latest = editions[0] if editions else None
    context = {
        "place": place,
        "breadcrumbs": crumbs(place, f"{place.month:%Y-%m} 月末数"),
        "editions": [(one, figures.amounts_told(one)) for one in editions],
        "live": live,
        "moved": live - figures.amounts_told(latest) if latest else None,
        "may_revise": may_revise and bool(editions),
        "problem": problem,
        "reason": request.POST.get("reason", ""),
    }
    return render(request, "funds/month.html", context, status=422 if problem else 200)


# --- what the lists share --------------------------------------------------------------------------


def _number(text: str) -> int:
    """A key of a list; 404 for anything else."""
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal() and int(text[:20]) <= _HIGHEST):
        raise Http404
    return int(text)


def _amount_key(text: str) -> tuple[Decimal, int] | None:
    if not text:
        return None
    amount, _, key = text.partition("-")
    try:
        least = Decimal(amount)
    except InvalidOperation:
        raise Http404 from None
    if not least.is_finite() or len(amount) > 20:
        raise Http404
    return least, _number(key)


def _asked(request: HttpRequest, place: Place) -> drill.Asked:
    """The place's money as far as the address narrows it; 404 for words that do not exist."""
    given = request.GET
    level, kind, batch = given.get("level", ""), given.get("kind", ""), given.get("batch", "")
    if level and level not in SourceLevel.values:
        raise Http404
    at = given.get("at", "")
    if at and not (at.isascii() and at.isdecimal() and at.startswith(trim(place.region.code))):
        raise Http404
    return drill.Asked(
        code=(at or place.region.code).ljust(12, "0")[:12],
        year=place.year,
        month=place.month,
        level=level,
        kind="" if kind in ("pool", "allotment") else kind[:4],
        batch=min(_number(batch), 32767) if batch else None,
        is_own=bool(given.get("own")),
        account=_number(given["account"]) if given.get("account") else None,
        unit=given.get("unit", "")[:100],
        project=_number(given["project"]) if given.get("project") else None,
    )


_KEPT = ("level", "kind", "batch", "own", "account", "unit", "project", "at")


def _list_href(request: HttpRequest, place: Place, name: str, part: str, **more: Any) -> str:
    kept = {key: request.GET[key] for key in _KEPT if request.GET.get(key)}
    return place.href(name, part, **kept | more)


def _list_of(request: HttpRequest, code: str, part: str) -> tuple[Place, drill.Asked]:
    place = place_of(request, code)
    if part not in drill.PARTS:
        raise Http404
    return place, _asked(request, place)


def _list_context(
    request: HttpRequest, place: Place, asked: drill.Asked, part: str
) -> dict[str, Any]:
    name = drill.PARTS[part][0]
    return {
        "place": place,
        "breadcrumbs": crumbs(place, name),
        "title": name,
        "total": drill.total(part, asked),
        "narrowed": _narrowed(asked),
        "accounts_href": _list_href(request, place, "figure-accounts", part),
        "entries_href": "" if part == drill.ANNOUNCED
        else _list_href(request, place, "figure-entries", part),
    }  # fmt: skip


def _narrowed(asked: drill.Asked) -> list[str]:
    """What the list is narrowed to, in words."""
    words = []
    if asked.is_own:
        words.append("仅本级")
    if asked.level:
        words.append(SourceLevel(asked.level).label)
    if asked.kind:
        words.append(labels("fund_source").get(asked.kind, asked.kind))
    if asked.batch is not None:
        words.append(f"第 {asked.batch} 批")
    if asked.unit:
        words.append(asked.unit)
    if asked.project or asked.account:
        words.append("指定项目" if asked.project else f"账户 {asked.account}")
    return words


def _named(rows: list[dict[str, Any]], year: int) -> None:
    """Give rows of accounts the names of their places and projects, in two queries."""
    places = pages.place_names((row["region_code"] for row in rows if "region_code" in row), year)
    names = pages.project_names(row.get("project_id") for row in rows)
    for row in rows:
        row["place"] = places.get(row.get("region_code", ""), row.get("region_code", ""))
        project = row.get("project_id")
        row["holder"] = names.get(project, "项目") if project else row.get("unit", "")


def _paged(request: HttpRequest, page: drill.Page) -> dict[str, Any]:
    terms = {key: value for key, value in request.GET.items() if key != "after"}
    return {
        "page_rows": page.rows,
        "previous": None,
        "next": urlencode(terms | {"after": page.after}) if page.after else None,
    }
