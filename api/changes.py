"""What changed since a cursor: any list here, in the order in which changes were committed.

Rows carry the number of the transaction that touched them last. A feed ends before the oldest
transaction that is still open: whatever commits later comes later, so that a client which stores the
last cursor misses nothing. The numbers are the database's own; after a restore from a dump clients
begin anew.
"""

from typing import Any

from django.db import connection
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from api.errors import invalid
from api.lists import ListView
from api.serializers import ChosenFieldsSerializer
from households.queries.keyset import Keyset

CHANGES = OpenApiParameter(
    "changes", {"type": "string", "enum": ["1"]},
    description="按变更先后返回；读完后保存 cursor，下次带上它只取新的变更",
)  # fmt: skip


def horizon() -> int:
    """The number of the oldest transaction that may still commit."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        return int(cursor.fetchone()[0])


class FeedView(ListView):
    """A list that can also be read as a feed of changes (`changes=1`)."""

    own_terms = frozenset({"fields", "changes"})
    # Where the number of the touching transaction stands.
    changed = "changed"
    joined: tuple[str, ...] = ()

    def list(self, request: Request) -> Response:
        asked = request.query_params.get("changes")
        if asked is None:
            return super().list(request)
        if asked != "1":
            raise invalid({"changes": ["只能是 1。"]})
        self.keyset = Keyset((self.changed, "id"), (int, int))
        answer = super().list(request)
        rows = self.paginator.page.rows  # type: ignore[union-attr]
        answer.data["cursor"] = (
            self.keyset.write(rows[-1]) if rows else request.query_params.get("cursor") or None
        )
        return answer

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        found = super().filter_queryset(queryset)
        if "changes" in self.request.query_params:
            found = found.filter(**{f"{self.changed}__lt": horizon()})
        return found

    def keys(self, found: QuerySet[Any], blank: ChosenFieldsSerializer) -> Any:
        columns = blank.needed_columns() | set(self.keyset.fields)
        # What nobody asked for is not joined: a key cannot be left out and followed at once.
        joined = [one for one in self.joined if any(c.startswith(f"{one}__") for c in columns)]
        return found.select_related(*joined).only(*columns) if joined else found.only(*columns)
