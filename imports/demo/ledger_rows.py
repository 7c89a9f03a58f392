"""The rows of the demo city's ledger: accounts, vouchers with their legs and payments, posted by two persons."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from core import vault
from funds.enums import PayeeKind
from funds.models import Account, Entry, Payment, PaymentTotal, Source, Voucher
from imports.demo import money_plan as plan
from imports.demo import published_money as p
from imports.demo.bulk import analyze, copy_rows, reserve
from imports.demo.cells import scaled
from imports.demo.project_rows import PREFIX
from villages.models import Region

# Who asks and who posts: the four counties' own people, elsewhere the city's.
CASHIERS = {
    "410324": ("luanchuancw", "luanchuanfh"), "410327": ("yiyangcw", "yiyangfh"),
    "410328": ("luoningcw", "luoningfh"), "410329": ("yichuancw", "yichuanfh"),
}  # fmt: skip
CITY = ("zijin", "fuhe")
_CENT = Decimal("0.01")
_USES = {
    p.GENERAL: "扶贫项目", p.RELOCATION: "易地扶贫搬迁", p.STUDENT: "贫困家庭学生资助",
}  # fmt: skip
_VOUCHER = (
    "id", "region_code", "year", "kind", "taken_on", "reason", "document", "key", "amount", "legs",
    "state", "decided_why", "created_by_id",
)  # fmt: skip
_PAYMENT = (
    "voucher_id", "account_id", "region_code", "payee_kind", "payee", "household_id", "subsidy",
    "period", "bank_account", "account_index", "amount",
)  # fmt: skip


@dataclass
class Movement:
    """A voucher to be: legs by account number in the plan, payments of its accounts."""

    kind: str
    booked_by: str
    day: date
    reason: str
    document: str
    legs: dict[int, int] = field(default_factory=dict)  # account → fen
    pays: list[tuple[object, ...]] = field(default_factory=list)


class LedgerRows:
    """What is booked, and where: accounts get their keys when the rows are written."""

    def __init__(
        self, cursor: Any, people: dict[str, Any], streams: Sequence[plan.Stream], scale: float
    ) -> None:
        self.cursor, self.scale, self.streams = cursor, scale, streams
        self.people = {name: one.pk for name, one in people.items()}
        regions = Region.objects.valid_in_year(p.YEAR).filter(code__startswith=PREFIX)
        self.regions: dict[str, tuple[int, str]] = {
            code: (key, name) for code, key, name in regions.values_list("code", "pk", "name")
        }
        self.accounts: dict[tuple[int, str, str, str, int | None, int], int] = {}
        self.movements: list[Movement] = []
        self.outside: dict[int, int] = {}
        self.source_keys: list[int] = []
        self.fake_accounts: dict[str, str] = {}

    def county(self, prefix: str) -> str:
        return prefix.ljust(12, "0")

    def name(self, prefix: str) -> str:
        return self.regions[self.county(prefix)][1]

    def sources(self) -> None:
        papers = [(one.paper, one.booked_by, one.units) for one in self.streams]
        papers.append((p.PAPER_BEFORE, PREFIX, scaled(p.PAPER_BEFORE.amount, self.scale)))
        papers.append((p.PAPER_AFTER, PREFIX, scaled(p.PAPER_AFTER.amount, self.scale)))
        first = reserve(self.cursor, Source, len(papers))
        self.source_keys = [first + at for at in range(len(papers))]
        columns = (
            "id", "doc_no", "title", "level", "kind", "batch", "year", "issued_on", "issuer",
            "purpose", "amount", "region_id", "region_code", "created_by_id",
        )  # fmt: skip
        rows = []
        for key, (paper, by, units) in zip(self.source_keys, papers, strict=True):
            number, issuer = paper.number, paper.issuer
            if paper.own:
                name = self.name(by)
                number, issuer = number.replace("演示县", f"演示{name[0]}"), f"{name}{issuer}"
            year = paper.arrives.year
            rows.append(
                (key, number, paper.title, str(paper.level), paper.kind, paper.batch, year,
                 paper.issued, issuer, _USES[paper.use], units * p.UNIT,
                 self.regions[self.county(by)][0], self.county(by), self.by(by)[0])
            )  # fmt: skip
        copy_rows(self.cursor, Source, columns, rows)
        self.cursor.execute(
            "SELECT source_id, id FROM funds_account WHERE kind = 'OUTSIDE' AND source_id = ANY (%s)",
            [self.source_keys],
        )
        self.outside = dict(self.cursor.fetchall())

    def by(self, county: str) -> tuple[int, int]:
        asks, posts = CASHIERS.get(county[:6], CITY)
        return self.people[asks], self.people[posts]

    def account(
        self, source: int, kind: str, code: str, unit: str = "", project: int | None = None,
        year: int = p.YEAR,
    ) -> int:  # fmt: skip
        """The account's number in the plan: its place among the new ones."""
        key = (source, kind, code, unit, project, year)
        return self.accounts.setdefault(key, len(self.accounts))

    def contractor(self, account: int, code: str, payee: str, fen: int) -> tuple[object, ...]:
        number = self.fake_accounts.setdefault(payee, f"9901{len(self.fake_accounts) + 1:012d}")
        sealed, index = self.sealed(number)
        return account, code, PayeeKind.CONTRACTOR.value, payee, None, "", "", sealed, index, fen

    def sealed(self, number: str) -> tuple[str, str]:
        return (
            as_bytes(vault.seal("bank_account", number)), as_bytes(vault.index("bank_account", number))
        )  # fmt: skip

    def rows(self) -> dict[str, int]:
        cursor = self.cursor
        first_account = reserve(cursor, Account, len(self.accounts))
        copy_rows(
            cursor, Account,
            ("id", "source_id", "kind", "region_id", "region_code", "unit", "project_id", "year"),
            (
                (first_account + number, self.source_keys[source], kind, self.regions[code][0], code,
                 unit, project, year)
                for (source, kind, code, unit, project, year), number in self.accounts.items()
            ),
        )  # fmt: skip
        codes = {number: key[2] for key, number in self.accounts.items()}

        def account(number: int) -> tuple[int, str]:
            if number >= 0:
                return first_account + number, codes[number]
            at = -1 - number
            booked = self.streams[at].booked_by if at < len(self.streams) else PREFIX
            return self.outside[self.source_keys[at]], self.county(booked)

        self.first = reserve(cursor, Voucher, len(self.movements))
        copy_rows(cursor, Voucher, _VOUCHER, self.vouchers())
        analyze(cursor, (Account, Voucher))
        entries = [
            (self.first + at, *account(number), _yuan(fen))
            for at, one in enumerate(self.movements) for number, fen in one.legs.items()
        ]  # fmt: skip
        copy_rows(cursor, Entry, ("voucher_id", "account_id", "region_code", "amount"), entries)
        payments = [
            (self.first + at, account(pay[0])[0], *pay[1:-1], _yuan(pay[-1]))  # type: ignore[arg-type]
            for at, one in enumerate(self.movements) for pay in one.pays
        ]  # fmt: skip
        copy_rows(cursor, Payment, _PAYMENT, payments)
        analyze(cursor, (Entry, Payment, PaymentTotal))
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        return {
            "来源文件": len(self.source_keys), "账户": len(self.accounts),
            "凭证": len(self.movements), "分录": len(entries), "支付": len(payments),
        }  # fmt: skip

    def vouchers(self) -> Iterator[tuple[object, ...]]:
        for at, one in enumerate(self.movements):
            amount = sum(fen for fen in one.legs.values() if fen > 0)
            yield (
                self.first + at, self.county(one.booked_by), one.day.year, str(one.kind), one.day, one.reason,
                one.document, f"demo-{at}", _yuan(amount), len(one.legs), "PENDING", "",
                self.by(one.booked_by)[0],
            )  # fmt: skip

    def post(self) -> None:
        """In the order of days, in each arrivals before allocations before payments."""
        start = 0
        while start < len(self.movements):
            first = self.movements[start]
            end = start
            while end < len(self.movements) and (
                (self.movements[end].day, self.movements[end].kind) == (first.day, first.kind)
            ):
                end += 1
            for posts in {self.by(one.booked_by)[1] for one in self.movements[start:end]}:
                keys = [
                    self.first + at for at in range(start, end)
                    if self.by(self.movements[at].booked_by)[1] == posts
                ]  # fmt: skip
                self.cursor.execute(
                    "UPDATE funds_voucher SET state = 'POSTED', decided_by_id = %s,"
                    " decided_at = now() WHERE id = ANY (%s)",
                    [posts, keys],
                )
            start = end


def _yuan(fen: int) -> Decimal:
    return (Decimal(fen) / 100).quantize(_CENT)


def as_bytes(blob: bytes | memoryview | None) -> str:
    """As COPY reads bytes."""
    return "\\\\x" + bytes(blob or b"").hex()
