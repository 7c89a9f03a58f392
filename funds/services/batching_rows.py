"""Rows of a workbook of payments on their way into the database: sealed a block at a time.

The child parses and knows no keys. What is sealed stands at the front of its lines, so that the rest
is passed on as it came. An account leaves here sealed and as its keyed index, an ID number as its
index alone.
"""

import re
from collections.abc import Callable, Sequence
from time import monotonic
from typing import IO

from core import vault
from core.sealing import copy_number_indexes
from core.workbooks.child import refuse_named
from core.workbooks.refusal import RefusedError, refused

Progress = Callable[[str, int, int | None], None]
# The two numbers that announce a block, and what a block of 4,000 rows may at most be.
_LONGEST_HEAD, _LARGEST_BLOCK = 40, 512 * 1024 * 1024
# As the register reads accounts.
_ACCOUNT = re.compile(rb"[0-9]{12,19}")
# The name under which payments and rows of batches seal an account and index it.
ACCOUNT = "bank_account"
COLUMNS = ("row_no", "bank_account", "account_index", "id_index")
_HEARD_EVERY = 1


def quiet(_phase: str, _done: int = 0, _total: int | None = None) -> None:
    """A progress listener that does not listen."""


class SealedRows:
    """The child's output as a file that COPY reads; `columns` are those it fills, in their order.

    `has_number` says whether the workbook has a column of ID numbers, which then stands behind the
    account. `refusal` tells afterwards that the child named one or broke its protocol.
    """

    def __init__(
        self,
        source: IO[bytes],
        *,
        rest: Sequence[str],
        has_number: bool,
        total: int,
        progress: Progress = quiet,
    ) -> None:
        self.source, self.has_number, self.total = source, has_number, total
        self.progress = progress
        self.columns = (*COLUMNS, *rest)
        self.rows = 0
        self.refusal: RefusedError | None = None
        self._told = monotonic()

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
        if not (0 < raw_size <= _LARGEST_BLOCK and 0 < size <= _LARGEST_BLOCK):
            raise ValueError("block out of bounds")
        raws, block = self.source.read(raw_size), self.source.read(size)
        if len(raws) < raw_size or len(block) < size:
            raise ValueError("block cut short")
        lines = block.removesuffix(b"\n").split(b"\n")
        self.rows += len(lines)
        if monotonic() - self._told > _HEARD_EVERY:
            self._told = monotonic()
            self.progress("读入行", self.rows, self.total)
        return self._sealed(lines)

    def _sealed(self, lines: list[bytes]) -> bytes:
        row_nos, _faults, told, *front, rest = zip(
            *[line.split(b"\t", 3 + self.has_number) for line in lines], strict=True
        )
        fits = _ACCOUNT.fullmatch
        accounts = [one if fits(one) else b"" for one in told]
        # Most workbooks name households by their numbers and leave this column empty.
        is_told = self.has_number and any(front[0])
        numbers = copy_number_indexes(front[0])[0] if is_told else [vault.COPY_NULL] * len(lines)
        columns = (
            row_nos,
            vault.copy_sealed(ACCOUNT, accounts),
            vault.copy_bytes(vault.indexes(ACCOUNT, accounts)),
            numbers,
            rest,
        )
        return b"\n".join(map(b"\t".join, zip(*columns, strict=True))) + b"\n"


class NumberIndexes:
    """A roster of ID numbers as COPY lines of (keyed index); numbers that are none are left out."""

    def __init__(self, source: IO[bytes]) -> None:
        self.source = source
        self.read_rows = 0
        self.found: set[bytes] = set()

    def drain(self) -> None:
        """Read every block. Raises RefusedError."""
        while head := self.source.readline(_LONGEST_HEAD):
            refuse_named(head)
            raw_size, size = map(int, head.split())
            self.source.read(raw_size)
            lines = self.source.read(size).removesuffix(b"\n").split(b"\n")
            numbers = [line.split(b"\t", 3)[2] for line in lines]
            self.read_rows += len(lines)
            self.found.update(copy_number_indexes(numbers)[0])
        self.found.discard(vault.COPY_NULL)
