"""Writing the demo city: COPY in one transaction, the next county being invented meanwhile."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from importlib import import_module
from importlib.util import find_spec
from time import monotonic
from typing import Any

from django.db import connection, models, transaction

from core.acting import acting
from core.sealing import collector_resting
from exits.models import PovertyLine, Target
from households.models import (
    Household,
    HouseholdYear,
    MembershipEvent,
    Partition,
    Person,
    PersonYear,
    StatusEvent,
    WorkSpell,
)
from households.services.movements import post_movements
from imports.demo import city, living, people, places, seals
from imports.demo import published as p
from imports.demo.bulk import (
    ahead,
    analyze,
    copy_lines,
    copy_rows,
    filling,
    reserve,
)
from imports.demo.cells import Plan
from imports.demo.plan import make_plan
from villages import workbooks as village_files
from villages.enums import Area, Basis
from villages.models import CountyYear, PopulationBase, Region, VillageYear
from villages.services import load_divisions

PREFIX = "4103"
REASON = "演示城市"
# The shipped list is of 2017; the demo city stands on it in all three years.
LIST_DAY = date(2017, 12, 31)
# An arbitrary number that stands for "making the demo city" among the advisory locks.
MAKING_LOCK = 4103_0001

COLUMNS: dict[type[models.Model], tuple[str, ...]] = {
    Household: living.HOUSEHOLD_COLUMNS,
    Person: seals.PERSON_COLUMNS,
    HouseholdYear: living.HOUSEHOLD_YEAR_COLUMNS,
    PersonYear: people.PERSON_YEAR_COLUMNS,
    MembershipEvent: city.MEMBERSHIP_COLUMNS,
}
Say = Callable[[str], None]


class DemoRefusedError(Exception):
    """The demo city cannot be made here; the text says why. Nothing was written."""


@dataclass
class Made:
    """What was written, rows by table, and how long it took (seconds of the clock)."""

    rows: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0


def is_registered() -> bool:
    """Whether the register holds anybody."""
    return Household.objects.exists()


def make(*, scale: float = 1.0, say: Say = lambda _: None) -> Made:
    """Write the demo city, all or nothing, and post its movements.

    Raises DemoRefusedError when the register already holds households or facts of these years.
    """
    started = monotonic()

    def tell(text: str) -> None:
        say(f"[{monotonic() - started:6.1f} 秒] {text}")

    made = Made()
    with transaction.atomic(), connection.cursor() as cursor:
        _prepare(cursor)
        ids = _regions(tell)
        with acting(by=None, reason=REASON):
            plan = make_plan(scale)
            settled = places.settle(plan)
            _facts(cursor, plan, settled, ids)
            tell("村情、人口基数、年度任务已写入。")
            # Spells of work stay empty, but their keys stand on the households' years.
            with filling(cursor, (*COLUMNS, StatusEvent, WorkSpell)):
                _register(cursor, plan, settled, ids, made, tell)
                analyze(cursor, COLUMNS)
                _ledger(made, tell)
                tell("正在建索引、核对外键……")
            analyze(cursor, (StatusEvent, MembershipEvent, VillageYear, PopulationBase))
    made.seconds = monotonic() - started
    return made


def recompute(say: Say) -> None:
    """Compute the figures of the demo years where the metrics exist."""
    if find_spec("exits.services") is None:
        return
    service = getattr(import_module("exits.services"), "recompute", None)
    if service is None:
        return
    for year in p.YEARS:
        service(prefix=PREFIX, partition=year)
        say(f"{year} 年指标已计算。")


def _prepare(cursor: Any) -> None:
    cursor.execute("SET LOCAL statement_timeout = 0")
    cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [MAKING_LOCK])
    if not cursor.fetchone()[0]:
        raise DemoRefusedError("另一个 make_demo 正在运行，请等它结束。")
    if is_registered():
        raise DemoRefusedError(
            "档案库里已有贫困户，不能再造演示城市（本命令从不删除数据）。请换一个空库。"
        )
    closed = Partition.objects.filter(year__in=p.YEARS, closed_at__isnull=False).values_list(
        "year", flat=True
    )
    if closed:
        raise DemoRefusedError(f"年度 {'、'.join(map(str, closed))} 已关闭，不能写入。")
    for model in (VillageYear, CountyYear, PopulationBase, Target):
        if model.objects.in_region(PREFIX).filter(year__in=p.YEARS).exists():
            name = model._meta.verbose_name
            raise DemoRefusedError(f"{PREFIX} 已有{name}，演示城市不覆盖已有数据。请换一个空库。")


def _regions(tell: Say) -> dict[str, int]:
    """Division code → key, from the shipped list; loaded first where it is missing."""
    rows = places.divisions()
    known = _keys(rows)
    if len(known) < len(rows):
        load_divisions(
            rows=village_files.read_rows(places.DIVISIONS, village_files.DIVISIONS),
            dates=village_files.snapshot_dates(),
            effective=village_files.effective_dates(),
            by=None,
        )
        known = _keys(rows)
        tell(f"行政区划已载入：{len(known)} 个。")
    return known


def _keys(rows: Sequence[dict[str, str]]) -> dict[str, int]:
    codes = [row["code"] for row in rows]
    found = Region.objects.valid_on(LIST_DAY).filter(code__in=codes)
    return dict(found.values_list("code", "pk"))


Facts = tuple[type[models.Model], tuple[str, ...], Iterable[tuple[object, ...]]]


def _facts(cursor: Any, plan: Plan, settled: list[places.Village], ids: dict[str, int]) -> None:
    """Years, what places are in them, targets and income lines."""
    Partition.objects.bulk_create([Partition(year=year) for year in p.YEARS], ignore_conflicts=True)
    for model, columns, rows in _facts_of_places(plan, settled):
        whole = ((ids[str(row[0])], *row, p.SOURCE) for row in rows)
        copy_rows(cursor, model, ("region_id", "region_code", "year", *columns, "source"), whole)
    PovertyLine.objects.bulk_create(
        [
            PovertyLine(
                region_prefix=PREFIX, year=year, kind="poverty", amount=amount, source=source
            )
            for year, (amount, source) in p.LINES.items()
        ],
        ignore_conflicts=True,
    )


def _facts_of_places(plan: Plan, settled: list[places.Village]) -> Iterator[Facts]:
    """(model, columns after the code and the year, rows from the code on)."""
    yield (
        VillageYear,
        ("is_poor_village", "is_deep_poverty", "exited_year"),
        places.village_years(settled),
    )
    yield (
        CountyYear,
        ("poverty_level", "planned_exit_year", "area", "is_deep_poverty"),
        ((*row, Area.CENTRAL.value, False) for row in places.county_years()),
    )
    bases = sorted(places.populations(plan, settled).items())
    basis = Basis.AGRICULTURAL_HUKOU.value
    yield PopulationBase, ("basis", "persons"), ((c, y, basis, n) for (c, y), n in bases)
    targets = sorted(plan.targets.items())
    yield Target, ("kind", "value"), ((c.ljust(12, "0"), y, k, n) for (c, y, k), n in targets)


def _register(
    cursor: Any,
    plan: Plan,
    settled: list[places.Village],
    ids: dict[str, int],
    made: Made,
    tell: Say,
) -> None:
    """County by county; a second thread invents the next one while this one goes to the database."""
    first = city.Ids(
        reserve(cursor, Household, plan.households), reserve(cursor, Person, plan.people), ids
    )
    for county, tables in ahead(_counties(plan, settled, first)):
        for model, lines in tables.items():
            copy_lines(cursor, model, COLUMNS[model], lines)
            name = str(model._meta.verbose_name)
            made.rows[name] = made.rows.get(name, 0) + len(lines)
        tell(f"{county}：{len(tables[Household])} 户，{len(tables[Person])} 人。")


Tables = dict[type[models.Model], list[str]]


def _counties(
    plan: Plan, settled: list[places.Village], ids: city.Ids
) -> Iterator[tuple[str, Tables]]:
    """(county's name, lines by table), years of one table one after the other."""
    for county in p.COUNTIES:
        names = [village.county for village in settled if village.code.startswith(county.code)]
        rows = list(city.households(plan, settled, county.code, ids))
        if rows:
            yield names[0], _tables(rows)


def _tables(rows: list[city.Rows]) -> Tables:
    identities = [line for one in rows for line in one.persons]
    homes = [one.years[year] for year in p.YEARS for one in rows if year in one.years]
    members = [line for year in p.YEARS for one in rows for line in one.members.get(year, ())]
    with collector_resting():
        salts = seals.salts_of(identities)
        identities = seals.persons(identities)
        homes = seals.household_years(homes)
        members = seals.person_years(members, salts)
    return {
        Household: [one.household for one in rows],
        Person: identities,
        HouseholdYear: homes,
        PersonYear: members,
        MembershipEvent: [line for one in rows for line in one.moves],
    }


def _ledger(made: Made, tell: Say) -> None:
    for year in p.YEARS:
        events, moves = post_movements(
            partition=year,
            households=(
                "SELECT DISTINCT household_id FROM households_householdyear"
                f" WHERE partition_id IN ({year - 1}, {year})"
            ),
            complete=True,
        )
        name = str(StatusEvent._meta.verbose_name)
        made.rows[name] = made.rows.get(name, 0) + events
        tell(f"{year} 年变动台账：状态事件 {events} 条，补记成员变动 {moves} 条。")
