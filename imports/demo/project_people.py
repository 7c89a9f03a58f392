"""For whom the demo city's projects are: villages of roads and water, households of industry and houses."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from imports.demo import published_money as p
from imports.demo.cells import scaled
from imports.demo.places import random_for
from imports.demo.project_plan import HOUSING, INDUSTRY, ROAD, WATER, Draft
from imports.demo.project_words import benefit_of
from imports.demo.shares import apportion
from projects.enums import BeneficiaryKind, Benefit, State

COLUMNS = (
    "project_id", "region_code", "village_code", "kind", "village_id", "household_id", "name",
    "benefit", "benefits_on", "expected", "income", "created_by_id",
)  # fmt: skip
_EARNED = (State.SETTLED, State.REGISTERED, State.EVALUATED)
# Whoever was registered before the year, whose house was dangerous in the year before,
# and who can be paid by card.
_HOUSEHOLDS = """
SELECT y.household_id, y.village_code, coalesce(b.is_dangerous_house, false),
       y.bank_account IS NOT NULL
  FROM households_householdyear y
  JOIN households_household h ON h.id = y.household_id
  LEFT JOIN households_householdyear b
         ON b.household_id = y.household_id AND b.partition_id = y.partition_id - 1
 WHERE y.partition_id = %s AND y.village_code ^@ %s
   AND (h.first_identified_on IS NULL OR h.first_identified_on < %s)
 ORDER BY y.village_code, y.household_id
"""


class Home(NamedTuple):
    key: int
    village: str
    was_dangerous: bool
    has_card: bool


def homes(cursor: Any, prefix: str) -> dict[str, list[Home]]:
    """Registered households by village."""
    cursor.execute(_HOUSEHOLDS, [p.YEAR, prefix, f"{p.YEAR}-01-01"])
    found: dict[str, list[Home]] = defaultdict(list)
    for row in cursor.fetchall():
        found[row[1]].append(Home(*row))
    return found


def helped(
    drafts: Sequence[Draft], by_village: dict[str, list[Home]], scale: float
) -> dict[int, list[Home]]:
    """Place of the project in the list → the households it helps; each one in one industry project."""
    found = _industry(drafts, by_village, scale)
    for at, one in enumerate(drafts):
        if one.type == HOUSING and "houses" in one.facts:
            ones = [home for code in one.villages for home in by_village[code]]
            random_for("houses of", one.site).shuffle(ones)
            ones.sort(key=lambda home: (not home.has_card, not home.was_dangerous))
            found[at] = ones[: int(one.facts["houses"])]
    return found


def _industry(
    drafts: Sequence[Draft], by_village: dict[str, list[Home]], scale: float
) -> dict[int, list[Home]]:
    around: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for at, one in enumerate(drafts):
        if one.group == INDUSTRY and State.BUDGETED in one.days:
            around[one.villages].append(at)
    sizes = [sum(len(by_village[code]) for code in codes) for codes in around]
    lows = [min(size, len(ones)) for size, ones in zip(sizes, around.values(), strict=True)]
    counts = apportion(scaled(p.INDUSTRY_HOUSEHOLDS, scale), sizes, low=lows, high=sizes)
    found: dict[int, list[Home]] = {}
    for (codes, ones), count in zip(around.items(), counts, strict=True):
        there = [home for code in codes for home in by_village[code]]
        random_for("industry of", *codes[:1], drafts[ones[0]].site).shuffle(there)
        for turn, at in enumerate(ones):
            found[at] = there[turn : count : len(ones)]
    return found


Row = tuple[object, ...]


def rows(
    drafts: Sequence[Draft], found: dict[int, list[Home]], keys: Sequence[int],
    entered: Sequence[int], regions: dict[str, int],
) -> Iterator[Row]:  # fmt: skip
    """Beneficiaries, from the day the work began."""
    for at, one in enumerate(drafts):
        day = one.days.get(State.STARTED)
        if day is None:
            continue
        site = one.site
        if one.type in (ROAD, WATER):
            for code in one.villages:
                yield (
                    keys[at], site, code, BeneficiaryKind.VILLAGE.value, regions[code], None, "",
                    Benefit.SERVICE.value, day, None, None, entered[at],
                )  # fmt: skip
        rng = random_for("income", at)
        for home in found.get(at, ()):
            expected, income = None, None
            if one.group == INDUSTRY:
                expected = rng.randrange(500, 3_000, 10)
                income = round(expected * rng.uniform(0.8, 1.25)) if one.state in _EARNED else None
            yield (
                keys[at], site, home.village, BeneficiaryKind.HOUSEHOLD.value, None, home.key, "",
                benefit_of(one), day, expected, income, entered[at],
            )  # fmt: skip
