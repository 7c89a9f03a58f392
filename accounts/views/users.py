"""Pages of accounts: list, one account, and what a system administrator does with it."""

from collections.abc import Callable
from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from accounts import queries, services
from accounts.enums import Role
from accounts.forms import HandOverForm, ReasonForm, UserFilterForm, UserForm
from accounts.models import Grant, User
from accounts.roles import MANAGE_GRANTS, MANAGE_USERS
from accounts.services.handing_over import to_pass_on
from accounts.signin.overview import guards_of
from accounts.signin.second_factor import may_forget
from core.limits import limited
from core.web import require

PER_PAGE = 50


def admin_of(request: HttpRequest) -> User:
    """The signed-in person, who manages accounts or grants; 403 for everybody else."""
    user = cast(User, request.user)
    if not (user.has_perm(MANAGE_USERS) or user.has_perm(MANAGE_GRANTS)):
        raise PermissionDenied
    return user


def account(by: User, pk: int) -> User:
    """An account that `by` may look at; any other one does not exist."""
    users = queries.visible_users(by).select_related("created_by", "disabled_by", "handed_over_to")
    return get_object_or_404(users, pk=pk)


@require_GET
@limited("search")
def user_list(request: HttpRequest) -> HttpResponse:
    by = admin_of(request)
    prefixes = {*by.prefixes_for(MANAGE_USERS), *by.prefixes_for(MANAGE_GRANTS)}
    form = UserFilterForm(request.GET, prefixes=tuple(sorted(prefixes)))
    chosen = form.cleaned_data if form.is_valid() else {}
    users = queries.user_list(
        by,
        q=chosen.get("q", ""),
        state=chosen.get("state", ""),
        region=chosen.get("county", ""),
        role=chosen.get("role", ""),
    )
    page = Paginator(users, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "page": page,
        "rows": _rows(list(page)),
        "may_create": by.has_perm(MANAGE_USERS),
        "unused_days": settings.ACCOUNT_UNUSED_DAYS,
        "is_filtered": any(chosen.values()) if chosen else True,
    }
    return render(request, "accounts/user_list.html", context)


def _rows(users: list[User]) -> list[dict[str, Any]]:
    grants = [grant for user in users for grant in user.today]  # type: ignore[attr-defined]
    places = queries.place_names(
        {*(user.home_prefix for user in users), *(grant.region_prefix for grant in grants)}
    )
    since = queries.unused_since()
    return [
        {
            "user": user,
            "home": places[user.home_prefix],
            "grants": [
                {"role": Role(one.role).label, "place": places[one.region_prefix]}
                for one in user.today  # type: ignore[attr-defined]
            ],
            "state": _state(user, since),
        }
        for user in users
    ]


def _state(user: User, since: Any) -> dict[str, str]:
    if not user.is_active:
        return {"tone": "neutral", "label": "已停用"}
    if user.last_login is None:
        return {"tone": "warn", "label": "从未登录"}
    if user.last_login < since:
        return {"tone": "warn", "label": "久未使用"}
    return {"tone": "good", "label": "启用"}


@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    by = admin_of(request)
    user = account(by, pk)
    context = {**_facts(by, user), **_acts(by, user), **guards_of(user)}
    return render(request, "accounts/user.html", context)


def _facts(by: User, user: User) -> dict[str, Any]:
    grants = list(
        user.grants.select_related("granted_by", "revoked_by").order_by("-valid_from", "-pk")
    )
    places = queries.place_names({user.home_prefix, *(one.region_prefix for one in grants)})
    return {
        "account": user,
        "home": places[user.home_prefix],
        "state": _state(user, queries.unused_since()),
        "grants": [_shown(one, places, by) for one in grants],
        "events": queries.timeline(user),
    }


def _shown(grant: Grant, places: dict[str, str], by: User | None) -> dict[str, Any]:
    """A grant as a page shows it, with its address to be revoked at where `by` may."""
    today = timezone.localdate()
    if grant.revoked_at:
        state = {"tone": "neutral", "label": "已收回"}
    elif grant.valid_to and grant.valid_to < today:
        state = {"tone": "neutral", "label": "已到期"}
    elif grant.valid_from > today:
        state = {"tone": "info", "label": "未生效"}
    else:
        state = {"tone": "good", "label": "有效"}
    is_open = state["label"] in ("有效", "未生效")
    revocable = (
        is_open
        and by is not None
        and by.pk != grant.user_id
        and queries.may_grant(by, grant.role, grant.region_prefix)
    )
    return {
        "grant": grant,
        "role": Role(grant.role).label,
        "place": places[grant.region_prefix],
        "state": state,
        "href": reverse("accounts:revoke", args=[grant.pk]) if revocable else "",
    }


def _acts(by: User, user: User) -> dict[str, Any]:
    return {
        "may_manage": queries.may_manage(by, user),
        "may_grant": by.pk != user.pk and user.is_active and bool(queries.grantable_roles(by)),
        "may_forget": may_forget(by, user),
        "passing": to_pass_on(by, user),
    }


@require_http_methods(["GET", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    require(request, MANAGE_USERS)
    by = cast(User, request.user)
    if "places" in request.POST:
        return _ask(request, UserForm(initial=request.POST.dict(), by=by))
    form = UserForm(request.POST or None, by=by)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            user, token = services.create_user(
                username=data["username"],
                display_name=data["display_name"],
                office=data["office"],
                home_prefix=form.place,
                by=by,
            )
        except services.ActRefusedError as refusal:
            form.add_error("username", str(refusal))
        else:
            return show_link(request, user, token, "账号已建立")
    return _ask(request, form, 422 if request.method == "POST" else 200)


def _ask(request: HttpRequest, form: UserForm, status: int = 200) -> HttpResponse:
    return render(request, "accounts/user_new.html", {"form": form}, status=status)


def show_link(request: HttpRequest, user: User, token: str, title: str) -> HttpResponse:
    """The one time a link is shown; the page is not kept by any cache."""
    address = request.build_absolute_uri(services.address_of(token))
    return render(
        request,
        "accounts/link_made.html",
        {
            "account": user,
            "address": address,
            "title": title,
            "hours": settings.PASSWORD_LINK_HOURS,
        },
    )


Act = Callable[[User, dict[str, Any], User], str | None]


def _act(
    request: HttpRequest, pk: int, *, act: Act, form: Callable[[User, User], Form],
    title: str, button: str, note: str, done: str, danger: bool = False,
) -> HttpResponse:  # fmt: skip
    """Ask for a reason, then act. An act that returns a token ends on the page that shows the link."""
    require(request, MANAGE_USERS)
    by = cast(User, request.user)
    user = account(by, pk)
    if not queries.may_manage(by, user):
        raise PermissionDenied
    asked = form(user, by)
    if request.method == "POST" and asked.is_valid():
        try:
            token = act(user, asked.cleaned_data, by)
        except services.ActRefusedError as refusal:
            asked.add_error(None, str(refusal))
        else:
            if token:
                return show_link(request, user, token, done)
            messages.success(request, done)
            return redirect("accounts:user", pk=pk)
    context = {
        "account": user, "form": asked, "title": title, "button": button, "note": note,
        "danger": danger,
    }  # fmt: skip
    return render(
        request, "accounts/act.html", context, status=422 if request.method == "POST" else 200
    )


@require_http_methods(["GET", "POST"])
def disable(request: HttpRequest, pk: int) -> HttpResponse:
    return _act(
        request,
        pk,
        act=lambda user, data, by: services.disable(user=user, reason=data["reason"], by=by),
        form=lambda _user, _by: ReasonForm(request.POST or None),
        title="停用账号",
        button="停用",
        note="立即生效：此人的所有会话当即结束，不能再登录。授权保留，重新启用后恢复。",
        done="账号已停用，会话已全部结束。",
        danger=True,
    )


@require_http_methods(["GET", "POST"])
def enable(request: HttpRequest, pk: int) -> HttpResponse:
    return _act(
        request,
        pk,
        act=lambda user, data, by: services.enable(user=user, reason=data["reason"], by=by),
        form=lambda _user, _by: ReasonForm(request.POST or None),
        title="启用账号",
        button="启用",
        note="启用后可用原口令登录，未到期的授权恢复有效。",
        done="账号已启用。",
    )


@require_http_methods(["GET", "POST"])
def reset(request: HttpRequest, pk: int) -> HttpResponse:
    return _act(
        request,
        pk,
        act=lambda user, data, by: services.reset_password(user=user, reason=data["reason"], by=by),
        form=lambda _user, _by: ReasonForm(request.POST or None),
        title="重置口令",
        button="重置并生成链接",
        note="原口令立即作废，所有会话结束；生成一次性链接，由本人打开设置新口令。动态口令不变，解绑由安全管理员办理。",
        done="口令已重置",
        danger=True,
    )


@require_http_methods(["GET", "POST"])
def hand_over(request: HttpRequest, pk: int) -> HttpResponse:
    return _act(
        request,
        pk,
        act=lambda user, data, by: services.hand_over(
            user=user, to=data["to"], on=data["on"], reason=data["reason"], by=by
        ),
        form=lambda user, by: HandOverForm(request.POST or None, user=user, by=by),
        title="移交工作",
        button="登记移交",
        note="登记后，安全管理员在本账号页上把授权和分派的户转给接手人，在此之前一切不变；账号是否停用另行办理。",
        done="移交已登记，请安全管理员转移工作。",
    )
