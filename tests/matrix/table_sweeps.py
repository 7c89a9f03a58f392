"""Operations of the likes of a problem, and second looks."""

from tests.matrix.operation import Operation

OPERATIONS: tuple[Operation, ...] = ()
