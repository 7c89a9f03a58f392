"""Operations of complaints and petitions."""

from tests.matrix.operation import Operation

OPERATIONS: tuple[Operation, ...] = ()
