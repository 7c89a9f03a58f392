"""What has to be true before members pass on, a head changes or households split and merge."""

from collections.abc import Iterator
from typing import Any

from core.scope import Actor, covers
from households.catalog import labels
from households.checks import Finding
from households.checks.words import error
from households.enums import HEAD, JOINS
from households.models import HouseholdYear, Partition
from households.services.changing import EDIT
from households.services.entry_edit import Edit
from households.services.entry_state import Base

_TARGETS = {"move": "to", "merge": "into"}


def of_acts(edit: Edit, base: Base, actor: Actor) -> Iterator[Finding]:
    """Acts that name who is not there, and comings and goings in a closed year."""
    for at, act in enumerate(edit.acts):
        yield from _persons(f"acts.{at}", act, base)
        if act["act"] == "change_head":
            yield from _relations(f"acts.{at}", act)
        name = _TARGETS.get(act["act"])
        if name and target_of(edit, str(act[name]), actor) is None:
            yield error("ENT10", f"acts.{at}.{name}", "没有这一户，或您不能修改该户")
        if "kind" in act and act["kind"] not in [str(one) for one in JOINS]:
            yield error("ENT07", f"acts.{at}.kind")
    moves = edit.acts or any("left" in one or "joined" in one for one in edit.members)
    if (moves or edit.is_new) and _is_closed(edit.partition):
        yield error("ENT09", "acts" if edit.acts else "members")


def _persons(where: str, act: dict[str, Any], base: Base) -> Iterator[Finding]:
    """Whoever is named belongs to the household; its head stays when it splits."""
    known = {one.person.person_no: one for one in base.members}
    named = set(act.get("person_nos") or []) | set(act.get("relations") or {})
    named |= {str(act["person_no"])} if "person_no" in act else set()
    if named - known.keys():
        yield error("ENT10", where, "所选人员不在本户")
    elif act["act"] == "split":
        if act["head_person_no"] not in act["person_nos"]:
            yield error("ENT10", f"{where}.head_person_no", "没有从分出人员中选定新户的户主")
        if any(known[one].relation_to_head == HEAD for one in named):
            yield error("ENT10", f"{where}.person_nos", "原户主留在原户")


def _relations(where: str, act: dict[str, Any]) -> Iterator[Finding]:
    known = labels("relation_to_head")
    if any(code and code not in known for code in act["relations"].values()):
        yield error("IMP06", f"{where}.relations")


def _is_closed(partition: int) -> bool:
    return Partition.objects.filter(year=partition, closed_at__isnull=False).exists()


def target_of(edit: Edit, household_no: str, actor: Actor) -> HouseholdYear | None:
    """Another household of the year that the actor may edit too."""
    rows = HouseholdYear.objects.visible_to(actor).in_year(edit.partition)
    rows = rows.exclude(household__household_no=edit.household_no)
    row = rows.filter(household__household_no=household_no).select_related("household").first()
    return row if row is not None and covers(actor, row.village_code, EDIT) else None
