"""Keeping how somebody looks at the lists: chosen columns, and searches by name."""

from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError
from django.db.models.functions import Now
from django.http import QueryDict

from core.acting import acting
from households.models import ChosenColumns, SavedView

# So many views one person keeps; more are no help to anybody.
MOST = 50
LONGEST = 2_000
_TOO_LONG = "条件太多，不能保存。请减少所选条件。"
_WORDS = (
    "查找文字可能是姓名或编号，不能保存在视图里。请先清空“姓名、拼音、编号、村”，改用行政村等条件。"
)
# What moves through a list, and the year, which stays that of whoever opens the view.
_PASSING = ("year", "after", "before", "cursor", "page", "count", "csrfmiddlewaretoken")


class RefusedError(Exception):
    """The view cannot be kept so; the text says why."""


def chosen_columns(user: Any, listing: str) -> list[str]:
    """The columns the user chose for a list; empty for the usual ones."""
    found = ChosenColumns.objects.filter(owner_id=user.pk, listing=listing)
    return list(found.values_list("columns", flat=True).first() or [])


def choose_columns(*, listing: str, columns: Sequence[str], by: Any) -> None:
    """Remember the columns for the user; none brings the usual ones back."""
    with acting(by=by):
        if columns:
            ChosenColumns.objects.update_or_create(
                owner=by, listing=listing, defaults={"columns": list(columns)}
            )
        else:
            ChosenColumns.objects.filter(owner=by, listing=listing).delete()


def storable(query: str) -> str:
    """A list's address as a view keeps it. Raises RefusedError when it holds a searched word."""
    asked = QueryDict(query[: 2 * LONGEST], mutable=True)
    if any(asked.getlist("q")):
        raise RefusedError(_WORDS)
    for name in (*_PASSING, "q"):
        asked.pop(name, None)
    for name in list(asked):
        values = [value for value in asked.getlist(name) if value]
        if values:
            asked.setlist(name, values)
        else:
            del asked[name]
    kept = asked.urlencode()
    if len(kept) > LONGEST or len(query) > 2 * LONGEST:
        raise RefusedError(_TOO_LONG)
    return kept


def save_view(
    *, listing: str, name: str, query: str, share_with: tuple[str, str] | None, by: Any
) -> SavedView:
    """Keep a search by name. Raises RefusedError for a name already used, a word, or too many."""
    kept = storable(query)
    if SavedView.objects.filter(owner=by).count() >= MOST:
        raise RefusedError(f"最多保存 {MOST} 个视图，请先删除不用的。")
    try:
        with acting(by=by):
            return SavedView.objects.create(
                owner=by, listing=listing, name=name, query=kept, **_office(share_with)
            )
    except IntegrityError as error:
        raise RefusedError(_used(name)) from error


def change_view(*, view: SavedView, name: str, share_with: tuple[str, str] | None, by: Any) -> None:
    """Rename an own view, share it with an office or with nobody. Raises RefusedError."""
    try:
        with acting(by=by):
            SavedView.objects.filter(pk=view.pk, owner=by).update(
                name=name, changed_at=Now(), **_office(share_with)
            )
    except IntegrityError as error:
        raise RefusedError(_used(name)) from error


def delete_view(*, view: SavedView, by: Any) -> None:
    with acting(by=by):
        SavedView.objects.filter(pk=view.pk, owner=by).delete()


def _used(name: str) -> str:
    return f"您已有名为“{name}”的视图，请换一个名称。"


def _office(share_with: tuple[str, str] | None) -> dict[str, Any]:
    prefix, department = share_with or ("", "")
    return {
        "is_shared": share_with is not None,
        "region_prefix": prefix,
        "department": department,
    }
