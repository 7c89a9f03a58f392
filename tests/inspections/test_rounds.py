"""Rounds: what is fixed when, the frame, the draw, and that it can be drawn again for ever."""

import hashlib
import json
import threading
from collections import Counter
from fractions import Fraction
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from accounts.enums import Role
from accounts.models import User
from households.models import HouseholdYear
from inspections.catalog import presets
from inspections.formulas import design as designs
from inspections.models import (
    FrameHousehold,
    FrameVillage,
    Round,
    RuralHousehold,
    SampleHousehold,
    SampleVillage,
)
from inspections.services import planning, rounds, sampling
from inspections.services.common import UnfitError
from tests.conftest import person
from tests.factories.households import household
from tests.factories.villages import RegionFactory
from tests.inspections.conftest import CODES, DESIGN, planned

pytestmark = pytest.mark.django_db


def refused(statement: str, *values: Any) -> bool:
    """Whether the database itself refuses the statement of its owner."""
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)
    return True


def test_definitions_are_fixed_when_planned(planned_round: Round) -> None:
    rates = planned_round.definitions
    assert {"wrongful_exit_rate", "omission_rate", "approval_rate", "composite_rate"} <= set(rates)
    assert all(one["version"] >= 1 and one["source"] for one in rates.values())
    assert refused("UPDATE inspections_round SET definitions = '{}'")
    assert refused("UPDATE inspections_round SET seed = %s", "1e" * 16)
    assert refused("DELETE FROM inspections_round")


def test_who_plans_what(county: None, office: User, county_office: User) -> None:
    with pytest.raises(UnfitError, match="权限"):
        planned(county_office)
    own = planned(county_office, kind="COUNTY_SELF", seed="")
    assert own.held_by == "410324"
    assert len(own.seed) == 32
    assert planned(office, seed="").seed != planned(office, seed="").seed
    with pytest.raises(UnfitError, match="依据"):
        planned(office, days_source="")
    with pytest.raises(UnfitError, match="以县为单位"):
        planned(office, county=RegionFactory(code=CODES[0]))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"strata": {"X": {"villages": 1}}}, "未知的层"),
        ({"strata": {"P0": {"villages": -1}}}, "整数"),
        ({"strata": {}}, "一个村也没有"),
        ({"takes": {"EXITED": {"households": 0}}}, "一户也没有"),
        ({"takes": {"RICH": {"households": 1}}}, "未知的农户类型"),
        ({"attribute": "LISTED"}, "列明村代码"),
    ],
)
def test_designs_that_make_no_sense(
    county: None, office: User, change: dict[str, Any], words: str
) -> None:
    with pytest.raises(UnfitError, match=words):
        planned(office, design=DESIGN | change)


def test_presets_read_as_designs() -> None:
    """Each states its source, and what it had to fill in itself."""
    for preset in presets():
        strata = {code: {"villages": n} for code, n in (preset.strata or {"P0": 1}).items()}
        read = designs.read({"strata": strata, "takes": preset.takes, "preset": preset.code})
        assert designs.read(designs.written(read)) == read
        assert preset.source
        assert preset.derived
    national = presets()[0]
    assert sum(national.strata.values()) == 29


def test_frame_holds_everybody(planned_round: Round, office: User) -> None:
    frozen = planning.freeze_frame(round=planned_round, by=office)
    kinds = Counter(FrameHousehold.objects.values_list("kind", flat=True))
    assert kinds == {"EXITED": 30, "POOR": 12, "KEY": 6, "OTHER": 18}
    assert frozen.frame_counts["strata"] == {"P0": 3, "O0": 3}
    assert frozen.frame_counts["kinds"]["EXITED"] == {"households": 30, "persons": 72}
    assert set(FrameVillage.objects.values_list("households", flat=True)) == {11}
    exited = FrameHousehold.objects.filter(kind="EXITED")
    assert set(exited.values_list("exit_year", flat=True)) == {2018}
    assert set(FrameHousehold.objects.values_list("held_by", flat=True)) == {"4103"}
    text = planning.frame_text(frozen)
    assert hashlib.sha256(text.encode()).hexdigest() == frozen.frame_digest
    assert text.count("\nH|") == 66
    # No names: whoever checks the draw learns nothing about anybody.
    assert "脱0" not in text
    assert "农1" not in text


def test_neighbours_and_former_households_are_not_in_it(planned_round: Round, office: User) -> None:
    household("exited", code="410325100201")
    household("exited", code=CODES[0], year=2017)
    RuralHousehold.objects.filter(roster_no="0002").update(is_current=False)
    planning.freeze_frame(round=planned_round, by=office)
    kinds = Counter(FrameHousehold.objects.values_list("kind", flat=True))
    assert kinds == {"EXITED": 30, "POOR": 12, "KEY": 6, "OTHER": 12}


def test_frozen_frame_stays(planned_round: Round, office: User) -> None:
    before = planning.freeze_frame(round=planned_round, by=office).frame_digest
    for table in ("framehousehold", "framevillage"):
        assert refused(f"UPDATE inspections_{table} SET persons = 9")
        assert refused(f"DELETE FROM inspections_{table}")
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT string_agg(attname, ', ') FROM pg_attribute WHERE attnum > 0"
                " AND attname NOT IN ('id', 'code', 'ref') AND attrelid = %s::regclass",
                [f"inspections_{table}"],
            )
            rest = cursor.fetchone()[0]
        key = "code" if table == "framevillage" else "ref"
        # One more row, otherwise sound: only the time is wrong.
        assert refused(
            f"INSERT INTO inspections_{table} ({key}, {rest})"
            f" SELECT left({key}, 1) || '9', {rest} FROM inspections_{table} LIMIT 1"
        )
    assert refused("UPDATE inspections_round SET frame_digest = %s", "0" * 64)
    assert refused("UPDATE inspections_round SET design = '{}'")
    assert refused("UPDATE inspections_round SET frozen_at = NULL, frozen_by_id = NULL")
    # The register goes on, the frame does not.
    HouseholdYear.objects.update(exit_status="0", exit_year=None)
    assert planning.frame_digest(Round.objects.get()) == before
    with pytest.raises(UnfitError, match="已经冻结"):
        planning.freeze_frame(round=planned_round, by=office)
    with pytest.raises(UnfitError, match="不能再改"):
        planning.change_design(round=planned_round, design=DESIGN, by=office)


def test_villages_without_facts_are_refused_or_declared(planned_round: Round, office: User) -> None:
    code = "410324100299"
    RegionFactory(code=code)
    household("exited", code=code)
    with pytest.raises(UnfitError, match="1 个村没有年度信息"):
        planning.freeze_frame(round=planned_round, by=office)
    assert not FrameHousehold.objects.exists()
    planning.change_design(
        round=planned_round, design=DESIGN | {"missing_as_other": True}, by=office
    )
    planning.freeze_frame(round=planned_round, by=office)
    assert FrameVillage.objects.get(code=code).stratum == "O0"


def test_listed_villages_are_a_stratum(county: None, office: User) -> None:
    strata = {code: {"villages": 1} for code in ("P1", "P0", "O0")}
    design = DESIGN | {"attribute": "LISTED", "listed": [CODES[1]], "strata": strata}
    planning.freeze_frame(round=planned(office, design=design), by=office)
    assert FrameVillage.objects.get(stratum="P1").code == CODES[1]


def test_draw(drawn_round: Round) -> None:
    villages = SampleVillage.objects.order_by("code")
    assert Counter(villages.values_list("stratum", flat=True)) == {"P0": 2, "O0": 1}
    for one in villages:
        # Equal sizes: 2 of 3 by size, 1 of 3 equally.
        wanted = Fraction(2 if one.stratum == "P0" else 1, 3)
        assert Fraction(one.numerator, one.denominator) == wanted
        rows = one.households.filter(is_reserve=False)
        kinds = Counter(rows.values_list("kind", flat=True))
        assert kinds == {"EXITED": 2, "POOR": 1, "KEY": 1, "OTHER": 1}
        spare = Counter(one.households.filter(is_reserve=True).values_list("kind", flat=True))
        assert spare == {"EXITED": 2, "OTHER": 1}
        exited = rows.filter(kind="EXITED")
        assert set(exited.values_list("numerator", "denominator")) == {(2, 5)}
        assert rows.get(kind="KEY").numerator == rows.get(kind="KEY").denominator == 1
    # Every household's weight recovers the number there are: Horvitz and Thompson.
    total = sum(
        1 / (Fraction(a, b) * Fraction(c, d))
        for a, b, c, d in SampleHousehold.objects.filter(
            kind="EXITED", is_reserve=False
        ).values_list("village__numerator", "village__denominator", "numerator", "denominator")
    )
    assert total == 30


def test_draw_needs_a_frame_and_happens_once(planned_round: Round, office: User) -> None:
    with pytest.raises(UnfitError, match="先冻结"):
        sampling.draw(round=planned_round, by=office)
    planning.freeze_frame(round=planned_round, by=office)
    sampling.draw(round=planned_round, by=office)
    with pytest.raises(UnfitError, match="只抽一次"):
        sampling.draw(round=planned_round, by=office)
    assert refused("UPDATE inspections_samplehousehold SET rank = rank + 50")
    assert refused("DELETE FROM inspections_samplevillage")
    assert refused("UPDATE inspections_round SET sample_digest = %s", "0" * 64)


def test_draw_that_cannot_be(county: None, office: User) -> None:
    found = planned(office, design=DESIGN | {"strata": {"P0": {"villages": 2}}})
    planning.freeze_frame(round=found, by=office)
    with pytest.raises(UnfitError, match="O0"):
        sampling.draw(round=found, by=office)
    assert not SampleVillage.objects.exists()


def test_same_seed_and_frame_give_the_same_list(county: None, office: User) -> None:
    """Two rounds alike agree household for household; another seed does not."""

    def listed(**changes: Any) -> list[tuple[Any, ...]]:
        found = planned(office, **changes)
        planning.freeze_frame(round=found, by=office)
        sampling.draw(round=found, by=office)
        rows = SampleHousehold.objects.filter(round=found)
        return sorted(rows.values_list("frame__ref", "is_reserve", "rank"))

    assert listed() == listed(name="再来一次")
    assert listed() != listed(seed="a1" * 16)


def redraw(round_: Round) -> dict[str, Any]:
    out = StringIO()
    call_command("redraw", str(round_.pk), "--json", stdout=out)
    return dict(json.loads(out.getvalue()))


def test_redraw_gives_the_identical_list(drawn_round: Round) -> None:
    HouseholdYear.objects.update(exit_status="0", exit_year=None)
    RuralHousehold.objects.update(is_current=False)
    facts = redraw(drawn_round)
    assert facts["agrees"]
    assert facts["redrawn"] == facts["stored"] == facts["sample_digest"]
    assert (facts["seed"], facts["algorithm"]) == ("0f" * 16, 1)
    assert (facts["villages"], facts["households"], facts["reserves"]) == (3, 15, 9)
    out = StringIO()
    call_command("redraw", str(drawn_round.pk), stdout=out)
    assert "完全一致" in out.getvalue()
    assert drawn_round.frame_digest in out.getvalue()


@pytest.mark.parametrize(
    "forgery",
    [
        "UPDATE inspections_samplehousehold SET rank = rank + 7 WHERE is_reserve",
        "UPDATE inspections_samplevillage SET denominator = denominator + 1",
        "UPDATE inspections_framehousehold SET persons = persons + 1",
        "UPDATE inspections_framevillage SET stratum = 'P1' WHERE stratum = 'P0'",
        "UPDATE inspections_round SET seed = 'ee' || substr(seed, 3)",
    ],
)
def test_redraw_tells_a_forgery_by_its_exit_code(drawn_round: Round, forgery: str) -> None:
    """By somebody who owns the database and takes the triggers away."""
    table = forgery.split()[1]
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(forgery)
        assert cursor.rowcount
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    with pytest.raises(CommandError) as told:
        call_command("redraw", str(drawn_round.pk), stdout=StringIO())
    assert told.value.returncode == 1


def test_redraw_of_what_was_not_drawn(planned_round: Round) -> None:
    for number in (planned_round.pk, planned_round.pk + 1000):
        with pytest.raises(CommandError) as told:
            call_command("redraw", str(number))
        assert told.value.returncode == 2


def test_closing(drawn_round: Round, office: User, county_office: User) -> None:
    with pytest.raises(UnfitError, match="权限"):
        rounds.close(round=drawn_round, reason="完成", by=county_office)
    rounds.disclose(round=drawn_round, by=office)
    rounds.close(round=drawn_round, reason="完成", by=office)
    assert refused("UPDATE inspections_round SET closed_at = NULL, closed_by_id = NULL")
    with pytest.raises(UnfitError, match="已经结束"):
        rounds.disclose(round=drawn_round, by=office)


@pytest.mark.django_db(transaction=True)
@pytest.mark.integration
def test_two_who_draw_at_once_draw_once(planned_round: Round, office: User) -> None:
    planning.freeze_frame(round=planned_round, by=office)
    ready, told = threading.Barrier(2), []

    def run() -> None:
        ready.wait(30)
        try:
            sampling.draw(round=planned_round, by=office)
            told.append("drawn")
        except UnfitError as error:
            told.append(str(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(told) == ["drawn", "样本已经抽取，一轮只抽一次。"]
    assert SampleVillage.objects.count() == 3
    assert sampling.certificate(Round.objects.get()).agrees


def test_a_leader_plans_nothing(county: None) -> None:
    with pytest.raises(UnfitError, match="权限"):
        planned(person("boss", Role.LEADER, "4103"))
