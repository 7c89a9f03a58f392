"""A city scores its counties by quarter, by a rule it states with its source."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from core.acting import acting
from core.scope import trim
from inspections.enums.ranking import PER_CENT
from inspections.formulas import ranking as formulas
from inspections.formulas.ranking import Item
from inspections.models import RankingRow, RankingRun, ScoreItem, ScoringRule
from inspections.queries.findings import ranking as queries
from inspections.queries.findings.ranking import Quarter
from inspections.services.common import UnfitError
from inspections.services.findings.common import require_find
from villages.models import Region

_CITY = 4
_PLACES = Decimal("0.0001")


@dataclass(frozen=True)
class Placed:
    """A county's place; `parts` are, by figure, the two integers and the points, if any."""

    code: str
    name: str
    rank: int | None
    points: Decimal | None
    parts: dict[str, tuple[int, int, Decimal | None]]


def set_rule(
    *, prefix: str, valid_from: date, source: str, items: Sequence[dict[str, Any]], by: Any
) -> ScoringRule:
    """State how counties are scored from a day on. `items` as ScoreItem has them. Raises UnfitError."""
    require_find(prefix, by)
    if len(trim(prefix)) != _CITY:
        raise UnfitError("评分办法由市设置。")
    if not source.strip():
        raise UnfitError("请写明评分办法的依据。")
    if not items:
        raise UnfitError("请至少填写一个评分项。")
    try:
        with acting(by=by, reason="设置季度评分办法"), transaction.atomic():
            rule = ScoringRule.objects.create(
                region_prefix=trim(prefix), valid_from=valid_from, source=source.strip(),
                created_by=by,
            )  # fmt: skip
            ScoreItem.objects.bulk_create(ScoreItem(rule=rule, **item) for item in items)
    except IntegrityError as error:
        name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", "")
        if name == "scoring_once":
            raise UnfitError("这一天起已有一个评分办法，请换一个生效日期。") from error
        raise UnfitError("满分须大于 0，得满分的值与不得分的值不能相同。") from error
    return rule


def placed(city: str, quarter: Quarter, rule: ScoringRule | None) -> list[Placed]:
    """The counties as they stood at the quarter's end, the best first; without a rule by name."""
    found = queries.counties(city, quarter)
    items = [] if rule is None else [_item(one) for one in rule.items.all()]
    earned = {
        one.code: {item.figure: formulas.points(item, *one.figures[item.figure]) for item in items}
        for one in found
    }
    totals = {code: formulas.total(items, points) for code, points in earned.items()}
    ranks = formulas.ranks(totals)
    rows = [
        Placed(
            one.code, one.name, ranks[one.code], _shown(totals[one.code]),
            {
                figure: (*told, _shown(earned[one.code].get(figure)))
                for figure, told in one.figures.items()
            },
        )
        for one in found
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (row.rank is None, row.rank or 0, row.code))


def _item(one: ScoreItem) -> Item:
    return Item(
        one.figure, Fraction(one.points), Fraction(one.full_at), Fraction(one.zero_at),
        one.figure in PER_CENT,
    )  # fmt: skip


def _shown(points: Fraction | None) -> Decimal | None:
    if points is None:
        return None
    return (Decimal(points.numerator) / Decimal(points.denominator)).quantize(_PLACES)


def publish(*, city: Region, quarter: Quarter, by: Any) -> RankingRun:
    """Make a quarter's ranking public, once it is over; it stays as it is. Raises UnfitError."""
    require_find(city.code, by)
    if quarter.last >= timezone.localdate():
        raise UnfitError("本季度还没有结束，不能公布排名。")
    rule = queries.rule_for(city.code, quarter.last)
    if rule is None:
        raise UnfitError("没有适用于该季度的评分办法，请先设置。")
    try:
        with acting(by=by, reason=f"公布{quarter.label}排名"), transaction.atomic():
            run = RankingRun.objects.create(
                region=city, region_code=city.code, year=quarter.year, quarter=quarter.number,
                rule=rule, published_by=by,
            )  # fmt: skip
            RankingRow.objects.bulk_create(
                RankingRow(
                    run=run,
                    county_code=row.code,
                    name=row.name,
                    rank=row.rank,
                    points=row.points,
                    parts={
                        figure: [told[0], told[1], None if told[2] is None else str(told[2])]
                        for figure, told in row.parts.items()
                    },
                )
                for row in placed(city.code, quarter, rule)
            )
    except IntegrityError as error:
        raise UnfitError("该季度的排名已经公布。") from error
    return run


def of_run(run: RankingRun) -> list[Placed]:
    """What was made public."""
    rows = [
        Placed(
            row.county_code, row.name, row.rank, row.points,
            {
                figure: (told[0], told[1], None if told[2] is None else Decimal(told[2]))
                for figure, told in row.parts.items()
            },
        )
        for row in run.rows.all()
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (row.rank is None, row.rank or 0, row.code))
