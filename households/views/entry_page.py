"""One request about one entry: opened, a row more, checked, handed in, or in conflict with others."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from core.web import actor_of
from households.models import Change, ChangeState, Partition
from households.services import changing, drafting, editing
from households.views import entry_layout as layout
from households.views import entry_merge as merging
from households.views import entry_posted as posted
from households.views import entry_shown as shown
from households.views.entry_summary import summary_of

# What the buttons of the form ask for.
SUBMIT, ADD, COPY, CHECK = "submit", "add", "copy", "check"
# What the list of keys says on this page.
KEYS = (
    ("Enter", "下一格"), ("Alt N", "加一名成员"), ("Ctrl S", "存草稿"), ("Ctrl Enter", "提交"),
)  # fmt: skip


class EntryPage:
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
        # A closed year takes corrections only: with a reason and papers, through every level.
        self.is_closed = Partition.objects.filter(year=year, closed_at__isnull=False).exists()
        self.missing: list[tuple[str, str]] = []

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
        return self._submit(merging.without(edit, theirs))

    def _submit(self, edit: editing.Edit) -> HttpResponse:
        done = self._handed_in(self.key)
        if done is not None and done.state != ChangeState.RETURNED:
            return self._said(done)
        self.change = self.change or done
        try:
            editing.require_fresh(edit)
            found = editing.check(edit, self.actor)
            self.missing = shown.missing_grounds(
                edit, self.reason, self.evidence, is_closed=self.is_closed
            )
            if found.errors or found.open or self.missing:
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
        gone = [int(one.where[8:]) for one in merges if merging.is_gone(one)]
        context = {
            "merges": [(one, merging.shifted(one.where, gone)) for one in merges],
            "fields": [*posted.flat(merged), ("reason", self.reason)],
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
            "entry": shown.laid_out(page, summary),
            "edit": edit,
            "summary": summary,
            "wrong": len(wrong) + len(self.missing),
            "asked": len(asked),
            "links": [
                *(shown.link(one) for one in (*wrong, *asked)),
                *self.missing,
            ],
            "missing_reason": dict(self.missing).get(shown.REASON, ""),
            "missing_evidence": dict(self.missing).get(shown.EVIDENCE, ""),
            "is_closed": self.is_closed,
            "own_keys": KEYS,
            "other_findings": shown.elsewhere(told),
            "key": self.key,
            "seq": self.seq,
            "reason": self.reason,
            "evidence": [(code, text, code in self.evidence) for code, text in shown.papers()],
            "evidence_open": bool(self.evidence) or self.is_closed,
            "recovered": self.recovered,
            "is_changed": is_changed or status != 200,
            "household_no": self.household_no,
            "partition": self.year,
            "change": self.change,
            "place": shown.place(edit, self.household_no, self.year, self.actor),
        }
        return render(self.request, "households/entry.html", context, status=status)


def _key(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise Http404 from error
