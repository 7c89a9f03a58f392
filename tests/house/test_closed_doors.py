"""What the product's code may not do: write cells past the writer, or call out to addresses."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings as site

pytestmark = pytest.mark.unit

ROOT = Path(site.BASE_DIR)
APPS = [*sorted(path.parent for path in ROOT.glob("*/apps.py")), ROOT / "povertyops"]

# Who may write workbooks or CSV: the one writer, and the generator of the invented city.
WRITERS = {"core/workbooks/writing.py", "imports/demo/sheets.py"}
# Modules that open connections to addresses, and who may have them, each with its reason.
CALLERS = {
    # Signing in through the provider that an administrator configured; no user chooses the address.
    "accounts/signin/*": {"requests", "mozilla_django_oidc"},
    # Unix sockets of the embedded servers and the health of the local web service.
    "core/embedded/*": {"socket", "urllib.request", "http.client"},
}
OUTGOING = {
    "requests", "httpx", "aiohttp", "urllib3", "pycurl", "ftplib", "smtplib", "poplib", "imaplib",
    "telnetlib", "socket", "socketserver", "xmlrpc", "http.client", "urllib.request", "websocket",
    "websockets", "paramiko", "mozilla_django_oidc",
}  # fmt: skip
# Lookups built from a request's words are how filters were injected into Django itself.
SPREAD = {"filter", "exclude", "annotate", "alias", "order_by", "get", "aggregate"}


def sources() -> Iterator[tuple[str, ast.Module]]:
    for app in APPS:
        for file in sorted(app.rglob("*.py")):
            if "migrations" not in file.parts:
                name = file.relative_to(ROOT).as_posix()
                yield name, ast.parse(file.read_text(encoding="utf-8"), name)


SOURCES = list(sources())


def imported(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def under(names: set[str], wanted: set[str]) -> set[str]:
    return {
        one for one in wanted if any(name == one or name.startswith(f"{one}.") for name in names)
    }


def calls(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


def test_there_is_code_to_look_at() -> None:
    assert len(SOURCES) > 80


def test_only_the_writer_writes_workbooks_and_csv() -> None:
    """Anybody else would forget the apostrophe one day: use `core.workbooks.writing`."""
    wrong = {
        name: sorted(found)
        for name, tree in SOURCES
        if name not in WRITERS
        and (
            found := {
                call
                for call in calls(tree)
                if call.rsplit(".", 1)[-1] in ("Workbook", "DictWriter")
                or call in ("csv.writer", "xlsxwriter.Workbook")
            }
            | under(imported(tree), {"xlsxwriter", "csv.writer", "csv.DictWriter"})
        )
    }
    assert wrong == {}


def test_nobody_calls_out() -> None:
    """No outgoing call takes an address that a user gave, because there is no outgoing call."""
    wrong = {}
    for name, tree in SOURCES:
        allowed: set[str] = set()
        for pattern, modules in CALLERS.items():
            if name == pattern or (pattern.endswith("/*") and name.startswith(pattern[:-1])):
                allowed = modules
        if found := under(imported(tree), OUTGOING) - allowed:
            wrong[name] = sorted(found)
    assert wrong == {}


def test_every_exception_to_it_is_needed() -> None:
    """An entry nobody uses any more would let the next one through."""
    for pattern in CALLERS:
        users = [
            tree
            for name, tree in SOURCES
            if name == pattern or (pattern.endswith("/*") and name.startswith(pattern[:-1]))
        ]
        assert any(under(imported(tree), OUTGOING) for tree in users), pattern
    assert {name for name, _ in SOURCES} >= WRITERS


def test_no_query_is_made_of_a_requests_own_words() -> None:
    """No `filter(**request.GET)`: names of lookups come from code."""
    wrong = []
    for name, tree in SOURCES:
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr not in SPREAD:
                continue
            spread = [word.value for word in node.keywords if word.arg is None]
            spread += [arg.value for arg in node.args if isinstance(arg, ast.Starred)]
            for value in spread:
                text = ast.unparse(value)
                if any(
                    word in text
                    for word in ("request", "GET", "POST", "query_params", "cleaned_data")
                ):
                    wrong.append(f"{name}:{node.lineno} {text}")
    assert wrong == []


def test_nobody_hands_out_all_fields() -> None:
    """Serializers and forms name their fields; a new column is not published by itself."""
    wrong = [
        f"{name}:{node.lineno}"
        for name, tree in SOURCES
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and any(
            isinstance(one, ast.Name) and one.id in ("fields", "exclude") for one in node.targets
        )
        and isinstance(node.value, ast.Constant)
        and node.value.value == "__all__"
    ]
    assert wrong == []


def test_no_markup_is_trusted_without_a_reason() -> None:
    """`mark_safe` and `|safe` stand where the text is ours; `csrf_exempt` nowhere."""
    trusting = {
        name
        for name, tree in SOURCES
        if "mark_safe" in {call.rsplit(".", 1)[-1] for call in calls(tree)}
    }
    assert trusting <= {
        "households/filters.py",  # the word "selected"
        "core/templatetags/show.py",  # drawings made of numbers, texts escaped by format_html
    }
    assert not [name for name, tree in SOURCES if "csrf_exempt" in ast.unparse(tree)]
    templates = sorted((ROOT / "templates").rglob("*.html"))
    assert not [file.name for file in templates if "|safe" in file.read_text(encoding="utf-8")]
    assert not [
        file.name for file in templates if "autoescape off" in file.read_text(encoding="utf-8")
    ]
