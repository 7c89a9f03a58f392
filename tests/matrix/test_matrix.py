"""Every operation × every kind of person × six relations, against one reviewed table, three times.

With both walls, with the first taken down (querysets no longer scoped) and with the second taken
down (PostgreSQL no longer asked). Operations are discovered from the URLconf: one that is not in the
table fails. Each cell is one request in a savepoint that is taken back.
"""

import logging
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from core import scope, walls
from core.jobs.models import JobQuerySet
from tests.matrix.subjects import BY_ASSIGNMENT, HOLDERS, SUBJECTS, Subject
from tests.matrix.table import GONE, OPERATIONS, Operation
from tests.matrix.world import RELATIONS, World, build
from villages.models import RegionQuerySet

METHODS = ("get", "post", "put", "delete")
OPEN_ROUTES = {operation.route for operation in OPERATIONS}
# Kinds of objects that row security knows.
WALLED = (
    "project", "household", "person", "batch", "pushed", "returned", "job", "bulk", "task", "mark",
)  # fmt: skip
# Who may read the marks of these kinds; those of the register are for its readers.
READ_BY = {
    "job": "read_or_jobs",
    "batch": "marks_of_batches",
    "pushed": "marks_of_batches",
    "returned": "load",
    "layout": "catalog",
    "user": "marks_of_people",
    "client": "marks_of_clients",
    "release": "release",
    "alert": "ledger",
    "noted": "ledger",
    "complaint": "complaints",
    "complainant": "petition",
}
WALLS = ("both walls", "only PostgreSQL", "only querysets")


def routes(resolver: URLResolver, namespace: str = "") -> Iterator[tuple[str, str]]:
    """(name with its namespace, pattern) of every address."""
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            inner = ":".join(filter(None, (namespace, entry.namespace or "")))
            yield from routes(entry, inner)
        elif isinstance(entry, URLPattern):
            yield ":".join(filter(None, (namespace, entry.name or ""))), str(entry.pattern)


def test_every_route_is_in_the_table() -> None:
    found = {name for name, _ in routes(get_resolver())}
    assert found - OPEN_ROUTES == set(), "routes nobody has decided about"
    assert OPEN_ROUTES - found == set(), "lines of routes that are gone"


def test_every_right_is_held_by_somebody() -> None:
    names = {subject.name for subject in SUBJECTS}
    assert all(holders <= names and holders for holders in HOLDERS.values())
    assert {operation.right for operation in OPERATIONS} <= {*HOLDERS, "open"}


@contextmanager
def standing(kept: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Only the walls named stand."""
    with monkeypatch.context() as patch:
        if kept == "only PostgreSQL":
            for queryset in (scope.ScopedQuerySet, JobQuerySet, RegionQuerySet):
                patch.setattr(queryset, "visible_to", lambda self, actor: self.all())
            for name in ("covers", "overlaps"):
                original = getattr(scope, name)
                for module in list(sys.modules.values()):
                    if getattr(module, name, None) is original:
                        patch.setattr(module, name, lambda *_: True)
        elif kept == "only querysets":
            patch.setattr(walls, "assume", lambda actor: None)
        yield


class Cell:
    """One request: who, what, about which object."""

    def __init__(self, world: World, operation: Operation, subject: Subject, relation: str) -> None:
        self.world, self.operation = world, operation
        self.subject, self.relation = subject, relation
        self.kind = "place" if operation.kind == "part" else operation.kind

    @property
    def may(self) -> bool:
        """Whether the table lets this kind of person use the function at all."""
        right = self.operation.right
        return right == "open" or self.subject.name in HOLDERS[right]

    @property
    def is_foreign(self) -> bool:
        """Whether the object lies outside what this person's right reaches."""
        if not self.kind:
            return False
        places = self.world.places[self.kind, self.relation]
        if self.operation.writes:
            places = places[-1:]
        if self.subject.name in BY_ASSIGNMENT:
            # Standards and whole lists are of no place: whoever reads anything may open them.
            own = self.kind in (
                "household", "person", "paper", "mark", "loan", "standard", "fund_list",
            )  # fmt: skip
            return not (own and self.relation == "own")
        region = self.subject.region
        if any(place.startswith(region) for place in places):
            return False
        part = self.operation.kind == "part"
        return not (part and any(region.startswith(scope.trim(place)) for place in places))

    def expected(self) -> tuple[int, ...]:
        operation, subject = self.operation, self.subject
        if operation.right == "open":
            return operation.ok
        if operation.api and subject.by != "key":
            return (401,)
        if not operation.api and subject.by:
            return (302,)
        if not self.may:
            # Whether the object exists is not told to whom the function is not given.
            return (403, 404)
        return (404,) if self.is_foreign else operation.ok

    def address(self) -> str:
        pk = self.world.ids.get((self.kind, self.relation), "")
        operation = self.operation
        query = operation.query.format(id=pk) if operation.query else ""
        if "{id}" in operation.query or not self.kind:
            return reverse(operation.route) + query
        return reverse(operation.route, args=pk if isinstance(pk, tuple) else [pk]) + query

    def foreign_marks(self) -> Iterator[str]:
        """Words that this person must not read anywhere."""
        for (kind, relation), marks in self.world.marks.items():
            there = Cell(self.world, self.operation, self.subject, relation)
            there.kind = kind
            if there.is_foreign or not self._reads(kind):
                yield from marks

    def _reads(self, kind: str) -> bool:
        name = self.subject.name
        if kind in READ_BY:
            return name in HOLDERS[READ_BY[kind]]
        return name in HOLDERS["read"] or self.subject.by == "key"


class Knocking:
    """Browsers and keys of all subjects, kept over the whole run."""

    def __init__(self, world: World, sign_in: Callable[[Any], Client]) -> None:
        self.clients = {name: sign_in(user) for name, user in world.users.items()}
        self.jars = {name: dict(client.cookies.items()) for name, client in self.clients.items()}
        self.keys = world.keys

    def ask(self, cell: Cell) -> HttpResponse:
        headers, name = {}, cell.subject.name
        client = self.clients.get(name)
        if client is None:
            client = Client(raise_request_exception=False)
            if cell.subject.by == "key":
                headers["Authorization"] = f"Bearer {self.keys[name]}"
        else:
            client.raise_request_exception = False
            # Signing out is one of the operations.
            client.cookies.clear()
            client.cookies.update(self.jars[name])
        with transaction.atomic():
            send = getattr(client, cell.operation.method)
            data = (cell.operation.data,) if cell.operation.data else ()
            answer = send(cell.address(), *data, headers=headers)
            body = b"".join(answer) if answer.streaming else answer.content
            answer.text_seen = body.decode("utf-8", "replace")
            transaction.set_rollback(True)
        return answer


def cells(world: World, operations: tuple[Operation, ...] = OPERATIONS) -> Iterator[Cell]:
    for operation in operations:
        relations = RELATIONS if operation.kind else ("own",)
        for relation in relations:
            if relation in operation.never:
                continue
            for subject in SUBJECTS:
                yield Cell(world, operation, subject, relation)


# A transaction that took back thousands of savepoints grows slow: each part has its own.
PARTS = 6


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("kept", WALLS)
def test_matrix(
    kept: str,
    part: int,
    db: None,
    as_user: Callable[[Any], Client],
    api_key: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    world = build(api_key)
    knocking = Knocking(world, as_user)
    wrong: list[str] = []
    asked, begun = 0, time.monotonic()
    # Thousands of refusals are expected; their log lines cost more than the requests.
    monkeypatch.setattr(logging.root.manager, "disable", logging.CRITICAL)
    with standing(kept, monkeypatch):
        for cell in cells(world, OPERATIONS[part::PARTS]):
            answer = knocking.ask(cell)
            asked += 1
            wrong += _faults(cell, answer, kept)
    with capsys.disabled():
        seconds = time.monotonic() - begun
        sys.stdout.write(
            f"\n权限矩阵（{kept}，{part + 1}/{PARTS}）：{asked} 格，{seconds:.1f} 秒\n"
        )
    assert wrong == [], f"{len(wrong)} of {asked}:\n" + "\n".join(wrong[:60])


def _faults(cell: Cell, answer: HttpResponse, kept: str) -> Iterator[str]:
    name = (
        f"{cell.operation.method} {cell.operation.route}{cell.operation.query}"
        f" {cell.relation} by {cell.subject.name}"
    )
    status, expected = answer.status_code, cell.expected()
    if kept == "only PostgreSQL":
        # Without the first wall an answer may differ, as long as nothing foreign comes back.
        seen = replace(cell.operation, writes=False)
        reads = Cell(cell.world, seen, cell.subject, cell.relation)
        walled = cell.kind in WALLED and reads.is_foreign and cell.may
        if walled and status in (200, 302) and not _to_login(answer):
            yield f"{name}: {status} for a foreign object"
    elif status not in expected:
        yield f"{name}: {status}, expected {expected}"
    elif expected == (302,) and not cell.may and not _to_login(answer):
        yield f"{name}: sent to {answer['Location']}"
    for mark in cell.foreign_marks():
        if mark in answer.text_seen and not re.search(rf"[?&]q=[^\"]*{mark}", answer.text_seen):
            yield f"{name}: shows {mark}"


def _to_login(answer: HttpResponse) -> bool:
    return answer.status_code == 302 and answer["Location"].startswith(reverse("accounts:login"))


def test_methods_without_a_line_are_refused(
    db: None, as_user: Callable[[Any], Client], api_key: Callable[[str], str]
) -> None:
    """What the table does not speak of does not exist, for those who may most."""
    world = build(api_key)
    knocking = Knocking(world, as_user)
    wrong = []
    for route in sorted(OPEN_ROUTES):
        lines = [one for one in OPERATIONS if one.route == route]
        names = {name for one in lines for name in HOLDERS.get(one.right, ("city_office",))}
        subject = next(one for one in SUBJECTS if one.name in names and one.by != "nobody")
        for method in METHODS:
            if method in {one.method for one in lines}:
                continue
            cell = Cell(world, replace(lines[0], method=method), subject, "own")
            status = knocking.ask(cell).status_code
            # Where strangers knock, whoever is signed in is led away; what nobody has is gone.
            away = lines[0].right == "open" and status in (302, 404, 410)
            if status != 405 and not away and not (lines[0].ok == GONE and status == 404):
                wrong.append((route, method, status))
    assert wrong == []


def test_the_matrix_can_fail(
    db: None,
    as_user: Callable[[Any], Client],
    api_key: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With both walls down a county's clerk is shown the neighbours, and the matrix says so."""
    world = build(api_key)
    knocking = Knocking(world, as_user)
    clerk = next(one for one in SUBJECTS if one.name == "county_clerk")
    routes_seen = set()
    with standing("only PostgreSQL", monkeypatch), standing("only querysets", monkeypatch):
        for cell in cells(world):
            walled = cell.subject is clerk and cell.operation.method == "get"
            if walled and list(_faults(cell, knocking.ask(cell), "only PostgreSQL")):
                routes_seen.add(cell.operation.route)
    assert routes_seen >= {
        "households:list", "households:persons", "households:detail", "jobs:list", "jobs:detail",
    }  # fmt: skip
