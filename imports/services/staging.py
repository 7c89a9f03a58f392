"""Reading a file into staging tables and judging every row against the register.

The parsing child writes COPY lines straight into PostgreSQL; everything after that is set-based
SQL on unlogged tables: `_rows` (the file), `_places` (its villages), `_faults` (what is wrong),
`_h` and `_p` (households and persons with the id they have or will have, and the verdict).
"""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from time import monotonic
from typing import IO, Any

from django.db import connection

from core import vault, walls
from core.jobs.services import JobFailedError
from core.sealing import collector_resting
from core.workbooks import guard
from imports.catalog import Recognised, UnrecognisedError, read_specs, recognise
from imports.catalog.plan import Plan, in_front
from imports.checks import RULES
from imports.enums import BatchState
from imports.models import Batch, Problem
from imports.services import judging
from imports.services.receiving import drop_stage
from imports.services.rotating import KeysUnsettledError, refuse_unsettled
from imports.services.sealing import SealedRows, raw_rows
from villages.formulas import match_key
from villages.queries import resolution_rows

PROBLEM_BATCH = 5_000
LONGEST_VALUE = 200

Progress = Callable[[str, int, int | None], None]


def quiet(_phase: str, _done: int = 0, _total: int | None = None) -> None:
    """A progress listener that does not listen."""


class Timer:
    """Seconds per phase, for the batch's record and the command's last line."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        started = monotonic()
        try:
            yield
        finally:
            self.seconds[name] = round(self.seconds.get(name, 0) + monotonic() - started, 3)


def stage(*, batch: Batch, stage_name: str, progress: Progress = quiet) -> Plan:
    """Read the file, stage it, judge it, and set the batch's counts (not saved).

    Raises JobFailedError with a clerk's words when the file is refused; the caller saves the
    refusal. Staging tables of an earlier try are dropped first.
    """
    timer = Timer()
    refuse_unsettled()
    drop_stage(batch)
    batch.stage = stage_name
    try:
        with timer.phase("parse_and_copy"):
            plan = _load(batch, progress)
    except (guard.RefusedError, UnrecognisedError) as refusal:
        raise JobFailedError(str(refusal)) from refusal
    with timer.phase("places"):
        _resolve_places(batch, plan)
    progress("核对", 0, None)
    with timer.phase("judge"):
        batch.register_version = register_version()
        judging.judge(batch, plan)
    walls.enclose_scratch(plan.tables, batch.region_prefix)
    batch.seconds = timer.seconds
    batch.state = BatchState.STAGED
    return plan


def register_version() -> int:
    """Grows with every write to the register, because each leaves marks."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value FROM households_dirtyregion_id_seq")
        return int(cursor.fetchone()[0])


def is_staged(batch: Batch) -> bool:
    """Whether the staging tables still stand, sealed under the keys of today.

    A crash of the server empties unlogged tables.
    """
    plan = Plan.of_batch(batch)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT to_regclass(%s), to_regclass(%s), obj_description(to_regclass(%s), 'pg_class')",
            [plan.rows, plan.households, plan.rows],
        )
        *tables, keys = cursor.fetchone()
        if None in tables or keys != vault.ring().print:
            return False
        cursor.execute(f"SELECT count(*) FROM {plan.rows}")
        return bool(cursor.fetchone()[0] == batch.rows_read)


def restage_judgement(batch: Batch) -> None:
    """Judge again what is staged, after the register changed under a preview."""
    plan = Plan.of_batch(batch)
    batch.register_version = register_version()
    judging.judge(batch, plan)
    walls.enclose_scratch(plan.tables, batch.region_prefix)
    save_problems(batch, plan)


def _load(batch: Batch, progress: Progress) -> Plan:
    """Parse in the child and COPY what it prints, while the archive is looked through."""
    guard.inspect_archive(batch.path)
    child = subprocess.Popen(  # noqa: S603 - our own interpreter and module, a path of our own making
        [sys.executable, "-m", "core.workbooks.reader", str(batch.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    refusals: list[guard.RefusedError] = []
    watch = threading.Thread(target=_look_through, args=(batch, child, refusals), daemon=True)
    watch.start()
    try:
        plan = _converse(batch, child, progress)
    except Exception:
        child.kill()
        watch.join()
        if refusals:
            raise refusals[0] from None
        raise
    finally:
        child.kill()
        child.wait()
    watch.join()
    if refusals:
        raise refusals[0]
    return plan


def _look_through(
    batch: Batch, child: subprocess.Popen[bytes], refusals: list[guard.RefusedError]
) -> None:
    try:
        guard.inspect_xml(batch.path)
    except guard.RefusedError as refusal:
        refusals.append(refusal)
        child.kill()


def _converse(batch: Batch, child: subprocess.Popen[bytes], progress: Progress) -> Plan:
    assert child.stdin is not None  # noqa: S101 - both are pipes, see Popen above
    assert child.stdout is not None  # noqa: S101
    progress("解析工作簿", 0, None)
    hello = _hello(child.stdout)
    found = recognise(hello["head"])
    _remember(batch, hello, found)
    specs = read_specs(found.columns)
    plan = Plan.of(batch, specs, found.layout.grain)
    by_name = {spec["name"]: spec for spec in specs}
    specs = [by_name[name] for name in in_front(list(by_name))]
    child.stdin.write(
        json.dumps({"header_row": found.header_row, "columns": specs}).encode() + b"\n"
    )
    child.stdin.flush()
    total = max(0, hello["total"] - found.header_row - 1)
    with connection.cursor() as cursor:
        cursor.execute(plan.create_rows())
        keys = vault.ring().print
        cursor.execute(f"COMMENT ON TABLE {plan.rows} IS '{keys}'")
        sealed = SealedRows(child.stdout, plan, progress, total)
        with collector_resting():
            cursor.copy_expert(f"COPY {plan.rows} ({', '.join(plan.copied)}) FROM STDIN", sealed)
        if child.wait() != 0 or sealed.is_broken:
            raise guard.RefusedError(
                "parser", "工作簿结构异常，读取中断，已拒绝。请在原系统重新导出。"
            )
        if vault.ring().print != keys:
            raise KeysUnsettledError("读入期间更换了加密密钥，请重新解析。")
        cursor.execute(f"ANALYZE {plan.rows} (row_no, household_no)")
    return plan


def _hello(stdout: IO[bytes]) -> dict[str, Any]:
    line = stdout.readline()
    if not line:
        raise guard.RefusedError(
            "parser", "工作簿无法读取，可能已损坏或结构异常。请在原系统重新导出。"
        )
    hello: dict[str, Any] = json.loads(line)
    return hello


def _remember(batch: Batch, hello: dict[str, Any], found: Recognised) -> None:
    batch.layout = found.layout
    batch.header_row = hello["first_row"] + found.header_row + 1
    batch.header_map = [[column.header, column.identifier] for column in found.columns]


def _resolve_places(batch: Batch, plan: Plan) -> None:
    """Find every village the file names, top-down, by names valid at the year's end."""
    village_of = _Villages(batch.region_prefix[:4], batch.partition)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT county, town, village FROM {plan.rows}")
        named = cursor.fetchall()
        cursor.execute(
            f"CREATE UNLOGGED TABLE {plan.places}"
            f" (county text, town text, village text, village_id bigint, village_code text)"
        )
        rows = [(*names, *village_of.find(*names)) for names in named]
        cursor.executemany(f"INSERT INTO {plan.places} VALUES (%s, %s, %s, %s, %s)", rows)
        cursor.execute(f"ANALYZE {plan.places}")


class _Villages:
    """Names → village. A name is unique inside its town only, so all given levels must agree."""

    def __init__(self, city_prefix: str, partition: int) -> None:
        self.exact: dict[tuple[str, str, str], tuple[int, str]] = {}
        # For layouts without a county column: unique (town, village) pairs only.
        self.by_town: dict[tuple[str, str], set[tuple[int, str]]] = {}
        for county, town, village, pk, code in resolution_rows(
            city_prefix, date(partition, 12, 31)
        ):
            self.exact[county, town, village] = (pk, code)
            self.by_town.setdefault((town, village), set()).add((pk, code))

    def find(self, county: str, town: str, village: str) -> tuple[int | None, str | None]:
        keys = [match_key(name) if name else "" for name in (county, town, village)]
        if keys[0]:
            return self.exact.get((keys[0], keys[1], keys[2]), (None, None))
        fitting = self.by_town.get((keys[1], keys[2]), set())
        return next(iter(fitting)) if len(fitting) == 1 else (None, None)


def save_problems(batch: Batch, plan: Plan) -> None:
    """Keep what was wrong, with the cell's own words, beyond the life of the staging tables."""
    Problem.objects.filter(batch=batch).delete()
    places = {
        identifier: (at, header)
        for at, (header, identifier) in enumerate(batch.header_map)
        if identifier
    }
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT f.row_no, f.rule, f.identifier FROM {plan.faults} f ORDER BY f.rule, f.row_no"
        )
        faults = cursor.fetchall()
        words = dict(raw_rows(plan, {row_no for row_no, _, name in faults if name in places}))
        for start in range(0, len(faults), PROBLEM_BATCH):
            some = faults[start : start + PROBLEM_BATCH]
            said = [_words(words.get(row_no), places.get(name)) for row_no, _, name in some]
            sealed = vault.copy_salted(
                "problem",
                [text.encode() for text in said],
                [str(row_no).encode() for row_no, _, _ in some],
            )
            cursor.execute(
                "INSERT INTO imports_problem"
                " (batch_id, row_no, rule, severity, identifier, header, value)"
                " SELECT %s, row_no, rule, severity, identifier, header, value::bytea"
                " FROM unnest(%s::int[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])"
                " AS found (row_no, rule, severity, identifier, header, value)",
                [
                    batch.pk,
                    [row_no for row_no, _, _ in some],
                    [rule for _, rule, _ in some],
                    [RULES[rule].severity.value for _, rule, _ in some],
                    [name for _, _, name in some],
                    [places[name][1] if name in places else "" for _, _, name in some],
                    # COPY's text, without the backslash that only COPY takes away.
                    [None if one == vault.COPY_NULL else one[1:].decode() for one in sealed],
                ],
            )


def _words(cells: list[str] | None, place: tuple[int, str] | None) -> str:
    """What stood in the cell, as much of it as is kept."""
    if cells is None or place is None or place[0] >= len(cells):
        return ""
    return cells[place[0]][:LONGEST_VALUE]
