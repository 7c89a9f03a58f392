"""The entry page: opening, adding rows, checking and handing in one household of one year."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from core.limits import limited
from core.scope import covers
from core.web import actor_of, partition_of, require
from households.catalog import labels
from households.enums import JOINS, LEAVES
from households.models import Change, ChangeState
from households.queries import places
from households.services import changing, drafting, editing
from households.services.entry_edit import ACTS
from households.views import entry_layout as layout
from households.views import entry_posted as posted
from households.views.entry_summary import summary_of
from households.views.frame import known_years

EDIT = changing.EDIT
# What the buttons of the form ask for.
SUBMIT, ADD, COPY, CHECK = "submit", "add", "copy", "check"
# What a script replaces by the number of a new row.
NEW_ROW = "__row__"


@require_http_methods(["GET", "POST"])
@limited("edit", methods=("POST",))
def edit_household(request: HttpRequest, household_no: str) -> HttpResponse:
    """Correct a household in a year."""
    require(request, EDIT)
    years = known_years(household_no, actor_of(request))
    year = partition_of(request)
    if year not in years:
        return redirect(f"{request.path}?year={years[0]}")
    change = _returned(request, household_no)
    if change is not None and change.state != ChangeState.RETURNED:
        # Handed in again meanwhile, perhaps by the same click.
        return redirect("households:change", pk=change.pk)
    if request.method == "POST":
        return _Page(request, household_no, year, change).posted()
    try:
        opened = editing.load(household_no=household_no, partition=year, actor=actor_of(request))
    except editing.UnfitError as error:
        raise Http404 from error
    return _Page(request, household_no, year, change).opened(opened)


@require_http_methods(["GET", "POST"])
@limited("edit", methods=("POST",))
def new_household(request: HttpRequest) -> HttpResponse:
    """Enter a household for the first time, in a village chosen before."""
    require(request, EDIT)
    year = partition_of(request)
    if year is None:
        raise Http404
    change = _returned(request, "")
    if change is not None and change.state != ChangeState.RETURNED:
        return redirect("households:change", pk=change.pk)
    page = _Page(request, "", year, change)
    if request.method == "POST":
        return page.posted()
    draft = None if change else drafting.draft_of("", year, request.user)
    code = request.GET.get("village", "")
    if change is None and draft is None and len(code) != _VILLAGE:
        return _choose_village(request, year)
    if len(code) == _VILLAGE and not covers(actor_of(request), code, EDIT):
        raise Http404
    return page.opened(editing.blank(village_code=code, partition=year))


_VILLAGE = 12


def _returned(request: HttpRequest, household_no: str) -> Change | None:
    """The change of one's own that is being corrected, if the address names one."""
    number = request.GET.get("change", "")
    if not number:
        return None
    if not (number.isascii() and number.isdecimal() and len(number) < 19):
        raise Http404
    own = Change.objects.visible_to(actor_of(request)).filter(created_by_id=request.user.pk)
    found = get_object_or_404(own.select_related("household"), pk=int(number))
    # One that entered a household took effect with it: that household is its page now.
    if found.edit.get("household_no", "") != household_no:
        raise Http404
    return found


def _choose_village(request: HttpRequest, year: int) -> HttpResponse:
    """County, town, village, each narrowed by the one before; one choice is no choice."""
    actor, day = actor_of(request), places.year_end(year)
    counties = places.counties_for(actor, day)
    county = _among(request.GET.get("county", ""), counties)
    towns = places.towns_for(actor, day, county)
    town = _among(request.GET.get("town", ""), towns)
    villages = places.villages_for(actor, day, town)
    if len(villages) == 1:
        return redirect(f"{request.path}?year={year}&village={villages[0][0]}")
    context = {
        "partition": year,
        "levels": [
            ("county", "县区", counties, county),
            ("town", "乡镇", towns, town),
            ("village", "行政村", villages, ""),
        ],
    }
    return render(request, "households/entry_place.html", context)


def _among(asked: str, offered: Sequence[tuple[str, str]]) -> str:
    codes = [code for code, _ in offered]
    if asked in codes:
        return asked
    return codes[0] if len(codes) == 1 else ""


class _Page:
    """One request about one entry."""

    def __init__(
        self, request: HttpRequest, household_no: str, year: int, change: Change | None
    ) -> None:
        self.request, self.household_no, self.year = request, household_no, year
        self.change, self.by = change, request.user
        self.actor = actor_of(request)
        self.key, self.seq = uuid4(), 0
        self.reason, self.evidence = "", list(change.evidence) if change else []
        self.recovered: Any = None

    def opened(self, edit: editing.Edit) -> HttpResponse:
        """The page as it is opened: a draft first, then what was returned, then the register."""
        if self.change is None:
            draft = drafting.draft_of(self.household_no, self.year, self.by)
            returned = self._handed_in(draft.key) if draft else None
            if returned is not None and returned.state == ChangeState.RETURNED:
                # The draft of a correction is gone on with as what it is.
                return redirect(f"{self.request.path}?year={self.year}&change={returned.pk}")
        else:
            edit = editing.Edit.read(self.change.edit)
            self.key, self.reason = self.change.key, self.change.reason
            draft = drafting.draft_of(self.household_no, self.year, self.by)
            draft = draft if draft is not None and draft.key == self.key else None
        if draft is not None:
            self.key, self.seq, self.recovered = draft.key, draft.seq, draft.changed_at
            edit = editing.Edit.read(draft.edit)
            self.reason = edit.reason
        elif self.change is None:
            return self._shown(edit)
        return self._shown(edit, editing.check(edit, self.actor))

    def _handed_in(self, key: UUID) -> Change | None:
        """One's own change that this entry became already."""
        return Change.objects.filter(key=key, created_by_id=self.by.pk).first()

    def posted(self) -> HttpResponse:
        told = self.request.POST
        self.key, self.reason = _key(told.get("key", "")), told.get("reason", "")
        self.evidence = told.getlist("evidence")
        self.seq = int(told["seq"]) if told.get("seq", "").isdecimal() else 0
        try:
            return self._done(told.get("do", SUBMIT), self._read())
        except editing.UnfitError as error:
            messages.error(self.request, str(error))
        edit = self._read()
        return self._shown(edit, editing.check(edit, self.actor), status=422)

    def _read(self) -> editing.Edit:
        """What was sent. 404 for what is no entry of this household."""
        try:
            edit = editing.Edit.read(posted.read(self.request.POST, partition=self.year))
        except editing.UnfitError as error:
            raise Http404 from error
        if edit.household_no != self.household_no:
            raise Http404
        return edit

    def _done(self, wanted: str, edit: editing.Edit) -> HttpResponse:
        if wanted == ADD:
            row = {"person_no": "", "person": {}, "year": {}, "joined": {}}
            return self._shown(replace(edit, members=[*edit.members, row]), is_changed=True)
        if wanted == COPY:
            edit = editing.from_last_year(edit, self.actor)
            messages.info(self.request, "空着的项目已用上一年度的内容填上，请逐项核对。")
            return self._shown(edit, editing.check(edit, self.actor), is_changed=True)
        if wanted == CHECK:
            return self._shown(edit, editing.check(edit, self.actor), is_changed=True)
        taken = [name[5:] for name in self.request.POST if name.startswith("take.")]
        theirs = [one for one in taken if self.request.POST[f"take.{one}"] == "theirs"]
        return self._submit(_without(edit, theirs))

    def _submit(self, edit: editing.Edit) -> HttpResponse:
        done = self._handed_in(self.key)
        if done is not None and done.state != ChangeState.RETURNED:
            return self._said(done)
        self.change = self.change or done
        try:
            editing.require_fresh(edit)
            found = editing.check(edit, self.actor)
            if found.errors or found.open:
                return self._shown(edit, found, status=422)
            if self.change is None:
                change = changing.submit(
                    edit=edit.told(), key=self.key, reason=self.reason, evidence=self.evidence,
                    by=self.by,
                )  # fmt: skip
            else:
                change = changing.resubmit(
                    change=self.change, edit=edit.told(), reason=self.reason,
                    evidence=self.evidence, by=self.by,
                )  # fmt: skip
        except editing.StaleError:
            return self._conflict(edit)
        return self._said(change)

    def _said(self, change: Change) -> HttpResponse:
        if change.state == ChangeState.APPLIED:
            messages.success(self.request, "已保存，登记数据已更新。")
        else:
            messages.success(self.request, "已提交，等待审核；审核通过后登记数据才会更新。")
        if self.request.POST.get("next") == "new":
            page = reverse("households:new")
            return redirect(f"{page}?year={self.year}&village={change.village_code}")
        if change.state == ChangeState.APPLIED and change.household is not None:
            page = reverse("households:detail", args=[change.household.household_no])
            return redirect(f"{page}?year={self.year}")
        return redirect("households:change", pk=change.pk)

    def _conflict(self, edit: editing.Edit) -> HttpResponse:
        """Field by field what others changed; the clerk chooses where both did."""
        merges, merged = editing.three_way(editing.Edit(), edit, self.actor)
        gone = [int(one.where[8:]) for one in merges if _is_gone(one)]
        context = {
            "merges": [(one, _shifted(one.where, gone)) for one in merges],
            "fields": [*layout.flat(merged), ("reason", self.reason)],
            "evidence": self.evidence,
            "version": merged.version,
            "key": self.key,
            "seq": self.seq,
            "partition": self.year,
            "household_no": self.household_no,
        }
        return render(self.request, "households/entry_conflict.html", context, status=409)

    def _shown(
        self,
        edit: editing.Edit,
        found: editing.Findings | None = None,
        *,
        status: int = 200,
        is_changed: bool = False,
    ) -> HttpResponse:
        found = found or editing.Findings()
        told = layout.told(found, edit.confirmed)
        masked: Mapping[str, str] = {}
        if self.household_no:
            masked = editing.masked(
                household_no=self.household_no, partition=self.year, actor=self.actor
            )
        page = layout.Page(edit, masked, layout.by_where(told))
        summary = summary_of(edit, self.actor)
        unsaid = {one.key for one in found.open}
        wrong = [one for one in told if not one.is_query]
        asked = [one for one in told if one.key in unsaid]
        context = {
            "entry": _laid_out(page, summary),
            "edit": edit,
            "summary": summary,
            "wrong": len(wrong),
            "asked": len(asked),
            "links": [(layout.anchor(one.where), one.message) for one in (*wrong, *asked)],
            "other_findings": _elsewhere(told),
            "key": self.key,
            "seq": self.seq,
            "reason": self.reason,
            "evidence": [(code, text, code in self.evidence) for code, text in _papers()],
            "evidence_chosen": bool(self.evidence),
            "recovered": self.recovered,
            "is_changed": is_changed or status != 200,
            "household_no": self.household_no,
            "partition": self.year,
            "change": self.change,
            "place": _place(edit, self.household_no, self.year, self.actor),
        }
        return render(self.request, "households/entry.html", context, status=status)


def _laid_out(page: layout.Page, summary: Mapping[str, Any]) -> dict[str, Any]:
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
        "is_open": any(cell.findings for cell in more) or "left" in told,
        "who": "",
        "joined": {"kind": "", "on": ""} | dict(told.get("joined") or {}),
        "left": {"kind": "", "on": "", "reason": ""} | dict(told.get("left") or {}),
        "event_findings": [
            one
            for part in ("left", "joined")
            for name in ("kind", "on", "reason")
            for one in page.findings.get(f"members.{at}.{part}.{name}", [])
        ],
    }


def _elsewhere(found: Sequence[layout.Told]) -> list[layout.Told]:
    """What is about the members as a whole, one of them or an act, beside no field."""
    return [
        one
        for one in found
        if "." not in one.where
        or one.where.startswith("acts.")
        or (one.where.startswith("members.") and one.where.count(".") == 1)
    ]


def _papers() -> list[tuple[str, str]]:
    return list(labels(changing.EVIDENCE).items())


def _place(edit: editing.Edit, household_no: str, year: int, actor: Any) -> places.Place:
    if household_no:
        rows = drafting.Household.objects.visible_to(actor).filter(household_no=household_no)
        code = rows.values_list("village_code", flat=True).first() or ""
    else:
        code = str(edit.household.get("village_code", ""))
    return places.places_on(places.year_end(year), [code]).get(code, places.NOWHERE)


def _without(edit: editing.Edit, wheres: Sequence[str]) -> editing.Edit:
    """The edit without these fields: they stay as the others left them."""
    told = edit.told()
    for where in wheres:
        *path, name = where.split(".")
        at: Any = told
        for part in path:
            if isinstance(at, list):
                at = at[int(part)] if part.isdecimal() and int(part) < len(at) else {}
            else:
                at = at.get(part, {})
        if isinstance(at, dict):
            at.pop(name, None)
    return editing.Edit.read(told)


def _is_gone(merge: editing.Merge) -> bool:
    part, _, number = merge.where.partition(".")
    return part == "members" and number.isdecimal()


def _shifted(where: str, gone: Sequence[int]) -> str:
    """The place in the merged edit, which has no rows for those who are gone."""
    part, _, rest = where.partition(".")
    number, _, name = rest.partition(".")
    if part != "members" or not number.isdecimal() or not name:
        return where
    return f"members.{int(number) - sum(one < int(number) for one in gone)}.{name}"


def _key(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise Http404 from error
