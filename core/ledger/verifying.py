"""Checking the chain of seals against the rows: what was altered, is missing or came in between.

Nothing in the database is believed: digests are computed by statements of our own, not by the
functions that made them, roots and HMACs anew.
"""

import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from core.history import columns_of
from core.ledger import ddl
from core.ledger.guards import broken_guards
from core.ledger.models import Seal
from core.ledger.seals import Link, Source, anchored, keys, mac_of, sources

# A row that nobody sealed for so long means that sealing has stopped.
SEALED_WITHIN = timedelta(hours=24)
_MARK = 8


@dataclass(frozen=True)
class Fault:
    """Something that is not as it was sealed. `day` is when it was sealed, not when it was changed."""

    kind: str
    table: str = ""
    day: date | None = None
    ids: tuple[int, ...] = ()
    note: str = ""


@dataclass
class Verified:
    """How much was looked at; grows while the faults are read."""

    links: int = 0
    rows: int = 0
    unsealed: int = 0
    last_no: int = 0
    last_root: str = ""


def verify(
    report: Verified, *, since: date | None = None, against: Mapping[int, bytes] | None = None
) -> Iterator[Fault]:
    """Every fault, one by one; `report` is filled on the way.

    With `since`, links of earlier days are taken as they are. `against` holds roots by number that
    were exported or printed before.
    """
    for table, note in broken_guards():
        yield Fault("防护被破坏", table, note=note)
    with transaction.atomic(), connection.cursor() as cursor:
        # Inside another transaction the settings would outlast this one.
        before = {name: _setting(cursor, name) for name in ddl.READS_ALIKE}
        _set(cursor, ddl.READS_ALIKE)
        try:
            known = {source.table: source for source in sources()}
            yield from _chain(cursor, report, known, since, _outside(against))
            yield from _unsealed(cursor, report, known)
        finally:
            if not connection.needs_rollback:
                _set(cursor, before)


def _setting(cursor: Any, name: str) -> str:
    cursor.execute("SELECT current_setting(%s)", [name])
    return str(cursor.fetchone()[0])


def _set(cursor: Any, values: Mapping[str, str]) -> None:
    for name, value in values.items():
        cursor.execute("SELECT set_config(%s, %s, true)", [name, value])


def _outside(against: Mapping[int, bytes] | None) -> dict[int, set[bytes]]:
    """Roots that were kept outside the database, by number."""
    found: dict[int, set[bytes]] = {}
    for no, root in [*anchored(), *(against or {}).items()]:
        found.setdefault(no, set()).add(root)
    return found


# --- the chain ---------------------------------------------------------------------------------


def _chain(
    cursor: Any,
    report: Verified,
    known: Mapping[str, Source],
    since: date | None,
    outside: dict[int, set[bytes]],
) -> Iterator[Fault]:
    secrets = keys()
    former, expected = b"", 1
    ends: dict[str, int | None] = {}
    for seal in Seal.objects.order_by("no").iterator(chunk_size=20):
        if seal.no != expected:
            yield Fault("存证缺失", day=seal.day, ids=tuple(range(expected, seal.no))[:1000])
        elif bytes(seal.former) != former:
            yield Fault("存证链断开", seal.table, seal.day, (seal.no,))
        link = link_of(seal)
        yield from _link_itself(seal, link, secrets)
        for root in outside.pop(seal.no, set()):
            if root != bytes(seal.root):
                yield Fault("与库外存证值不符", seal.table, seal.day, (seal.no,))
        if seal.table:
            if seal.table in ends and ends[seal.table] != seal.after_id:
                yield Fault("存证不连续", seal.table, seal.day, (seal.no,))
            ends[seal.table] = seal.last_id
            if since is None or seal.day >= since:
                yield from _rows(cursor, link, known.get(seal.table))
                report.rows += link.rows
        former, expected = bytes(seal.root), seal.no + 1
        report.links += 1
        report.last_no, report.last_root = seal.no, former.hex()
    if outside:
        yield Fault("存证缺失", ids=tuple(sorted(outside)), note="库外存证值中有，库中没有")


def link_of(seal: Seal) -> Link:
    return Link(
        no=seal.no,
        day=seal.day,
        table=seal.table,
        columns=tuple(seal.columns),
        after_id=seal.after_id,
        last_id=seal.last_id,
        rows=seal.rows,
        digest=bytes(seal.digest),
        ids=bytes(seal.ids or b""),
        marks=bytes(seal.marks or b""),
        former=bytes(seal.former),
        key_mark=seal.key_mark,
        sealed_at=seal.sealed_at,
    )


def _link_itself(seal: Seal, link: Link, secrets: Mapping[str, bytes]) -> Iterator[Fault]:
    if link.root() != bytes(seal.root):
        yield Fault("存证被改动", seal.table, seal.day, (seal.no,))
    key = secrets.get(seal.key_mark)
    if key is None:
        yield Fault("密钥不符", seal.table, seal.day, (seal.no,), "没有这条存证所用的密钥")
    elif not hmac.compare_digest(mac_of(bytes(seal.root), key), bytes(seal.mac)):
        yield Fault("存证系伪造", seal.table, seal.day, (seal.no,))


# --- the rows ----------------------------------------------------------------------------------


def _rows(cursor: Any, link: Link, source: Source | None) -> Iterator[Fault]:
    """The rows that a link stands for, as they are now."""
    present = columns_of(cursor, link.table)
    if source is None or not present:
        yield Fault("表不存在", link.table, link.day, note=f"曾存证 {link.rows} 行")
        return
    if gone := [name for name in link.columns if name not in present]:
        yield Fault("列被删除", link.table, link.day, note="、".join(gone))
        return
    count, _, digest, ids, marks = _digest(cursor, link, source)
    if count != link.rows or bytes(digest) != link.digest:
        yield from _which(link, bytes(ids), bytes(marks))
    later = [n for n in present if n not in link.columns and n != source.except_column]
    if later:
        # The column was not there yet: whoever filled it altered the row.
        filled = _filled(cursor, link, source, later)
        if filled:
            yield Fault("行被改动", link.table, link.day, filled, "后加的列有值")


def _digest(cursor: Any, link: Link, source: Source) -> tuple[Any, ...]:
    quote = connection.ops.quote_name
    text = (
        ddl.DIGEST.replace("%1$s", ", ".join(quote(name) for name in link.columns))
        .replace("%2$I", quote(source.key))
        .replace("%3$I", quote(link.table))
        .replace("$1", "NULL" if link.after_id is None else str(int(link.after_id)))
        .replace("$2", str(int(link.last_id or 0)))
        .replace("$3", "NULL")
    )
    cursor.execute(text)
    found: tuple[Any, ...] = cursor.fetchone()
    return found


def _filled(cursor: Any, link: Link, source: Source, columns: list[str]) -> tuple[int, ...]:
    quote = connection.ops.quote_name
    key = quote(source.key)
    cursor.execute(
        f"SELECT {key} FROM {quote(link.table)} WHERE {key} > %s AND {key} <= %s"
        f" AND num_nonnulls({', '.join(quote(name) for name in columns)}) > 0 ORDER BY {key}",
        [-(2**63) + 1 if link.after_id is None else link.after_id, link.last_id],
    )
    return tuple(found for (found,) in cursor.fetchall())


def _which(link: Link, ids: bytes, marks: bytes) -> Iterator[Fault]:
    """Name the rows: by id, and by the first bytes of their digests."""
    sealed, now = _listed(link.ids, link.marks), _listed(ids, marks)
    missing = tuple(sorted(set(sealed) - set(now)))
    inserted = tuple(sorted(set(now) - set(sealed)))
    altered = tuple(one for one in sealed if one in now and sealed[one] != now[one])
    for kind, rows in (("行缺失", missing), ("行被插入", inserted), ("行被改动", altered)):
        if rows:
            yield Fault(kind, link.table, link.day, rows)
    if not (missing or inserted or altered):
        yield Fault("行被改动", link.table, link.day, note="内容摘要不符")


def _listed(ids: bytes, marks: bytes) -> dict[int, tuple[bytes, ...]]:
    """Marks by id; an id that is there twice has two."""
    found: dict[int, tuple[bytes, ...]] = {}
    for start in range(0, len(ids), _MARK):
        one = int.from_bytes(ids[start : start + _MARK], "big", signed=True)
        found[one] = (*found.get(one, ()), marks[start : start + _MARK])
    return found


def _unsealed(cursor: Any, report: Verified, known: Mapping[str, Source]) -> Iterator[Fault]:
    """Rows after the last link: fresh ones are waiting for theirs, old ones should not be."""
    quote = connection.ops.quote_name
    long_ago = timezone.now() - SEALED_WITHIN
    for source in known.values():
        columns = columns_of(cursor, source.table)
        at = next((n for n in ("history_at", "at", "created_at") if n in columns), None)
        if at is None:
            continue
        key = quote(source.key)
        cursor.execute(
            f"SELECT count(*), count(*) FILTER (WHERE {quote(at)} < %s),"
            f" min({key}) FILTER (WHERE {quote(at)} < %s) FROM {quote(source.table)}"
            f" WHERE {key} > coalesce((SELECT max(last_id) FROM core_seal WHERE table_name = %s),"
            f" -9223372036854775807)",
            [long_ago, long_ago, source.table],
        )
        fresh, old, first = cursor.fetchone()
        report.unsealed += fresh
        if old:
            yield Fault("长期未存证", source.table, ids=(first,), note=f"{old} 行")
