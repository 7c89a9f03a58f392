"""Workbooks of money: payments to households, rosters of the public payroll, rows handed back.

A workbook is hostile until proven: looked through first and parsed in the child with limits.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

from django.utils import timezone

from core import papers
from core.exports.kinds import Count, Kind, Rows, Terms, register
from core.scope import Actor, below
from core.templatetags.show import mask_account, money
from core.text import header_key
from core.workbooks import child, guard
from core.workbooks.writing import Book, Watermark
from funds.enums import RowFault
from funds.formulas import Amounts
from funds.models import Account, PaymentBatchRow
from funds.queries import figures, ledger, listing, loans
from funds.services.batching_rows import NumberIndexes, Progress, SealedRows, quiet
from villages.models import Region

HOUSEHOLD, ID_NO, NAME, SUBSIDY, AMOUNT, ACCOUNT, REMARK = COLUMNS = (
    "户编号", "证件号码", "姓名", "补助项目", "金额（元）", "收款账号", "备注",
)  # fmt: skip
# The households of a large city, twice.
MAX_ROWS = 300_000
SECONDS = 180
_WIDTHS = (22, 22, 12, 20, 14, 24, 20)
# In the order in which the sealed rows take them; what is sealed stands in front.
SPECS: dict[str, tuple[str, str, dict[str, Any]]] = {
    ACCOUNT: ("bank_account", "identifier", {}),
    ID_NO: ("id_no", "id_number", {}),
    HOUSEHOLD: ("household_no", "identifier", {}),
    NAME: ("name", "text", {}),
    SUBSIDY: ("subsidy", "text", {}),
    # More places than yuan have, so that too many are seen and not rounded away.
    AMOUNT: ("amount", "amount", {"digits": 20, "places": 6}),
    REMARK: ("remark", "text", {}),
}
_SEALED = (ACCOUNT, ID_NO)
NEEDED = (NAME, SUBSIDY, AMOUNT, ACCOUNT)

# Under which head the fault is seen, and how it is mended.
MENDING: dict[str, tuple[str, str]] = {
    RowFault.NO_KEY: (HOUSEHOLD, "填写户编号；没有户编号的，填写收款人的证件号码。"),
    RowFault.NOT_FOUND: (HOUSEHOLD, "核对户编号或证件号码；只能发放给资金所在区划内的农户。"),
    RowFault.OTHER_HOUSEHOLD: (ID_NO, "户编号和证件号码不是同一户，核对后只留正确的一项。"),
    RowFault.UNREGISTERED: (HOUSEHOLD, "该户在发放日不在册，确应发放的先办理登记。"),
    RowFault.DEAD: (NAME, "先在登记库更换户主，再改填健在的成员和其账号；无健在成员的不发放。"),
    RowFault.NAME: (NAME, "姓名须与登记的本户成员一致；登记有误的先更正登记。"),
    RowFault.SUBSIDY: (SUBSIDY, "填写补助项目，60 字以内。"),
    RowFault.AMOUNT: (AMOUNT, "填写大于 0 的数，至多两位小数。"),
    RowFault.ACCOUNT: (ACCOUNT, "填写 12 至 19 位数字的账号；单元格设为文本，防止尾数丢失。"),
    RowFault.REMARK: (REMARK, "缩短到 100 字以内。"),
    RowFault.TWICE_IN_FILE: (SUBSIDY, "同一户同一补助只留一行；应合并的合并金额。"),
    RowFault.PAID_ALREADY: (SUBSIDY, "删除本行；确属不同期次的，另开一批填写期次。"),
    RowFault.OVER_CAP: (AMOUNT, "本户各行合计超过每户上限，核减金额。"),
    RowFault.SHARED_IN_FILE: (ACCOUNT, "各户填写本户成员自己的账号。"),
    RowFault.SHARED_BEFORE: (ACCOUNT, "核实账号归属，填写本户成员自己的账号。"),
    RowFault.PAYROLL: (HOUSEHOLD, "核实户内财政供养人员；不符合条件的不发放。"),
}
RETURNED = (
    "行号", HOUSEHOLD, NAME, SUBSIDY, AMOUNT, ACCOUNT, REMARK, "问题所在列", "问题", "怎样修改",
)  # fmt: skip
_RETURNED_WIDTHS = (8, 22, 12, 20, 14, 24, 20, 14, 30, 50)
ROSTER_COLUMNS = (ID_NO,)


def form_to_fill_in() -> bytes:
    """A workbook with the heads and nothing else: an example row would become a payment."""
    return _blank("一卡通发放名单", COLUMNS, _WIDTHS)


def roster_to_fill_in() -> bytes:
    return _blank("财政供养人员名册", ROSTER_COLUMNS, (24,))


def _blank(title: str, heads: Sequence[str], widths: Sequence[int]) -> bytes:
    buffer = BytesIO()
    with Book(buffer, title, heads, widths=widths):
        pass
    return buffer.getvalue()


@contextmanager
def payments(path: Path, file_format: str, progress: Progress = quiet) -> Iterator[SealedRows]:
    """The rows of a workbook of payments for COPY; at the end of the block the file was whole.

    Raises guard.RefusedError with words for a clerk.
    """
    with child.reading(path, file_format, SECONDS) as parser:
        facts = parser.hello()
        header_row, there = recognise(facts["head"], SPECS, NEEDED)
        total = facts["total"] - header_row - 1
        if total > MAX_ROWS:
            raise guard.RefusedError("rows", f"一次最多 {MAX_ROWS:,} 行，请分批上传。")
        if HOUSEHOLD not in there and ID_NO not in there:
            raise guard.RefusedError("headers", f"表头应有{HOUSEHOLD}或{ID_NO}。")
        parser.tell({"header_row": header_row, "columns": [column(head, there) for head in there]})
        rows = SealedRows(
            parser.stdout, rest=[SPECS[head][0] for head in there if head not in _SEALED],
            has_number=ID_NO in there, total=total, progress=progress,
        )  # fmt: skip
        yield rows
        parser.finish()


def column(head: str, there: dict[str, int]) -> dict[str, Any]:
    name, kind, options = SPECS[head]
    return {"index": there[head], "name": name, "kind": kind, "options": options}


def recognise(
    rows: list[list[str]], known: Sequence[str] | dict[str, Any], needed: Sequence[str]
) -> tuple[int, dict[str, int]]:
    """(row of the heads, head → column), in our order."""
    for at, row in enumerate(rows):
        keys = [header_key(cell) for cell in row]
        if all(header_key(head) in keys for head in needed):
            return at, {
                head: keys.index(header_key(head)) for head in known if header_key(head) in keys
            }
    raise guard.RefusedError(
        "headers", f"没有找到表头，应有：{'、'.join(needed)}。请下载模板，照模板填写。"
    )


def roster(path: Path, file_format: str) -> NumberIndexes:
    """The keyed indexes of a roster's ID numbers. Raises guard.RefusedError."""
    with child.reading(path, file_format, SECONDS) as parser:
        facts = parser.hello()
        header_row, there = recognise(facts["head"], ROSTER_COLUMNS, ROSTER_COLUMNS)
        if facts["total"] - header_row - 1 > MAX_ROWS:
            raise guard.RefusedError("rows", f"一次最多 {MAX_ROWS:,} 行，请分批上传。")
        parser.tell({"header_row": header_row, "columns": [column(ID_NO, there)]})
        numbers = NumberIndexes(parser.stdout)
        numbers.drain()
        parser.finish()
    return numbers


def returned(rows: Iterator[PaymentBatchRow], mark: Watermark | None) -> tuple[bytes, int]:
    """The rows that were not paid: what is wrong, where, and how it is mended; accounts masked."""
    buffer, written = BytesIO(), 0
    with Book(buffer, "未发放明细", RETURNED, mark=mark, widths=_RETURNED_WIDTHS) as book:
        for row in rows:
            written += 1
            found = [(*MENDING[fault], RowFault(fault).label) for fault in row.faults]
            book.append(
                (
                    row.row_no, row.household_no, row.name, row.subsidy, row.amount,
                    mask_account(row.bank_account), row.remark,
                    "、".join(dict.fromkeys(head for head, _, _ in found)),
                    "；".join(label for _, _, label in found),
                    "".join(how for _, how, _ in found),
                )
            )  # fmt: skip
    return buffer.getvalue(), written


# --- out ----------------------------------------------------------------------------------------

PROGRESS, VOUCHERS, BOOK, LOANS = "fund_progress", "fund_vouchers", "fund_book", "fund_loans"
READ = "households.view_register"
_CHUNK = 500
_PROGRESS_HEADS = (
    "区划", "下达（元）", "到位（元）", "已分配（元）", "已支付（元）", "支出率（％）", "到位未分配（元）",
    "已分配未支付（元）",
)  # fmt: skip
_VOUCHER_HEADS = (
    "凭证号", "状态", "类型", "业务日期", "摘要", "依据文件", "金额（元）", "经办人", "复核人",
)  # fmt: skip
_BOOK_HEADS = (
    "业务日期", "凭证号", "类型", "摘要", "依据文件", "转入（元）", "转出（元）", "余额（元）",
)  # fmt: skip
_LOAN_HEADS = (
    "户编号", "借款人", "放款银行", "合同号", "金额（元）", "放款日期", "到期日期", "年利率（％）",
    "用途", "用款主体", "未还（元）", "疑点",
)  # fmt: skip
# What a list may be narrowed by, in words; names of persons are not kept with a file.
TERMS: dict[str, dict[str, str]] = {
    PROGRESS: {"year": "预算年度", "month": "截至月份"},
    VOUCHERS: {
        "state": "状态", "kind": "类型", "year": "年度", "region": "区划", "least": "不少于",
        "most": "不多于", "source": "来源",
    },
    BOOK: {"account": "账户"},
    LOANS: {"year": "放款年度", "state": "状态", "flag": "疑点", "bank": "银行", "region": "区划"},
}  # fmt: skip


def _asked(terms: Terms) -> dict[str, str]:
    return {name: str(value) for name, value in terms.items()}


def month_of(text: str) -> date:
    """The first day of a month (`2018-12`); of the present one where none is told."""
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        return timezone.localdate().replace(day=1)


def _progress(terms: Terms, actor: Actor, *, region: str, full: bool) -> Iterator[list[Any]]:
    """Each county and the sum, as at the end of the month; a rate is rounded once, here."""
    code = (region or actor.region_prefixes[0]).ljust(12, "0")
    told = figures.state(code, int(terms["year"]), month_of(str(terms["month"])))
    names = dict(
        Region.objects.filter(code__in=[key.ljust(12, "0") for key in told.places])
        .values_list("code", "name")
    )  # fmt: skip
    for key, amounts in sorted(told.places.items()):
        yield _line(names.get(key.ljust(12, "0"), key), amounts)
    yield _line("合计", told.whole)


def _line(name: str, amounts: Amounts) -> list[Any]:
    rate = None
    if amounts.arrived:
        exact = amounts.paid * 100 / amounts.arrived
        rate = exact.quantize(Decimal("0.01"), ROUND_HALF_UP)
    return [
        name, amounts.announced, amounts.arrived, amounts.allotted, amounts.paid, rate,
        amounts.waiting, amounts.unpaid,
    ]  # fmt: skip


def _vouchers_of(terms: Terms, actor: Actor, region: str) -> Any:
    found = listing.vouchers(actor, _asked(terms))
    return found.filter(below(region, "region_code")) if region else found


def _vouchers(terms: Terms, actor: Actor, *, region: str, full: bool) -> Iterator[list[Any]]:
    found = _vouchers_of(terms, actor, region).select_related("created_by", "decided_by")
    for one in found.order_by("region_code", "year", "number", "pk").iterator(_CHUNK):
        yield [
            one.full_number, one.get_state_display(),
            one.get_kind_display(), one.on, one.reason, one.document, one.amount,
            str(one.created_by), str(one.decided_by or ""),
        ]  # fmt: skip


def _book_of(terms: Terms, actor: Actor, region: str) -> Account | None:
    found = Account.objects.visible_to(actor).filter(pk=int(terms["account"]))
    return (found.filter(below(region, "region_code")) if region else found).first()


def _book(terms: Terms, actor: Actor, *, region: str, full: bool) -> Iterator[list[Any]]:
    account = _book_of(terms, actor, region)
    for line in ledger.lines(account) if account else ():
        one, amount = line.entry.voucher, line.entry.amount
        yield [
            one.on, one.full_number, one.get_kind_display(), one.reason, one.document,
            amount if amount > 0 else None, -amount if amount < 0 else None, line.balance,
        ]  # fmt: skip


def _loans_of(terms: Terms, actor: Actor, region: str) -> Any:
    found = loans.loans(actor, _asked(terms), timezone.localdate())
    return found.filter(below(region, "village_code")) if region else found


def _loans(terms: Terms, actor: Actor, *, region: str, full: bool) -> Iterator[list[Any]]:
    found = _loans_of(terms, actor, region).select_related("household")
    ordered = iter(found.order_by("village_code", "pk").iterator(_CHUNK))
    while some := list(islice(ordered, _CHUNK)):
        flags = loans.flags_of(some, timezone.localdate())
        for one in some:
            yield [
                one.household.household_no, one.borrower, one.bank, one.contract_no, one.amount,
                one.lent_on, one.due_now, one.rate, one.use, one.get_user_kind_display(),
                one.amount - one.repaid, "、".join(flags[one.pk]),
            ]  # fmt: skip


def _kind(name: str, label: str, heads: tuple[str, ...], count: Count, rows: Rows) -> Kind:
    """A list that comes as a workbook or on A4."""

    def words(terms: Terms) -> str:
        told = [f"{word}：{terms[key]}" for key, word in TERMS[name].items() if terms.get(key)]
        return "；".join(told) or "全部"

    def paper(terms: Terms, rows: Sequence[Sequence[Any]], printed: papers.Printed) -> bytes:
        shown = {
            "title": label, "about": f"{words(terms)}　共 {len(rows)} 行",
            "rows": [_told(row) for row in rows], "heads": [(head, "") for head in heads],
            "printed": printed,
        }  # fmt: skip
        return papers.pdf("papers/table.html", shown)

    return Kind(name, label, READ, READ, heads, count, rows, words, paper)


def _told(row: Sequence[Any]) -> list[str]:
    return [
        money(one) if isinstance(one, Decimal) else "" if one is None else str(one) for one in row
    ]


def _many(terms: Terms, actor: Actor, *, region: str, full: bool) -> int:
    return sum(1 for _ in _progress(terms, actor, region=region, full=full))


def _entries(terms: Terms, actor: Actor, *, region: str, full: bool) -> int:
    account = _book_of(terms, actor, region)
    return ledger.count(account) if account else 0


register(_kind(PROGRESS, "资金支出进度月报表", _PROGRESS_HEADS, _many, _progress))
register(
    _kind(
        VOUCHERS, "资金凭证清单", _VOUCHER_HEADS,
        lambda terms, actor, *, region, full: _vouchers_of(terms, actor, region).count(), _vouchers,
    )
)  # fmt: skip
register(_kind(BOOK, "资金明细账", _BOOK_HEADS, _entries, _book))
register(
    _kind(
        LOANS, "小额信贷清单", _LOAN_HEADS,
        lambda terms, actor, *, region, full: _loans_of(terms, actor, region).count(), _loans,
    )
)  # fmt: skip
