"""Rules of the house for pages: what the policy forbids, what old browsers cannot do, how we write."""

import re
from pathlib import Path

import pytest
from django.conf import settings as site
from django.template.loader import get_template, render_to_string
from django.test import RequestFactory

pytestmark = pytest.mark.unit

ROOT = Path(site.BASE_DIR)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
STYLES = sorted((ROOT / "static").rglob("*.css"))
SCRIPTS = sorted((ROOT / "static").rglob("*.js"))

TAG = re.compile(r"{%.*?%}|{{.*?}}|{#.*?#}", re.DOTALL)
COMMENT = re.compile(r"{#.*?#}", re.DOTALL)
LITERAL = re.compile(r'"[^"]*"|\'[^\']*\'')
HALF_WIDTH = re.compile(r"[\u4e00-\u9fff][,:;()!?]|[,:;()!?][\u4e00-\u9fff]")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT / "templates").as_posix()


@pytest.fixture(params=TEMPLATES, ids=name_of)
def template(request) -> Path:
    return request.param


def test_it_compiles(template):
    get_template(name_of(template))


@pytest.mark.parametrize(
    "pattern",
    [r"\sstyle\s*=", r"<style", r"\shx-on", r"javascript:", r"\bhx-vals=.js:"],
)
def test_nothing_inline(template, pattern):
    assert not re.search(pattern, COMMENT.sub("", template.read_text()), re.IGNORECASE)


def test_no_handler_attributes(template):
    assert not re.search(r"\son[a-z]+\s*=", TAG.sub("\0", template.read_text()), re.IGNORECASE)


# In the API's pages the library names its files; the content policy lets only our own site's in.
@pytest.mark.parametrize(
    "template", [one for one in TEMPLATES if name_of(one) != "api/docs.html"], ids=name_of
)
def test_scripts_are_files(template):
    for tag in re.findall(r"<script[^>]*>[^<]*", template.read_text()):
        assert re.fullmatch(r"<script src=\"{% static '[\w/.-]+' %}\" defer>", tag), tag


def test_nothing_comes_from_elsewhere(template):
    assert not re.search(r"(src|href|action)=\"(https?:)?//", template.read_text())


def test_punctuation_beside_chinese_is_full_width(template):
    text = COMMENT.sub("", template.read_text())
    literals = [literal for tag in TAG.findall(text) for literal in LITERAL.findall(tag)]
    for part in [*literals, TAG.sub("\0", text)]:
        assert not HALF_WIDTH.search(part), HALF_WIDTH.search(part)


def test_posting_forms_are_protected(template):
    for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", template.read_text(), re.DOTALL):
        assert "{% csrf_token %}" in form


@pytest.fixture
def plain_storage(settings):
    """Addresses of static files without the list that `collectstatic` writes."""
    backend = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": backend}}


@pytest.mark.usefixtures("plain_storage")
def test_the_page_of_the_last_resort_needs_no_context():
    text = render_to_string("500.html")
    assert "系统出错" in text
    assert site.SITE_NAME in text


@pytest.mark.usefixtures("plain_storage")
@pytest.mark.parametrize("name", ["400.html", "403.html", "403_csrf.html", "404.html", "500.html"])
def test_error_pages_need_no_user(name):
    """A request may fail before anybody knows who asks, or at an address that leads nowhere."""
    text = render_to_string(name, request=RequestFactory().get("/nowhere/"))
    assert "回到首页" in text
    assert 'id="menu"' not in text


def test_every_template_is_used():
    sources = [path.read_text() for path in TEMPLATES]
    for app in sorted(path.parent for path in ROOT.glob("*/apps.py")):
        sources += [path.read_text() for path in app.rglob("*.py")]
    text = "\n".join(sources)
    by_django = {"400.html", "403.html", "404.html", "500.html"}
    unused = {
        name
        for path in TEMPLATES
        if (name := name_of(path)) not in by_django and f'"{name}"' not in text
    }
    assert unused == set()


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
@pytest.mark.parametrize(
    "pattern",
    [
        r":has\(", r":is\(", r":where\(", r"@container", r"@layer", r"@import", r"color-mix\(",
        r"light-dark\(", r"oklch\(", r"\d(dvh|svh|lvh)\b", r"text-wrap", r"aspect-ratio", r"https?://(?!www\.w3\.org)",
        r"@media \((min|max)-",
    ],
)  # fmt: skip
def test_styles_suit_old_browsers(path, pattern):
    """Chromium 87 is the floor; widths are asked `@media screen and` so that paper stays paper."""
    assert not re.search(pattern, path.read_text())


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_styles_are_not_nested(path):
    text = re.sub(r"/\*.*?\*/|\"[^\"]*\"", "", path.read_text(), flags=re.DOTALL)
    open_blocks: list[str] = []
    for head, brace in re.findall(r"([^{};]*)([{}])", text):
        if brace == "}":
            open_blocks.pop()
            continue
        assert not open_blocks or open_blocks[-1].startswith("@"), head
        open_blocks.append(head.strip())
    assert open_blocks == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
@pytest.mark.parametrize(
    "pattern",
    [
        r"\.at\(", r"findLast", r"toSorted|toReversed|toSpliced", r"structuredClone", r"\?\.[\w(\[]", r"\?\?",
        r"replaceAll", r"\beval\(", r"new Function", r"innerHTML|outerHTML\s*=|insertAdjacentHTML",
        r"\.style\b", r"https?://",
    ],
)  # fmt: skip
def test_scripts_suit_old_browsers_and_the_policy(path, pattern):
    assert not re.search(pattern, path.read_text())


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_write_chinese_with_full_width_punctuation(path):
    literals = LITERAL.findall(path.read_text())
    assert not [literal for literal in literals if HALF_WIDTH.search(literal)]


def test_every_width_has_its_class():
    text = (ROOT / "static/css/app.css").read_text()
    for number in range(101):
        assert f".w-{number}{{--w:{number}%}}" in text
        assert f".t-{number}{{--t:{number}%}}" in text


def test_page_furniture_leaves_room_for_the_page():
    """120 KB a page: the style sheet and the scripts of every page may take a third."""
    always = ["static/css/app.css", "static/js/nav.js", "static/js/keys.js"]
    assert sum((ROOT / name).stat().st_size for name in always) <= 40 * 1024
