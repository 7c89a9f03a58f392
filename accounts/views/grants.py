"""Pages of grants: what a security administrator gives and takes back, and the matrix of rights."""

from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import queries, services
from accounts.enums import Role
from accounts.forms import GrantForm, ReasonForm, levels_of
from accounts.models import Grant, User
from accounts.roles import ADMINISTRATORS, MANAGE_GRANTS, RIGHTS, ROLES
from accounts.views.users import account
from core.scope import within
from core.web import require


@require_http_methods(["GET", "POST"])
def grant(request: HttpRequest, pk: int) -> HttpResponse:
    require(request, MANAGE_GRANTS)
    by = cast(User, request.user)
    user = account(by, pk)
    if by.pk == user.pk:
        raise PermissionDenied
    if "places" in request.POST:
        return _ask(request, user, GrantForm(initial=request.POST.dict(), by=by))
    form = GrantForm(request.POST or None, by=by)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            services.grant(
                user=user,
                role=data["role"],
                region_prefix=form.place,
                department=data["department"],
                valid_from=data["valid_from"],
                valid_to=data["valid_to"],
                reason=data["reason"],
                by=by,
            )
        except services.ActRefusedError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(
                request, "已授权。此前没有用过的设置口令链接已作废，须由系统管理员另发。"
            )
            return redirect("accounts:user", pk=pk)
    return _ask(request, user, form, 422 if request.method == "POST" else 200)


def _ask(request: HttpRequest, user: User, form: GrantForm, status: int = 200) -> HttpResponse:
    return render(request, "accounts/grant.html", {"account": user, "form": form}, status=status)


@require_http_methods(["GET", "POST"])
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    require(request, MANAGE_GRANTS)
    by = cast(User, request.user)
    grants = Grant.objects.filter(
        within(by.prefixes_for(MANAGE_GRANTS), "region_prefix")
    ).select_related("user")
    found = get_object_or_404(grants, pk=pk)
    if by.pk == found.user_id or not queries.may_grant(by, found.role, found.region_prefix):
        raise PermissionDenied
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.revoke(grant=found, reason=form.cleaned_data["reason"], by=by)
        except services.ActRefusedError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "授权已收回，立即生效。")
            return redirect("accounts:user", pk=found.user_id)
    place = queries.place_names([found.region_prefix])[found.region_prefix]
    context = {
        "account": found.user,
        "form": form,
        "title": "收回授权",
        "button": "收回",
        "note": f"收回“{Role(found.role).label}（{place}）”，立即生效，不能撤销；需要时可重新授权。",
        "danger": True,
    }
    return render(
        request, "accounts/act.html", context, status=422 if request.method == "POST" else 200
    )


@require_POST
def take_over(request: HttpRequest, pk: int) -> HttpResponse:
    require(request, MANAGE_GRANTS)
    by = cast(User, request.user)
    user = account(by, pk)
    try:
        passed = services.take_over(user=user, by=by)
        messages.success(request, f"已把 {len(passed)} 项授权转给{user.handed_over_to}。")
    except services.ActRefusedError as refusal:
        messages.warning(request, str(refusal))
    return redirect("accounts:user", pk=pk)


@require_GET
def matrix(request: HttpRequest) -> HttpResponse:
    """Roles and rights, for everybody who is signed in: what is not secret is checked by all."""
    rows: list[dict[str, Any]] = [
        {
            "role": Role(role).label,
            "description": facts.description,
            "levels": levels_of(role),
            "granted_by": "上级安全管理员；市级由运维人员任命"
            if role in ADMINISTRATORS
            else "本级或上级安全管理员",
            "is_administrator": role in ADMINISTRATORS,
            "sees_assigned_only": facts.sees_assigned_only,
            "rights": [
                {"name": name, "held": right in facts.permissions}
                for right, (name, _words) in _named_rights().items()
            ],
        }
        for role, facts in ROLES.items()
    ]
    mine = {grant.role for grant in cast(User, request.user).grants.valid_on(timezone.localdate())}
    context = {
        "rows": rows,
        "rights": [{"name": name, "words": words} for name, words in _named_rights().values()],
        "mine": [Role(role).label for role in ROLES if role in mine],
    }
    return render(request, "accounts/roles.html", context)


# Heads of the columns; the words below them come from `accounts.roles`.
SHORT = {
    "households.view_register": "查看数据",
    "households.reveal": "查看完整号码",
    "households.assign": "分派",
    "households.edit": "录入修改",
    "households.review": "审核",
    "households.manage_review": "设置审核",
    "imports.load_workbook": "导入",
    "imports.manage_catalog": "维护代码和规则",
    "exits.recompute": "重算指标",
    "exits.manage_standards": "修订标准",
    "exits.decide": "村县退出",
    "inspections.plan": "组织评估",
    "inspections.survey": "入户调查",
    "inspections.appeal": "申诉举证",
    "inspections.decide": "认定问题",
    "inspections.find": "核销问题",
    "inspections.mend": "整改问题",
    "inspections.petition": "信访",
    "projects.edit": "填报项目",
    "projects.review": "审核项目",
    "projects.decide": "审定项目",
    "funds.edit": "登记资金",
    "funds.approve": "复核资金",
    "core.release_export": "放行导出",
    "core.manage_jobs": "管理任务",
    "accounts.manage_users": "管理账号",
    "accounts.manage_grants": "授权",
    "accounts.manage_clients": "接口密钥",
    "core.view_ledger": "查阅台账",
}


def _named_rights() -> dict[str, tuple[str, str]]:
    return {right: (SHORT[right], words) for right, words in RIGHTS.items()}
