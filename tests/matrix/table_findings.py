"""Operations of one problem and what is done about it."""

from tests.matrix.operation import Operation

NOT_MOVED = ("moved",)

OPERATIONS: tuple[Operation, ...] = (
    Operation("findings:finding", "get", "read", "problem", never=NOT_MOVED),
)
