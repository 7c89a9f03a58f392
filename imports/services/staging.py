"""Reading a file into staging tables and judging every row against the register.

The parsing child writes COPY lines straight into PostgreSQL; everything after that is set-based
SQL on unlogged tables: `_rows` (the file), `_places` (its villages), `_faults` (what is wrong),
`_h` and `_p` (households and persons with the id they have or will have, and the verdict).
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from django.db import connection

from core import vault, walls
from core.failpoints import failpoint
from core.jobs.services import JobFailedError
from core.sealing import collector_resting
from core.text import header_key
from core.workbooks import child, guard
from imports.catalog import (
    Recognised,
    UnmappedError,
    UnrecognisedError,
    is_ours,
    read_specs,
    recognise,
)
from imports.catalog.plan import Plan, in_front
from imports.enums import BatchState
from imports.models import Batch
from imports.services import judging
from imports.services.checking import ruleset
from imports.services.numbering import Numbers
from imports.services.placing import resolve_places
from imports.services.problems import save_problems
from imports.services.receiving import drop_stage, refuse_poisoned
from imports.services.rotating import KeysUnsettledError, refuse_unsettled
from imports.services.sealing import SealedRows

Progress = Callable[[str, int, int | None], None]


__all__ = ["UnmappedError", "save_problems", "stage"]


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
    failpoint("imports.stage.begun")
    try:
        with timer.phase("parse_and_copy"):
            plan = _load(batch, progress)
    except (guard.RefusedError, UnrecognisedError) as refusal:
        raise JobFailedError(str(refusal)) from refusal
    failpoint("imports.stage.copied")
    with timer.phase("places"):
        # Rows that are joined lie where their household is registered; that is judged each time.
        if not plan.is_joined:
            resolve_places(batch, plan)
    failpoint("imports.stage.placed")
    progress("核对", 0, None)
    with timer.phase("judge"):
        batch.register_version = register_version()
        judging.judge(batch, plan)
    failpoint("imports.stage.judged")
    walls.enclose_scratch(plan.tables, batch.region_prefix)
    failpoint("imports.stage.enclosed")
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
    refuse_poisoned(batch.sha256)
    with child.reading(batch.path, batch.file_format) as parser:
        return _converse(batch, parser, progress)


def _converse(batch: Batch, parser: child.Child, progress: Progress) -> Plan:
    progress("解析工作簿", 0, None)
    hello = parser.hello()
    failpoint("imports.stage.reading")
    batch.encoding, batch.sheet_name = hello["encoding"], hello["sheet"][:100]
    heads = ruleset(batch.partition)["IMP01"].parameters
    found = recognise(
        hello["head"][: heads["max_title_rows"] + 1],
        region_prefix=batch.region_prefix,
        named=(batch.file_name, hello["sheet"]),
        min_known=heads["min_known"],
        batch=batch.pk,
    )
    _remember(batch, hello, found)
    specs = read_specs(found.columns, found.layout.grain)
    plan = Plan.of(batch, specs, found.layout.grain)
    by_name = {spec["name"]: spec for spec in specs}
    specs = [by_name[name] for name in in_front(list(by_name))]
    parser.tell({"header_row": found.header_row, "columns": specs})
    total = max(0, hello["total"] - found.header_row - 1)
    with connection.cursor() as cursor:
        cursor.execute(plan.create_rows())
        keys = vault.ring().print
        cursor.execute(f"COMMENT ON TABLE {plan.rows} IS '{keys}'")
        numbers = Numbers(batch, plan, list(by_name)) if plan.is_numbered else None
        sealed = SealedRows(parser.stdout, plan, progress, total, numbers)
        with collector_resting():
            cursor.copy_expert(f"COPY {plan.rows} ({', '.join(plan.copied)}) FROM STDIN", sealed)
        if sealed.refusal:
            raise sealed.refusal
        parser.finish()
        if vault.ring().print != keys:
            raise KeysUnsettledError("读入期间更换了加密密钥，请重新解析。")
        cursor.execute(f"ANALYZE {plan.rows} (row_no, household_no)")
    return plan


def _remember(batch: Batch, hello: dict[str, Any], found: Recognised) -> None:
    batch.layout = found.layout
    batch.header_row = hello["first_row"] + found.header_row + 1
    batch.header_map = [[column.header, column.identifier] for column in found.columns]
    # Title rows and heads, for the workbook that is handed back.
    batch.head = json.dumps(hello["head"][: found.header_row + 1], ensure_ascii=False)
    batch.columns_appeared, batch.columns_vanished = _compared_with_last(batch)


def _compared_with_last(batch: Batch) -> tuple[list[str], list[str]]:
    """Heads that the last batch of this layout written in this region had not, and the reverse."""
    last = (
        Batch.objects.filter(
            layout=batch.layout, region_prefix=batch.region_prefix, state=BatchState.APPLIED
        )
        .exclude(pk=batch.pk)
        .order_by("-applied_at", "-pk")
        .first()
    )
    if last is None:
        return [], []
    now, before = _heads(batch), _heads(last)
    return (
        [header for key, header in now.items() if key not in before],
        [header for key, header in before.items() if key not in now],
    )


def _heads(batch: Batch) -> dict[str, str]:
    return {
        header_key(header): header
        for header, _ in batch.header_map
        if header and not is_ours(header)
    }
