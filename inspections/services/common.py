"""What the acts of an assessment share."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import IntegrityError, transaction

from core.scope import covers
from inspections.models import Round

PLAN = "inspections.plan"
SURVEY = "inspections.survey"
APPEAL = "inspections.appeal"
DECIDE = "inspections.decide"


class UnfitError(Exception):
    """The act cannot be done as told; the text says why."""


def locked(round_: Round, right: str, by: Any) -> Round:
    """The round, locked, for somebody who holds the right where it is held. Raises UnfitError."""
    found = Round.objects.select_for_update().get(pk=round_.pk)
    require(found, right, by)
    return found


def require(round_: Round, right: str, by: Any) -> None:
    """Raises UnfitError unless the round is open and held where the actor has the right."""
    if not covers(by, round_.held_by, right):
        raise UnfitError("您没有办理本轮评估这一事项的权限。")
    if round_.closed_at is not None:
        raise UnfitError("本轮评估已经结束。")


@contextmanager
def refused_as(text: str) -> Iterator[None]:
    """Turn a refusal of the database into words; nothing of the act remains."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        raise UnfitError(text) from error
