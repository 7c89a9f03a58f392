"""Operations of the list of problems, campaigns, days."""

from tests.matrix.operation import Operation

OPERATIONS: tuple[Operation, ...] = (Operation("findings:list", "get", "read"),)
