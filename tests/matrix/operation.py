"""A line of the reviewed table."""

from dataclasses import dataclass, field

SEEN, DONE = (200,), (200, 302)
# A form that was sent empty is refused for what it lacks, by those who may send it.
LACKING = (200, 302, 400, 404, 409, 422)


@dataclass(frozen=True)
class Operation:
    route: str
    method: str
    right: str
    kind: str = ""
    ok: tuple[int, ...] = SEEN
    query: str = ""
    data: dict[str, str] = field(default_factory=dict)
    # A former place may read its years, not write.
    writes: bool = False
    # For the API: strangers get 401, people with a session too.
    api: bool = False
    # Relations in which such an object does not exist.
    never: tuple[str, ...] = ()


def _api(route: str, kind: str = "", query: str = "", never: tuple[str, ...] = ()) -> Operation:
    return Operation(route, "get", "client", kind, SEEN, query, api=True, never=never)
