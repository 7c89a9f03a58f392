"""Who corrected a village's facts of a year, when, from what to what, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model

from core.history import images
from villages.models import VillageYear
from villages.queries.yearly import facts, written

# As many corrections as the page tells.
MOST = 10

State = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Edited:
    """One fact before and after."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Edit:
    """One correction; `who` is the system where no person did it."""

    at: datetime
    who: str
    reason: str
    lines: list[Edited]


def edits_of(row: VillageYear) -> list[Edit]:
    """The latest corrections of a row the reader sees, youngest first.

    An image is the state that an act replaced: what came of it is the image after it, or the row.
    Two queries, however many corrections there are.
    """
    told: list[State] = list(images(VillageYear, row.pk))
    now: State = {
        str(one.column): one.value_from_object(row) for one in VillageYear._meta.concrete_fields
    }
    found = [
        (image, lines)
        for image, after in zip(told, [now, *told], strict=False)
        if (lines := _lines(image, after))
    ][:MOST]
    names = _names([image for image, _ in found])
    return [
        Edit(image["history_at"], _who(image, names), image["history_reason"] or "", lines)
        for image, lines in found
    ]


def _lines(before: State, after: State) -> list[Edited]:
    lines = [
        Edited(str(field.verbose_name), written(field, old), written(field, new))
        for field in facts()
        if (old := before[field.column]) != (new := after[field.column])
    ]
    if before["source"] != after["source"]:
        lines.append(Edited("数据来源", before["source"], after["source"]))
    return lines


def _names(told: Sequence[State]) -> dict[int, str]:
    keys = {image["history_actor"] for image in told if image["history_actor"]}
    users = get_user_model()._default_manager.in_bulk(keys)
    return {pk: str(user) for pk, user in users.items()}


def _who(image: State, names: Mapping[int, str]) -> str:
    """The person, the machine client by the name it had, or the system itself."""
    user, client = image["history_actor"], image["history_client"]
    if user:
        return names.get(user, f"用户 {user}")
    return f"{client.partition(' ')[2]}（接口）" if client else "系统"
