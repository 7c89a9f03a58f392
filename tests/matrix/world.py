"""One object of each kind in each of six relations to the village 410324100203."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.utils import timezone

from accounts.clients import services as clients
from accounts.enums import Role
from accounts.models import ClientKey, Grant, SignedInSession, User
from core.exports.models import ExportRelease
from core.jobs import services as jobs
from core.jobs.models import Job
from core.ledger import Act, note
from core.ledger.models import Alert
from exits.models import ExitCase, ExitNotice, ExitObjection, ExitProcedure, StandardItem
from funds.models import FundFinding, FundRule, Loan, LoanEvent, PaymentBatch, Source
from funds.services import moving, posting
from funds.services.posting import Ground, Leg
from households.models import (
    Assignment,
    Attachment,
    BulkAct,
    BulkRow,
    Change,
    CodeEntry,
    CodeSynonym,
    Household,
    HouseholdYear,
    Mark,
    Objection,
    Person,
    PersonYear,
    Procedure,
    ProcedureCase,
    Publicity,
    SavedView,
    Task,
)
from imports.enums import BatchState, Grain, ReturnKind
from imports.models import Batch, HeaderSynonym, Layout, Push, ReturnedFile
from imports.services.cataloguing import OWN_SOURCE
from inspections.models import Round
from projects.models import Project, ProjectStep
from tests.factories.households import household
from tests.factories.villages import RegionFactory
from tests.matrix import (
    world_complaints,
    world_findings,
    world_gaps,
    world_letters,
    world_sweeps,
)
from tests.matrix.subjects import CITY, NEIGHBOUR, OTHER_TOWN, SIBLING, SUBJECTS, VILLAGE, Subject
from villages.models import Region

RELATIONS = ("own", "sibling", "town", "county", "city", "moved")
PLACES = {"own": VILLAGE, "sibling": SIBLING, "town": OTHER_TOWN, "county": NEIGHBOUR, "city": CITY}
# A village of the own town whose code ended with 2017.
ARCHIVED = "410324100299"
LONG_AGO = date(2016, 1, 1)
# Nobody's names: what may show up in an answer, and what must not.
NAMES = {
    "own": "何金一",
    "sibling": "何金二",
    "town": "何金三",
    "county": "何金四",
    "moved": "何金五",
}


@dataclass
class World:
    """Addresses of the objects by (kind, relation), the places they lie in, and their marks."""

    ids: dict[tuple[str, str], Any] = field(default_factory=dict)
    # Where an object belongs; several for one that moved.
    places: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    marks: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)

    def add(self, kind: str, relation: str, pk: Any, *places: str, marks: tuple = ()) -> None:
        self.ids[kind, relation] = pk
        self.places[kind, relation] = places
        if marks:
            self.marks[kind, relation] = marks


def build(issue_key: Callable[[str], str]) -> World:
    world = World()
    for code in ("410000000000", "410300000000", "410324000000", "410324100000", "410325000000"):
        RegionFactory(code=code, name=f"地{code}")
    for relation, code in PLACES.items():
        _register(world, relation, code)
        world.add("place", relation, code.ljust(12, "0"), code)
        world.add("gate", relation, (code.ljust(12, "0"), "henan", "headcount"), code)
        world.add("fund_figure", relation, (code.ljust(12, "0"), "paid"), code)
        world.add("fund_projects", relation, (code.ljust(12, "0"), "unpaid"), code)
        _procedure(world, relation, code)
        _exit(world, relation, code)
        _change(world, relation, code)
        _paper(world, relation, code)
        _work(world, relation, code)
        _bulk(world, relation, code)
        _accounts(world, relation, code)
        _round(world, relation)
        _project(world, relation, code)
        _money(world, relation, code)
        _finding(world, relation, code)
        for lot in (world_findings, world_letters, world_sweeps, world_gaps, world_complaints):
            lot.make(world, relation, code, _security_admin())
    _moved(world)
    _own_things(world)
    for subject in SUBJECTS:
        _subject(world, subject, issue_key)
    for relation, code in PLACES.items():
        _pushed(world, relation, code)
    return world


def _register(world: World, relation: str, code: str) -> None:
    if relation == "city":
        return
    row = household(code=code, head=NAMES[relation])
    household(code=code, year=2016, of=row.household)
    person = row.household.persons.order_by("pk").first()
    marks = (NAMES[relation], row.household.household_no, person.person_no)
    world.add("household", relation, row.household.household_no, code, marks=marks)
    world.add("person", relation, person.person_no, code, marks=marks)


def _procedure(world: World, relation: str, code: str) -> None:
    """A removal whose notice hangs, with an objection to it."""
    if relation == "city":
        return
    official = _security_admin()
    place, head = Region.objects.get(code=code), f"程序{NAMES[relation]}"
    where = {"village_code": code, "created_by": official}
    procedure = Procedure.objects.create(
        village=place, partition_id=2018, kind="REMOVE", step="VILLAGE_NOTICE", position=2,
        started_on=LONG_AGO, **where,
    )  # fmt: skip
    case = ProcedureCase.objects.create(
        procedure=procedure, village_code=code, head_name=head, persons=1
    )
    notice = Publicity.objects.create(
        procedure=procedure, step="VILLAGE_NOTICE", place="公开栏", starts_on=LONG_AGO, min_days=1,
        day_kind="CALENDAR", ends_on=LONG_AGO, source="测试", list_digest="0" * 64, **where,
    )  # fmt: skip
    objection = Objection.objects.create(
        publicity=notice, raised_by="匿名", raised_on=LONG_AGO, words="测试", **where
    )
    world.add("procedure", relation, procedure.pk, code, marks=(head,))
    world.add("case", relation, (procedure.pk, case.pk), code)
    world.add("objection", relation, (procedure.pk, objection.pk), code)
    world.add("posted", relation, (procedure.pk, "VILLAGE_NOTICE"), code)


def _project(world: World, relation: str, code: str) -> None:
    """A project that was proposed there; the city has one of its own."""
    place = Region.objects.get(code=code.ljust(12, "0"))
    made = Project.objects.create(
        name=f"项目{relation}", type_id="1001", sector="10", region=place, region_code=place.code,
        year=2018, content="测试", unit="测试", planned_amount=1, planned_start=LONG_AGO,
        planned_end=LONG_AGO, entered_by=_security_admin(),
    )  # fmt: skip
    ProjectStep.objects.create(
        project=made, region_code=place.code, position=0, state="PROPOSED", on=LONG_AGO,
        reason="测试", created_by=_security_admin(),
    )  # fmt: skip
    world.add("project", relation, made.pk, code, marks=(made.name,))
    world.add("any_workbook", relation, "projects", *PLACES.values())
    world.add("project_act", relation, (made.pk, "targets"), code)


def _money(world: World, relation: str, code: str) -> None:
    """A document of that place, the money of it in a pool and with a unit, and a waiting voucher."""
    place, official = Region.objects.get(code=code.ljust(12, "0")), _security_admin()
    source = Source.objects.create(
        doc_no=f"文号{relation}", title="测试", level="COUNTY", kind="41", year=2018,
        issued_on=LONG_AGO, issuer="测试", amount=10, region=place, region_code=place.code,
        created_by=official,
    )  # fmt: skip
    pool = moving.account_of(source, "POOL", place, 2018)
    allotment = moving.account_of(source, "ALLOTMENT", place, 2018, f"单位{relation}")
    voucher = posting.asked(
        kind="ARRIVE", code=place.code, by=official,
        ground=Ground(date(2018, 3, 5), f"摘要{relation}", "测试", f"key{relation}"),
        legs=[
            Leg(source.accounts.get(kind="OUTSIDE"), Decimal(-1)), Leg(pool, Decimal(1)),
        ],
    )  # fmt: skip
    world.add("source", relation, source.pk, code, marks=(source.doc_no,))
    world.add("pool", relation, pool.pk, code)
    world.add("account", relation, allotment.pk, code, marks=(allotment.unit,))
    world.add("voucher", relation, voucher.pk, code, marks=(voucher.reason,))
    world.add("voucher_act", relation, (voucher.pk, "approve"), code)
    batch = PaymentBatch.objects.create(
        region_code=place.code, account=allotment, on=date(2018, 6, 1), document="测试", year=2018,
        key=f"key{relation}", file_name=f"名单{relation}.xlsx", file_format="xlsx",
        sha256="0" * 64, state="CHECKED", created_by=official,
    )  # fmt: skip
    world.add("payment_batch", relation, batch.pk, code, marks=(batch.file_name,))
    world.add("payment_batch_act", relation, (batch.pk, "discard"), code)
    world.add("any_batch_form", relation, "payments", *PLACES.values())
    if relation == "city":
        return
    loan = Loan.objects.create(
        household=Household.objects.get(household_no=world.ids["household", relation]),
        village_code=code, borrower=f"借款人{relation}", bank="测试银行", amount=10,
        contract_no=f"合同{relation}", lent_on=LONG_AGO, due_on=date(2030, 1, 1), rate=4, use="养羊",
        created_by=official,
    )  # fmt: skip
    event = LoanEvent.objects.create(
        loan=loan, village_code=code, kind="REPAY", on=LONG_AGO, amount=1, reason="测试",
        created_by=official,
    )  # fmt: skip
    world.add("loan", relation, loan.pk, code, marks=(loan.contract_no,))
    world.add("loan_event", relation, (loan.pk, event.pk), code)


def _finding(world: World, relation: str, code: str) -> None:
    """What a rule on money found there."""
    place = Region.objects.get(code=code.ljust(12, "0"))
    finding = FundFinding.objects.create(
        rule=FundRule.objects.get(code="unpaid"), rule_version=1, year=2018, subject="REGION",
        subject_id=place.pk, region=place, region_code=place.code, state="VIOLATED",
        words=f"问题{relation}", opened_on=LONG_AGO,
    )  # fmt: skip
    world.add("fund_finding", relation, finding.pk, code, marks=(finding.words,))


def _exit(world: World, relation: str, code: str) -> None:
    """A village on its way out, whose notice hangs, with an objection to it."""
    if relation == "city":
        return
    official, name = _security_admin(), f"退出{NAMES[relation]}"
    where = {"region_code": code, "created_by": official}
    procedure = ExitProcedure.objects.create(
        level="village", region=Region.objects.get(code=code), partition_id=2018,
        step="TOWN_NOTICE", position=1, started_on=LONG_AGO, **where,
    )  # fmt: skip
    case = ExitCase.objects.create(
        procedure=procedure, region=procedure.region, region_code=code, name=name,
        partition_id=2018,
    )  # fmt: skip
    notice = ExitNotice.objects.create(
        procedure=procedure, step="TOWN_NOTICE", place="公开栏", starts_on=LONG_AGO, min_days=1,
        day_kind="CALENDAR", ends_on=LONG_AGO, source="测试", listed=[name],
        list_digest="0" * 64, **where,
    )  # fmt: skip
    objection = ExitObjection.objects.create(
        notice=notice, raised_by="匿名", raised_on=LONG_AGO, words="测试", **where
    )
    world.add("exit", relation, procedure.pk, code, marks=(name,))
    world.add("exit_case", relation, (procedure.pk, case.pk), code)
    world.add("exit_objection", relation, (procedure.pk, objection.pk), code)


def _round(world: World, relation: str) -> None:
    """A county's own round, and one of the city that its county may not see yet."""
    held = {"own": "410324", "county": "410325", "city": CITY}.get(relation)
    if held is None:
        return
    county = ("410324" if held == CITY else held).ljust(12, "0")
    made = Round.objects.create(
        kind="CITY_REVIEW" if held == CITY else "COUNTY_SELF", name=f"评估{relation}",
        region=Region.objects.get(code=county), region_code=county, held_by=held,
        partition_id=2018, definitions={}, design={"strata": {}, "takes": {}}, seed="0f" * 16,
        algorithm=1, created_by=_security_admin(),
    )  # fmt: skip
    world.add("round", relation, made.pk, held, marks=(made.name,))
    world.add("round_rate", relation, (made.pk, "approval_rate"), held)


def _change(world: World, relation: str, code: str) -> None:
    """A change that somebody submitted and that waits."""
    if relation == "city":
        return
    head = f"变更{NAMES[relation]}"
    change = Change.objects.create(
        key=uuid4(), kind="EDIT", state="PENDING", level=12, levels=[12], village_code=code,
        partition_id=2018, head_name=head, payload="{}", created_by=_security_admin(),
    )  # fmt: skip
    world.add("change", relation, change.pk, code, marks=(head,))


def _paper(world: World, relation: str, code: str) -> None:
    """A paper of the household there."""
    if relation == "city":
        return
    home = Household.objects.get(household_no=world.ids["household", relation])
    note = f"材料{NAMES[relation]}"
    paper = Attachment.objects.create(
        household=home, village_code=code, partition_id=2016, kind="26", note=note, size=1,
        media_type="image/png", sha256="0" * 64, created_by=_security_admin(),
    )  # fmt: skip
    world.add("paper", relation, paper.pk, code, marks=(note,))


def _bulk(world: World, relation: str, code: str) -> None:
    """A task, a mark and the act on many households that made it."""
    official = _security_admin()
    where = {"region_code": code, "partition_id": 2018, "created_by": official}
    task = Task.objects.create(title=f"任务{relation}", owner=official, **where)
    world.add("task", relation, task.pk, code, marks=(task.title,))
    act = BulkAct.objects.create(
        key=uuid4(), kind="MARK", state="DONE", reason=f"批量{relation}", matched=1, affected=1,
        done_at=timezone.now(), **where,
    )  # fmt: skip
    world.add("bulk", relation, act.pk, code, marks=(act.reason,))
    if relation == "city":
        return
    home = Household.objects.get(household_no=world.ids["household", relation])
    mark = Mark.objects.create(
        household=home, village_code=code, partition_id=2018, reason=f"核查{relation}",
        created_by=official,
    )  # fmt: skip
    world.add("mark", relation, mark.pk, code, marks=(mark.reason,))
    BulkRow.objects.create(act=act, household=home, village_code=code, outcome="DONE", made=mark.pk)


def _work(world: World, relation: str, code: str) -> None:
    batch = Batch.objects.create(
        file_name=f"册子{relation}.xlsx", sha256="0" * 64, size=1, partition=2018,
        region_prefix=code, state=BatchState.STAGED,
    )  # fmt: skip
    world.add("batch", relation, batch.pk, code, marks=(batch.file_name,))
    file = ReturnedFile.objects.create(batch=batch, kind=ReturnKind.WHOLE, sha256="0" * 64)
    file.path.parent.mkdir(parents=True, exist_ok=True)
    file.path.write_text(f"退件{relation}")
    world.add("returned", relation, (batch.pk, file.pk), code, marks=(f"退件{relation}",))
    layout = Layout.objects.create(
        code=f"L-{relation}", title=f"版式{relation}", year=2018, grain=Grain.PERSON, source="测试",
        region_prefix=code, created_by=_security_admin(),
    )  # fmt: skip
    world.add("layout", relation, layout.pk, code, marks=(layout.title,))
    job = jobs.enqueue("imports.stage", subject=f"活儿{relation}", scope=code)
    Job.objects.filter(pk=job.pk).update(state="FAILED")
    world.add("job", relation, job.pk, code, marks=(job.subject,))


def _pushed(world: World, relation: str, code: str) -> None:
    """A workbook that the client of the cast handed in, wherever it may have been."""
    client = ClientKey.objects.get(start=world.keys["client"][:8]).client
    batch = Batch.objects.create(
        file_name=f"推送{relation}.xlsx", sha256="1" * 64, size=1, partition=2018,
        region_prefix=code, state=BatchState.STAGED,
    )  # fmt: skip
    Push.objects.create(batch=batch, client=client, body_print="0" * 64)
    world.add("pushed", relation, batch.pk, code, marks=(batch.file_name,))


def _moved(world: World) -> None:
    """A household whose years until 2016 are the own village's, now the neighbour county's."""
    row = household(code=VILLAGE, year=2016, head=NAMES["moved"])
    other = Region.objects.get(code=NEIGHBOUR)
    home = Household.objects.filter(pk=row.household_id)
    home.update(village=other, village_code=NEIGHBOUR)
    Person.objects.filter(household_id=row.household_id).update(village_code=NEIGHBOUR)
    later = household(code=NEIGHBOUR, year=2018, of=home.get())
    HouseholdYear.objects.filter(pk=later.pk).update(village=other, village_code=NEIGHBOUR)
    PersonYear.objects.filter(household_id=row.household_id, partition_id=2018).update(
        village_code=NEIGHBOUR
    )
    person = row.household.persons.order_by("pk").first()
    marks = (NAMES["moved"], row.household.household_no, person.person_no)
    places = (VILLAGE, NEIGHBOUR)
    world.add("household", "moved", row.household.household_no, *places, marks=marks)
    world.add("person", "moved", person.person_no, *places, marks=marks)
    RegionFactory(code=ARCHIVED, name="旧村", valid_to=date(2018, 1, 1))
    world.add("place", "moved", ARCHIVED, ARCHIVED)
    world.add("gate", "moved", (ARCHIVED, "henan", "headcount"), ARCHIVED)
    world.add("fund_figure", "moved", (ARCHIVED, "paid"), ARCHIVED)
    world.add("fund_projects", "moved", (ARCHIVED, "unpaid"), ARCHIVED)


def _subject(world: World, subject: Subject, issue_key: Callable[[str], str]) -> None:
    if subject.by == "key":
        world.keys[subject.name] = issue_key(subject.region)
        return
    if subject.by:
        return
    user = User(username=subject.name, display_name=subject.name)
    user.set_unusable_password()
    user.save()
    world.users[subject.name] = user
    if subject.role:
        Grant.objects.create(
            user=user, role=Role(subject.role), region_prefix=subject.region, valid_from=LONG_AGO
        )
    if subject.entrusted:
        home = Household.objects.get(household_no=world.ids["household", "own"])
        Assignment.objects.create(household=home, village_code=VILLAGE, user=user, reason="帮扶")


def _accounts(world: World, relation: str, code: str) -> None:
    """A person, a grant, a client with a key, a request for release and an alert of this place."""
    user = User.objects.create(
        username=f"账户{relation}", display_name=f"账户{relation}", home_prefix=code, password="!"
    )
    world.add("user", relation, user.pk, code, marks=(user.username,))
    role = Role.HELPER
    grant = Grant.objects.create(user=user, role=role, region_prefix=code, valid_from=LONG_AGO)
    world.add("grant", relation, grant.pk, code)
    client = clients.register(
        name=f"系统{relation}", purpose="对接", region_prefix=code, any_network=True, by=None
    )
    world.add("client", relation, client.pk, code, marks=(client.name,))
    key, _ = clients.issue_key(client=client, life=timedelta(days=9), by=None)
    world.add("key", relation, (client.pk, key.pk), code)
    wish = clients.Wish(code, frozenset({"basic", "identity_full"}))
    waiting = clients.set_scopes(client=client, wishes={"persons": wish}, by=_security_admin())
    world.add("sensitive", relation, (client.pk, waiting[0].pk), code)
    release = ExportRelease.objects.create(
        kind="households", region_prefix=code, file_format="csv", purpose=f"申请{relation}",
        rows_estimated=1, asked_by=user, expires_at=timezone.now() + timedelta(days=1),
    )  # fmt: skip
    world.add("release", relation, release.pk, code, marks=(release.purpose,))
    now = timezone.now()
    alert = Alert.objects.create(
        rule="查看完整号码", act="REVEAL", who=f"user {user.pk}", who_name=f"来源{relation}",
        region=code, count=9, threshold=1, window_start=now, window_end=now,
    )  # fmt: skip
    world.add("alert", relation, alert.pk, code, marks=(alert.who_name,))
    note(Act.REVEAL, actor=user, subject_kind="household", subject=f"条目{relation}", region=code)
    world.add("noted", relation, user.pk, code, marks=(f"条目{relation}",))


def _security_admin() -> User:
    """Of the whole city; none of the subjects."""
    user, made = User.objects.get_or_create(username="市安全员", defaults={"password": "!"})
    if made:
        Grant.objects.create(
            user=user, role=Role.SECURITY_ADMIN, region_prefix=CITY, valid_from=LONG_AGO
        )
    return user


def _own_things(world: World) -> None:
    """What belongs to one person alone, of whom nobody here is one."""
    owner = User.objects.get(username="账户own")
    release = ExportRelease.objects.get(asked_by=owner)
    world.add("others", "own", release.pk, VILLAGE)
    view = SavedView.objects.create(owner=owner, listing="households", name="他人的视图")
    world.add("view", "own", view.pk, VILLAGE)
    # Everybody's: column names, codes and rules of the city.
    header = HeaderSynonym.objects.create(header="本地列名", identifier="name", source=OWN_SOURCE)
    world.add("header", "own", header.pk, VILLAGE)
    known = CodeEntry.objects.filter(table="sex").earliest("pk")
    label = CodeSynonym.objects.create(
        table="sex", code=known.code, label="男人", source=OWN_SOURCE
    )
    world.add("label", "own", label.pk, VILLAGE)
    world.add("codes", "own", "sex", VILLAGE)
    # Visits and cases hang on a drawn sample: tests/inspections/test_pages.py has them.
    world.add("nobodys", "own", 0, VILLAGE)
    world.add("nobodys_sample", "own", (0, 0), VILLAGE)
    world.add("rule", "own", "IDN09", VILLAGE)
    world.add("standard", "own", "henan", VILLAGE)
    world.add("fund_list", "own", "vouchers", VILLAGE)
    item = StandardItem.objects.filter(standard__code="henan").earliest("pk")
    world.add("standard_item", "own", item.pk, VILLAGE)
    rule = FundRule.objects.get(code="publicity-days")
    world.add("fund_rule", "own", rule.pk, VILLAGE)
    session = SignedInSession.objects.create(user=owner, key_hash="0" * 40)
    world.add("session", "own", session.pk, VILLAGE)
    world.add("day", "own", timezone.localdate(), VILLAGE)
    home = Household.objects.get(household_no=world.ids["household", "own"])
    helper = User.objects.create(username="责任人", display_name="责任人", password="!")
    given = Assignment.objects.create(
        household=home, village_code=VILLAGE, user=helper, reason="帮扶"
    )
    world.add("assignment", "own", (home.household_no, given.pk), VILLAGE)
