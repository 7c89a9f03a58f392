"""A watch over the whole suite: no full personal number may leave the product unasked.

While it stands, every answer (pages, API, files), every log record, every message to the broker and
everything written to job rows or to the access ledger is looked through for resident identity
numbers with a right check digit and for mainland mobile numbers. A test in which one appears fails.
Tests of revealing say `@pytest.mark.may_show_numbers("why")`; that mark covers answers only: logs,
messages and job rows stay closed.
"""

import contextlib
import io
import json
import logging
import re
import threading
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery.signals import before_task_publish
from django.core.handlers.base import BaseHandler
from django.db import connections
from django.db.backends.signals import connection_created

from core.idnumbers import check_digit
from core.text import _FOLD

ID_NUMBER = re.compile(
    r"(?<![0-9A-Za-z])([0-9]{6}(?:18|19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
    r"[0-9]{3}[0-9Xx])(?:[1-7][1-4](?:[0-9A-Z]{2})?)?(?![0-9A-Za-z])"
)
MOBILE = re.compile(r"(?<![0-9A-Za-z.])(?:\+?86[- ]?)?(1[3-9][0-9]{9})(?![0-9A-Za-z])")
# Libraries that tell in their debug log what the tests themselves invent.
_TALK_OF_TESTS = ("factory", "faker", "hypothesis", "schemathesis")
# Rows that are read by more people than the register, or never deleted.
_WATCHED_TABLES = re.compile(r"core_job|core_access|ledger_", re.IGNORECASE)
_LARGEST_PART = 50 * 1024 * 1024


def numbers_in(text: str) -> list[str]:
    """Full numbers in the text, each with what it is; masked ones and mere digits do not count.

    >>> numbers_in("证件 990324197001010017，电话 139****1234")
    ['证件号码 990324…0017']
    """
    text = text.translate(_FOLD)
    found = [
        f"证件号码 {one[:6]}…{one[-4:]}"
        for one in ID_NUMBER.findall(text)
        if check_digit(one[:17]) == one[17].upper()
    ]
    return found + [f"手机号码 {one[:3]}…{one[-4:]}" for one in MOBILE.findall(text)]


def text_of(body: bytes, content_type: str) -> str:
    """What a person or a machine could read in an answer."""
    if body.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            parts = [one for one in archive.infolist() if one.file_size < _LARGEST_PART]
            return "\n".join(archive.read(one).decode("utf-8", "replace") for one in parts)
    text = body.decode("utf-8", "replace")
    if "json" in content_type and "\\u" in text:
        # An escaped letter must not hide the number behind it.
        return json.dumps(json.loads(text), ensure_ascii=False)
    return text


def _said(value: Any) -> str:
    """A parameter of a statement as text; JSON goes to the driver in a wrapper."""
    value = getattr(value, "adapted", value)
    text = value if isinstance(value, str) else str(value)
    if "\\u" in text:
        with contextlib.suppress(ValueError):
            text = json.dumps(json.loads(text), ensure_ascii=False)
    return text


class Watch:
    """What was found since the last `take`; threads of a live server may add to it."""

    def __init__(self) -> None:
        self._found: list[tuple[str, str]] = []
        self._lock = threading.Lock()

    def look(self, channel: str, place: str, text: str) -> None:
        if numbers := numbers_in(text):
            with self._lock:
                self._found.append((channel, f"{channel} {place}: {'、'.join(numbers[:3])}"))

    def take(self, *, but: str = "") -> list[str]:
        """Findings, those of one channel left out; they are forgotten then."""
        with self._lock:
            found, self._found = self._found, []
        return list(dict.fromkeys(words for channel, words in found if channel != but))

    # --- where it looks ---------------------------------------------------------------------

    def answer(self, request: Any, response: Any) -> None:
        place = f"{request.method} {getattr(request.resolver_match, 'view_name', '') or '?'}"
        content_type = response.get("Content-Type", "")
        headers = " ".join(f"{name}: {value}" for name, value in response.items())
        self.look("answer", f"{place} headers", headers)
        # An answer that repeats the invented filter it refuses tells nobody anything.
        asked = {one for values in request.GET.lists() for one in MOBILE.findall(str(values))}
        if response.streaming:
            if not response.is_async:
                response.streaming_content = self._streamed(
                    response.streaming_content, place, content_type
                )
        else:
            text = text_of(response.content, content_type)
            for one in asked:
                text = text.replace(one, "")
            self.look("answer", place, text)

    def _streamed(self, chunks: Any, place: str, content_type: str) -> Iterator[bytes]:
        seen = []
        for chunk in chunks:
            seen.append(chunk)
            yield chunk
        self.look("answer", place, text_of(b"".join(seen), content_type))

    def record(self, record: logging.LogRecord) -> None:
        if record.name.startswith(_TALK_OF_TESTS):
            return
        try:
            text = record.getMessage()
        except (TypeError, ValueError):
            text = f"{record.msg} {record.args}"
        if record.exc_info and record.exc_info[1]:
            text += f" {record.exc_info[1]}"
        self.look("log", record.name, text)

    def message(self, body: Any = None, headers: Any = None, **_: Any) -> None:
        self.look("message", str((headers or {}).get("task")), f"{body} {headers}")

    def statement(
        self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any
    ) -> Any:
        if params and isinstance(sql, str) and _WATCHED_TABLES.search(sql):
            writes = not sql.lstrip().upper().startswith("SELECT") or "(" in sql
            if writes:
                rows = list(params) if many else [params]
                every = [row.values() if isinstance(row, dict) else row for row in rows]
                self.look("row", sql[:60], "\n".join(_said(one) for row in every for one in row))
        return execute(sql, params, many, context)

    def stand_at(self, connection: Any = None, **_: Any) -> None:
        if self.statement not in connection.execute_wrappers:
            connection.execute_wrappers.append(self.statement)


WATCH = Watch()


@pytest.fixture(scope="session", autouse=True)
def watch_stands() -> Iterator[None]:
    """From the first test to the last, in all threads of this process."""
    get_response = BaseHandler.get_response
    make_record = logging.getLogRecordFactory()

    def watched_response(self: BaseHandler, request: Any) -> Any:
        response = get_response(self, request)
        WATCH.answer(request, response)
        return response

    def watched_record(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make_record(*args, **kwargs)
        WATCH.record(record)
        return record

    BaseHandler.get_response = watched_response  # type: ignore[method-assign]
    logging.setLogRecordFactory(watched_record)
    before_task_publish.connect(WATCH.message, weak=False)
    connection_created.connect(WATCH.stand_at, weak=False)
    for connection in connections.all(initialized_only=True):
        WATCH.stand_at(connection)
    yield
    BaseHandler.get_response = get_response  # type: ignore[method-assign]
    logging.setLogRecordFactory(make_record)
    before_task_publish.disconnect(WATCH.message)
    connection_created.disconnect(WATCH.stand_at)


@pytest.fixture(autouse=True)
def nothing_leaks(request: pytest.FixtureRequest, watch_stands: None) -> Iterator[None]:
    """Fail the test in which a full number left the product."""
    WATCH.take()
    yield
    may_show = request.node.get_closest_marker("may_show_numbers")
    found = WATCH.take(but="answer" if may_show else "")
    if found:
        pytest.fail("号码外泄：\n" + "\n".join(found[:10]), pytrace=False)
