"""What the pages of looking for the likes of a problem take from officials."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django import forms
from django.utils import timezone

from core.scope import Actor, within
from funds.checks.kinds import KINDS
from funds.enums import FindingState, FindingSubject
from funds.queries import findings as rules
from households.filters import HouseholdYearFilter
from households.models import HouseholdYear
from households.queries.years import partition_years
from households.workbooks import stored_terms
from inspections.enums.findings import ObjectKind
from inspections.enums.sweeps import Subject
from inspections.models import Finding
from inspections.services.findings.common import FIND
from inspections.services.findings.sweeping import LONGEST, Query
from projects.enums import State as ProjectState
from projects.models import ProjectType
from projects.queries.listing import LATE_END, LATE_START
from villages.enums import Level
from villages.models import Region

Choices = list[tuple[str, str]]
_ANY: Choices = [("", "全部")]
_OF_REGISTER = (
    "status", "cause", "attribute", "exit_year", "income_below", "income_above", "below_line",
    "poor_village", "mark", "missing",
)  # fmt: skip


def day(label: str) -> forms.DateField:
    """A day that has come already, today unless said otherwise."""
    return forms.DateField(
        label=label, initial=timezone.localdate, validators=[not_in_the_future],
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )  # fmt: skip


def not_in_the_future(value: date) -> None:
    if value > timezone.localdate():
        raise forms.ValidationError("日期不能晚于今天。")


def places_of(actor: Actor) -> Choices:
    """Counties and cities in which the actor registers problems, by code."""
    found = Region.objects.filter(
        within(actor.prefixes_for(FIND), "code"), level__in=(Level.CITY, Level.COUNTY),
        valid_to__isnull=True,
    ).order_by("code")  # fmt: skip
    return [(one.code, one.name) for one in found]


class PlaceForm(forms.Form):
    """Where is looked, in which year."""

    region = forms.ChoiceField(label="查找区域")

    def __init__(self, *args: Any, places: Choices, subject: str, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.fields["region"].choices = places  # type: ignore[attr-defined]
        if subject == Subject.REGISTER:
            years = [(str(one), f"{one} 年") for one in partition_years()]
            self.fields["year"] = forms.ChoiceField(label="年度", choices=years)
        else:
            self.fields["year"] = forms.IntegerField(
                label="年度", required=False, min_value=2010, max_value=2100
            )


class ProjectTerms(forms.Form):
    """The terms of the list of projects, but for its words."""

    type = forms.ChoiceField(label="项目类型", required=False)
    state = forms.ChoiceField(label="状态", required=False, choices=_ANY + ProjectState.choices)
    late = forms.ChoiceField(
        label="逾期", required=False,
        choices=[*_ANY, (LATE_START, "逾期未开工"), (LATE_END, "逾期未完工")],
    )  # fmt: skip

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        types = [(one.pk, one.label) for one in ProjectType.objects.all()]
        self.fields["type"].choices = _ANY + types  # type: ignore[attr-defined]


class FundTerms(forms.Form):
    """The terms of the list of what rules on money found."""

    rule = forms.ChoiceField(label="资金规则", required=False)
    state = forms.ChoiceField(label="结论", required=False, choices=_ANY + FindingState.choices)
    subject = forms.ChoiceField(label="对象", required=False, choices=_ANY + FindingSubject.choices)

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        known = [one for one in rules.rules() if not KINDS[one.check_kind].is_held]
        choices = _ANY + [(one.code, one.name) for one in known]
        self.fields["rule"].choices = choices  # type: ignore[attr-defined]


class Asked:
    """A search as it is being put together: where, and the terms of the list of its subject."""

    def __init__(
        self, data: Mapping[str, Any] | None, *, finding: Finding, subject: str, actor: Actor
    ) -> None:
        self.subject = subject
        places = places_of(actor)
        start = {"region": _start(finding, places)}
        self.place = PlaceForm(data, places=places, subject=subject, initial=start)
        self.form = self._terms(data, finding, actor)
        names = _OF_REGISTER if subject == Subject.REGISTER else tuple(self.form.fields)
        self.fields = [self.form[name] for name in names]

    def _terms(self, data: Any, finding: Finding, actor: Actor) -> forms.Form:
        if self.subject == Subject.PROJECTS:
            project = finding.project
            return ProjectTerms(
                data, prefix="of", initial={"type": project.type_id if project else ""}
            )
        if self.subject == Subject.FUNDS:
            found = finding.fund_finding
            return FundTerms(data, prefix="of", initial={"rule": found.rule.code if found else ""})
        filters = HouseholdYearFilter(data, HouseholdYear.objects.none(), actor=actor)
        form: forms.Form = filters.form
        return form

    def is_valid(self) -> bool:
        # Both, so that every fault is told at once.
        return all([self.place.is_valid(), self.form.is_valid()])

    @property
    def query(self) -> Query:
        told = stored_terms({one.name: self.form.cleaned_data[one.name] for one in self.fields})
        year = self.place.cleaned_data["year"]
        words = "；".join(
            f"{one.label}：{self._said(one, told[one.name])}"
            for one in self.fields
            if one.name in told
        )
        return Query(self.subject, told, words, int(year) if year else None)

    def _said(self, bound: forms.BoundField, value: Any) -> str:
        known = {str(code): text for code, text in getattr(bound.field, "choices", ())}
        values = value if isinstance(value, list) else [value]
        return "、".join(known.get(str(one), str(one)) for one in values)


def _start(finding: Finding, places: Choices) -> str:
    """The problem's county, where it may be chosen."""
    county = finding.region_code[:6].ljust(12, "0")
    return county if county in dict(places) else ""


def usual_subject(finding: Finding) -> str:
    """Among what the likes of such a problem are looked for first."""
    if finding.fund_finding_id is not None:
        return Subject.FUNDS
    if finding.object_kind == ObjectKind.PROJECT:
        return Subject.PROJECTS
    return Subject.REGISTER


class OpenForm(forms.Form):
    """What is wrong with all of the chosen, and since when it is known."""

    words = forms.CharField(
        label="问题事实", max_length=LONGEST, widget=forms.Textarea(attrs={"rows": 2}),
        help_text="每一项后面自动加上户编号、项目编号或疑点情况。",
    )  # fmt: skip
    found_on = day("发现日期")
    confirmed = forms.BooleanField(label="所选各项已经核对，确属同类问题")


class DismissForm(forms.Form):
    """Why the chosen are no such problem."""

    reason = forms.CharField(
        label="不予列入的理由", max_length=300, widget=forms.Textarea(attrs={"rows": 2})
    )
