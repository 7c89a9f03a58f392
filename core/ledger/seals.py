"""Sealing: what the ledgers held, fixed so that a later change of any row shows.

One chain of links runs over the row histories, the access ledger and every append-only ledger. A
link takes the next rows of one table, in the order of their ids, and joins their digest to the
root of the link before; an HMAC with a key outside the database keeps even a superuser of the
database from forging it. Each finished day gets a link of its own, whose root (当日存证值) is
printed: the chain up to that day cannot be replaced without contradicting the paper.

A link takes rows only up to an id below which nothing can appear any more: the highest visible id,
once every transaction that was writing the table at that moment has ended. So a late commit is
never mistaken for an inserted row. The price: rows are open to undetected change for one interval
of the sealing task, and as long as a transaction that writes the same table lasts.
"""

import hashlib
import hmac
import json
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from core.ddl import AppendOnly
from core.history import columns_of, history_table, tracked_models

logger = logging.getLogger(__name__)

# Rows of one link: some tenths of a second of the database's time.
LINK_ROWS = 20_000
# How long to wait for those who are writing a table right now, and how often to look.
PATIENCE_SECONDS, PAUSE_SECONDS = 1.0, 0.05
_WRITING = [
    f"{mode}Lock" for mode in ("RowExclusive", "ShareRowExclusive", "Exclusive", "AccessExclusive")
]
# Any number that nobody else uses for an advisory lock: "seal".
_LOCK = 0x7365616C


@dataclass(frozen=True)
class Source:
    """A table whose rows are sealed, the column of rising ids and what a row may still change."""

    table: str
    key: str
    except_column: str = ""


@cache
def append_only_operations() -> tuple[AppendOnly, ...]:
    """Every append-only ledger that a migration made; migrations cannot forget to tell."""
    loader = MigrationLoader(None)
    return tuple(
        operation
        for _, migration in sorted(loader.disk_migrations.items())
        for operation in migration.operations
        if isinstance(operation, AppendOnly)
    )


def sources() -> list[Source]:
    """Everything that is sealed, the access ledger first."""
    ledgers = [Source(one.table, "id", one.except_column) for one in append_only_operations()]
    twins = [Source(history_table(model), "history_id") for model in tracked_models()]
    return [source for source in [*ledgers, *twins] if source.table != "core_seal"]


# --- the link ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Link:
    """What a seal says, apart from its root and its HMAC. `table` is empty where a day is closed."""

    no: int
    day: date
    table: str
    columns: tuple[str, ...]
    after_id: int | None
    last_id: int | None
    rows: int
    digest: bytes
    ids: bytes
    marks: bytes
    former: bytes
    key_mark: str
    sealed_at: datetime

    def root(self) -> bytes:
        """SHA-256 over all of it; the two lists of row marks stand in by their own digest."""
        told = {
            "v": 1,
            "no": self.no,
            "day": self.day.isoformat(),
            "table": self.table,
            "columns": list(self.columns),
            "after_id": self.after_id,
            "last_id": self.last_id,
            "rows": self.rows,
            "digest": self.digest.hex(),
            "marks": hashlib.sha256(self.ids + self.marks).hexdigest(),
            "former": self.former.hex(),
            "key": self.key_mark,
            "sealed_at": self.sealed_at.astimezone(UTC).isoformat(timespec="microseconds"),
        }
        text = json.dumps(told, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).digest()


@cache
def _key(secret: str) -> bytes:
    derived = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"povertyops seal 1")
    return derived.derive(secret.encode())


def keys() -> dict[str, bytes]:
    """Keys by their mark, the present one first; the former ones still verify what they sealed."""
    secrets = [settings.SEAL_KEY or settings.SECRET_KEY, *settings.SEAL_KEYS_FORMER]
    return {_mark(key): key for key in map(_key, secrets)}


def _mark(key: bytes) -> str:
    return hmac.digest(key, b"mark", "sha256").hex()[:16]


def mac_of(root: bytes, key: bytes) -> bytes:
    return hmac.digest(key, root, "sha256")


# --- sealing -----------------------------------------------------------------------------------


def seal(*, seconds: float = 20.0) -> int:
    """Seal what is new and close finished days, for about so many seconds; the number of links made.

    May run twice at once or stop half-way: each link is a transaction of its own, and whoever
    comes second finds the lock taken and leaves.
    """
    end = time.monotonic() + seconds
    made = 0
    for source in sources():
        head = _settled_head(source)
        while head is not None and time.monotonic() < end:
            done = _next_link(source, head)
            if not done:
                break
            made += done
    made += _close_only()
    if made:
        transaction.on_commit(_anchor)
    return made


def _settled_head(source: Source) -> int | None:
    """The highest id below which no row can appear any more; None where nothing is new or settled."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [source.table])
        if not cursor.fetchone()[0]:
            return None
        cursor.execute("SELECT seal_head(%s, %s)", [source.table, source.key])
        head = cursor.fetchone()[0]
        cursor.execute("SELECT max(last_id) FROM core_seal WHERE table_name = %s", [source.table])
        sealed = cursor.fetchone()[0]
        if head is None or (sealed is not None and head <= sealed):
            return None
        writers = _writers(cursor, source.table)
        give_up = time.monotonic() + PATIENCE_SECONDS
        while writers & _writers(cursor, source.table):
            if time.monotonic() > give_up:
                logger.info("%s is being written, sealed later", source.table)
                return None
            time.sleep(PAUSE_SECONDS)
    return int(head)


def _writers(cursor: Any, table: str) -> set[str]:
    """Transactions of others that may have taken ids of this table: all hold a lock until they end."""
    cursor.execute(
        """
        SELECT virtualtransaction FROM pg_locks
         WHERE locktype = 'relation' AND granted AND mode = ANY(%s)
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND relation IN (SELECT relid FROM pg_partition_tree(%s)
                            UNION SELECT to_regclass(%s)::oid)
           AND pid IS DISTINCT FROM pg_backend_pid()
        """,
        [_WRITING, table, table],
    )
    return {name for (name,) in cursor.fetchall()}


def _next_link(source: Source, head: int) -> int:
    """Seal the next rows up to `head`; the number of links made, 0 when none are left."""
    with transaction.atomic(), connection.cursor() as cursor:
        chain = _chain(cursor)
        if chain is None:
            return 0
        closed = chain.close_days()
        cursor.execute("SELECT max(last_id) FROM core_seal WHERE table_name = %s", [source.table])
        after = cursor.fetchone()[0]
        columns = [
            name for name in columns_of(cursor, source.table) if name != source.except_column
        ]
        cursor.execute(
            "SELECT rows, last_id, digest, ids, marks FROM seal_digest(%s, %s, %s, %s, %s, %s)",
            [source.table, source.key, columns, after, head, LINK_ROWS],
        )
        rows, last, digest, ids, marks = cursor.fetchone()
        if not rows:
            return closed
        chain.add(
            table=source.table,
            columns=tuple(columns),
            after_id=after,
            last_id=last,
            rows=rows,
            digest=bytes(digest),
            ids=bytes(ids),
            marks=bytes(marks),
        )
        return closed + 1


def _close_only() -> int:
    """Close finished days on which, or after which, nothing was written."""
    with transaction.atomic(), connection.cursor() as cursor:
        chain = _chain(cursor)
        return chain.close_days() if chain else 0


def _chain(cursor: Any) -> "_Chain | None":
    """The end of the chain, ours alone until the transaction ends; None while another has it."""
    cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
    if not cursor.fetchone()[0]:
        return None
    cursor.execute("SELECT no, root, day FROM core_seal ORDER BY no DESC LIMIT 1")
    no, root, day = cursor.fetchone() or (0, b"", None)
    cursor.execute("SELECT max(day) FROM core_seal WHERE table_name = ''")
    return _Chain(cursor, no, bytes(root), day, cursor.fetchone()[0])


@dataclass
class _Chain:
    """The open end of the chain; `day` is the last link's, `closed` the last day with its own link."""

    cursor: Any
    no: int
    former: bytes
    day: date | None
    closed: date | None

    def close_days(self) -> int:
        """One link for every day that is over, since the first."""
        made = 0
        while (open_day := self._first_open()) and open_day < timezone.localdate(self._now()):
            self.add(day=open_day)
            self.closed = open_day
            made += 1
        return made

    def _first_open(self) -> date | None:
        return self.closed + timedelta(days=1) if self.closed else self.day

    def _now(self) -> datetime:
        self.cursor.execute("SELECT clock_timestamp()")
        found: datetime = self.cursor.fetchone()[0]
        return found

    def add(
        self,
        *,
        day: date | None = None,
        table: str = "",
        columns: Sequence[str] = (),
        after_id: int | None = None,
        last_id: int | None = None,
        rows: int = 0,
        digest: bytes = b"",
        ids: bytes = b"",
        marks: bytes = b"",
    ) -> None:
        key_mark, key = next(iter(keys().items()))
        now = self._now()
        link = Link(
            no=self.no + 1,
            day=day or timezone.localdate(now),
            table=table,
            columns=tuple(columns),
            after_id=after_id,
            last_id=last_id,
            rows=rows,
            digest=digest,
            ids=ids,
            marks=marks,
            former=self.former,
            key_mark=key_mark,
            sealed_at=now,
        )
        root = link.root()
        self.cursor.execute(
            "SELECT seal_store(%s::jsonb)",
            [
                json.dumps(
                    {
                        **{name: _plain(value) for name, value in vars(link).items()},
                        "root": root.hex(),
                        "mac": mac_of(root, key).hex(),
                    }
                )
            ],
        )
        self.no, self.former, self.day = link.no, root, link.day


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if isinstance(value, date) else value


# --- outside the database ----------------------------------------------------------------------


def _anchor() -> None:
    """Write the last root into a file beside the application, out of the database's reach."""
    path = Path(settings.SEAL_ANCHOR_FILE)
    with connection.cursor() as cursor:
        cursor.execute("SELECT no, root FROM core_seal ORDER BY no DESC LIMIT 1")
        no, root = cursor.fetchone()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="ascii") as file:
            file.write(f"{no} {bytes(root).hex()}\n")
    except OSError as error:
        logger.error("the anchor file cannot be written: %s", error.strerror)  # noqa: TRY400


def anchored() -> Iterator[tuple[int, bytes]]:
    """Number and root of every seal that the anchor file names; nothing without a file."""
    path = Path(settings.SEAL_ANCHOR_FILE)
    if not path.exists():
        return
    with path.open(encoding="ascii") as file:
        for line in file:
            no, _, root = line.strip().partition(" ")
            if no.isdecimal() and len(root) == 64:
                yield int(no), bytes.fromhex(root)
