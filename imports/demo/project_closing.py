"""The rows of the demo city's projects from the reports to the evaluation, and for whom they are."""

from datetime import date

from imports.demo import project_people
from imports.demo import published_money as p
from imports.demo.bulk import analyze, reserve
from imports.demo.places import random_for
from imports.demo.project_plan import INDUSTRY, Draft
from imports.demo.project_rows import STAGES, ProjectRows, Row
from imports.demo.project_words import owner_of
from projects.enums import Grade, NoticeKind, State
from projects.models import (
    Acceptance,
    Asset,
    Beneficiary,
    Evaluation,
    ProgressReport,
    Project,
    ProjectFact,
    ProjectStep,
    Settlement,
    Stage,
    StageProgress,
    Target,
)

_GRADES = {Grade.EXCELLENT: 35, Grade.GOOD: 50, Grade.FAIR: 13, Grade.POOR: 2}
# What of a settled project's budget the audit left, in thousandths; industry was bought as planned.
_AUDITED = (965, 1000)


class ProjectWriter(ProjectRows):
    """The same run to its end."""

    def write(self) -> dict[str, int]:
        self.projects()
        self.take(State.PROPOSED)
        self.parts()
        analyze(self.cursor, (Project, ProjectStep, ProjectFact, Target, Stage))
        self.take(State.REVIEWED)
        self.take(State.DECIDED)
        self.notices(NoticeKind.PLAN, State.DECIDED, State.LIBRARY)
        self.take(State.LIBRARY)
        self.take(State.BUDGETED)
        self.take(State.STARTED)
        analyze(self.cursor, (Project, ProjectStep))
        self.reports()
        self.take(State.COMPLETED)
        self.accept()
        self.notices(NoticeKind.COMPLETION, State.ACCEPTED, State.SETTLED)
        self.settle()
        self.assets()
        self.evaluate()
        count = self.beneficiaries()
        for state in (State.REFUSED, State.CANCELLED):
            self.take(state)
        self.cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        analyze(self.cursor, (Project, ProjectStep, Beneficiary, ProgressReport, StageProgress))
        return {"项目": len(self.drafts), "办理": self.steps, "受益对象": count}

    def reports(self) -> None:
        """Two months of each: half way and as far as it got."""
        reports: list[Row] = []
        shares: list[Row] = []
        first_report = reserve(self.cursor, ProgressReport, 2 * len(self.drafts))
        for at in self.on_way(State.STARTED):
            one = self.drafts[at]
            for month, done in _progress(one, at):
                key = first_report + len(reports)
                total = sum(w * s for (_, w), s in zip(STAGES, done, strict=True)) / 100
                words = "全部完成。" if done[2] == 100 else "按计划推进。"
                reports.append(
                    (key, self.keys[at], one.site, month, 1, total, words, self.offices[at][0])
                )
                shares += [
                    (key, self.keys[at], one.site, self.first_stage + at * 3 + place, share)
                    for place, share in enumerate(done)
                ]
        columns = (
            "id", "project_id", "region_code", "month", "edition", "percent", "words",
            "created_by_id",
        )  # fmt: skip
        self.copy(ProgressReport, columns, reports)
        analyze(self.cursor, (ProgressReport,))
        self.copy(
            StageProgress, ("report_id", "project_id", "region_code", "stage_id", "percent"), shares
        )
        analyze(self.cursor, (StageProgress,))

    def accept(self) -> None:
        columns = (
            "project_id", "region_code", "position", "accepted_on", "passed", "team", "opinion",
            "created_by_id",
        )  # fmt: skip
        rows: list[Row] = []
        for at in self.on_way(State.ACCEPTED):
            one, place = self.drafts[at], 1
            team = f"{self.regions[one.county + '000000'][1]}扶贫、财政、行业部门联合验收组"
            row = (self.keys[at], one.site)
            if random_for("accept", at).random() < 0.04:
                rows.append(
                    (*row, 1, one.days[State.COMPLETED], False, team,
                     "部分工程量与设计不符，限期整改。", self.offices[at][2])
                )  # fmt: skip
                place = 2
            rows.append(
                (*row, place, one.days[State.ACCEPTED], True, team,
                 "按设计完成，质量合格。", self.offices[at][2])
            )  # fmt: skip
        self.copy(Acceptance, columns, rows)
        self.take(State.ACCEPTED)

    def settle(self) -> None:
        columns = (
            "project_id", "region_code", "settled_on", "submitted", "audited", "auditor",
            "document", "created_by_id",
        )  # fmt: skip
        audited = {at: _audited(self.drafts[at], at) for at in self.on_way(State.SETTLED)}
        auditor = "洛阳演示工程造价咨询有限公司"
        self.copy(
            Settlement,
            columns,
            (
                (
                    self.keys[at], one.site, one.days[State.SETTLED], one.units * p.UNIT, yuan,
                    auditor, f"演示审〔2018〕{at + 1}号", self.offices[at][2],
                )
                for at, yuan in audited.items() for one in (self.drafts[at],)
            ),
        )  # fmt: skip
        self.take(State.SETTLED, lambda at: f"审定 {audited[at]:,.2f} 元，{auditor}")

    def assets(self) -> None:
        columns = (
            "project_id", "region_code", "name", "value", "owner_kind", "owner", "use", "income",
            "keeper", "upkeep", "registered_on", "created_by_id",
        )  # fmt: skip
        rows = []
        for at in self.on_way(State.REGISTERED):
            one = self.drafts[at]
            value = _audited(one, at)
            earns = round(value * 6 / 100) if one.group == INDUSTRY else None
            rows.append(
                (
                    self.keys[at], one.site, f"{self.names[at][:90]}形成资产", value,
                    *owner_of(one, self.place(one)), self.labels[one.type], earns,
                    f"{self.place(one)}管护员", round(value / 100), one.days[State.REGISTERED],
                    self.offices[at][0],
                )
            )  # fmt: skip
        self.copy(Asset, columns, rows)
        self.take(State.REGISTERED)

    def evaluate(self) -> None:
        grades, weights = list(_GRADES), list(_GRADES.values())
        columns = (
            "project_id", "region_code", "evaluated_on", "grade", "words", "created_by_id",
        )  # fmt: skip
        self.copy(
            Evaluation,
            columns,
            (
                (
                    self.keys[at], self.drafts[at].site, self.drafts[at].days[State.EVALUATED],
                    random_for("grade", at).choices(grades, weights)[0].value,
                    "绩效目标全部完成，资金使用规范。", self.offices[at][2],
                )
                for at in self.on_way(State.EVALUATED)
            ),
        )  # fmt: skip
        self.take(State.EVALUATED)

    def beneficiaries(self) -> int:
        regions = {code: key for code, (key, _) in self.regions.items()}
        rows = list(
            project_people.rows(
                self.drafts, self.helped, self.keys, [one[0] for one in self.offices], regions
            )
        )
        self.copy(Beneficiary, project_people.COLUMNS, rows)
        return len(rows)


def _audited(one: Draft, at: int) -> int:
    """Yuan that the audit found, never more than the budget."""
    yuan = one.units * p.UNIT
    if one.group == INDUSTRY:
        return yuan
    return yuan * random_for("audited", at).randrange(*_AUDITED) // 1000


def _progress(one: Draft, at: int) -> list[tuple[date, tuple[int, int, int]]]:
    """(month, percent of each stage) of the reports."""
    begun = one.days[State.STARTED]
    if State.COMPLETED not in one.days:
        share = random_for("progress", at).choice((25, 40, 55, 70, 85))
        return [
            (begun.replace(day=1), (50, 0, 0)),
            (date(p.YEAR, 12, 1), (100, share, 0)),
        ]
    done = one.days[State.COMPLETED]
    half = begun + (done - begun) / 2
    last = [(done.replace(day=1), (100, 100, 100))]
    if (half.year, half.month) == (done.year, done.month):
        return last
    return [(half.replace(day=1), (100, 50, 0)), *last]
