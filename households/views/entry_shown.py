"""What the entry page shows besides its fields' own cells: members, acts, papers, the place."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from households.catalog import labels
from households.enums import JOINS, LEAVES
from households.models import Household
from households.queries import places
from households.services import changing, editing
from households.services.entry_edit import ACTS
from households.views import entry_layout as layout

# What a script replaces by the number of a new row.
NEW_ROW = "__row__"
# Controls of the grounds.
REASON, EVIDENCE = "f-reason", "f-evidence"


def laid_out(page: layout.Page, summary: Mapping[str, Any]) -> dict[str, Any]:
    """The page's sections, each with its cells."""
    edit = page.edit
    people = summary["people"]
    rows = [
        {**_member(page, at, told), "who": people.get(str(at), "")}
        for at, told in enumerate(edit.members)
    ]
    known = [
        (told["person_no"], told["person"].get("name", ""))
        for told in edit.members
        if told["person_no"]
    ]
    return {
        "basic": page.cells(layout.BASIC),
        "members": rows,
        "row": _member(page, NEW_ROW, {"person_no": "", "person": {}, "year": {}}),
        "known": known,
        "acts": {act: dict.fromkeys(wanted, "") for act, wanted in ACTS.items()}
        | {one["act"]: one for one in edit.acts},
        "has_acts": bool(edit.acts),
        "relations": [
            (code, f"{code} {text}") for code, text in labels("relation_to_head").items()
        ],
        "relatives": _relatives(edit, known),
        "joins": [(str(one), one.label) for one in JOINS],
        "leaves": [(str(one), one.label) for one in LEAVES],
        "causes": page.cells(layout.CAUSES),
        "income": [
            {
                "cell": page.cell(f"year.{total}"),
                "name": total,
                "parts": [page.cell(f"year.{part}") for part in parts],
                "computed": summary["totals"].get(total, ""),
            }
            for total, parts in layout.INCOME
        ],
        "living": page.cells(layout.LIVING),
        "guarantees": page.cells(layout.GUARANTEES),
        "rest": page.cells(layout.rest_of_year()),
        "suggestions": layout.suggestions(),
    }


def _relatives(edit: editing.Edit, known: Sequence[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """Number and name of each member, and how they stand to a new head as far as that was told."""
    told: Mapping[str, str] = next(
        (one["relations"] for one in edit.acts if one["act"] == "change_head"), {}
    )
    return [(number, name, told.get(number, "")) for number, name in known]


def _member(page: layout.Page, at: int | str, told: Mapping[str, Any]) -> dict[str, Any]:
    cells = [page.of_member(at, told, place) for place in layout.MEMBER]
    more = [page.of_member(at, told, place) for place in layout.member_more()]
    return {
        "at": at,
        "number": at + 1 if isinstance(at, int) else "",
        "person_no": told["person_no"],
        "cells": cells,
        "more": more,
        "findings": [one for cell in cells for one in cell.findings],
        "is_open": "left" in told
        or any(not one.is_query or one.wants_reason for cell in more for one in cell.findings),
        "who": "",
        "joined": {"kind": "", "on": ""} | dict(told.get("joined") or {}),
        "left": {"kind": "", "on": "", "reason": ""} | dict(told.get("left") or {}),
        "event_findings": _once(
            one
            for part in ("left", "joined")
            for name in ("kind", "on", "reason")
            for one in page.findings.get(f"members.{at}.{part}.{name}", [])
        ),
    }


def _once(found: Iterable[layout.Told]) -> list[layout.Told]:
    """Each message once: an event that lacks three things is said to be incomplete once."""
    return list({one.message: one for one in found}.values())


def elsewhere(found: Sequence[layout.Told]) -> list[layout.Told]:
    """What is about the members as a whole, one of them or an act, beside no field."""
    return [
        one
        for one in found
        if "." not in one.where
        or one.where.startswith("acts.")
        or (one.where.startswith("members.") and one.where.count(".") == 1)
    ]


def link(found: layout.Told) -> tuple[str, str]:
    """Where something is to be done, and what; of a member with the line they stand in."""
    part, _, rest = found.where.partition(".")
    number, _, name = rest.partition(".")
    if part == "acts" or (part == "members" and not name):
        return part, found.message
    if part == "members" and number.isdecimal():
        return layout.anchor(found.where), f"第 {int(number) + 1} 人：{found.message}"
    return layout.anchor(found.where), found.message


def missing_grounds(
    edit: editing.Edit, reason: str, evidence: Sequence[str], *, is_closed: bool
) -> list[tuple[str, str]]:
    """What the edit still wants besides its fields: the control, and what is to be told there."""
    if not edit.household_no:
        return []
    found = []
    if not reason.strip():
        if is_closed:
            found.append((REASON, "更正已关闭的年度须写明变更事由。"))
        elif changing.touches_identity([asdict(one) for one in editing.diff(edit)]):
            found.append((REASON, "改了姓名、证件、性别、出生日期或户主，须写明变更事由。"))
    if is_closed and not evidence:
        found.append((EVIDENCE, "更正已关闭的年度须选择佐证材料类型。"))
    return found


def papers() -> list[tuple[str, str]]:
    return list(labels(changing.EVIDENCE).items())


def place(edit: editing.Edit, household_no: str, year: int, actor: Any) -> places.Place:
    if household_no:
        rows = Household.objects.visible_to(actor).filter(household_no=household_no)
        code = rows.values_list("village_code", flat=True).first() or ""
    else:
        code = str(edit.household.get("village_code", ""))
    return places.places_on(places.year_end(year), [code]).get(code, places.NOWHERE)
