"""Monthly reports by weighted stages, measured facts, and the rates that come of them."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.enums import Role
from core import walls
from projects.models import ProgressReport, Project, ProjectFact, StageProgress
from projects.queries import figures, listing
from projects.services import entering, working
from projects.services.common import UnfitError
from tests.conftest import person
from tests.projects.conftest import COUNTY, DAY, FACTS, Office, brought_to, proposed

pytestmark = pytest.mark.django_db


def test_the_whole_follows_the_weights_and_the_youngest_month(office: Office) -> None:
    project = brought_to(office, "STARTED")
    office.report(project, date(2018, 3, 31), 50, 0)
    assert Project.objects.get(pk=project.pk).percent == Decimal("20.00")
    office.report(project, date(2018, 5, 2), 100, 25)
    assert Project.objects.get(pk=project.pk).percent == Decimal("55.00")
    # A correction of an earlier month leaves the youngest as it is.
    office.report(project, date(2018, 3, 1), 40, 0)
    assert Project.objects.get(pk=project.pk).percent == Decimal("55.00")
    months = ProgressReport.objects.order_by("month", "edition")
    assert [(one.month.month, one.edition, one.percent) for one in months] == [
        (3, 1, Decimal("20.00")), (3, 2, Decimal("16.00")), (5, 1, Decimal("55.00")),
    ]  # fmt: skip


def test_no_report_before_the_start_or_of_a_strange_stage(office: Office) -> None:
    project = brought_to(office, "STARTED")
    with pytest.raises(UnfitError, match="开工"):
        office.report(project, date(2018, 2, 28), 10, 0)
    with pytest.raises(UnfitError, match="阶段"):
        office.report(project, date(2018, 3, 31), 10, 0, 5)
    waiting = brought_to(office, "BUDGETED")
    with pytest.raises(UnfitError):
        office.report(waiting, date(2018, 3, 31), 10)


def test_a_whole_that_the_stages_do_not_make_is_refused(office: Office) -> None:
    project = brought_to(office, "STARTED")
    office.report(project, date(2018, 3, 31), 50, 0)

    def lie() -> None:
        ProgressReport.objects.create(
            project=project, region_code=project.region_code, month=date(2018, 4, 1),
            percent=90, words="快", created_by=office.village,
        )  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS projects_report_adds_up IMMEDIATE")

    with pytest.raises(DatabaseError), transaction.atomic():
        lie()
    with pytest.raises(DatabaseError), transaction.atomic():
        StageProgress.objects.update(percent=100)


def test_stages_make_a_hundred_and_stand_once_work_began(office: Office) -> None:
    project = brought_to(office, "BUDGETED")
    with pytest.raises(UnfitError, match="100"):
        entering.set_stages(
            project=project, by=office.village,
            parts=[entering.Part("路基", 90, date(2018, 3, 1), date(2018, 4, 1))],
        )  # fmt: skip
    project = brought_to(office, "STARTED", project)
    with pytest.raises(UnfitError):
        office.ready("STARTED", project, date(2018, 3, 5))


def test_facts_are_of_the_type_in_its_unit(office: Office) -> None:
    project = proposed(office.village)
    entering.amend(
        project=project, fields={}, facts={"length_km": Decimal("3.25")}, by=office.village
    )
    with pytest.raises(UnfitError, match="不属于"):
        entering.amend(
            project=project, fields={}, facts={"power_kw": Decimal(1)}, by=office.village
        )
    water = proposed(office.village, type_="1002")
    with pytest.raises(UnfitError, match="小数"):
        entering.amend(
            project=water, fields={}, facts={"persons": Decimal("1.5")}, by=office.village
        )
    working.reached(project=project, facts={"length_km": Decimal("3.20")}, by=office.village)
    assert ProjectFact.objects.get(project=project).actual == Decimal("3.20")


def test_rates_and_what_is_late(office: Office) -> None:
    brought_to(office, "PROPOSED")
    brought_to(office, "BUDGETED")
    brought_to(office, "STARTED")
    brought_to(office, "ACCEPTED")
    brought_to(office, "CANCELLED")
    brought_to(office, "BUDGETED", proposed(office.village, type_="0201"))
    found = Project.objects.all()
    line = figures.whole(found, date(2018, 3, 1))
    assert (line.total, line.planned, line.begun, line.done, line.late) == (5, 4, 2, 1, 0)
    assert (line.begun_rate, line.done_rate) == ((2, 4), (1, 4))
    assert line.amount == Decimal("2400000.00")
    # Two have not begun on 2 March; one more is not done on 1 October.
    assert figures.whole(found, date(2018, 3, 2)).late == 2
    assert listing.late(found, date(2018, 10, 1), "end").count() == 1
    assert {one.key: one.planned for one in figures.by_sector(found, DAY)} == {"02": 1, "10": 3}
    assert [(one.key, one.begun) for one in figures.by_county(found, DAY)] == [("410324", 2)]
    assert figures.whole(found.none(), DAY).begun_rate is None


def test_pages_go_on_by_number(office: Office) -> None:
    made = [proposed(office.village, name=f"道路{place}") for place in range(5)]
    found = listing.visible(office.village)
    first = listing.page(found, size=2)
    second = listing.page(found, first.after, size=2)
    last = listing.page(found, second.after, size=2)
    shown = [one.pk for page in (first, second, last) for one in page.rows]
    assert shown == [one.pk for one in made]
    assert last.after == ""
    narrowed = listing.narrowed(found, {"words": "道路3", "year": "2018", "type": "10"}, DAY)
    assert [one.name for one in narrowed] == ["道路3"]


def test_neighbours_see_nothing(office: Office) -> None:
    project = brought_to(office, "SETTLED")
    foreign = person("neighbour", Role.COUNTY_OFFICE, "410325")
    assert not listing.visible(foreign).exists()
    with walls.scoped(foreign):
        for model in (Project, ProgressReport, StageProgress, ProjectFact):
            assert not model.objects.exists()
    with pytest.raises(UnfitError, match="权限"):
        entering.set_targets(project=project, aims=[], by=foreign)
    with pytest.raises(UnfitError, match="权限"):
        proposed(foreign, COUNTY)
    assert FACTS["name"] == project.name
