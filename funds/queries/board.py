"""The leader's page about money: gathered in a fixed number of queries, whatever the number of counties."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from core.scope import Actor
from exits.models import MetricDefinition
from funds import formulas
from funds.enums import AccountKind, SourceLevel
from funds.formulas import Amounts, Rate
from funds.models import MonthFigure
from funds.queries import figures
from funds.queries.drill import ProjectCounts, project_counts
from households.catalog import labels
from projects.models import Project
from villages.enums import Level
from villages.formulas import short_name
from villages.models import Region
from villages.queries import children

OWN = "own"
_HOLDERS_SHOWN = 30
_DEBTORS_SHOWN = 6
_CURVE_SHOWN = 24


@dataclass
class Row:
    """One county, unit or project of the page: its amounts and what they make."""

    name: str
    amounts: Amounts
    code: str = ""
    project_id: int | None = None
    unit: str = ""
    persons: int | None = None

    @property
    def paid(self) -> Rate:
        return formulas.paid_rate(self.amounts)

    @property
    def allotted(self) -> Rate:
        return formulas.allotment_rate(self.amounts)

    @property
    def arrival(self) -> Rate:
        return formulas.arrival_rate(self.amounts)

    @property
    def each(self) -> Rate:
        return formulas.each(self.amounts.paid, self.persons, formulas.NO_PERSONS)


@dataclass
class Age:
    """One age of idle money: what waits to be allotted and what waits to be paid, in yuan."""

    bracket: int
    label: str
    waiting: Decimal
    unpaid: Decimal


@dataclass
class Debtor:
    """Who has to move money next, how much, and since when some of it lies there."""

    name: str
    act: str
    amount: Decimal
    since: date
    age: int
    kind: str
    code: str


@dataclass
class Board:
    region: Region
    year: int
    month: date
    # The edition that the page shows; None where it is live.
    told: MonthFigure | None
    whole: Row
    rows: list[Row]
    # Of a county: more units and projects than fit on the page.
    is_cut: bool
    definitions: dict[str, MetricDefinition]
    curve: list[tuple[date, Amounts]]
    ages: list[Age]
    debtors: list[Debtor]
    projects: ProjectCounts
    tallies: list[tuple[str, str, list[tuple[str, Row]]]] = field(default_factory=list)

    @property
    def target(self) -> Decimal | None:
        """The share of what arrived that is to be spent; None as long as nobody has set one."""
        found = self.definitions.get("fund_paid_rate")
        return found.threshold if found else None

    @property
    def lagging(self) -> list[Row]:
        """Those below the target, without one below the whole; the lowest first."""
        known = [row for row in self.rows if row.paid.is_known and row.code != OWN]
        if self.target is not None:
            late = [row for row in known if formulas.is_below(row.paid, self.target)]
        else:
            late = [row for row in known if formulas.compare(row.paid, self.whole.paid) < 0]
        return late if len(known) > 1 or self.target is not None else []


def board(region: Region, year: int, month: date, actor: Actor, *, is_live: bool) -> Board:
    """The page of one place and budget year: live until the end of `month`, else as it was told."""
    editions = [] if is_live else figures.told(region.code, year, actor, month)
    own = next((one for one in editions if one.region_code == region.code), None)
    live = figures.state(region.code, year, month)
    state = figures.state_told(region.code, editions) if own else live
    rows, codes = _rows(region, year, month, state, actor)
    registered = figures.persons([region.code, *codes], year, actor)
    for row in rows:
        row.persons = registered.get(row.code)
    whole = Row(region.name, state.whole, region.code, persons=registered.get(region.code))
    rows.sort(key=_urgency)
    idle, held = figures.idle(region.code, year, month, _DEBTORS_SHOWN)
    return Board(
        region=region, year=year, month=month, told=own, whole=whole, rows=rows,
        is_cut=region.level != Level.CITY and len(rows) >= _HOLDERS_SHOWN,
        definitions=figures.definitions(region.code, year),
        curve=_curve(region.code, year, month, live.months, actor),
        ages=_ages(idle, month),
        debtors=_debtors(held, year, month),
        projects=project_counts(region.code, year, month),
        tallies=_tallies(state if own else live),
    )  # fmt: skip


def _urgency(row: Row) -> tuple[bool, Decimal, str]:
    """The lowest rate first; what has none comes last."""
    rate = row.paid
    if not rate.is_known or not rate.denominator:
        return True, Decimal(0), row.code
    return False, Decimal(rate.numerator or 0) / rate.denominator, row.code


def _rows(
    region: Region, year: int, month: date, state: figures.State, actor: Actor
) -> tuple[list[Row], list[str]]:
    if region.level != Level.CITY:
        held = figures.holders(region.code, year, month, _HOLDERS_SHOWN)
        names = project_names(key[1] for key, _ in held)
        return [
            Row(names.get(project or 0, unit) if project else unit, amount, code, project, unit)
            for (unit, project, code), amount in held
        ], []
    places = list(children(region, date(year, 12, 31), actor))
    rows = [
        Row(short_name(one.name), state.places.get(one.code[:6], Amounts()), one.code)
        for one in places
        if one.code[:6] in state.places or not one.statistical_only
    ]
    if region.code[:6] in state.places:
        rows.append(Row("市本级", state.places[region.code[:6]], OWN))
    return rows, [one.code for one in places]


def project_names(keys: Iterable[int | None]) -> dict[int, str]:
    wanted = {key for key in keys if key}
    return dict(Project.objects.filter(pk__in=wanted).values_list("pk", "name"))


def _curve(
    code: str, year: int, month: date, moved: dict[date, Amounts], actor: Actor
) -> list[tuple[date, Amounts]]:
    """Arrived and paid so far at the end of each month; a month that was told stays as told."""
    editions = {one.month: figures.amounts_told(one) for one in figures.told(code, year, actor)}
    first, last = date(year, 1, 1), min(month, max([date(year, 12, 1), *moved]))
    total = sum((moved[one] for one in moved if one < first), Amounts())
    points = []
    at = first
    while at <= last:
        total = total + moved.get(at, Amounts())
        points.append((at, editions.get(at, total)))
        at = figures.first_of_next(at)
    return points[-_CURVE_SHOWN:]


def _ages(found: dict[str, dict[date, Decimal]], month: date) -> list[Age]:
    rows = [Age(n, label, Decimal(0), Decimal(0)) for n, (label, _) in enumerate(formulas.AGES)]
    for since, amount in found[AccountKind.POOL].items():
        rows[formulas.bracket_of(formulas.age_of(since, month))].waiting += amount
    for since, amount in found[AccountKind.ALLOTMENT].items():
        rows[formulas.bracket_of(formulas.age_of(since, month))].unpaid += amount
    return rows


def _debtors(held: list[figures.Holder], year: int, month: date) -> list[Debtor]:
    names = project_names(one.project_id for one in held)
    places = place_names((one.region_code for one in held), year)
    debtors = []
    for one in held:
        place = places.get(one.region_code, one.region_code)
        who = names.get(one.project_id or 0, "项目") if one.project_id else one.unit
        is_pool = one.kind == AccountKind.POOL
        debtors.append(
            Debtor(
                name=f"{place}财政" if is_pool else f"{place} · {who}",
                act="待分配" if is_pool else "待支付",
                amount=one.amount,
                since=one.since,
                age=formulas.age_of(one.since, month),
                kind=one.kind,
                code=one.region_code,
            )
        )
    return debtors


def place_names(codes: Iterable[str], year: int) -> dict[str, str]:
    """Short names of divisions by code, as they were called in the year."""
    found = Region.objects.valid_on(date(year, 12, 31)).filter(code__in=set(codes))
    return {code: short_name(name) for code, name in found.values_list("code", "name")}


def _tallies(state: figures.State) -> list[tuple[str, str, list[tuple[str, Row]]]]:
    levels = dict(SourceLevel.choices)
    kinds = labels("fund_source")
    tables = [
        ("按资金级次", figures.LEVEL, [(key, Row(str(levels.get(key, key)), state.levels[key]))
                                   for key in levels if key in state.levels]),
        ("按资金类别", figures.SOURCE_KIND, [(key, Row(kinds.get(key, key), state.kinds[key]))
                                        for key in sorted(state.kinds)]),
        ("按批次", figures.BATCH, [(key, Row(f"第 {key} 批", state.batches[key]))
                                for key in sorted(state.batches, key=int)]),
    ]  # fmt: skip
    return [one for one in tables if one[2]]
