"""What the demo people have done by themselves: something of every kind for whoever tries the product."""

from collections import Counter
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from households.models import Change, Draft, Procedure, Publicity, Task
from households.queries import work
from imports.demo.work import VILLAGE
from tests.factories.households import household

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("city")]


def told() -> str:
    out = StringIO()
    call_command("demo_work", stdout=out)
    return out.getvalue().strip()


@pytest.fixture
def logins(settings: Any, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path
    call_command("demo_logins", stdout=StringIO())


@pytest.mark.usefixtures("logins")
def test_there_is_something_of_every_kind_to_do(django_user_model: Any) -> None:
    for _ in range(8):
        household(code=VILLAGE)
    assert told() == "变更 6，草稿 1，任务 1，程序 2"
    assert Counter(Change.objects.values_list("state", "level")) == {
        ("PENDING", 12): 2, ("PENDING", 9): 1, ("PENDING", 6): 2, ("RETURNED", None): 1,
    }  # fmt: skip
    assert (Draft.objects.count(), Task.objects.count(), Procedure.objects.count()) == (1, 1, 2)
    open_objections = [one.objections.count() for one in Publicity.objects.order_by("starts_on")]
    assert open_objections == [1, 0]
    for name in ("cunwei", "diyishuji", "chengguan", "luanchuan", "xianfupinban"):
        waiting = work.counts(django_user_model.objects.get(username=name))
        assert sum(waiting.values()), name


@pytest.mark.usefixtures("logins")
def test_a_second_run_does_nothing() -> None:
    for _ in range(8):
        household(code=VILLAGE)
    told()
    assert told() == ""
    assert Change.objects.count() == 6


@pytest.mark.usefixtures("logins")
def test_too_few_households_are_left_alone() -> None:
    household(code=VILLAGE)
    assert told() == "没有演示账号，或演示村户数太少，不造待办。"
    assert not Change.objects.exists()


def test_without_logins_nothing_is_made() -> None:
    assert told() == "没有演示账号，或演示村户数太少，不造待办。"
