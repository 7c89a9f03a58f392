"""The tabs of a household's page: what the register has, and what other apps add to it.

An app adds its own in its `ready`: `register(Tab("projects", "项目", "projects:of-household"))`. The
named address takes the household's number and answers its own refusals; `right` only spares people a
link that would be refused.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from core.scope import Actor

# What counts something for a tab's label: (household number, year, actor) → how many.
Counter = Callable[[str, int, Actor], int]


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab: its address by name, the right it takes, its place among the others."""

    key: str
    label: str
    url_name: str
    right: str = "households.view_register"
    count: Counter | None = None
    order: int = 100


@dataclass(frozen=True, slots=True)
class Shown:
    """A tab as the page shows it; `count` None where nothing is counted."""

    label: str
    href: str
    is_current: bool
    count: int | None


_tabs: dict[str, Tab] = {}


def register(tab: Tab) -> None:
    """Add a tab; a key that is known already is replaced."""
    _tabs[tab.key] = tab


def forget(key: str) -> None:
    """Take a tab away again."""
    _tabs.pop(key, None)


def tabs(
    request: HttpRequest, household_no: str, year: int, current: str, **counts: int
) -> list[Shown]:
    """The tabs this person may open, in order; `counts` are those the view knows already."""
    user: Any = request.user
    shown = []
    for tab in sorted(_tabs.values(), key=lambda one: one.order):
        if user.has_perm(tab.right):
            count = counts.get(tab.key)
            if count is None and tab.count is not None:
                count = tab.count(household_no, year, user)
            href = f"{reverse(tab.url_name, args=[household_no])}?year={year}"
            shown.append(Shown(tab.label, href, tab.key == current, count))
    return shown


for _one in (
    Tab("overview", "概况", "households:detail", order=10),
    Tab("members", "成员", "households:members", order=20),
    Tab("timeline", "变动记录", "households:timeline", order=30),
    Tab("compare", "年度对比", "households:compare", order=40),
    Tab("asof", "历史状态", "households:asof", order=50),
    Tab("handling", "办理", "households:handling", order=60),
    Tab("papers", "佐证材料", "households:attachments", order=70),
):
    register(_one)
