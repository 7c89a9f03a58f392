"""The demo city's ledger of 2018: documents, arrivals, allocations and payments, posted by two persons.

Movements are planned by `money_plan` from the projects as they stand in the database; rows go in by
COPY while their vouchers wait, and are posted day by day, so that every rule of the ledger has its say.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import islice
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection

from core import vault
from core.acting import acting
from funds.enums import AccountKind, PayeeKind, VoucherKind
from funds.models import Account, Entry, Payment, PaymentTotal, Source, Voucher
from imports.demo import money_plan as plan
from imports.demo import money_stories
from imports.demo import published_money as p
from imports.demo.budgets import CountyMoney
from imports.demo.bulk import analyze
from imports.demo.cells import scaled
from imports.demo.ledger_rows import CASHIERS, CITY, LedgerRows, Movement, as_bytes
from imports.demo.project_rows import PREFIX
from imports.demo.projects import NoPeopleError, ground, planned
from imports.demo.shares import apportion
from projects.models import Project

_MOST_LEGS = 12
_RANK = {VoucherKind.ARRIVE: 0, VoucherKind.ALLOCATE: 1, VoucherKind.PAY: 2}
_SUBSIDY = {"06": "农村危房改造补助"}
_HELP, _PERIOD = "产业发展到户奖补", f"{p.YEAR}年"


def make_money() -> dict[str, int]:
    """Make it, all or nothing; nothing where there is any money. Raises NoPeopleError."""
    names = {*CITY, *(name for pair in CASHIERS.values() for name in pair)}
    people = {one.username: one for one in get_user_model().objects.filter(username__in=names)}
    if len(people) < len(names):
        raise NoPeopleError
    with acting(by=people[CITY[0]], reason="演示城市"), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [4103_0003])
        if Source.objects.filter(region_code__startswith=PREFIX).exists():
            return {}
        if not Project.objects.filter(region_code__startswith=PREFIX).exists():
            raise NoPeopleError
        found = ground(cursor)
        _, money = planned(found)
        made = _Writer(cursor, people, money, found.poor, found.scale).write()
        money_stories.tell(people, CASHIERS)
        return made


class _Writer(LedgerRows):
    """All movements of the year, from what the plan and the projects say."""

    def __init__(
        self, cursor: Any, people: dict[str, Any], money: list[CountyMoney],
        poor: frozenset[str], scale: float,
    ) -> None:  # fmt: skip
        super().__init__(cursor, people, plan.streams(money, poor, scale), scale)
        self.money = money
        self.projects = {
            one.pk: one for one in Project.objects.filter(
                region_code__startswith=PREFIX, budget__isnull=False
            ).exclude(state="CANCELLED").order_by("pk")
        }  # fmt: skip
        self.holders = self._project_holders() + self._offices()

    def _project_holders(self) -> list[plan.Holder]:
        days: dict[int, dict[str, date]] = defaultdict(dict)
        self.cursor.execute(
            "SELECT project_id, state, taken_on FROM projects_projectstep"
            " WHERE region_code ^@ %s ORDER BY project_id, position",
            [PREFIX],
        )
        for key, state, day in self.cursor.fetchall():
            days[key][state] = day
        self.cursor.execute(
            "SELECT project_id, audited FROM projects_settlement WHERE region_code ^@ %s", [PREFIX]
        )
        audited = dict(self.cursor.fetchall())
        return [
            plan.Holder(
                one.region_code[:6], one.region_code, int((one.budget or 0) / p.UNIT), key,
                kind=one.type_id, state=one.state, audited=int(audited.get(key, 0) * 100),
                days=days[key],
            )
            for key, one in self.projects.items()
        ]  # fmt: skip

    def _offices(self) -> list[plan.Holder]:
        """Each county's office with what it manages; the city's get theirs from the city's fund."""
        return [
            plan.Holder(
                one.code, self.county(one.code), one.office,
                unit=f"{self.name(one.code)}扶贫开发办公室（项目管理费）",
            )
            for one in self.money if one.office
        ]  # fmt: skip

    def write(self) -> dict[str, int]:
        plan.allot(self.holders, self.streams, self.money)
        self._city_offices()
        plan.spend(self.holders, self.scale)
        self.sources()
        self._arrivals()
        self._down()
        self._allotments()
        self._year_before()
        self.payments()
        self.movements.sort(key=lambda one: (one.day, _RANK[VoucherKind(one.kind)]))
        counts = self.rows()
        self.post()
        analyze(self.cursor, (Account, Voucher, Entry, Payment, PaymentTotal))
        return counts

    def _arrivals(self) -> None:
        for at, one in enumerate(self.streams):
            pool = self.account(at, AccountKind.POOL, self.county(one.booked_by))
            fen = one.units * plan.FEN
            self.movements.append(
                Movement(VoucherKind.ARRIVE, one.booked_by, one.paper.arrives, "资金到位",
                         one.paper.number, {-1 - at: -fen, pool: fen})
            )  # fmt: skip

    def _down(self) -> None:
        """The city's pools to the counties'."""
        for at, one in enumerate(self.streams):
            if one.booked_by != PREFIX:
                continue
            legs = {
                self.account(at, AccountKind.POOL, self.county(county)): units * plan.FEN
                for county, units in one.shares.items()
            }
            legs[self.account(at, AccountKind.POOL, self.county(PREFIX))] = -sum(legs.values())
            day = one.pool_day(next(iter(one.shares)))
            self.movements.append(
                Movement(VoucherKind.ALLOCATE, PREFIX, day, f"{one.paper.title}分配到县",
                         f"{one.paper.number}分配方案", legs)
            )  # fmt: skip

    def _allotments(self) -> None:
        groups: dict[tuple[str, int, date], list[plan.Slice]] = defaultdict(list)
        for holder in self.holders:
            for part in holder.slices:
                groups[holder.county, part.stream, part.day].append(part)
        for (county, at, day), parts in groups.items():
            pool = self.account(at, AccountKind.POOL, self.county(county))
            for some in _chunks(parts):
                legs = {self.allotment(part): part.units * plan.FEN for part in some}
                legs[pool] = -sum(legs.values())
                self.movements.append(
                    Movement(VoucherKind.ALLOCATE, county, day, "安排到项目和单位",
                             f"演示资金安排〔{p.YEAR}〕{day:%m%d}号", legs)
                )  # fmt: skip

    def allotment(self, part: plan.Slice, kind: str = AccountKind.ALLOTMENT) -> int:
        one = part.holder
        return self.account(part.stream, kind, one.site, one.unit, one.key)

    def _city_offices(self) -> None:
        """The city's own offices: their share of the first city document."""
        at = next(i for i, one in enumerate(self.streams) if one.paper.kind == "31")
        stream = self.streams[at]
        parts = apportion(stream.kept, [units for _, units in p.CITY_OFFICES])
        day = stream.paper.arrives.replace(day=26)
        offices = [
            plan.Holder(PREFIX, self.county(PREFIX), units, unit=unit)
            for (unit, _), units in zip(p.CITY_OFFICES, parts, strict=True) if units
        ]  # fmt: skip
        for one in offices:
            one.slices.append(plan.Slice(one, at, one.units, day))
        self.holders += offices

    def _year_before(self) -> None:
        """The city's fund of the year before, through the counties' offices, paid to the last yuan."""
        at, year = len(self.streams), p.YEAR - 1
        paper = p.PAPER_BEFORE
        units = scaled(paper.amount, self.scale)
        pool = self.account(at, AccountKind.POOL, self.county(PREFIX), year=year)
        fen = units * plan.FEN
        arrive = Movement(VoucherKind.ARRIVE, PREFIX, paper.arrives, "资金到位", paper.number,
                          {-1 - at: -fen, pool: fen})  # fmt: skip
        parts = apportion(units, [one.total for one in self.money])
        down = Movement(VoucherKind.ALLOCATE, PREFIX, date(year, 3, 6), "安排到县扶贫办",
                        f"{paper.number}分配方案", {pool: -fen})  # fmt: skip
        self.movements += [arrive, down]
        for county, part in zip(self.money, parts, strict=True):
            if not part:
                continue
            code, unit = self.county(county.code), f"{self.name(county.code)}扶贫开发办公室"
            accounts = [
                self.account(at, kind, code, unit, year=year)
                for kind in (AccountKind.ALLOTMENT, AccountKind.PAID)
            ]
            down.legs[accounts[0]] = part * plan.FEN
            pay = Movement(VoucherKind.PAY, county.code, date(year, 11, 20), "2017年项目款",
                           f"演示支付〔{year}〕1号", {accounts[0]: -part * plan.FEN,
                                                      accounts[1]: part * plan.FEN})  # fmt: skip
            payee = f"洛阳演示{self.name(county.code)[:2]}工程有限公司"
            pay.pays.append(self.contractor(accounts[0], code, payee, part * plan.FEN))
            self.movements.append(pay)

    def payments(self) -> None:
        groups: dict[tuple[str, int, date, bool], list[plan.Tranche]] = defaultdict(list)
        for holder in self.holders:
            for part in plan.tranches(holder):
                groups[holder.county, part.slice.stream, part.day, part.by_card].append(part)
        cards = self.cards()
        for number, ((county, _, day, by_card), parts) in enumerate(sorted(groups.items()), 1):
            for some in _chunks(parts):
                made = Movement(
                    VoucherKind.PAY, county, day,
                    "一卡通发放到户补助" if by_card else "支付项目款",
                    f"演示支付〔{p.YEAR}〕{number}号",
                )  # fmt: skip
                for one in some:
                    self.pay(made, one, cards)
                self.movements.append(made)

    def pay(
        self, made: Movement, one: plan.Tranche, cards: dict[int, list[tuple[Any, ...]]]
    ) -> None:
        out = self.allotment(one.slice)
        into = self.allotment(one.slice, AccountKind.PAID)
        made.legs[out] = made.legs.get(out, 0) - one.fen
        made.legs[into] = made.legs.get(into, 0) + one.fen
        holder = one.slice.holder
        homes = cards.get(holder.key or 0, []) if one.by_card else []
        # Of a holder with several slices each pays its own part of the list: nobody is paid twice.
        homes = homes[holder.slices.index(one.slice) :: len(holder.slices)]
        if homes:
            parts = plan.household_parts(one.fen, len(homes), holder.key)
            subsidy = _SUBSIDY.get(holder.kind, _HELP)
            for (household, village, name, sealed, index), fen in zip(homes, parts, strict=True):
                made.pays.append(
                    (out, village, PayeeKind.HOUSEHOLD.value, name, household, subsidy,
                     _PERIOD, sealed, index, fen)
                )  # fmt: skip
            return
        project = self.projects.get(holder.key or 0)
        payee = (project.contractor or project.unit) if project else "洛阳演示办公服务有限公司"
        if holder.use == p.STUDENT:
            payee = f"{self.name(holder.county)}{payee}"
        made.pays.append(self.contractor(out, holder.site, payee, one.fen))

    def cards(self) -> dict[int, list[tuple[Any, ...]]]:
        """Project → (household, village, head, sealed account, its index) of those it pays by card."""
        keys = [
            one.key for one in self.holders
            if one.key and any(by_card for _, _, by_card in plan.due(one))
        ]  # fmt: skip
        self.cursor.execute(
            "SELECT b.project_id, b.household_id, b.village_code, y.head_name, y.bank_account"
            "  FROM projects_beneficiary b JOIN households_householdyear y"
            "    ON y.household_id = b.household_id AND y.partition_id = %s"
            " WHERE b.project_id = ANY (%s) AND b.kind = 'HOUSEHOLD' ORDER BY b.id",
            [p.YEAR, keys],
        )
        rows = self.cursor.fetchall()
        numbers = [
            vault.open_sealed("bank_account", row[4]).encode() if row[4] else b"" for row in rows
        ]
        indexes = vault.indexes("bank_account", numbers)
        found: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
        for row, index in zip(rows, indexes, strict=True):
            if index is not None:  # who has no account is not paid by card
                found[row[0]].append((row[1], row[2], row[3], as_bytes(row[4]), as_bytes(index)))
        return found


def _chunks(items: Sequence[Any]) -> Iterable[list[Any]]:
    rest = iter(items)
    while some := list(islice(rest, _MOST_LEGS)):
        yield some
