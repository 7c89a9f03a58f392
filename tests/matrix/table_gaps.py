"""Operations of lists of what is missing."""

from tests.matrix.operation import Operation

OPERATIONS: tuple[Operation, ...] = ()
