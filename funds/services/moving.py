"""Money arrives, is handed down and allotted, and is carried over at the end of a year."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from core.acting import acting
from core.scope import covers
from funds.enums import AccountKind, VoucherKind
from funds.models import Account, ClosedYear, Source, Voucher
from funds.services.common import APPROVE, EDIT, UnfitError, refused, require
from funds.services.posting import Ground, Leg, asked, known
from projects.models import Project
from villages.models import Region


@dataclass(frozen=True)
class Share:
    """What somebody gets of a pool: a division (to hand on), or a unit or project in it (to spend)."""

    region: Region
    amount: Decimal
    unit: str = ""
    project: Project | None = None

    @property
    def kind(self) -> str:
        return AccountKind.ALLOTMENT if self.unit or self.project else AccountKind.POOL


def account_of(
    source: Source, kind: str, region: Region, year: int, unit: str = "",
    project: Project | None = None,
) -> Account:  # fmt: skip
    """The account of this money for this holder and year, opened where it does not exist yet."""
    found, _ = Account.objects.get_or_create(
        source=source, kind=kind, region=region, unit=unit, project=project, year=year,
        defaults={"region_code": region.code},
    )  # fmt: skip
    return found


def arrive(*, source: Source, amount: Decimal, ground: Ground, by: Any) -> Voucher:
    """Money of a source has come in; it waits in the division's pool."""
    _positive([amount])
    with acting(by=by, reason=f"资金到位：{source.doc_no}"), refused():
        require(source.region_code, EDIT, by)
        if (again := known(source.region_code, ground.key)) is not None:
            return again
        awaited = Account.objects.get(source=source, kind=AccountKind.OUTSIDE)
        pool = account_of(source, AccountKind.POOL, source.region, ground.on.year)
        return asked(
            kind=VoucherKind.ARRIVE, code=source.region_code, ground=ground,
            legs=[Leg(awaited, -amount), Leg(pool, amount)], by=by,
        )  # fmt: skip


def allocate(*, pool: Account, shares: Sequence[Share], ground: Ground, by: Any) -> Voucher:
    """Hand money of a pool down to divisions below it, or allot it to units and projects."""
    _positive([share.amount for share in shares])
    if pool.kind != AccountKind.POOL or not shares:
        raise UnfitError("请从到位未分配的资金中分配，并至少写明一个分配对象。")
    with acting(by=by, reason=f"资金分配：{ground.document}"), refused():
        require(pool.region_code, EDIT, by)
        if (again := known(pool.region_code, ground.key)) is not None:
            return again
        for share in shares:
            _below(pool, share, by)
        legs: dict[int, Leg] = {}
        for share in shares:
            account = account_of(
                pool.source, share.kind, share.region, pool.year, share.unit, share.project
            )
            before = legs[account.pk].amount if account.pk in legs else Decimal(0)
            legs[account.pk] = Leg(account, before + share.amount)
        total = sum((share.amount for share in shares), Decimal(0))
        return asked(
            kind=VoucherKind.ALLOCATE, code=pool.region_code, ground=ground,
            legs=[Leg(pool, -total), *legs.values()], by=by,
        )  # fmt: skip


def _below(pool: Account, share: Share, by: Any) -> None:
    if not covers(by, share.region.code, EDIT):
        raise UnfitError(f"{share.region.name}不在您的区划内，不能向其分配。")
    if share.kind == AccountKind.POOL and share.region.code == pool.region_code:
        raise UnfitError("不能分配给本级自己；请选择下级区划，或写明单位、项目。")


def carry_over(*, region: Region, year: int, ground: Ground, by: Any) -> Voucher:
    """Bring what is left of a division's year into the next one, account by account, in one voucher.

    `ground.on` lies in the next year. Raises UnfitError where nothing is left.
    """
    if ground.on.year != year + 1:
        raise UnfitError(f"{year} 年的结转应在 {year + 1} 年内办理。")
    with acting(by=by, reason=f"年终结转：{year} 年"), refused():
        require(region.code, EDIT, by)
        if (again := known(region.code, ground.key)) is not None:
            return again
        left = Account.objects.filter(
            region_code=region.code, year=year, balance__gt=0,
            kind__in=(AccountKind.POOL, AccountKind.ALLOTMENT),
        ).select_related("source", "region", "project").order_by("pk")  # fmt: skip
        rows = list(left)
        if not rows:
            raise UnfitError(f"{year} 年没有需要结转的资金。")
        Account.objects.bulk_create(
            (
                Account(
                    source=row.source, kind=row.kind, region=row.region, unit=row.unit,
                    region_code=row.region_code, project=row.project, year=year + 1,
                )
                for row in rows
            ),
            ignore_conflicts=True,
        )  # fmt: skip
        next_year = {
            (one.source_id, one.kind, one.unit, one.project_id): one
            for one in Account.objects.filter(region_code=region.code, year=year + 1)
        }
        legs = [Leg(row, -row.balance) for row in rows] + [
            Leg(next_year[row.source_id, row.kind, row.unit, row.project_id], row.balance)
            for row in rows
        ]
        return asked(kind=VoucherKind.CARRY, code=region.code, ground=ground, legs=legs, by=by)


def close_year(*, region: Region, year: int, by: Any) -> ClosedYear:
    """Close the books of a division's year; from then on nothing dated in it is posted."""
    with acting(by=by, reason=f"{year} 年关账"), refused():
        require(region.code, APPROVE, by)
        return ClosedYear.objects.create(region_code=region.code, year=year, created_by=by)


def _positive(amounts: Sequence[Decimal]) -> None:
    if any(amount <= 0 for amount in amounts):
        raise UnfitError("金额必须大于 0。")
