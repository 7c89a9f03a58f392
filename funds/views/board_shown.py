"""The board's figures in words: what a rate is called, its bar, where it opens, the headline."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.http import Http404
from django.urls import reverse

from core.templatetags.show import money, percent, thousands, wan
from exits.enums import Comparator
from exits.models import MetricDefinition
from funds import formulas
from funds.formulas import Amounts, Rate
from funds.queries.board import OWN, Board, Row
from villages.enums import Level

NO_DATA = "无数据"
_NAMED = 3
_WAN = 10_000


@dataclass(frozen=True)
class Told:
    """A rate by its address: the definition, its two amounts, and why there may be none."""

    slug: str
    code: str
    name: str
    formula: str
    parts: tuple[str, str]
    nothing: str


METRICS = {
    one.slug: one
    for one in (
        Told("paid", "fund_paid_rate", "支出率", "已支付 ÷ 到位", ("paid", "arrived"),
             formulas.NO_MONEY),
        Told("arrival", "fund_arrival_rate", "到位率", "下达文件到位 ÷ 下达",
             ("received", "announced"), formulas.NOTHING_ANNOUNCED),
        Told("allotment", "fund_allotment_rate", "分配率", "已分配 ÷ 到位",
             ("allotted", "arrived"), formulas.NO_MONEY),
    )
}  # fmt: skip


def metric_of(slug: str) -> Told:
    """404 for a figure that does not exist."""
    if slug not in METRICS:
        raise Http404
    return METRICS[slug]


def amount_words(yuan: Decimal) -> str:
    """万元 or 亿元 from ten thousand up; less than that to the fen."""
    return wan(yuan, "元") if abs(yuan) >= _WAN else f"{money(yuan)} 元"


def rate_words(rate: Rate, target: Decimal | None = None) -> str:
    """In percent, exact enough to show on which side of the target it lies."""
    if not rate.is_known:
        return NO_DATA
    return percent(rate.numerator, rate.denominator, None if target is None else target * 100)


def target_words(definition: MetricDefinition | None) -> str:
    """The target with its comparison; empty where nobody has set one."""
    if definition is None or definition.threshold is None:
        return ""
    return (
        f"{Comparator(definition.comparator).label} {(definition.threshold * 100).normalize():f}%"
    )


def bar_of(rate: Rate) -> int | None:
    if not rate.is_known or not rate.denominator:
        return None
    return 100 * (rate.numerator or 0) // rate.denominator


def each_words(rate: Rate) -> str:
    """Yuan per person or household."""
    if not rate.is_known or not rate.denominator:
        return NO_DATA
    return money(Decimal(rate.numerator or 0) / 100 / rate.denominator)


def _tone(rate: Rate, target: Decimal | None) -> str:
    if not rate.is_known:
        return "neutral"
    if target is None:
        return "info"
    return "bad" if formulas.is_below(rate, target) else "good"


def _ways(row: Row, board: Board) -> dict[str, Any]:
    """How an address narrows the money to that of the row."""
    if row.code == OWN:
        return {"own": 1}
    if board.region.level == Level.CITY:
        return {"at": row.code[:6]}
    return {"project": row.project_id} if row.project_id else {"unit": row.unit}


def shown_row(row: Row, board: Board, place: Any) -> dict[str, Any]:
    """A line of the table: county, unit or project."""
    ways = _ways(row, board)
    rate = row.paid
    target = board.target
    href: Callable[..., str] = place.href
    is_county = board.region.level == Level.CITY and row.code != OWN
    return {
        "name": row.name,
        "href": _board_of(row, place) if is_county else href("figure-accounts", "arrived", **ways),
        "rate": rate_words(rate, target),
        "reason": rate.reason,
        "rate_href": href("figure", "paid", **ways),
        "bar": bar_of(rate),
        "tick": None if target is None else int(target * 100),
        "tone": _tone(rate, target),
        "word": "低于目标" if target is not None and formulas.is_below(rate, target) else "",
        "evidence": f"{amount_words(row.amounts.paid)} / {amount_words(row.amounts.arrived)}"
        if rate.is_known
        else "",
        "allotted": rate_words(row.allotted),
        "allotted_href": href("figure", "allotment", **ways),
        "arrival": rate_words(row.arrival),
        "arrival_href": href("figure", "arrival", **ways),
        "waiting": _in_wan(row.amounts.waiting),
        "waiting_href": href("figure-accounts", "waiting", **ways),
        "unpaid": _in_wan(row.amounts.unpaid),
        "unpaid_href": href("figure-accounts", "unpaid", **ways),
        "each": each_words(row.each) if is_county else "",
        "each_note": f"{thousands(row.persons)} 人" if row.persons else row.each.reason,
    }


def _board_of(row: Row, place: Any) -> str:
    return f"{reverse('funds:board-of', args=[row.code[:6]])}?{urlencode(place.query)}"


def _in_wan(yuan: Decimal) -> str:
    return money(yuan / _WAN)


def told_rows(board: Board, place: Any) -> list[dict[str, Any]]:
    """The tallies by level, kind and batch of the source."""
    return [
        {
            "title": title,
            "rows": [
                {
                    "name": row.name,
                    "rate": rate_words(row.paid, board.target),
                    "reason": row.paid.reason,
                    "bar": bar_of(row.paid),
                    "tone": _tone(row.paid, board.target),
                    "arrived": _in_wan(row.amounts.arrived),
                    "paid": _in_wan(row.amounts.paid),
                    "href": place.href("figure", "paid", **{group: key}),
                    "paid_href": place.href("figure-entries", "paid", **{group: key}),
                    "arrived_href": place.href("figure-accounts", "arrived", **{group: key}),
                }
                for key, row in rows
            ],
        }
        for title, group, rows in board.tallies
    ]


def headline(board: Board, place: Any) -> dict[str, Any]:
    """How much was raised and spent, who lags, who has to act; nothing that the ledger does not say."""
    whole, target = board.whole, board.target
    rate = whole.paid
    if not rate.is_known and rate.reason == formulas.NO_MONEY:
        return {
            "tone": "neutral", "tag": NO_DATA, "kpis": _kpis(board, place),
            "title": f"{board.year} 年度资金尚未到位", "sentences": _sentences(board),
        }  # fmt: skip
    words = {"good": "达到目标", "bad": "低于目标", "info": "未设目标", "neutral": "无法计算"}
    tone = _tone(rate, target)
    amounts = whole.amounts
    return {
        "tone": tone,
        "tag": f"总体判断：{words[tone]}",
        "title": f"{board.year} 年度资金到位 {amount_words(amounts.arrived)}，"
        f"支出 {amount_words(amounts.paid)}，支出率 {rate_words(rate, target)}",
        "sentences": _sentences(board),
        "kpis": _kpis(board, place),
    }


def _sentences(board: Board) -> list[str]:
    said = []
    if board.whole.paid.reason == formulas.OUT_OF_ORDER:
        said.append(f"支出率无法计算：{formulas.OUT_OF_ORDER}。")
    late = board.lagging
    if late:
        than = "目标" if board.target is not None else f"{board.region.name}支出率"
        names = "、".join(
            f"{row.name} {rate_words(row.paid, board.target)}" for row in late[:_NAMED]
        )
        more = " 等" if len(late) > _NAMED else ""
        said.append(f"低于{than}的有 {len(late)} 个：{names}{more}。")
    if board.debtors:
        one = board.debtors[0]
        said.append(
            f"最需要办理：{one.name}{one.act} {amount_words(one.amount)}，"
            f"最早的 {one.since:%Y 年 %-m 月}就已到账。"
        )
    return said


def _kpis(board: Board, place: Any) -> list[dict[str, str]]:
    amounts: Amounts = board.whole.amounts
    arrival = board.whole.arrival
    return [
        _kpi("支出率", rate_words(board.whole.paid, board.target),
             f"目标 {percent(int(board.target * 10000), 10000)}" if board.target is not None
             else "未设目标",
             place.href("figure", "paid")),
        _kpi("到位率", rate_words(arrival), arrival.reason
             or f"下达 {amount_words(amounts.announced)}", place.href("figure", "arrival")),
        _kpi("未分配", amount_words(amounts.waiting), "到位后还没有安排",
             place.href("figure-accounts", "waiting")),
        _kpi("未支付", amount_words(amounts.unpaid), "分配后还没有支出",
             place.href("figure-accounts", "unpaid")),
    ]  # fmt: skip


def _kpi(label: str, text: str, note: str, href: str) -> dict[str, str]:
    value, unit = text, ""
    if text.endswith("%"):
        value, unit = text[:-1], "%"
    elif " " in text:
        value, _, unit = text.partition(" ")
    return {"label": label, "value": value, "unit": unit, "note": note, "href": href, "tone": ""}
