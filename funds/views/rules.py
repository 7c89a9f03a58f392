"""Rules on money: what each asks, by which source, and their revision by the city's finance office."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from core.history import images
from core.web import actor_of, require
from funds.checks.kinds import KINDS
from funds.forms import RuleForm
from funds.models import FundRule
from funds.queries import findings
from funds.services import ruling
from funds.services.common import APPROVE, UnfitError
from funds.views.findings import standard

READ = "households.view_register"


@require_GET
def rule_list(request: HttpRequest) -> HttpResponse:
    """Every rule with its source, whether it is judged, and how many findings hold."""
    require(request, READ)
    many = findings.open_by_rule(actor_of(request))
    context = {
        "rows": [_row(rule, many.get(rule.pk, 0)) for rule in findings.rules()],
        "may_revise": request.user.has_perm(APPROVE),
    }
    return render(request, "funds/rules.html", context)


def _row(rule: FundRule, many: int) -> dict[str, Any]:
    tone, words = _standing(rule)
    return {
        "one": rule, "many": many, "tone": tone, "words": words,
        "standard": standard(rule, rule.threshold), "is_held": KINDS[rule.check_kind].is_held,
    }  # fmt: skip


def _standing(rule: FundRule) -> tuple[str, str]:
    kind = KINDS[rule.check_kind]
    if kind.is_held:
        return "good", "数据库保证"
    if not rule.is_active:
        return "", "未启用"
    if not kind.judges(rule.threshold):
        return "warn", "未设置标准，不核查"
    return "info", "自动核查"


@require_http_methods(["GET", "POST"])
def rule(request: HttpRequest, pk: int) -> HttpResponse:
    """Revise a rule; its former versions stand below."""
    require(request, APPROVE)
    row = get_object_or_404(FundRule, pk=pk)
    data = request.POST if request.method == "POST" else None
    form = RuleForm(data, rule=row)
    if data is not None and form.is_valid() and _revised(row, form, request.user):
        messages.success(request, "已保存，规则版本加一，几秒内重新核查。")
        return redirect("funds:rules")
    former = [
        image | {"standard": standard(row, image["threshold"])} for image in images(FundRule, pk)
    ]
    context = {**_row(row, 0), "form": form, "former": former[:20]}
    return render(request, "funds/rule.html", context, status=200 if data is None else 422)


def _revised(row: FundRule, form: RuleForm, by: Any) -> bool:
    try:
        ruling.revise(rule=row, values=form.values(), reason=form.cleaned_data["reason"], by=by)
    except UnfitError as unfit:
        form.add_error(None, str(unfit))
        return False
    return True
