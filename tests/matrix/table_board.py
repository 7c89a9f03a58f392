"""Operations of figures of problems, and their REST."""

from tests.matrix.operation import Operation

OPERATIONS: tuple[Operation, ...] = ()
