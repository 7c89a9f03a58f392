"""A village's facts of one year, entered by an official."""

import hashlib
from collections.abc import Mapping
from datetime import date
from typing import Any, cast

from django.db import IntegrityError, OperationalError, models, transaction

from core.acting import acting
from villages import checks
from villages.enums import Level
from villages.models import Region, VillageYear
from villages.queries.yearly import facts, written

# SQLSTATE object_not_in_prerequisite_state, which triggers on closed years raise.
_CLOSED = "55000"


class FactsRefusedError(Exception):
    """Some facts are wrong, or odd and not confirmed; nothing was written."""

    def __init__(self, doubts: list[checks.Doubt]) -> None:
        super().__init__(f"共 {len(doubts)} 处需要处理，没有保存。")
        self.doubts = doubts


class StaleFactsError(Exception):
    """Somebody else wrote the year meanwhile; `changes` are (label, theirs) of what now differs."""

    def __init__(self, row: VillageYear, seen: Mapping[str, Any]) -> None:
        super().__init__("打开本页以后，数据已被他人修改，没有保存。")
        self.row = row
        self.changes = [
            (str(field.verbose_name), written(field, getattr(row, field.name)))
            for field in facts()
            if getattr(row, field.name) != seen.get(field.name)
        ]


class ClosedYearError(Exception):
    """The year is closed; nothing was written."""


def version_of(row: VillageYear | None) -> str:
    """A print of what the year says now; "" when there is no row. Two equal prints, equal facts."""
    if row is None:
        return ""
    told = [str(getattr(row, field.name)) for field in facts()]
    return hashlib.sha256("\0".join([*told, row.source]).encode()).hexdigest()[:32]


def year_of(region: Region, year: int) -> VillageYear | None:
    found = VillageYear.objects.filter(region_code=region.code, year=year)
    return cast("VillageYear | None", found.first())


def edit_facts(
    *,
    region: Region,
    year: int,
    values: Mapping[str, Any],
    source: str,
    version: str,
    confirmed: bool,
    reason: str,
    by: Any,
) -> VillageYear:
    """Write a village's year as a whole; `version` is the print of what the official had before them.

    Raises FactsRefusedError, StaleFactsError or ClosedYearError; then nothing was written. Values
    that say what stands already change nothing and leave no image.
    """
    if region.level != Level.VILLAGE or not region.is_valid_on(date(year, 12, 31)):
        raise ValueError("facts belong to a village of the year")
    before = year_of(region, year - 1)
    told = {field.name: values.get(field.name) for field in facts()}
    _refuse(told, year, before, confirmed=confirmed)
    try:
        with acting(by=by, reason=reason):
            return _written(region, year, told, source, version)
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", "") != _CLOSED:
            raise
        raise ClosedYearError(f"{year} 年度已关闭，不能修改。") from error


def _refuse(
    told: Mapping[str, Any], year: int, before: VillageYear | None, *, confirmed: bool
) -> None:
    labels = {field.name: str(field.verbose_name) for field in facts()}
    then = {field.name: getattr(before, field.name) for field in facts()} if before else {}
    doubts = checks.village_year(told, year, labels, then)
    if any(one.is_error for one in doubts) or (doubts and not confirmed):
        raise FactsRefusedError(doubts)


def _written(
    region: Region, year: int, told: Mapping[str, Any], source: str, version: str
) -> VillageYear:
    rows = cast(
        "models.QuerySet[VillageYear]",
        VillageYear.objects.select_for_update().filter(region_code=region.code, year=year),
    )
    row = rows.first()
    if row is not None and version_of(row) != version:
        raise StaleFactsError(row, told)
    values = {**told, "source": source}
    if row is None:
        try:
            with transaction.atomic():
                created: Any = VillageYear.objects.create(
                    region=region, region_code=region.code, year=year, **values
                )
                return cast("VillageYear", created)
        except IntegrityError as error:
            raise StaleFactsError(rows.get(), told) from error
    changed = [name for name, value in values.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, values[name])
    if changed:
        row.save(update_fields=changed)
    return row
