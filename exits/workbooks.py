"""What stands in the way as an exported list."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from core.exports.kinds import Kind, Terms, register
from core.scope import Actor, below
from exits.enums import Outcome
from exits.models import Standard
from exits.queries.blockers import EXITED, blockers, described, veto_items

READ = "households.view_register"
BLOCKERS = "blockers"
HEADS = (
    "年度", "标准", "县区", "乡镇", "行政村", "户编号", "户主姓名", "人数", "脱贫状态", "不达标项",
    "缺数据项", "责任人", "完成期限",
)  # fmt: skip
_CHUNK = 500


def _rows_of(terms: Terms, actor: Actor, region: str) -> tuple[Standard, Any]:
    standard = Standard.objects.get(code=terms["set"])
    rows = blockers(
        str(terms["region"]),
        int(terms["year"]),
        standard,
        actor,
        item=str(terms.get("item", "")),
        outcome=str(terms.get("outcome", "")),
        status=str(terms.get("status", "")),
        only=terms.get("only"),
    )
    return standard, rows.filter(below(region, "village_code")) if region else rows


def _count(terms: Terms, actor: Actor, *, region: str, full: bool) -> int:
    return int(_rows_of(terms, actor, region)[1].count())


def _rows(terms: Terms, actor: Actor, *, region: str, full: bool) -> Iterator[list[Any]]:
    """A line of each household, some hundreds at a time."""
    standard, found = _rows_of(terms, actor, region)
    labels, year = veto_items(standard), int(terms["year"])
    ordered = iter(found.order_by("village_code", "household_id").iterator(_CHUNK))
    while some := list(islice(ordered, _CHUNK)):
        for one in described(some, year, labels, actor):
            told = [
                "、".join(item.label for item in one.items if item.outcome == outcome)
                for outcome in (Outcome.NOT_MET, Outcome.MISSING)
            ]
            row = one.row
            yield [
                year, standard.name, row.county_name, row.town_name, row.village_name,
                row.household_no, row.head_name, row.member_count, row.status_label, *told,
                one.owner, one.due_on,
            ]  # fmt: skip


def _words(terms: Terms) -> str:
    told = [f"年度：{terms['year']}", f"区划：{terms['region']}", f"标准：{terms['set']}"]
    told.append("已脱贫" if terms.get("status") == EXITED else "未脱贫")
    if terms.get("item"):
        told.append(f"未完成项：{terms['item']}")
    if terms.get("outcome"):
        told.append(Outcome(terms["outcome"]).label)
    if terms.get("only") is not None:
        told.append("最少整改方案")
    return "；".join(told)


register(Kind(BLOCKERS, "退出阻断清单", READ, READ, HEADS, _count, _rows, _words))
