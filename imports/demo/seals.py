"""The demo city's lines with what is sensitive in them sealed, a county at a time.

The generator writes plain lines, because workbooks are made of the same; only what goes into the
register is sealed. Years of one person repeat most values, which are sealed once.
"""

from collections.abc import Sequence

from core import vault
from core.sealing import copy_number_indexes
from imports.demo import living, people

# What a sealed line of a person has beside the generator's columns.
PERSON_COLUMNS = (*people.PERSON_COLUMNS, "id_index", "id_tail")

_NUMBER = people.PERSON_COLUMNS.index("id_no")
_PERSON_NO = people.PERSON_COLUMNS.index("person_no")
_PERSON = people.PERSON_YEAR_COLUMNS.index("person_id")
_HEALTH = people.PERSON_YEAR_COLUMNS.index("health_status")
# Sensitive columns near a line's end are counted from there.
_DISABILITY, _MEMBER_PHONE = (
    people.PERSON_YEAR_COLUMNS.index(name) - len(people.PERSON_YEAR_COLUMNS)
    for name in ("disability_type", "member_phone")
)
_HOME = {
    name: living.HOUSEHOLD_YEAR_COLUMNS.index(name) - len(living.HOUSEHOLD_YEAR_COLUMNS)
    for name in ("head_id_no", "phone", "bank_account")
}


def salts_of(lines: Sequence[str]) -> dict[str, str]:
    """Key of each person → the number that salts what is sealed of them."""
    cells = (line.split("\t", _PERSON_NO + 1) for line in lines)
    return {one[0]: one[_PERSON_NO] for one in cells}


def persons(lines: Sequence[str]) -> list[str]:
    rows = [line.split("\t") for line in lines]
    numbers = [row[_NUMBER].encode() for row in rows]
    columns = (vault.copy_sealed("id_no", numbers), *copy_number_indexes(numbers))
    for row, number, index, tail in zip(rows, *columns, strict=True):
        row[_NUMBER] = number.decode()
        row.extend((index.decode(), tail.decode()))
    return ["\t".join(row) for row in rows]


def household_years(lines: Sequence[str]) -> list[str]:
    rows = [line.rsplit("\t", -min(_HOME.values())) for line in lines]
    for name, at in _HOME.items():
        sealed = vault.Remembered(name).column([row[at].encode() for row in rows])
        for row, one in zip(rows, sealed, strict=True):
            row[at] = one.decode()
    return ["\t".join(row) for row in rows]


def person_years(lines: Sequence[str], salts: dict[str, str]) -> list[str]:
    """`salts` are those of everybody in the lines."""
    fronts = [line.split("\t", _HEALTH + 1) for line in lines]
    health = _once(
        "health_status", [(front[_PERSON], front[_HEALTH][1:-1]) for front in fronts], salts
    )
    rests = [front[-1].rsplit("\t", -_DISABILITY) for front in fronts]
    disability = _once(
        "disability_type",
        [(front[_PERSON], rest[_DISABILITY]) for front, rest in zip(fronts, rests, strict=True)],
        salts,
    )
    phones = vault.Remembered("member_phone").column(
        [rest[_MEMBER_PHONE].encode() for rest in rests]
    )
    for front, rest, ill, disabled, phone in zip(
        fronts, rests, health, disability, phones, strict=True
    ):
        front[_HEALTH] = ill
        rest[_DISABILITY] = disabled
        rest[_MEMBER_PHONE] = phone.decode()
        front[-1] = "\t".join(rest)
    return ["\t".join(front) for front in fronts]


def _once(name: str, pairs: list[tuple[str, str]], salts: dict[str, str]) -> list[str]:
    """(person, value) sealed with the person's salt; each different pair once."""
    different = list(dict.fromkeys(pairs))
    sealed = vault.copy_salted(
        name,
        [value.encode() for _, value in different],
        [salts[person].encode() for person, _ in different],
    )
    found = {pair: one.decode() for pair, one in zip(different, sealed, strict=True)}
    return [found[pair] for pair in pairs]
