"""Whatever the code writes on the access ledger reaches auditors in Chinese."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from accounts.enums import Role
from core.ledger import words
from core.sharing import FieldGroup, Resource

ROOT = Path(__file__).resolve().parent.parent.parent
APPS = ("accounts", "api", "core", "dashboards", "exits", "households", "imports", "villages")
# What writes an entry, and what ends sessions: those write why.
WRITERS = frozenset({"note", "_note", "_end", "end_sessions", "leave"})
# Wrappers that pass their keywords on as names of details.
NAMING = frozenset({"_note"})
# Another `_note`, which talks to the console.
ELSEWHERE = ROOT / "core" / "embedded"
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def sources() -> Iterator[Path]:
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if "migrations" not in path.parts and ELSEWHERE not in path.parents:
                yield path


def name_of(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def told_by(call: ast.Call) -> list[ast.expr]:
    """The arguments that reach the details: of the writer itself `detail`, of its wrappers all."""
    is_itself = any(word.arg in ("detail", "subject_kind") for word in call.keywords)
    if is_itself or (isinstance(call.func, ast.Attribute) and call.func.attr == "note"):
        return [word.value for word in call.keywords if word.arg == "detail"]
    names: list[ast.expr] = [ast.Constant(word.arg) for word in call.keywords if word.arg]
    told: list[ast.expr] = [*call.args, *(word.value for word in call.keywords)]
    return told + names if name_of(call) in NAMING else told


def texts(node: ast.AST, known: dict[str, list[ast.expr]]) -> Iterator[str]:
    """The constant texts in an expression, those of the names it uses included."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    rest = known
    if isinstance(node, ast.Name):
        rest = {name: values for name, values in known.items() if name != node.id}
    for part in parts(node, known):
        yield from texts(part, rest)


def parts(node: ast.AST, known: dict[str, list[ast.expr]]) -> list[ast.AST]:
    """What of an expression can be its value, or stand in it."""
    match node:
        case ast.JoinedStr() | ast.Compare():
            return []
        case ast.Subscript(value=value):
            return [value]
        case ast.Name(id=name):
            return [*known.get(name, [])]
        case ast.IfExp(body=body, orelse=orelse):
            return [body, orelse]
        case ast.Call(func=ast.Name(id="getattr"), args=[_, _, *default]):
            return [*default]
        case ast.Call():
            return []
    return list(ast.iter_child_nodes(node))


def assigned(tree: ast.AST) -> dict[str, list[ast.expr]]:
    """What the names of a module or function stand for."""
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            match target, node.value:
                case ast.Name(id=name), value:
                    found.setdefault(name, []).append(value)
                case ast.Tuple(elts=names), ast.Tuple(elts=values):
                    for one, value in zip(names, values, strict=False):
                        if isinstance(one, ast.Name):
                            found.setdefault(one.id, []).append(value)
    return found


def written() -> dict[str, str]:
    """Every constant text that may stand in an entry's details, and a file that writes it."""
    found: dict[str, str] = {}
    for path in sources():
        tree = ast.parse(path.read_text())
        ends = {
            name: values
            for name, values in assigned(ast.Module(tree.body, [])).items()
            if name.isupper()
        }
        functions = [
            node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)
        ]
        for function in functions:
            known = ends | assigned(function)
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and name_of(node) in WRITERS:
                    for one in told_by(node):
                        for text in texts(one, known):
                            if re.search(r"[A-Za-z]", text):
                                found[text] = str(path.relative_to(ROOT))
    return found


WRITTEN = written()


def test_collecting_finds_what_is_written() -> None:
    """Names, choices, constants of the module, keys: each way of writing one is seen."""
    assert set(WRITTEN) >= {
        "enrol", "recovery", "idle", "absolute", "limit", "passed_on", "own", "any", "made",
        "raised", "failures", "reset", "handed_over", "proof", "bound",
    }  # fmt: skip


@pytest.mark.parametrize("text", sorted(WRITTEN))
def test_every_detail_has_a_chinese_word(text: str) -> None:
    assert CHINESE.search(words.told({"what": text}).partition("：")[2]), WRITTEN[text]


@pytest.mark.parametrize("text", ["RoleBackend", "ProviderBackend", "asked", "released", "refused",
                                  *map(str, (*Role, *Resource, *FieldGroup))])  # fmt: skip
def test_choices_have_one_too(text: str) -> None:
    assert CHINESE.search(words.told({"what": text}).partition("：")[2])
