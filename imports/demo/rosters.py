"""Rural households of the demo city that nobody registered: rosters of the counties that exit in 2018.

The persons of a village's roster are its population base less whoever is registered there, so that
what a round asks of unregistered people is carried over to as many as the county has.
"""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, NamedTuple

from core import vault
from imports.demo.bulk import ahead, copy_lines
from imports.demo.names import DAYS, GROUPS, SURNAMES, Numbers, given_name
from imports.demo.places import random_for
from inspections.enums import KeyGroup
from inspections.models import RuralHousehold
from villages.enums import Basis

COLUMNS = (
    "partition_id", "village_id", "village_code", "roster_no", "head_name", "head_id_no",
    "head_id_index", "group_name", "persons", "is_key", "key_groups", "is_current",
)  # fmt: skip
# Households of a hundred with 1 … 8 members, assumed: larger than those of the register (mean 4.0).
_SIZES = (4, 13, 22, 26, 18, 10, 5, 2)
_HUNDRED = tuple(size for size, share in enumerate(_SIZES, start=1) for _ in range(share))
# Of a hundred households this many belong to a key group, assumed, and which.
KEY_SHARE = 0.03
_GROUPS = tuple(KeyGroup.values)
_BORN = (1938, 1988)
NULL = rb"\N"

# A registered person stays one after the exit.
_VILLAGES = """
SELECT b.region_id, b.region_code, b.persons - coalesce(m.n, 0)
  FROM villages_populationbase b
  JOIN villages_region r ON r.id = b.region_id AND r.level = 'village'
  LEFT JOIN (SELECT village_code, count(*) AS n FROM households_personyear
              WHERE partition_id = %(year)s GROUP BY village_code) AS m
         ON m.village_code = b.region_code
 WHERE b.year = %(year)s AND b.basis = %(basis)s
   AND left(b.region_code, 6) = ANY (%(counties)s)
 ORDER BY b.region_code
"""


class Village(NamedTuple):
    """A village and how many persons of it nobody registered."""

    key: int
    code: str
    persons: int


def write_rosters(cursor: Any, counties: Sequence[str], year: int) -> int:
    """COPY the rosters, the next county being invented meanwhile; returns the households."""
    told = {"year": year, "counties": list(counties), "basis": Basis.AGRICULTURAL_HUKOU.value}
    cursor.execute(_VILLAGES, told)
    villages = [Village(*row) for row in cursor.fetchall()]
    count = 0
    # Keys and indexes stay where they are: to take them away would lock out whoever is at work.
    for lines in ahead(_counties(villages, counties, year)):
        copy_lines(cursor, RuralHousehold, COLUMNS, lines)
        count += len(lines)
    cursor.execute(f"ANALYZE {RuralHousehold._meta.db_table}")
    return count


def _counties(
    villages: Sequence[Village], counties: Sequence[str], year: int
) -> Iterator[list[str]]:
    for county in counties:
        own = [one for one in villages if one.code.startswith(county)]
        yield list(county_lines(own, county, year))


class _Home(NamedTuple):
    """A household before its document number and its groups are sealed."""

    village: Village
    number: str
    head: str
    identity: bytes
    group: str
    persons: int
    keys: bytes


def county_lines(villages: Sequence[Village], county: str, year: int) -> Iterator[str]:
    """The rosters of one county as COPY reads them."""
    homes = list(_homes(villages, county))
    numbers = [one.identity for one in homes]
    sealed = vault.copy_sealed("head_id_no", numbers)
    indexes = vault.copy_bytes(vault.indexes("id_no", numbers))
    keys = vault.copy_salted(
        "key_groups", [one.keys for one in homes], [one.number.encode() for one in homes]
    )
    for one, number, index, groups in zip(homes, sealed, indexes, keys, strict=True):
        yield (
            f"{year}\t{one.village.key}\t{one.village.code}\t{one.number}\t{one.head}"
            f"\t{number.decode()}\t{index.decode()}\t{one.group}\t{one.persons}"
            f"\t{'f' if groups == NULL else 't'}\t{groups.decode()}\tt"
        )


def _homes(villages: Sequence[Village], county: str) -> Iterator[_Home]:
    # Another division that does not exist than the register's, so that no number is given twice.
    numbers = Numbers(f"415{county[3:]}")
    for village in villages:
        rng = random_for("roster", village.code)
        draw = rng.random
        for place, size in enumerate(_split(rng, village.persons), start=1):
            born = _BORN[0] + int(draw() * (_BORN[1] - _BORN[0]))
            sex = "02" if draw() < 0.12 else "01"
            identity = numbers.identity(f"{born}{DAYS[int(draw() * len(DAYS))]}", sex)
            yield _Home(
                village,
                f"{place:04}",
                SURNAMES[int(draw() * len(SURNAMES))] + given_name(draw, sex, born),
                identity.encode(),
                GROUPS[int(draw() * len(GROUPS))],
                size,
                _keys(rng),
            )


def _split(rng: Random, persons: int) -> Iterator[int]:
    """Sizes of households that add up to the persons."""
    left = persons
    while left > 0:
        size = min(left, _HUNDRED[int(rng.random() * 100)])
        yield size
        left -= size


def _keys(rng: Random) -> bytes:
    """No key group, one, or two, as `SecretCodes` writes them."""
    if rng.random() >= KEY_SHARE:
        return b""
    return ",".join(sorted(rng.sample(_GROUPS, 2 if rng.random() < 0.2 else 1))).encode()
