"""The watch of `tests/leaks.py` sees what it should, and files of the product hold no numbers."""

import io
import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from celery.signals import before_task_publish
from django.conf import settings as site
from django.core.handlers.base import BaseHandler
from django.db import connection
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.test import RequestFactory

from core.jobs.models import Job
from tests.factories.households import id_no
from tests.leaks import WATCH, numbers_in, text_of

ROOT = Path(site.BASE_DIR)
NUMBER = id_no(7)
PHONE = "13900001234"


@pytest.mark.parametrize(
    "text",
    [
        NUMBER,
        f"<td>{NUMBER}</td>",
        f"号码{NUMBER}。",
        f"id={NUMBER}&x=1",
        NUMBER.translate({ord(str(digit)): 0xFF10 + digit for digit in range(10)}),
        f"{NUMBER}42",
        f"{NUMBER}43B1",
        PHONE,
        f"tel:+86{PHONE}",
        f"tel:+86 {PHONE}",
        f"电话{PHONE}，",
    ],
)
def test_full_numbers_are_seen(text: str) -> None:
    assert len(numbers_in(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        f"{NUMBER[:6]}********{NUMBER[-4:]}",
        "139****1234",
        # Wrong check digit, no month, longer digits, hexadecimal: not a person's number.
        NUMBER[:17] + ("0" if NUMBER[17] != "0" else "1"),
        "990324197013010017",
        f"7{NUMBER}",
        f"a{PHONE}f",
        f"{PHONE}0",
        "0.13900001234",
        "86300000000001",
        "",
    ],
)
def test_masked_numbers_and_other_digits_are_not(text: str) -> None:
    assert numbers_in(text) == []


def test_a_workbook_is_opened() -> None:
    book, body = openpyxl.Workbook(), io.BytesIO()
    book.active["A1"] = NUMBER
    book.save(body)
    assert numbers_in(text_of(body.getvalue(), "application/octet-stream"))


def test_escaped_letters_hide_nothing() -> None:
    body = json.dumps({"text": f"张{PHONE}"}).encode()
    assert numbers_in(text_of(body, "application/json"))


# --- where it looks ----------------------------------------------------------------------------


def answered(monkeypatch: Any, response: Any) -> Any:
    """Send a response through the handler that all requests pass."""
    monkeypatch.setattr(BaseHandler, "_middleware_chain", lambda *_: response, raising=False)
    request = RequestFactory().get("/")
    request.resolver_match = None
    return BaseHandler().get_response(request)


@pytest.mark.parametrize(
    "response",
    [
        HttpResponse(f"<p>{NUMBER}</p>"),
        JsonResponse({"phone": f"打{PHONE}"}),
        HttpResponse(headers={"Content-Disposition": f"attachment; filename={NUMBER}.xlsx"}),
    ],
    ids=["page", "json", "header"],
)
def test_answers_are_watched(monkeypatch: Any, response: HttpResponse) -> None:
    answered(monkeypatch, response)
    assert len(WATCH.take()) == 1


def test_streams_are_watched_across_their_chunks(monkeypatch: Any) -> None:
    half = len(NUMBER) // 2
    response = answered(monkeypatch, StreamingHttpResponse([NUMBER[:half], NUMBER[half:]]))
    assert WATCH.take() == []
    assert b"".join(response.streaming_content).decode() == NUMBER
    assert len(WATCH.take()) == 1


def test_logs_are_watched() -> None:
    logger = logging.getLogger("core.something")
    logger.warning("row %s", NUMBER)
    assert len(WATCH.take()) == 1
    try:
        raise ValueError(NUMBER)
    except ValueError:
        logger.exception("failed")
    assert len(WATCH.take()) == 1


@pytest.mark.django_db
def test_job_rows_are_watched() -> None:
    Job.objects.create(kind="x", queue="interactive", params={"number": NUMBER})
    assert len(WATCH.take()) == 1
    Job.objects.update(result={"phone": PHONE})
    assert len(WATCH.take()) == 1
    with connection.cursor() as cursor:
        cursor.execute("UPDATE core_job SET error = %s", [f"坏行 {NUMBER}"])
    assert len(WATCH.take()) == 1


def test_messages_to_the_broker_are_watched() -> None:
    before_task_publish.send("x", body=((), {"number": NUMBER}, {}), headers={"task": "x"})
    assert len(WATCH.take()) == 1


@pytest.mark.may_show_numbers("shows what the mark covers")
def test_the_mark_covers_answers_only(monkeypatch: Any) -> None:
    answered(monkeypatch, HttpResponse(NUMBER))
    logging.getLogger("core.something").warning("row %s", NUMBER)
    assert [words[:3] for words in WATCH.take(but="answer")] == ["log"]


def test_a_test_that_leaks_fails(tmp_path: Path) -> None:
    """The hook in conftest.py stands: a run of its own with one leaking and one clean test."""
    (tmp_path / "conftest.py").write_text(
        "from tests.leaks import nothing_leaks, watch_stands\n", encoding="utf-8"
    )
    (tmp_path / "test_it.py").write_text(
        "import logging\n"
        f"def test_leaks(): logging.getLogger('x').warning('{NUMBER}')\n"
        "def test_clean(): pass\n",
        encoding="utf-8",
    )
    run = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-q", "--rootdir", str(tmp_path), "-c", "/dev/null",
            "-p", "no:cacheprovider", "-p", "no:playwright", str(tmp_path / "test_it.py"),
        ],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "povertyops.settings"},
    )  # fmt: skip
    assert "2 passed, 1 error" in run.stdout, run.stdout + run.stderr
    assert "号码外泄" in run.stdout


def test_the_whole_suite_is_under_watch() -> None:
    text = (ROOT / "tests" / "conftest.py").read_text(encoding="utf-8")
    assert "from tests.leaks import nothing_leaks, watch_stands" in text


# --- files of the product ----------------------------------------------------------------------

_SHIPPED = (
    "*/templates", "templates", "static", "docs", "deploy", "script", "*/data", "*/migrations",
    "*/fixtures", "README.md", "CHANGELOG.md", ".env.example",
)  # fmt: skip
_TEXT = {
    *(".html", ".css", ".js", ".md", ".csv", ".json", ".yml", ".yaml"),
    *(".py", ".txt", ".svg", ".sql", ".sh", ".conf", ".example", ""),
}
# The lists of codes name where each wording was seen, by a number of eleven digits.
_SOURCE = re.compile(r"public-code index [0-9]+")


def test_no_shipped_file_holds_a_number() -> None:
    files = [
        file
        for pattern in _SHIPPED
        for place in ROOT.glob(pattern)
        if ".venv" not in place.parts
        for file in ([place] if place.is_file() else place.rglob("*"))
        if file.is_file() and file.suffix in _TEXT
    ]
    assert len(files) > 100
    found = {
        str(file.relative_to(ROOT)): numbers
        for file in files
        if (numbers := numbers_in(_SOURCE.sub("", file.read_text("utf-8", errors="replace"))))
    }
    assert found == {}
