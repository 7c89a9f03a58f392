"""Beginning the exit of the villages of a county, or of the county itself."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction

from core.acting import acting
from exits.catalog import exit_template
from exits.checks.procedures import COUNTY, TOWN, decides_at
from exits.enums import SubjectLevel
from exits.models import ExitCase, ExitProcedure
from exits.services.procedures_steps import DECIDE, Said, UnfitError, advance, record, unready
from households.models import Partition
from villages.formulas import short_name
from villages.models import CountyYear, Region, VillageYear


@dataclass(frozen=True)
class LeftOut:
    """A village that was not put on a list, and why."""

    region: Region
    why: str


def propose_villages(
    *, villages: Sequence[Region], partition: int, on: date, said: Said, by: Any
) -> tuple[list[ExitProcedure], list[LeftOut]]:
    """Begin the exit of poor villages, one procedure for those of each town.

    Villages that are not poor, have exited, stand in a procedure of the year or are not ready are
    left out with the reason. Raises UnfitError where nothing is left, and for want of the right.
    """
    _refuse_closed(partition)
    codes = [one.code for one in villages]
    if not codes or not all(_in_charge(by, code, TOWN) for code in codes):
        raise UnfitError("请选择您所在乡镇或本县的贫困村。")
    left = _left_out(villages, partition)
    out = {one.region.code for one in left}
    by_town: dict[str, list[Region]] = {}
    for one in villages:
        if one.code not in out:
            by_town.setdefault(one.code[:TOWN], []).append(one)
    if not by_town:
        raise UnfitError("所选的村都不能提出退出：" + "；".join(_words(left)))
    towns = {
        one.code: one
        for one in Region.objects.valid_in_year(partition).filter(
            code__in=[f"{prefix}000" for prefix in by_town]
        )
    }
    with acting(by=by, reason=f"提出贫困村退出：{said.reason}"):
        made = [
            _begin(
                SubjectLevel.VILLAGE, towns[f"{prefix}000"], rows, partition=partition, on=on,
                said=said, by=by,
            )
            for prefix, rows in sorted(by_town.items())
        ]  # fmt: skip
    return made, left


def _in_charge(by: Any, code: str, level: int) -> bool:
    """Towns propose their own villages, a county those of all its towns."""
    return any(
        len(prefix) in (level, COUNTY) and code.startswith(prefix)
        for prefix in by.prefixes_for(DECIDE)
    )


def _left_out(villages: Sequence[Region], partition: int) -> list[LeftOut]:
    codes = [one.code for one in villages]
    rows: Any = VillageYear.objects.filter(region_code__in=codes, year=partition)
    facts = {row.region_code: row for row in rows}
    standing = set(
        ExitCase.objects.filter(
            region_code__in=codes, partition=partition, is_standing=True
        ).values_list("region_code", flat=True)
    )
    open_items = unready(SubjectLevel.VILLAGE, codes, partition)
    found = []
    for one in villages:
        row = facts.get(one.code)
        if row is None or not row.is_poor_village:
            found.append(LeftOut(one, "该年度不是贫困村，或没有年度信息"))
        elif row.exited_year is not None:
            found.append(LeftOut(one, f"已于 {row.exited_year} 年退出"))
        elif one.code in standing:
            found.append(LeftOut(one, "正在办理退出"))
        elif one.code in open_items:
            found.append(LeftOut(one, open_items[one.code]))
    return found


def _words(left: Iterable[LeftOut]) -> list[str]:
    return [f"{short_name(one.region.name)}：{one.why}" for one in left]


def propose_county(
    *, county: Region, partition: int, on: date, said: Said, by: Any
) -> ExitProcedure:
    """Begin the exit of a poor county with its self-assessment."""
    _refuse_closed(partition)
    if not decides_at(by.prefixes_for(DECIDE), county.code, COUNTY):
        raise UnfitError("由本县扶贫开发领导小组提出。")
    row: Any = CountyYear.objects.filter(region_code=county.code, year=partition).first()
    if row is None or row.poverty_level == "none":
        raise UnfitError("该年度不是贫困县，或没有年度信息。")
    if row.exited_year is not None:
        raise UnfitError(f"已于 {row.exited_year} 年退出。")
    with acting(by=by, reason=f"提出贫困县退出：{said.reason}"):
        return _begin(
            SubjectLevel.COUNTY, county, [county], partition=partition, on=on, said=said, by=by
        )


def _refuse_closed(partition: int) -> None:
    if not Partition.objects.filter(year=partition, closed_at__isnull=True).exists():
        raise UnfitError("本年度没有开放，或已关闭。")


def _begin(
    level: str, region: Region, places: Sequence[Region], *, partition: int, on: date, said: Said,
    by: Any,
) -> ExitProcedure:  # fmt: skip
    template = exit_template(level, region.code)
    procedure = ExitProcedure.objects.create(
        level=level, region=region, region_code=region.code, partition_id=partition,
        step=template.steps[0].code, started_on=on, created_by=by,
    )  # fmt: skip
    try:
        with transaction.atomic():
            ExitCase.objects.bulk_create(
                ExitCase(
                    procedure=procedure, region=one, region_code=one.code,
                    name=short_name(one.name), partition_id=partition,
                )
                for one in places
            )  # fmt: skip
    except IntegrityError as error:
        raise UnfitError("名单中有的正在办理退出，请刷新后再试。") from error
    record(procedure, template.steps[0], on, said, by)
    advance(procedure, template)
    return procedure
