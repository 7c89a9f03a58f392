"""Letters in Word: the city's template or the product's own, filled in without running anything.

A template is a program to its library. So it is rendered in a sandbox without functions and
arithmetic, and what comes in is looked at before: one plain document, nothing that runs, nothing
that is fetched, only fields that exist.
"""

import re
import zipfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from django.conf import settings
from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Mm, Pt
from docxtpl import DocxTemplate
from jinja2 import StrictUndefined, TemplateError, nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import SandboxedEnvironment

from core.workbooks import archives
from core.workbooks.refusal import RefusedError
from inspections.enums.letters import Kind
from inspections.services.common import UnfitError
from inspections.services.letters.wording import FIELDS, ITEM_FIELDS, NEEDED

MOST = 2 * 1024 * 1024
_MOST_UNPACKED = 20 * 1024 * 1024
_LOOPS = 3
_MAIN = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_LINK = "/relationships/hyperlink"
_TAG = re.compile(rb"<[^>]*>")
# What a template is made of: fields, loops over the problems, and parts that may be missing.
_PLAIN = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr, nodes.For, nodes.If,
    nodes.Filter, nodes.Const, nodes.Not, nodes.And, nodes.Or, nodes.Test, nodes.Keyword,
)  # fmt: skip
BODY, TITLE, HEAD = "仿宋_GB2312", "方正小标宋简体", "黑体"


class _Sandbox(SandboxedEnvironment):
    """No functions, no arithmetic, no names that begin with an underscore."""

    intercepted_binops = frozenset(["*", "**", "+", "-", "/", "//", "%"])

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        raise SecurityError("arithmetic")

    def is_safe_callable(self, obj: Any) -> bool:
        return False


def _sandbox() -> _Sandbox:
    made = _Sandbox(autoescape=True, undefined=StrictUndefined)
    made.globals.clear()
    # Filters that write texts over and over, or take them apart.
    made.filters = {name: made.filters[name] for name in ("e", "escape", "default", "trim")}
    return made


def rendered(template: bytes, said: dict[str, Any]) -> bytes:
    """The letter as a Word file. Raises UnfitError where the template asks for what it may not."""
    made = DocxTemplate(BytesIO(template))
    try:
        made.render(said, jinja_env=_sandbox(), autoescape=True)
    except (TemplateError, TypeError, ValueError, KeyError, AttributeError) as error:
        raise UnfitError(f"模板不能填写：{_told(error)}。请下载现用模板，在它上面修改。") from error
    out = BytesIO()
    made.save(out)
    return out.getvalue()


def _told(error: Exception) -> str:
    if isinstance(error, SecurityError):
        return "模板里只能使用字段，不能使用函数和运算"
    line = getattr(error, "lineno", None)
    return f"字段或语句写法有误{f'（第 {line} 行）' if line else ''}"


def inspected(body: bytes) -> bytes:
    """The template as it came in, if it is one. Raises UnfitError saying what is wrong with it."""
    if len(body) > MOST:
        raise UnfitError("文件超过 2 MB，请压缩模板里的图片后再上传。")
    _inspect_archive(body)
    try:
        used = _fields(body)
    except (TemplateError, ValueError, KeyError, AttributeError, zipfile.BadZipFile) as error:
        raise UnfitError(f"模板不能读取：{_told(error)}。请检查花括号是否成对。") from error
    if unknown := sorted(used - set(FIELDS)):
        raise UnfitError(f"模板里有不认识的字段：{'、'.join(unknown)[:200]}。请对照字段表改正。")
    if missing := [name for name in NEEDED if name not in used]:
        raise UnfitError(f"模板缺少字段：{'、'.join(missing)}。请补上后再上传。")
    rendered(body, _TRIAL)
    return body


# Two problems of nobody, for the trial run of a template.
_TRIAL: dict[str, Any] = {
    **dict.fromkeys(FIELDS, "试填"),
    "问题数": 2,
    "问题清单": [dict.fromkeys(ITEM_FIELDS, "试填")] * 2,
}


def _fields(body: bytes) -> set[str]:
    """The names a template uses. Raises UnfitError for anything beyond fields and a few loops."""
    made = DocxTemplate(BytesIO(body))
    used: set[str] = made.get_undeclared_template_variables(jinja_env=_sandbox())
    made = DocxTemplate(BytesIO(body))
    made.init_docx()
    tree = _sandbox().parse(made.patch_xml(made.get_xml()))
    if any(not isinstance(node, _PLAIN) for node in tree.find_all(nodes.Node)):
        raise UnfitError("模板里只能使用字段、“如果”和对问题清单的循环，不能使用赋值、函数和运算。")
    if len(list(tree.find_all(nodes.For))) > _LOOPS:
        raise UnfitError(f"模板里的循环超过 {_LOOPS} 个，请简化。")
    return used


def _inspect_archive(body: bytes) -> None:
    """A document without macros, without anything that is fetched, of a size that can be held."""
    kind = "请上传 .docx 文件（Word 2007 及以后的文档，不含宏）。"
    with NamedTemporaryFile(dir=settings.UPLOAD_DIR, suffix=".docx") as file:
        file.write(body)
        file.flush()
        path = Path(file.name)
        try:
            parts = {part.name: part for part in archives.parts(path)}
            if sum(part.size for part in parts.values()) > _MOST_UNPACKED:
                raise UnfitError("文件解压后过大，不能使用。")
            if "word/document.xml" not in parts or "[Content_Types].xml" not in parts:
                raise UnfitError(kind)
            types = archives.whole(path, parts["[Content_Types].xml"], _MOST_UNPACKED)
            names = "".join(parts).lower()
            if _MAIN.encode() not in types or "vbaproject" in names or "activex" in names:
                raise UnfitError(kind)
            for name, part in parts.items():
                if name.lower().endswith(".rels"):
                    _inspect_links(archives.whole(path, part, _MOST_UNPACKED))
                elif name.lower().endswith(".xml") and name != "word/document.xml":
                    _inspect_text(archives.whole(path, part, _MOST_UNPACKED))
        except RefusedError as error:
            raise UnfitError(kind) from error


def _inspect_links(body: bytes) -> None:
    """Nothing is fetched when the document is opened; addresses that somebody clicks are."""
    try:
        found = fromstring(body)
    except (DefusedXmlException, ParseError) as error:
        raise UnfitError("文件已经损坏，请用 Word 或 WPS 重新保存后再上传。") from error
    for one in found.iter():
        told = {name.rsplit("}")[-1]: value for name, value in one.attrib.items()}
        if told.get("TargetMode", "").lower() == "external" and not told.get("Type", "").endswith(
            _LINK
        ):
            raise UnfitError("模板引用了外部的文件或模板，请改为直接插入后再上传。")


def _inspect_text(body: bytes) -> None:
    """Fields stand in the body alone: the library would fill heads and feet without being asked."""
    text = _TAG.sub(b"", body)
    if any(mark in text for mark in (b"{{", b"{%", b"{#")):
        raise UnfitError("字段只能写在正文里，请去掉页眉、页脚、批注和文档属性中的花括号。")


def own(kind: str) -> bytes:
    """The product's own template of a kind, laid out by GB/T 9704-2012; also what a city begins with."""
    made = Document()
    _page(made)
    _line(made, "{{ 文书名称 }}", TITLE, 22, WD_ALIGN_PARAGRAPH.CENTER)
    _line(made, "{{ 县区 }}{{ 编号 }}", BODY, 16, WD_ALIGN_PARAGRAPH.CENTER)
    _line(made, "{{ 责任单位 }}：", BODY, 16)
    _line(made, "{{ 开头 }}", BODY, 16, indent=True)
    _line(made, "{%p if 补充说明 %}", BODY, 16)
    _line(made, "{{ 补充说明 }}", BODY, 16, indent=True)
    _line(made, "{%p endif %}", BODY, 16)
    _line(made, "答复期限：{{ 答复期限 }}。所列问题共 {{ 问题数 }} 个：", BODY, 16, indent=True)
    _listed(made)
    _line(made, "", BODY, 16)
    _line(made, "{{ 签发单位 }}", BODY, 16, WD_ALIGN_PARAGRAPH.RIGHT)
    _line(made, "{{ 签发日期 }}", BODY, 16, WD_ALIGN_PARAGRAPH.RIGHT)
    _slip(made, kind)
    out = BytesIO()
    made.save(out)
    return _dateless(out.getvalue())


def _dateless(body: bytes) -> bytes:
    """The same archive without the time it was made at: the same template has the same digest."""
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(body)) as before, zipfile.ZipFile(out, "w") as after:
        for name in before.namelist():
            after.writestr(
                zipfile.ZipInfo(name), before.read(name), compress_type=zipfile.ZIP_DEFLATED
            )
    return out.getvalue()


def _page(made: Any) -> None:
    section = made.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.left_margin = Mm(37), Mm(28)
    section.right_margin, section.bottom_margin = Mm(26), Mm(35)
    style = made.styles["Normal"]
    style.font.name, style.font.size = BODY, Pt(16)
    properties = style.element.get_or_add_rPr()
    properties.get_or_add_rFonts().set(qn("w:eastAsia"), BODY)
    # Without it some programs take the Japanese forms of the signs.
    language = properties.makeelement(
        qn("w:lang"), {qn("w:val"): "zh-CN", qn("w:eastAsia"): "zh-CN"}
    )
    properties.append(language)


def _line(
    made: Any, text: str, font: str, size: int, alignment: Any = None, *, indent: bool = False
) -> Any:
    paragraph = made.add_paragraph()
    _written(paragraph, text, font, size)
    layout = paragraph.paragraph_format
    layout.line_spacing, layout.space_after = Pt(28), Pt(0)
    if indent:
        layout.first_line_indent = Pt(2 * size)
    if alignment is not None:
        layout.alignment = alignment
    return paragraph


def _written(paragraph: Any, text: str, font: str, size: int) -> None:
    run = paragraph.add_run(text)
    run.font.name, run.font.size = font, Pt(size)
    run._element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), font)


def _listed(made: Any) -> None:
    """The problems as a table: a line that opens the loop, one per problem, one that closes it."""
    heads = ("序号", "问题编号", "问题", "所在", "责任人", "整改期限", "事由")
    table = made.add_table(rows=4, cols=len(heads), style="Table Grid")
    widths = (9, 30, 48, 18, 17, 21, 13)
    _wide(table, widths)
    for at, head in enumerate(heads):
        _written(table.cell(0, at).paragraphs[0], head, HEAD, 10)
        _written(table.cell(2, at).paragraphs[0], f"{{{{ 一个.{head} }}}}", BODY, 10)
    _written(table.cell(1, 0).paragraphs[0], "{%tr for 一个 in 问题清单 %}", BODY, 10)
    _written(table.cell(3, 0).paragraphs[0], "{%tr endfor %}", BODY, 10)


def _wide(table: Any, widths: Sequence[int]) -> None:
    """Columns of so many millimetres. Some programs go by the grid, some by the cells."""
    table.autofit = False
    for column, width in zip(table.columns, widths, strict=True):
        column.width = Mm(width)
        for cell in column.cells:
            cell.width = Mm(width)


def _slip(made: Any, kind: str) -> None:
    """What the unit sends back, on a page of its own."""
    title = _line(made, "回　　执", TITLE, 22, WD_ALIGN_PARAGRAPH.CENTER)
    title.paragraph_format.page_break_before = True
    _line(made, "{{ 县区 }}{{ 文书名称 }}{{ 编号 }}", BODY, 16, WD_ALIGN_PARAGRAPH.CENTER)
    answer = "处理意见" if kind == Kind.ACCOUNT else "整改情况"
    lines = (
        "收到日期",
        "签收人",
        answer,
        "完成（计划完成）日期",
        "经办人、电话",
        "单位负责人（盖章）",
    )
    table = made.add_table(rows=len(lines), cols=2, style="Table Grid")
    _wide(table, (46, 110))
    for row, text in zip(table.rows, lines, strict=True):
        row.height = Mm(60 if text == answer else 14)
        _written(row.cells[0].paragraphs[0], text, BODY, 14)
    _line(made, "请于 {{ 答复期限 }} 前送回。", BODY, 14)
