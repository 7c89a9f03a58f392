"""Recent problems of the demo city, taken through their steps and letters as its people would.

Days count back from the day the city is made: what was due long ago has had all three letters, what
came in last week has not been assigned. Every step is taken by the product's own services, by the
person whose step it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.utils import timezone

from funds.enums import FindingState
from funds.models import FundFinding
from imports.demo import problem_parts as parts
from imports.demo import problem_words as words
from imports.demo.places import random_for
from inspections.enums import CaseState
from inspections.enums.findings import OWED, Level, Look, ObjectKind, Severity, Source, State
from inspections.enums.letters import Kind, Outcome
from inspections.enums.sweeps import Subject
from inspections.models import Accountability, Case, Finding, Letter, SweepMatch
from inspections.services.findings import (
    entering,
    extending,
    papers,
    rechecking,
    stepping,
    sweeping,
)
from inspections.services.findings.entering import Inspection
from inspections.services.findings.stepping import Duty
from inspections.services.letters import preparing, sending

COUNTY = "410324"
CITY, ENTERS, CHECKS = "shifupinban", "xiangmu", "pinggu"
COUNTY_OFFICE, CLERK, TOWN, VILLAGE_OFFICIAL = "xianfupinban", "luanchuan", "chengguan", "cunwei"
PEOPLE = (COUNTY_OFFICE, CLERK, TOWN, VILLAGE_OFFICIAL)
_ON_THE_WAY = (State.ASSIGNED, State.MEASURED, State.CLAIMED, State.VERIFIED)
# Of a hundred problems in the whole city, so many in the county whose people the demo has.
_OWN_SHARE = 0.4
# Days after the one that passed at which each letter went out; replies are due ten days later.
_LETTERS = (3, 16, 29)
_REPLY = timedelta(days=10)
_WATCHED, _LOOKED = 3, 14
_RELAPSED = (3, 7)


@dataclass(frozen=True)
class Recent:
    """A campaign told `ago` days ago, its problems due `due` days later, and how far they have come."""

    name: str
    source: str
    level: str
    ago: int
    due: int
    far: tuple[tuple[str, int], ...]
    county: str = ""
    letters: int = 0


RECENT = (
    Recent(
        "省级季度督查", Source.SUPERVISION, Level.PROVINCE, 120, 35,
        ((State.CLOSED, 26), (State.WATCHED, _WATCHED), (State.MEASURED, 4), (State.ASSIGNED, 2)),
        letters=3,
    ),
    Recent(
        "市际交叉检查", Source.CROSS_CHECK, Level.PROVINCE, 75, 35,
        ((State.CLOSED, 14), (State.VERIFIED, 2), (State.CLAIMED, 3), (State.MEASURED, 3),
         (State.RETURNED, 2)),
        letters=2,
    ),
    Recent(
        "市级暗访", Source.UNANNOUNCED, Level.CITY, 45, 30,
        ((State.CLOSED, 10), (State.CLAIMED, 4), (State.MEASURED, 5), (State.ASSIGNED, 3)),
        letters=1,
    ),
    Recent(
        "县级自查", Source.SELF_CHECK, Level.COUNTY, 30, 25,
        ((State.CLOSED, 4), (State.CLAIMED, 2), (State.MEASURED, 3), (State.ASSIGNED, 3)), COUNTY,
    ),
    Recent(
        "信访举报转办", Source.PETITION, Level.CITY, 12, 30,
        ((State.MEASURED, 2), (State.ASSIGNED, 4), (State.FOUND, 3)), COUNTY,
    ),
    Recent(
        "年终考核预检", Source.ASSESSMENT, Level.CITY, 6, 40,
        ((State.ASSIGNED, 6), (State.FOUND, 6)),
    ),
)  # fmt: skip


def tell(places: parts.Places, people: dict[str, Any]) -> None:
    """All of it, up to today."""
    teller = _Teller(places, people)
    for story in RECENT:
        teller.campaign(story)
    teller.raised()
    teller.one_of_two()
    teller.more_time()
    teller.second_looks()
    teller.likes()
    preparing.prepare(today=teller.today, prefix="4103")
    teller.drafts()


class _Teller:
    def __init__(self, places: parts.Places, people: dict[str, Any]) -> None:
        self.places, self.people = places, people
        self.today = timezone.localdate()
        self.draw = random_for("problems now")

    def campaign(self, story: Recent) -> None:
        told = self.today - timedelta(days=story.ago)
        region = self.places.counties[story.county] if story.county else self.places.city
        office = self.people[COUNTY_OFFICE if story.county else CITY]
        campaign = entering.open_campaign(
            region=region,
            told=Inspection(
                name=f"{told.year}年{story.name}", source=story.source, level=story.level,
                began_on=told - timedelta(days=12), ended_on=told - timedelta(days=4), told_on=told,
                document=f"演示反馈〔{told.year}〕{story.name}", team="检查组（演示）",
                expected=sum(many for _, many in story.far),
            ),
            by=office,
        )  # fmt: skip
        made: list[Finding] = []
        for far, many in story.far:
            for _ in range(many):
                finding = self._entered(campaign, story.county, told, far, len(made) + 1, office)
                made.append(self._brought(finding, far, told, told + timedelta(days=story.due)))
        self._letters(made, story.letters)

    def _entered(
        self, campaign: Any, county: str, on: date, far: str, number: int, office: Any
    ) -> Finding:
        draw = self.draw
        if not county:
            own = draw.random() < _OWN_SHARE
            county = COUNTY if own else draw.choice(sorted(self.places.villages))
        code = draw.choice(list(words.FACTS))
        self.fact = draw.choice(words.FACTS[code])
        self.village = draw.choice(self.places.villages[county])
        about = self.places.about(self.fact, self.village)
        return entering.enter(
            region=self.village, campaign=campaign,
            fields={
                "told_as": str(number), "severity": draw.choice(tuple(Severity)),
                "fact": f"{self.fact.words}。", "found_on": on,
                "object_kind": about["object_kind"], "cadre": about.get("cadre", ""),
                "needs_watch": far == State.WATCHED,
            },
            more={"category_id": code}
            | {name: key for name, key in about.items() if name.endswith("_id")},
            by=office,
        )  # fmt: skip

    def _who(self, finding: Finding) -> Any:
        """Who mends: in the demo's own county its clerk, elsewhere the city writes for the county."""
        return self.people[CLERK if finding.region_code.startswith(COUNTY) else ENTERS]

    def _brought(self, finding: Finding, far: str, told: date, due: date) -> Finding:
        """Step by step as far as it has come."""
        way = list(_ON_THE_WAY[: _ON_THE_WAY.index(State(far)) + 1]) if far in _ON_THE_WAY else []
        if far in (State.CLOSED, State.WATCHED):
            way = [*_ON_THE_WAY, State(far)]
        elif far == State.RETURNED:
            way = [*_ON_THE_WAY[:3], State.RETURNED]
        last = min(due, self.today - timedelta(days=1))
        on = told
        for state in way:
            on = self._day(state, on, told, last)
            if state == State.ASSIGNED:
                finding = self._assigned(finding, on, due)
                continue
            if state == State.CLAIMED:
                papers.add(
                    finding=finding, file=parts.scanned(), note="演示佐证", by=self._who(finding)
                )
            by = self._who(finding) if state in _ON_THE_WAY[1:3] else self.people[CHECKS]
            finding = stepping.take(
                finding=finding, state=state, words=self._said(state), on=on, by=by
            )
        return finding

    def _day(self, state: str, on: date, told: date, last: date) -> date:
        if state == State.ASSIGNED:
            return min(told + timedelta(days=2), self.today)
        if state == State.MEASURED:
            return min(told + timedelta(days=7), last)
        if state == State.CLAIMED:
            return max(on, last - timedelta(days=self.draw.randint(3, 9)))
        return min(on + timedelta(days=1), self.today)

    def _said(self, state: str) -> str:
        spoken = {
            State.MEASURED: words.MEASURES, State.CLAIMED: words.CLAIMS,
            State.RETURNED: ("佐证材料不能证明已经整改，请补充。",),
            State.WATCHED: ("整改属实，转入长期坚持。",), State.CLOSED: ("同意销号。",),
        }  # fmt: skip
        return self.draw.choice(spoken.get(State(state), words.VERIFIED))

    def _assigned(self, finding: Finding, on: date, due: date) -> Finding:
        unit = self.places.unit(self.fact, self.village)
        is_own = finding.region_code.startswith(COUNTY)
        given = Duty(
            unit,
            parts.duty(self.draw),
            self.people[CLERK] if is_own else None,
            due,
            parts.DUE_SOURCE,
        )
        by = self.people[COUNTY_OFFICE if is_own else CITY]
        return stepping.assign(finding=finding, duty=given, on=on, by=by)

    def _letters(self, made: Sequence[Finding], many: int) -> None:
        """The letters of a campaign's late ones, each confirmed, most received, some answered."""
        late = [one for one in made if one.state in OWED and one.due_on and one.due_on < self.today]
        due = min((one.due_on for one in late if one.due_on), default=self.today)
        for days in _LETTERS[:many]:
            on = due + timedelta(days=days)
            drafts = preparing.prepare(today=on, prefix="4103", only=late)
            for at, letter in enumerate(drafts):
                office = self.people[CITY]
                sent = sending.issue(letter=letter, on=on, reply_due_on=on + _REPLY, by=office)
                if at % 4 != 3:
                    sent = sending.receive(
                        letter=sent, on=on + timedelta(days=1), name="办公室（演示）", by=office
                    )
                if at % 2 == 0:
                    sending.reply(
                        letter=sent, on=on + timedelta(days=6), words="正在整改，争取月底前完成。",
                        by=office,
                    )  # fmt: skip
        # The last of them is not decided yet.
        records = list(Accountability.objects.filter(outcome="").order_by("pk"))[:-1]
        outcomes = ((Outcome.TALK, 1), (Outcome.ADMONISHED, 2))
        for record, (outcome, persons) in zip(records, outcomes, strict=False):
            sending.conclude(
                record=record, organ="县纪委监委（演示）", outcome=outcome, persons=persons,
                on=min(record.opened_on + timedelta(days=12), self.today),
                document="演示处理〔1〕号", words="已按程序办理。", by=self.people[CITY],
            )  # fmt: skip

    def raised(self) -> None:
        """Confirmed cases of assessments and what rules say of money, as far as there are any."""
        office = self.people[COUNTY_OFFICE]
        cases = Case.objects.filter(
            village_code__startswith=COUNTY, rectification=None, finding=None
        )
        for case in [one for one in cases.order_by("pk") if one.state == CaseState.CONFIRMED][:2]:
            entering.raise_case(case=case, severity=Severity.SERIOUS, by=office)
        found = FundFinding.objects.filter(
            state=FindingState.VIOLATED, closed_on=None, region_code__startswith=COUNTY
        )
        for one in found.select_related("rule", "region").order_by("pk")[:3]:
            entering.raise_fund_finding(found=one, severity=Severity.ORDINARY, by=office)

    def one_of_two(self) -> None:
        """The same problem was told twice, and one was two."""
        office, on = self.people[COUNTY_OFFICE], self.today - timedelta(days=5)
        village = self.places.villages[COUNTY][0]
        fields = {
            "severity": Severity.ORDINARY, "object_kind": ObjectKind.PLACE, "found_on": on,
        }  # fmt: skip
        first, same, two = (
            entering.enter(
                region=village, source=Source.SELF_CHECK, level=Level.COUNTY,
                fields={**fields, "fact": fact}, by=office,
            )
            for fact in ("公示栏内容未更新。", "村公示栏仍为去年内容。", "路灯损坏，便民服务点无人值守。")
        )  # fmt: skip
        stepping.merge(
            finding=same, into=first, words="与前一问题相同，并案办理。", on=on, by=office
        )
        stepping.split(
            finding=two, parts=[{"fact": "三组路灯损坏。"}, {"fact": "便民服务点无人值守。"}],
            words="两件事分别办理。", on=on, by=office,
        )  # fmt: skip

    def more_time(self) -> None:
        """More time was asked for twice, and given once."""
        owed = Finding.objects.filter(
            region_code__startswith=COUNTY, state=State.MEASURED, due_on__gte=self.today
        )
        late = Finding.objects.filter(
            region_code__startswith=COUNTY, state=State.MEASURED, due_on__lt=self.today, rung=0
        )
        on = self.today - timedelta(days=1)
        for at, finding in enumerate([*late.order_by("pk")[:1], *owed.order_by("pk")[:1]]):
            until = self.today + timedelta(days=20 + at * 15)
            asked = extending.ask(
                finding=finding, until=until, reason="雨季影响施工，请求延期。", on=on,
                by=self.people[CLERK],
            )  # fmt: skip
            if at == 0:
                extending.decide(
                    extension=asked, is_granted=True, why="情况属实，同意延期。", on=self.today,
                    by=self.people[COUNTY_OFFICE],
                )  # fmt: skip

    def second_looks(self) -> None:
        """A tenth of what the county mended in 2018 was drawn, looked at, and some had come back."""
        county, checks = self.places.counties[COUNTY], self.people[CHECKS]
        drawn = rechecking.draw(
            region=county, since=date(2018, 1, 1), until=date(2018, 12, 31),
            seed="20181231" * 4, by=self.people[COUNTY_OFFICE],
        )  # fmt: skip
        on = self.today - timedelta(days=10)
        for item in drawn.items.select_related("finding").order_by("rank")[:_LOOKED]:
            back = item.rank in _RELAPSED
            _, finding = rechecking.look(
                item=item, result=Look.RELAPSED if back else Look.HOLDS,
                words="复查时又发现同样情况。" if back else "现场查看，整改成果保持良好。", on=on,
                by=checks,
            )  # fmt: skip
            if back:
                given = Duty(
                    finding.lead_unit, finding.duty_name, self.people[CLERK],
                    self.today + timedelta(days=15), parts.DUE_SOURCE,
                )  # fmt: skip
                stepping.assign(
                    finding=finding, duty=given, on=on + timedelta(days=1),
                    words="反弹问题重新交办。", by=self.people[COUNTY_OFFICE],
                )  # fmt: skip
        watched = Finding.objects.filter(
            state=State.WATCHED, state_on__lt=self.today.replace(day=1)
        )
        for finding in watched.order_by("pk")[: _WATCHED - 1]:
            stepping.look(
                finding=finding, result=Look.HOLDS, words="本月查看，未反弹。", on=self.today,
                by=checks,
            )  # fmt: skip

    def likes(self) -> None:
        """The likes of one problem about a project were looked for in the county; two are on the ledger."""
        office, county = self.people[COUNTY_OFFICE], self.places.counties[COUNTY]
        finding = Finding.objects.filter(
            region_code__startswith=COUNTY, state__in=OWED, household=None
        ).earliest("pk")
        made = sweeping.begin(
            finding=finding, region=county, on=self.today - timedelta(days=2), by=office,
            query=sweeping.Query(Subject.PROJECTS, {"late": "1"}, "项目：逾期未开工或未完工"),
        )  # fmt: skip
        matches = SweepMatch.objects.filter(sweep=made).order_by("pk")
        keys = list(matches.values_list("pk", flat=True)[:2])
        if keys:
            sweeping.open_all(
                sweep=made, keys=keys, words="项目进度滞后，没有说明原因", on=self.today, by=office
            )

    def drafts(self) -> None:
        """One of the drafts is not sent; the others wait for somebody to confirm them."""
        draft = Letter.objects.filter(state="PREPARED", kind=Kind.REMIND).order_by("pk").first()
        if draft is not None:
            sending.drop(
                letter=draft, why="已当面督促，责任单位承诺三日内完成。", by=self.people[CITY]
            )
