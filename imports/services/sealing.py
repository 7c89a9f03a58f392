"""Rows of a workbook are sealed on their way from the parsing child into the staging table.

The child parses hostile files and knows no keys; the parent knows them and sees each row once, as
COPY text. What is sealed stands at the front of a line, so that the rest is never taken apart, and
whole columns of a block are sealed at once. The raw rows of a block become one sealed value, kept
with the block's first row: they are read for faulty rows only, and a city has 120 blocks. They are
compressed first, which leaves a fifth to seal, to send and to keep.
"""

from collections.abc import Callable, Iterator
from time import monotonic
from typing import IO, Any

from django.db import connection

from core import vault
from core.sealing import copy_number_indexes
from core.workbooks import cells
from core.workbooks.child import refuse_named
from core.workbooks.refusal import RefusedError, refused
from households.catalog import FieldFact
from imports.catalog.plan import Plan
from imports.queries.raws import RAW, cells_of, packed, unpacked
from imports.services.numbering import Numbers

# What a block of the child's may at most announce; it prints 4,000 rows of a few hundred bytes.
LARGEST_BLOCK = 512 * 1024 * 1024
# The two numbers that announce a block.
_LONGEST_HEAD = 40

Column = list[bytes] | tuple[bytes, ...]


class SealedRows:
    """The child's output as a file that COPY reads, sealed; counted for the progress bar.

    `refusal` tells afterwards that the child named one, or did not keep to its protocol.
    """

    def __init__(
        self,
        source: IO[bytes],
        plan: Plan,
        progress: Callable[[str, int, int | None], None],
        total: int,
        numbers: Numbers | None = None,
    ) -> None:
        self.source, self.progress, self.total = source, progress, total
        self.lines = 0
        self.refusal: RefusedError | None = None
        self.last = monotonic()
        # Of a file that numbers no persons; then the number is not among its columns.
        self.numbers = numbers
        self.has_person_no = plan.has("person_no") and numbers is None
        # Row number and faults, then what the plan puts in front, then the untouched rest.
        self.splits = 2 + self.has_person_no + len(plan.sealed)
        self.sealers = [_sealer(fact) for fact in plan.sealed]
        self.number_at = next(
            (at for at, fact in enumerate(plan.sealed) if fact.kind == "id_number"), -1
        )

    def read(self, _size: int) -> bytes:
        try:
            return self._next_block()
        except RefusedError as refusal:
            # Raised through COPY it would come out as an error of the server's.
            self.refusal = refusal
        except ValueError:
            self.refusal = refused("parser")
        return b""

    def _next_block(self) -> bytes:
        head = self.source.readline(_LONGEST_HEAD)
        if not head:
            return b""
        refuse_named(head)
        raw_size, size = map(int, head.split())
        if not (0 < raw_size <= LARGEST_BLOCK and 0 < size <= LARGEST_BLOCK):
            raise ValueError("block out of bounds")
        raws, block = self.source.read(raw_size), self.source.read(size)
        if len(raws) < raw_size or len(block) < size:
            raise ValueError("block cut short")
        sealed, count = self._sealed(raws, block)
        self.lines += count
        if monotonic() - self.last > 1:
            self.last = monotonic()
            self.progress("读入行", self.lines, self.total)
        return sealed

    def _sealed(self, raws: bytes, block: bytes) -> tuple[bytes, int]:
        splits = self.splits
        lines = block.removesuffix(b"\n").split(b"\n")
        row_nos, faults, *front, rest = zip(
            *[line.split(b"\t", splits) for line in lines], strict=True
        )
        out: list[Column] = [row_nos, faults]
        salts: Column = row_nos
        if self.has_person_no:
            salts = front.pop(0)
            out.append(salts)
        elif self.numbers is not None:
            indexes, _ = copy_number_indexes(front[self.number_at])
            salts = self.numbers.column(indexes, rest)
            out.append(salts)
        for seal, column in zip(self.sealers, front, strict=True):
            out += seal(_unescaped(column), salts)
        raw = [vault.COPY_NULL] * len(lines)
        raw[:1] = vault.copy_sealed(RAW, [packed(raws)])
        joined = b"\n".join(map(b"\t".join, zip(*out, rest, raw, strict=True))) + b"\n"
        return joined, len(lines)


def _sealer(fact: FieldFact) -> Callable[[Column, Column], list[Column]]:
    """What turns a column of this fact, with its salts, into the staged columns."""
    name = fact.name

    def seal_number(texts: Column, _: Column) -> list[Column]:
        return [vault.copy_sealed(name, texts), *copy_number_indexes(texts)]

    def seal_salted(texts: Column, salts: Column) -> list[Column]:
        return [vault.copy_salted(name, texts, salts)]

    def seal_codes(texts: Column, salts: Column) -> list[Column]:
        return [vault.copy_salted(name, [text[1:-1] for text in texts], salts)]

    if fact.kind == "id_number":
        return seal_number
    if name == "head_id_no":
        return lambda texts, _: [vault.copy_sealed(name, texts), copy_number_indexes(texts)[0]]
    if fact.kind == "codes":
        return seal_codes
    if fact.is_salted:
        return seal_salted
    # Members of a household repeat its telephone and account.
    remembered = vault.Remembered(name)
    return lambda texts, _: [remembered.column(texts)]


def _unescaped(column: Column) -> Column:
    """The cells without COPY's escapes, which are rare."""
    if b"\\" not in b"\t".join(column):
        return column
    return [cells.unescape(text.decode()).encode() if b"\\" in text else text for text in column]


# (first row, where it lies) of every sealed block, in order.
Starts = list[tuple[int, str]]


def raw_starts(plan: Plan) -> Starts:
    """Where the blocks of raw rows begin; one scan of the rows, to be had once for several asks."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT row_no, ctid::text FROM {plan.rows} WHERE raw IS NOT NULL ORDER BY row_no"
        )
        starts: Starts = cursor.fetchall()
        return starts


def raw_rows(
    plan: Plan, row_nos: set[int], starts: Starts | None = None
) -> Iterator[tuple[int, list[str]]]:
    """(row number, its cells as they stood in the file) of the rows asked for, a block at a time."""
    wanted = sorted(row_nos)
    starts = raw_starts(plan) if starts is None else starts
    at = 0
    with connection.cursor() as cursor:
        # Rows have no index while they are judged; a block is fetched from where it lies.
        for (_, place), (end, _) in zip(starts, [*starts[1:], (None, "")], strict=True):
            first = at
            while at < len(wanted) and (end is None or wanted[at] < end):
                at += 1
            if at > first:
                cursor.execute(f"SELECT raw FROM {plan.rows} WHERE ctid = %s::tid", [place])
                yield from _cells_of(cursor.fetchone()[0], set(wanted[first:at]))


def _cells_of(blob: Any, wanted: set[int]) -> Iterator[tuple[int, list[str]]]:
    for line in unpacked(blob).splitlines():
        if int(line.partition(b"\t")[0]) in wanted:
            yield cells_of(line)
