"""The plan of a run: everything once, reproducible, at most one fault per phase and workbook."""

from collections import Counter

import pytest

from core.failpoints import PLACES
from tests.faults import inject, plan

pytestmark = pytest.mark.unit


def kinds(stories: list[plan.Story]) -> Counter[str]:
    return Counter(fault.kind for story in stories for fault in story.faults)


def test_same_seed_is_the_same_plan() -> None:
    assert plan.draw(7, 200) == plan.draw(7, 200)
    assert plan.draw(7, 200) != plan.draw(8, 200)


@pytest.mark.parametrize("count", [60, 200, 1000])
def test_every_place_and_kind_is_drawn(count: int) -> None:
    found = kinds(plan.draw(3, count))
    assert sum(found.values()) == count
    assert set(found) == {*plan.KINDS, *(plan.CRASH + place for place in PLACES)}


def test_small_plans_have_the_size_asked_for() -> None:
    assert sum(kinds(plan.draw(1, 5)).values()) == 5


def test_faults_of_a_story_hit_different_work() -> None:
    for story in plan.draw(5, 500):
        phases = [fault.phase for fault in story.faults]
        assert len(phases) == len(set(phases))
        assert len(phases) == 1 or not {*phases} & {*plan.ALONE_PHASES}


def test_every_kind_can_be_done() -> None:
    assert set(inject.KINDS) == set(plan.KINDS)
