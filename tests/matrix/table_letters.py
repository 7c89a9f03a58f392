"""Operations of the three letters."""

from tests.matrix.operation import Operation

OPERATIONS: tuple[Operation, ...] = ()
