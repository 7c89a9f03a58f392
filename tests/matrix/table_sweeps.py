"""Operations of the likes of a problem, and second looks."""

from tests.matrix.operation import DONE, SEEN, Operation

NOT_MOVED = ("moved",)
UNFIT = (422,)

OPERATIONS: tuple[Operation, ...] = (
    Operation("sweeps:list", "get", "read"),
    Operation("sweeps:new", "get", "find", "problem", SEEN, never=NOT_MOVED),
    Operation("sweeps:new", "post", "find", "problem", UNFIT, never=NOT_MOVED),
    Operation("sweeps:sweep", "get", "read", "sweep", never=NOT_MOVED),
    Operation("sweeps:run", "post", "find", "sweep", DONE, never=NOT_MOVED),
    Operation("sweeps:open", "post", "find", "sweep", UNFIT, never=NOT_MOVED),
    Operation("sweeps:dismiss", "post", "find", "sweep", UNFIT, never=NOT_MOVED),
    Operation("findings:rechecks", "get", "read"),
    Operation("findings:rechecks", "post", "find", ok=UNFIT),
    Operation("findings:recheck", "get", "read", "recheck", never=NOT_MOVED),
    Operation("findings:recheck-look", "post", "find", "recheck_item", UNFIT, never=NOT_MOVED),
    Operation("findings:watched", "get", "read"),
)
