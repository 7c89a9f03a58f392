"""Problems are entered by hand, or raised from a confirmed survey case or a finding on money."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from core.acting import acting
from core.ledger.services import without_numbers
from funds.enums import FindingSubject
from funds.models import FundFinding
from households.models import Household
from inspections.enums import CaseState, RoundKind
from inspections.enums.findings import Level, ObjectKind, Origin, Source, State
from inspections.models import Campaign, Case, Finding
from inspections.services.common import UnfitError
from inspections.services.findings import stepping
from inspections.services.findings.common import locked, refused, require_find
from projects.models import Project
from villages.models import Region

FIELDS = (
    "told_as", "category", "severity", "fact", "basis", "object_kind", "household", "person",
    "project", "payment", "cadre", "found_on", "needs_watch",
)  # fmt: skip


@dataclass(frozen=True)
class Inspection:
    """What a campaign is told as; `expected` is how many problems the feedback says it has."""

    name: str
    source: str
    level: str
    began_on: date
    told_on: date
    document: str
    team: str = ""
    ended_on: date | None = None
    expected: int | None = None


def open_campaign(*, region: Region, told: Inspection, by: Any) -> Campaign:
    """Register an inspection of a place. Raises UnfitError."""
    require_find(region.code, by)
    if not told.name.strip() or not told.document.strip():
        raise UnfitError("请填写检查名称和反馈文号。")
    with acting(by=by, reason="登记检查"), refused():
        return Campaign.objects.create(
            region=region, region_code=region.code, created_by=by,
            name=told.name.strip(), source=told.source, level=told.level, team=told.team.strip(),
            began_on=told.began_on, ended_on=told.ended_on, told_on=told.told_on,
            document=told.document.strip(), expected=told.expected,
        )  # fmt: skip


def amend_campaign(
    *,
    campaign: Campaign,
    name: str,
    team: str,
    ended_on: date | None,
    expected: int | None,
    by: Any,
) -> Campaign:
    """Put right what was told of an inspection, as far as problems do not hang on it."""
    require_find(campaign.region_code, by)
    with acting(by=by, reason="修改检查"), refused():
        found = Campaign.objects.select_for_update().get(pk=campaign.pk)
        found.name, found.team, found.ended_on = name.strip(), team.strip(), ended_on
        found.expected = expected
        found.save(update_fields=["name", "team", "ended_on", "expected"])
    return found


def enter(
    *,
    region: Region,
    fields: dict[str, Any],
    campaign: Campaign | None = None,
    source: str = "",
    level: str = "",
    origin: str = Origin.ENTERED,
    parent: Finding | None = None,
    more: dict[str, Any] | None = None,
    by: Any,
) -> Finding:
    """Enter a problem of a place. `fields` by FIELDS; source and level are the campaign's, if any.

    A person's household is told with the person. Raises UnfitError.
    """
    require_find(region.code, by)
    told = {name: fields[name] for name in FIELDS if name in fields}
    told["fact"] = without_numbers(str(told.get("fact", "")).strip())
    if not told["fact"]:
        raise UnfitError("请填写问题事实。")
    person = told.get("person")
    if person is not None and told.get("household") is None:
        told["household"] = person.household
    with acting(by=by, reason="登记问题"), refused():
        finding = Finding.objects.create(
            region=region, region_code=region.code, campaign=campaign, origin=origin,
            source=campaign.source if campaign else source,
            level=campaign.level if campaign else level,
            parent=parent, entered_by=by, **told, **(more or {}),
        )  # fmt: skip
        return stepping.found(finding=finding, by=by)


def amend(*, finding: Finding, fields: dict[str, Any], by: Any) -> Finding:
    """Put right what was entered, until it is assigned. Raises UnfitError."""
    require_find(finding.region_code, by)
    with acting(by=by, reason="修改问题"), refused():
        found = locked(finding)
        if found.state != State.FOUND:
            raise UnfitError("问题已经交办，不能再修改；可拆分、并案或退回。")
        names = [name for name in FIELDS if name in fields]
        for name in names:
            setattr(found, name, fields[name])
        found.fact = without_numbers(found.fact.strip())
        found.entered_by = by
        found.save(update_fields=[*names, "entered_by"])
    return found


def watch(*, finding: Finding, needs_watch: bool, by: Any) -> Finding:
    """Say whether the mended problem has to be kept an eye on (长期坚持)."""
    require_find(finding.region_code, by)
    with acting(by=by, reason="列为长期坚持" if needs_watch else "取消长期坚持"), refused():
        found = locked(finding)
        if found.state in (State.CLOSED, State.MERGED, State.SPLIT):
            raise UnfitError("问题已经办结。")
        found.needs_watch = needs_watch
        found.save(update_fields=["needs_watch"])
    return found


def raise_case(*, case: Case, severity: str, by: Any) -> Finding:
    """A confirmed problem of an assessment enters the ledger, once. Raises UnfitError."""
    if case.state != CaseState.CONFIRMED:
        raise UnfitError("只有已确认的评估问题列入台账。")
    confirmed = case.steps.get(state=CaseState.CONFIRMED)
    household = case.sample.frame.household
    fact = f"{case.get_kind_display()}，{case.confirmed_persons} 人：{confirmed.reason}"
    return enter(
        region=case.village, source=Source.ASSESSMENT, level=_LEVELS[case.round.kind],
        origin=Origin.CASE,
        fields={
            "severity": severity, "fact": fact[:1000], "household": household,
            "object_kind": ObjectKind.HOUSEHOLD if household else ObjectKind.PLACE,
            "found_on": confirmed.on,
        },
        more={"case": case}, by=by,
    )  # fmt: skip


# Who assesses, by the kind of the round.
_LEVELS: dict[str, str] = {
    RoundKind.COUNTY_SELF: Level.COUNTY,
    RoundKind.CITY_REVIEW: Level.CITY,
    RoundKind.PROVINCE_CHECK: Level.PROVINCE,
    RoundKind.THIRD_PARTY: Level.PROVINCE,
    RoundKind.SPOT_CHECK: Level.CENTRAL,
}


def raise_fund_finding(*, found: FundFinding, severity: str, by: Any) -> Finding:
    """What a rule says of money enters the ledger, once. Raises UnfitError."""
    about: dict[str, Any] = {"object_kind": ObjectKind.PLACE}
    if found.subject == FindingSubject.PROJECT:
        project = Project.objects.get(pk=found.subject_id)
        about = {"object_kind": ObjectKind.PROJECT, "project": project}
    elif found.subject == FindingSubject.HOUSEHOLD:
        household = Household.objects.get(pk=found.subject_id)
        about = {"object_kind": ObjectKind.HOUSEHOLD, "household": household}
    return enter(
        region=found.region, source=Source.SELF_CHECK,
        level=Level.CITY if found.region.level == "city" else Level.COUNTY,
        origin=Origin.FUND_RULE,
        fields={
            "severity": severity, "fact": f"{found.rule.name}：{found.words}"[:1000],
            "basis": found.rule.source[:300], "found_on": found.reopened_on or found.opened_on,
            **about,
        },
        more={"fund_finding": found}, by=by,
    )  # fmt: skip
