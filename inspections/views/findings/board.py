"""The leader's page about problems: how many are open and late, where, whose, and what was mended."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from core.scope import Actor, below, covers, overlaps, trim
from core.templatetags.show import percent
from core.web import actor_of, require
from inspections.enums.findings import Level, Source
from inspections.enums.letters import Kind
from inspections.models import Recheck
from inspections.queries.findings import figures, listing
from inspections.queries.findings.figures import Board, Tally
from inspections.queries.letters import SENT_ONES
from inspections.services.findings import rechecking
from villages.enums import Level as PlaceLevel
from villages.formulas import short_name
from villages.models import Region
from villages.queries import ancestors, granted_regions, region_at

READ = "households.view_register"
_UNITS = 12
_TONES = {Kind.REMIND: "neutral", Kind.SUPERVISE: "warn", Kind.ACCOUNT: "bad"}
_BELOW = {4: "县区", 6: "乡镇", 9: "行政村"}
_LATE = ("7 天以内", "8—30 天", "31—90 天", "90 天以上")


@dataclass(frozen=True)
class Asked:
    """The place and the days on which problems were found, `until` the first day that is not."""

    region: Region
    since: date | None
    until: date | None
    day: date
    actor: Actor

    @property
    def period(self) -> dict[str, str]:
        told = {}
        if self.since:
            told["found_from"] = f"{self.since}"
        if self.until:
            told["found_to"] = f"{self.until - timedelta(days=1)}"
        return told

    def listed(self, **terms: Any) -> str:
        """The list of problems that makes a figure."""
        place = {} if "at" in terms else {"region": trim(self.region.code)}
        given = {name: str(value) for name, value in terms.items() if value not in ("", None)}
        return f"{reverse('findings:list')}?{urlencode(place | self.period | given)}"

    def of(self, code: str) -> str:
        address = reverse("findings:board-of", args=[trim(code)])
        return f"{address}?{urlencode(self.period)}" if self.period else address


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """The board of the widest place that the signed-in person may see."""
    require(request, READ)
    region = granted_regions(timezone.localdate(), actor_of(request)).first()
    if region is None:
        return render(request, "findings/board_empty.html")
    return _board(request, region)


@require_GET
def of_place(request: HttpRequest, code: str) -> HttpResponse:
    """The board of a place; outside the grants, or unknown, it does not exist."""
    require(request, READ)
    is_code = code.isascii() and code.isdecimal() and len(code) <= 12
    region = region_at(code, timezone.localdate()) if is_code else None
    if region is None or not covers(actor_of(request), region.code):
        raise Http404
    return _board(request, region)


def _board(request: HttpRequest, region: Region) -> HttpResponse:
    region.name = short_name(region.name)
    since, last = _day(request, "found_from"), _day(request, "found_to")
    asked = Asked(
        region, since, last + timedelta(days=1) if last else None, timezone.localdate(),
        actor_of(request),
    )  # fmt: skip
    board = figures.board(region.code, asked.day, asked.since, asked.until)
    context = {
        "region": region,
        "asked": asked,
        "since": since,
        "last": last,
        "years": _years(asked),
        "breadcrumbs": _crumbs(asked),
        "whole": board.whole,
        "headline": _headline(board, asked),
        "kpis": _kpis(board, asked),
        "late": _late(board.whole, asked),
        "sources": _told(board.sources, Source, "source", asked),
        "levels": _told(board.levels, Level, "level", asked),
        "places": _places(board.places, asked),
        "units": _units(board.units, asked),
        "is_cut": len(board.units) > _UNITS,
        "letters": _letters(board.letters, asked),
        "told": figures.campaigns(region.code),
        "relapses": _relapses(asked),
        "watched_href": asked.listed(standing=listing.WATCHED),
        "places_label": _BELOW.get(len(trim(region.code)), ""),
    }
    return render(request, "findings/board.html", context)


def _day(request: HttpRequest, name: str) -> date | None:
    try:
        return date.fromisoformat(request.GET.get(name, ""))
    except ValueError:
        return None


def _years(asked: Asked) -> list[tuple[str, str, bool]]:
    """Periods that are asked for most: all, this year, the year before."""
    here = asked.of(asked.region.code).split("?")[0]
    found = [("全部", here, not asked.period)]
    for year in (asked.day.year, asked.day.year - 1):
        terms = {"found_from": f"{year}-01-01", "found_to": f"{year}-12-31"}
        found.append((f"{year} 年", f"{here}?{urlencode(terms)}", asked.period == terms))
    return found


def _crumbs(asked: Asked) -> list[dict[str, str]]:
    found = [
        {
            "name": short_name(one.name),
            "href": asked.of(one.code) if covers(asked.actor, one.code) else "",
        }
        for one in ancestors(asked.region, asked.day)
        if one.level != PlaceLevel.PROVINCE and overlaps(asked.actor, one.code)
    ]
    return [*found, {"name": asked.region.name, "href": ""}]


def _headline(board: Board, asked: Asked) -> dict[str, Any]:
    """The sentence to begin with: what is late, else what waits, else that all is mended."""
    whole = board.whole
    if not whole.counted:
        return {"tone": "", "tag": "无问题", "title": "没有登记的问题", "sentences": []}
    if whole.overdue and whole.oldest:
        names = _names(asked)
        worst = max(board.places.items(), key=lambda one: (one[1].overdue, one[0]), default=None)
        sentences = [f"最长已逾期 {(asked.day - whole.oldest).days} 天。"]
        if worst and worst[1].overdue and len(board.places) > 1:
            name = names.get(worst[0], "本级")
            sentences.append(f"逾期最多的是{name}，{worst[1].overdue} 个。")
        title = f"{whole.overdue} 个问题逾期未整改"
        return {"tone": "bad", "tag": "有逾期", "title": title, "sentences": sentences}
    if whole.open:
        title = f"{whole.open} 个问题正在整改，没有逾期"
        tone = "warn" if whole.new else "good"
        more = [f"其中 {whole.new} 个还没有交办。"] if whole.new else []
        return {"tone": tone, "tag": "整改中", "title": title, "sentences": more}
    title = f"{whole.counted} 个问题全部整改到位"
    return {"tone": "good", "tag": "已办结", "title": title, "sentences": []}


def _kpis(board: Board, asked: Asked) -> list[dict[str, str]]:
    whole = board.whole
    mean = f"{whole.days / whole.done:.1f}" if whole.done else ""
    return [
        _kpi("未销号", whole.open, f"待交办 {whole.new} · 待核验销号 {whole.waiting}", asked.listed(standing=listing.OPEN_ONES)),
        _kpi(
            "逾期未整改", whole.overdue,
            f"最长 {(asked.day - whole.oldest).days} 天" if whole.oldest else "没有逾期",
            asked.listed(standing=listing.OVERDUE), "bad" if whole.overdue else "good",
        ),
        {
            "label": "销号率", "value": percent(*whole.closing) if whole.counted else "无数据",
            "unit": "", "note": f"{whole.done} / {whole.counted}", "tone": "",
            "href": asked.listed(standing=listing.DONE_ONES),
        },
        {
            "label": "平均整改天数", "value": mean or "无数据", "unit": "天" if mean else "",
            "note": "自发现至销号", "tone": "", "href": asked.listed(standing=listing.DONE_ONES),
        },
    ]  # fmt: skip


def _kpi(label: str, many: int, note: str, href: str, tone: str = "") -> dict[str, str]:
    return {
        "label": label, "value": f"{many:,}", "unit": "个", "note": note, "href": href,
        "tone": tone,
    }  # fmt: skip


def _late(whole: Tally, asked: Asked) -> list[dict[str, Any]]:
    most = max(whole.late, default=0) or 1
    return [
        {
            "label": label, "many": many, "bar": 100 * many // most,
            "tone": "bad" if at >= 2 else "warn", "href": asked.listed(late=at),
        }
        for at, (label, many) in enumerate(zip(_LATE, whole.late, strict=True))
    ]  # fmt: skip


def _told(
    tallies: Mapping[str, Tally], words: Any, term: str, asked: Asked
) -> list[dict[str, Any]]:
    """A line for each word there is something of."""
    return [
        _line(label, tallies[word], asked, {term: word})
        for word, label in words.choices
        if word in tallies
    ]


def _line(name: str, tally: Tally, asked: Asked, terms: dict[str, str]) -> dict[str, Any]:
    """The figures of one part of the whole, each with the list that makes it."""
    return {
        "name": name,
        "tally": tally,
        "rate": percent(*tally.closing),
        "bar": 100 * tally.done // tally.counted if tally.counted else 0,
        "tone": "bad" if tally.overdue else "good" if not tally.open else "info",
        "counted_href": asked.listed(standing=listing.COUNTED, **terms),
        "open_href": asked.listed(standing=listing.OPEN_ONES, **terms),
        "overdue_href": asked.listed(standing=listing.OVERDUE, **terms),
        "done_href": asked.listed(standing=listing.DONE_ONES, **terms),
    }


def _names(asked: Asked) -> dict[str, str]:
    """Names of the places below, by the digits that tell them apart."""
    size = figures.CHILD.get(len(trim(asked.region.code)), 12)
    found = Region.objects.valid_on(asked.day).filter(below(trim(asked.region.code), "code"))
    level = {4: PlaceLevel.CITY, 6: PlaceLevel.COUNTY, 9: PlaceLevel.TOWN}.get(
        size, PlaceLevel.VILLAGE
    )
    names = found.filter(level=level).values_list("code", "name")
    return {code[:size]: short_name(name) for code, name in names}


def _places(tallies: Mapping[str, Tally], asked: Asked) -> list[dict[str, Any]]:
    """Places below, the latest first; what is about the place itself at the end."""
    if asked.region.level == PlaceLevel.VILLAGE:
        return []
    names = _names(asked)
    rows = []
    for prefix, tally in tallies.items():
        code = prefix.ljust(12, "0")
        if code == asked.region.code:
            rows.append(_line("本级", tally, asked, {"at": code}) | {"href": "", "last": True})
        else:
            line = _line(names.get(prefix, prefix), tally, asked, {"region": prefix})
            rows.append(line | {"href": asked.of(code), "last": False})
    rows.sort(key=lambda row: (row["last"], -row["tally"].overdue, -row["tally"].open, row["name"]))
    return rows


def _units(tallies: Mapping[str, Tally], asked: Asked) -> list[dict[str, Any]]:
    """Units with most that is late, then most that is open."""
    ordered = sorted(tallies.items(), key=lambda one: (-one[1].overdue, -one[1].open, one[0]))
    return [_line(unit, tally, asked, {"unit": unit}) for unit, tally in ordered[:_UNITS]]


def _letters(many: Mapping[str, int], asked: Asked) -> list[tuple[str, int, str, str]]:
    terms = {"region": trim(asked.region.code), "standing": SENT_ONES}
    if asked.since:
        terms["issued_from"] = f"{asked.since}"
    if asked.until:
        terms["issued_to"] = f"{asked.until - timedelta(days=1)}"
    found = []
    for kind, label in Kind.choices:
        href = f"{reverse('letters:list')}?{urlencode(terms | {'kind': kind})}"
        found.append((label, many.get(kind, 0), _TONES[Kind(kind)], href))
    return found


def _relapses(asked: Asked) -> dict[str, Any]:
    drawn = Recheck.objects.visible_to(asked.actor).filter(
        below(trim(asked.region.code), "region_code")
    )
    told = rechecking.relapses(drawn)
    return {
        "told": told,
        "rate": percent(*told.rate) if told.looked else "无数据",
        "href": asked.listed(standing=listing.RELAPSED),
    }
