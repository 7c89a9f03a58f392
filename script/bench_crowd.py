"""A register several times a city's size, to see whether finding slows with it.

Households and persons of the demo city are copied inside PostgreSQL, every year of them, under the
same villages and names: ten times as many rows per village and ten times as many bearers per name.
Numbers differ by their third digit, sealed values stay as they are. Foreign keys and triggers are set
aside meanwhile and put back, as on a restore; the database is a scratch one.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from bench import run, say

# The third digit of a household's or person's number is 3 in the demo city; nine others are free.
_FREE = "012456789"
MOST = len(_FREE) + 1

_NUMBERS = {"household_no", "person_no", "head_person_no"}


def crowd(times: int) -> None:
    """The city of the current database, so many times over.

    Raises:
        ValueError: more copies than the numbers have room for, or none at all.
    """
    if not 2 <= times <= MOST:
        raise ValueError(f"times must be between 2 and {MOST}")
    households = run("SELECT max(id) FROM households_household")[0][0]
    persons = run("SELECT max(id) FROM households_person")[0][0]
    shifts = {
        "households_household": {"id": households, "split_from_id": households, "merged_into_id": households},
        "households_person": {"id": persons, "household_id": households},
        "households_householdyear": {"household_id": households},
        "households_personyear": {"household_id": households, "person_id": persons},
    }  # fmt: skip
    with _set_aside(list(shifts)):
        for table, shifted in shifts.items():
            say(f"{table} × {times}……")
            _copy(table, shifted, times)
    run("VACUUM ANALYZE")


@contextmanager
def _set_aside(tables: list[str]) -> Iterator[None]:
    keys = run(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype = 'f' AND conrelid = ANY(%s::text[]::regclass[])",
        [tables],
    )
    for table, name, _ in keys:
        run(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    for table in tables:
        run(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    yield
    for table in tables:
        run(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    for table, name, words in keys:
        run(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {words}')


def _copy(table: str, shifted: dict[str, int], times: int) -> None:
    columns = [
        name
        for (name,) in run(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name = %s ORDER BY ordinal_position",
            [table],
        )
        # Rows that nothing points to get a new key from their sequence.
        if not (name == "id" and "id" not in shifted)
    ]
    values = [_value(name, shifted) for name in columns]
    run(
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)}"
        f" FROM {table} row, generate_series(1, %s) copy",
        [times - 1],
    )


def _value(name: str, shifted: dict[str, int]) -> str:
    if name in shifted:
        return f"row.{name} + copy * {shifted[name]}"
    if name in _NUMBERS:
        return f"overlay(row.{name} placing substr('{_FREE}', copy, 1) from 3 for 1)"
    if name == "id_index":
        return "substr(sha256(row.id_index || copy::text::bytea), 1, octet_length(row.id_index))"
    return f"row.{name}"
