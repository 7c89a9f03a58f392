"""The catalogue's pages: column names, code tables, rules and remembered layouts."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.web import actor_of, require
from households.models import CodeEntry, CodeSynonym
from imports.checks import RULES
from imports.enums import Grain
from imports.forms import CodeForm, HeaderForm, LabelForm, ReasonForm, RuleForm
from imports.models import HeaderSynonym, Layout, RuleSetting
from imports.queries import catalogue
from imports.services import cataloguing, mapping
from imports.services.cataloguing import MANAGE, CatalogError
from imports.views.common import EFFECT_TONES

_PAGE = 50
_LONGEST_SEARCH = 40


def _tried(form: Any, act: Callable[[], Any]) -> bool:
    """Do it; a refusal stands beside the field it is about."""
    try:
        act()
    except CatalogError as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        return False
    return True


# --- column names ------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
def headers(request: HttpRequest) -> HttpResponse:
    require(request, MANAGE)
    form = HeaderForm(request.POST or None, choices=mapping.choices())
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        if _tried(form, lambda: cataloguing.add_header(**data, by=request.user)):
            messages.success(request, f"已登记列名“{data['header']}”，之后读入的文件按它识别。")
            return redirect("imports:catalog")
    search = request.GET.get("name", "")[:_LONGEST_SEARCH].replace("\x00", "")
    page = Paginator(catalogue.headers(search), _PAGE).get_page(request.GET.get("page"))
    for row in page:
        row.fact = catalogue.fact_label(row.identifier)  # type: ignore[attr-defined]
        row.is_own = row.source == cataloguing.OWN_SOURCE  # type: ignore[attr-defined]
    context = {
        "form": form,
        "page": page,
        "search": search,
        "previous": _turn(page.has_previous(), search, page.number - 1),
        "next": _turn(page.has_next(), search, page.number + 1),
    }
    status = 200 if request.method == "GET" else 422
    return render(request, "imports/catalog/headers.html", context, status=status)


def _turn(is_there: bool, search: str, number: int) -> str:
    return urlencode({"name": search, "page": number}) if is_there else ""


@require_POST
def remove_header(request: HttpRequest, pk: int) -> HttpResponse:
    require(request, MANAGE)
    synonym = get_object_or_404(HeaderSynonym, pk=pk)
    try:
        cataloguing.remove_header(synonym=synonym, by=request.user)
        messages.success(request, f"已删除列名“{synonym.header}”。")
    except CatalogError as refusal:
        messages.warning(request, str(refusal))
    return redirect("imports:catalog")


# --- code tables -------------------------------------------------------------------------------


@require_GET
def tables(request: HttpRequest) -> HttpResponse:
    require(request, MANAGE)
    return render(request, "imports/catalog/tables.html", {"tables": catalogue.tables()})


@require_GET
def table(request: HttpRequest, table: str) -> HttpResponse:
    require(request, MANAGE)
    return _table(request, table)


def _table(
    request: HttpRequest,
    table: str,
    *,
    label_form: LabelForm | None = None,
    code_form: CodeForm | None = None,
) -> HttpResponse:
    rows = _entries(table)
    for row in rows:
        row["is_own"] = cataloguing.is_own_code(row["entry"].code)
        for synonym in row["synonyms"]:
            synonym.is_own = synonym.source == cataloguing.OWN_SOURCE
    told = next((one for one in catalogue.tables() if one["table"] == table), None)
    context = {
        "table": table,
        "label": told["label"] if told else table,
        "rows": rows,
        "label_form": label_form or LabelForm(codes=_codes(rows)),
        "code_form": code_form or CodeForm(),
    }
    status = 422 if label_form or code_form else 200
    return render(request, "imports/catalog/table.html", context, status=status)


def _entries(table: str) -> list[dict[str, Any]]:
    rows = catalogue.entries(table)
    if not rows:
        raise Http404
    return rows


def _codes(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(row["entry"].code, f"{row['entry'].code} {row['entry'].label}") for row in rows]


@require_POST
def add_label(request: HttpRequest, table: str) -> HttpResponse:
    require(request, MANAGE)
    form = LabelForm(request.POST, codes=_codes(_entries(table)))
    if form.is_valid():
        data = form.cleaned_data
        if _tried(form, lambda: cataloguing.add_label(table=table, **data, by=request.user)):
            messages.success(request, f"已登记“{data['label']}”，读作代码 {data['code']}。")
            return redirect("imports:code-table", table=table)
    return _table(request, table, label_form=form)


@require_POST
def add_code(request: HttpRequest, table: str) -> HttpResponse:
    require(request, MANAGE)
    _entries(table)
    form = CodeForm(request.POST)
    if form.is_valid():
        data = form.cleaned_data
        if _tried(form, lambda: cataloguing.add_code(table=table, **data, by=request.user)):
            messages.success(request, f"已登记“{data['label']}”，最迟一分钟后各页面显示。")
            return redirect("imports:code-table", table=table)
    return _table(request, table, code_form=form)


@require_POST
def remove_label(request: HttpRequest, pk: int) -> HttpResponse:
    require(request, MANAGE)
    synonym = get_object_or_404(CodeSynonym, pk=pk)
    try:
        cataloguing.remove_label(synonym=synonym, by=request.user)
        messages.success(request, f"已删除异写“{synonym.label}”。")
    except CatalogError as refusal:
        messages.warning(request, str(refusal))
    if CodeEntry.objects.filter(table=synonym.table).exists():
        return redirect("imports:code-table", table=synonym.table)
    return redirect("imports:code-tables")


# --- rules -------------------------------------------------------------------------------------


@require_GET
def rules(request: HttpRequest) -> HttpResponse:
    require(request, MANAGE)
    group = request.GET.get("group", "")
    every = [_toned(one) for one in catalogue.rules()]
    groups = list(dict.fromkeys((one["group"], one["group_label"]) for one in every))
    context = {
        "rules": [one for one in every if not group or one["group"] == group],
        "groups": groups,
        "group": group if group in dict(groups) else "",
        "count": len(every),
    }
    if not context["group"]:
        context["rules"] = every
    return render(request, "imports/catalog/rules.html", context)


def _toned(told: dict[str, Any]) -> dict[str, Any]:
    rule = RULES[told["code"]]
    return told | {
        "tone": EFFECT_TONES[told["effect"]],
        "is_locked": cataloguing.is_locked(rule),
    }


@require_http_methods(["GET", "POST"])
def rule(request: HttpRequest, code: str) -> HttpResponse:
    require(request, MANAGE)
    found = RULES.get(code)
    if found is None:
        raise Http404
    setting = RuleSetting.objects.select_related("changed_by").filter(code=code).first()
    told = _toned(catalogue.rule_facts(found, setting))
    form = RuleForm(
        request.POST or None,
        effects=[(one.value, str(one.label)) for one in found.effects],
        parameters=told["parameter_words"],
        initial={
            "is_enabled": told["is_enabled"],
            "effect": told["effect"].value,
            "first_year": told["first_year"],
            "last_year": told["last_year"],
        },
    )
    if request.method == "POST" and form.is_valid() and _set(request, code, form):
        messages.success(request, f"规则 {code} 已修改，之后核对的文件按它处理。")
        return redirect("imports:rules")
    context = {"rule": told, "form": form, "reason_form": ReasonForm(auto_id="reset_%s")}
    status = 200 if request.method == "GET" else 422
    return render(request, "imports/catalog/rule.html", context, status=status)


def _set(request: HttpRequest, code: str, form: RuleForm) -> bool:
    names = ("is_enabled", "effect", "first_year", "last_year", "reason")
    data = {name: form.cleaned_data[name] for name in names}
    return _tried(
        form,
        lambda: cataloguing.set_rule(
            code=code, parameters=form.parameters(), **data, by=request.user
        ),
    )


@require_POST
def reset_rule(request: HttpRequest, code: str) -> HttpResponse:
    require(request, MANAGE)
    if code not in RULES:
        raise Http404
    form = ReasonForm(request.POST)
    if form.is_valid():
        cataloguing.reset_rule(code=code, reason=form.cleaned_data["reason"], by=request.user)
        messages.success(request, f"规则 {code} 已恢复为产品自带的设置。")
    else:
        messages.warning(request, "请写明原因（不超过 200 字）。")
    return redirect("imports:rule", code=code)


# --- layouts -----------------------------------------------------------------------------------


@require_GET
def layouts(request: HttpRequest) -> HttpResponse:
    require(request, MANAGE)
    rows = [_grained(one) for one in catalogue.layouts(actor_of(request), MANAGE)]
    context = {
        "own": [one for one in rows if one.created_by_id is not None],
        "shipped": [one for one in rows if one.created_by_id is None],
    }
    return render(request, "imports/catalog/layouts.html", context)


def _grained(layout: Layout) -> Layout:
    known = layout.grain in Grain.values
    layout.grain_label = Grain(layout.grain).label if known else "不在此导入"  # type: ignore[attr-defined]
    return layout


def _layout(request: HttpRequest, code: str) -> Layout:
    """A shipped layout, or one of the actor's regions."""
    require(request, MANAGE)
    for one in catalogue.layouts(actor_of(request), MANAGE):
        if one.pk == code:
            return one
    raise Http404


@require_GET
def layout(request: HttpRequest, code: str) -> HttpResponse:
    one = _grained(_layout(request, code))
    columns = [
        {"header": row.header, "fact": catalogue.fact_label(row.identifier)}
        for row in one.headers.order_by("position", "pk")
    ]
    return render(request, "imports/catalog/layout.html", {"layout": one, "columns": columns})


@require_POST
def retire_layout(request: HttpRequest, code: str) -> HttpResponse:
    one = _layout(request, code)
    try:
        cataloguing.retire_layout(layout=one, by=request.user)
        messages.success(request, f"版式“{one.title}”已停用，不再用于识别文件。")
    except CatalogError as refusal:
        messages.warning(request, str(refusal))
    return redirect("imports:layouts")
