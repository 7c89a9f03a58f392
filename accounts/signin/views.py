"""Pages of signing in, and of one's own passwords, phone and sessions."""

from typing import Any
from urllib.parse import urlencode

import segno
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView, LogoutView
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from mozilla_django_oidc.views import (
    OIDCAuthenticationCallbackView,
    OIDCAuthenticationRequestView,
)

from accounts.models import User
from accounts.queries import may_manage, visible_users
from accounts.roles import MANAGE_GRANTS, MANAGE_USERS
from accounts.signin import lockout, oidc, passwords, policy, second_factor, sessions
from accounts.signin.forms import CodeForm, NewCodeForm, PasswordForm, ProofForm, SignInForm
from accounts.signin.hashing import answers_when_busy
from core.limits import limited
from core.scope import covers
from core.web import actor_of, require

ENDED = {
    sessions.IDLE: "您已有 {minutes} 分钟没有操作，为安全起见已退出。请重新登录，之后回到原来的页面。",
    sessions.TOO_LONG: "本次登录已满 {hours} 小时，请重新登录，之后回到原来的页面。",
    "oidc": "统一身份认证没有成功，或该身份没有对应的启用账号。请重试，或用口令登录。",
    "provider": "已退出本平台，统一身份认证的会话可能仍然有效。",
}

CODE_REFUSED = "动态口令不正确或已用过，请输入手机上新出现的一个。"
PROOF_REFUSED = "当前口令或动态口令不正确；动态口令已用过的，请等手机上出现新的一个。"


# --- in and out --------------------------------------------------------------------------------


@method_decorator(
    [limited("sign_in", key="address", methods=("POST",)), answers_when_busy], name="dispatch"
)
class SignIn(LoginView):
    """User name and password. What is asked next, if anything, the middleware knows."""

    template_name = "accounts/login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_valid(self, form: Any) -> HttpResponse:
        # Failures that came in while this password was being checked count as well.
        lock = lockout.closed(self.request, form.get_user().get_username())
        if lock:
            return self._closed(lock)
        answer = super().form_valid(form)
        greet(self.request, form.get_user())
        return answer

    def form_invalid(self, form: Any) -> HttpResponse:
        lock = getattr(self.request, "sign_in_lock", None)
        return self._closed(lock) if lock else super().form_invalid(form)

    def _closed(self, lock: lockout.Lock) -> HttpResponse:
        blank = SignInForm(self.request)
        response = self.render_to_response(
            self.get_context_data(form=blank, closed=lockout.words(lock.until)), status=429
        )
        response["Retry-After"] = str(max(1, int((lock.until - timezone.now()).total_seconds())))
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        ended = self.request.GET.get("ended", "")
        words = ENDED.get(ended, "").format(
            minutes=settings.SESSION_IDLE_SECONDS // 60,
            hours=settings.SESSION_LONGEST_SECONDS // 3600,
        )
        provider = oidc.logout_address(self.request, reverse("accounts:login"))
        # The names "site" and "site_name" stay those of every other page.
        context = {"closed": "", **super().get_context_data(**kwargs)}
        context.pop("site"), context.pop("site_name")
        return context | {
            "ended": words,
            "provider_logout": provider if ended == "provider" else "",
            "single_sign_on": settings.OIDC_NAME if oidc.is_on() else "",
        }


class SignOut(LogoutView):
    """Signing out; whoever came from the provider is told about the session there."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.by_provider = bool(request.session.get(oidc.BY_PROVIDER))
        return super().post(request, *args, **kwargs)

    def get_success_url(self) -> str:
        address = reverse("accounts:login")
        told = self.by_provider and oidc.logout_address(self.request, address)
        return f"{address}?ended=provider" if told else address


def greet(request: HttpRequest, user: User) -> None:
    """Say when and from where the account was used last; the owner alone can tell whether it was them."""
    former: dict[str, Any] = getattr(request, "former_sign_in", {})
    words = ""
    if former.get("at"):
        words = f"上次登录：{timezone.localtime(former['at']):%Y-%m-%d %H:%M}"
        words += f"，来自 {former['address']}。" if former["address"] else "。"
    if former.get("failures"):
        messages.warning(
            request,
            f"{words}此后有 {former['failures']} 次失败的登录尝试，如非本人操作，请联系系统管理员。",
        )
    elif words:
        messages.info(request, words)
    _tell_of_link(request, user, former.get("at"))
    if second_factor.falls_under(user) and not (
        second_factor.is_demanded() or request.session.get(second_factor.ENROLLED)
    ):
        messages.info(request, "您的权限在正式使用时须启用动态口令，可在“账号安全”中试用。")


def _tell_of_link(request: HttpRequest, user: User, since: Any) -> None:
    """A password set by a link since the last sign-in: the owner alone can tell by whom."""
    used = user.links.filter(used_at__isnull=False)
    if since:
        used = used.filter(used_at__gt=since)
    if moment := used.order_by("-used_at").values_list("used_at", flat=True).first():
        messages.warning(
            request,
            f"本账号的口令于 {timezone.localtime(moment):%Y-%m-%d %H:%M} 通过一次性链接设置，"
            "如非本人操作，请立即联系安全管理员。",
        )


# --- password ----------------------------------------------------------------------------------


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@limited("password", rate="10/m,40/h", methods=("POST",))
@answers_when_busy
def change_password(request: HttpRequest) -> HttpResponse:
    """A new password, wanted or due."""
    user = _user(request)
    if not user.has_usable_password():
        raise Http404
    form = PasswordForm(request.POST or None, user=user)
    if form.is_valid():
        passwords.set_password(
            user=user, password=form.cleaned_data["new"], request=request, by=user
        )
        sessions.stay_after_new_password(request, user)
        messages.success(request, "口令已修改，其他设备上的登录已全部退出。")
        return redirect(_next(request) or "accounts:sessions")
    context = {
        "form": form,
        "next": _next(request),
        "is_due": sessions.password_is_due(request),
        "days": policy.current().days,
    }
    return render(request, "accounts/password.html", context)


# --- second factor -----------------------------------------------------------------------------


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@limited("sign_in", methods=("POST",))
def second_factor_page(request: HttpRequest) -> HttpResponse:
    """The code, asked after the password."""
    user = _user(request)
    if second_factor.is_verified(request):
        return redirect(_next(request) or "/")
    if second_factor.device_of(user) is None:
        return redirect(_with_next(request, "accounts:second-factor-set-up"))
    form = CodeForm(request.POST or None)
    if form.is_valid():
        answer = second_factor.verify(request=request, code=form.cleaned_data["code"], by=user)
        if answer.right:
            if answer.recovery_left is not None:
                messages.warning(
                    request,
                    f"已使用一个恢复码，还剩 {answer.recovery_left} 个。手机遗失时请重新绑定。",
                )
            return redirect(_next(request) or "/")
        form.add_error("code", _refusal(answer))
    return render(request, "accounts/second_factor.html", {"form": form, "next": _next(request)})


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@limited("sign_in", methods=("POST",))
@answers_when_busy
def set_up_second_factor(request: HttpRequest) -> HttpResponse:
    """Enrol a phone: scan, type the first code, keep the recovery codes.

    In place of an older phone only for whoever proves to be its owner: a session left open is none.
    """
    user = _user(request)
    is_change = second_factor.device_of(user) is not None
    if is_change and not second_factor.is_verified(request):
        return redirect(_with_next(request, "accounts:second-factor"))
    form = NewCodeForm(request.POST or None, is_change=is_change)
    if form.is_valid() and is_change:
        proof = second_factor.prove(request=request, words=form.cleaned_data["proof"], by=user)
        if not proof.right:
            form.add_error("proof", _refusal(proof, PROOF_REFUSED))
    if form.is_valid():
        answer, codes = second_factor.confirm(
            request=request, code=form.cleaned_data["code"], by=user
        )
        if answer.right:
            return _show_codes(request, codes)
        form.add_error("code", _refusal(answer))
    device = second_factor.device_to_confirm(request, user)
    code = segno.make(device.address(settings.SITE_NAME), error="m")
    secret = device.base32
    context = {
        "form": form,
        "title": "换绑手机" if is_change else "启用动态口令",
        "next": _next(request),
        "image": code.svg_data_uri(scale=4, border=2),
        "secret": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        "is_required": second_factor.is_demanded() and second_factor.falls_under(user),
    }
    return render(request, "accounts/second_factor_set_up.html", context)


@sensitive_post_parameters()
@require_POST
@limited("sign_in")
@answers_when_busy
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """Fresh recovery codes for somebody who proves to be the owner."""
    if not second_factor.is_verified(request) or second_factor.device_of(_user(request)) is None:
        raise Http404
    form = ProofForm(request.POST)
    proof = second_factor.Answer(right=False)
    if form.is_valid():
        proof = second_factor.prove(
            request=request, words=form.cleaned_data["proof"], by=_user(request)
        )
    if not proof.right:
        messages.error(request, _refusal(proof, PROOF_REFUSED))
        return redirect("accounts:sessions")
    return _show_codes(
        request, second_factor.new_recovery_codes(request=request, by=_user(request))
    )


def _show_codes(request: HttpRequest, codes: list[str]) -> HttpResponse:
    context = {"codes": codes, "next": _next(request) or "/"}
    return render(request, "accounts/recovery_codes.html", context)


def _refusal(answer: second_factor.Answer, words: str = CODE_REFUSED) -> str:
    if answer.wait_until is None:
        return words
    seconds = max(1, -(-int((answer.wait_until - timezone.now()).total_seconds() * 10) // 10))
    return f"连续输错，请等 {seconds} 秒后再试。"


# --- sessions ----------------------------------------------------------------------------------


@require_safe
def own_sessions(request: HttpRequest) -> HttpResponse:
    """Where the person is signed in, and what guards the account."""
    user = _user(request)
    rows = list(sessions.alive(user))
    for row in rows:
        row.is_own = sessions.is_own(request, row)  # type: ignore[attr-defined]
    due = policy.due_at(user)
    context = {
        "rows": rows,
        "others": sum(not row.is_own for row in rows),  # type: ignore[attr-defined]
        "has_password": user.has_usable_password(),
        "password_due": due,
        "device": second_factor.device_of(user),
        "codes_left": second_factor.recovery_codes_left(user),
        "is_required": second_factor.falls_under(user),
        "idle_minutes": settings.SESSION_IDLE_SECONDS // 60,
        "longest_hours": settings.SESSION_LONGEST_SECONDS // 3600,
    }
    return render(request, "accounts/sessions.html", context)


@require_POST
def end_session(request: HttpRequest, pk: int) -> HttpResponse:
    """End one of one's own other sessions; 404 for anybody else's."""
    user = _user(request)
    if not sessions.end_sessions(user, but=request, only=pk, reason="own"):
        raise Http404
    messages.success(request, "已退出该处的登录。")
    return redirect("accounts:sessions")


@require_POST
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    ended = sessions.end_sessions(_user(request), but=request, reason="own")
    messages.success(request, f"已退出其他 {ended} 处登录。")
    return redirect("accounts:sessions")


@require_POST
def unlock(request: HttpRequest, pk: int) -> HttpResponse:
    """Open the door again for somebody who failed too often; a system administrator's act."""
    user = _managed(request, pk)
    lockout.unlock(user=user, by=request.user)
    messages.success(request, f"已解除“{user}”的登录锁定。")
    return redirect("accounts:user", pk)


@require_POST
def forget_second_factor(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a lost phone off an account, not off one's own; a security administrator's act."""
    require(request, MANAGE_GRANTS)
    user = get_object_or_404(visible_users(_user(request)), pk=pk)
    if not second_factor.may_forget(_user(request), user):
        raise PermissionDenied
    reason = request.POST.get("reason", "").strip()[:200]
    if not reason:
        messages.error(request, "请填写解绑事由。")
    elif second_factor.forget_second_factor(user=user, by=_user(request), reason=reason):
        messages.success(request, f"已解绑“{user}”的动态口令和统一身份，下次登录时须重新绑定。")
    else:
        messages.info(request, f"“{user}”没有绑定动态口令，也没有绑定统一身份。")
    return redirect("accounts:user", pk)


def _managed(request: HttpRequest, pk: int) -> User:
    """An account that the signed-in system administrator looks after.

    404 outside the region, 403 for whoever is no system administrator and for accounts that reach
    beyond this one.
    """
    require(request, MANAGE_USERS)
    user = get_object_or_404(User, pk=pk)
    if not covers(actor_of(request), user.home_prefix, MANAGE_USERS):
        raise Http404
    if not may_manage(_user(request), user):
        raise PermissionDenied
    return user


# --- single sign-on ----------------------------------------------------------------------------


class _Start(OIDCAuthenticationRequestView):
    """To the provider."""


class _Callback(OIDCAuthenticationCallbackView):
    """Back from the provider."""

    def login_success(self) -> HttpResponse:
        user = self.user
        answer: HttpResponse = super().login_success()
        self.request.session[oidc.BY_PROVIDER] = True
        self.request.session.pop(sessions.DUE, None)
        if getattr(self.request, "provider_checked_second_factor", False):
            second_factor.vouched_for(self.request, user)
        greet(self.request, user)
        return answer

    def login_failure(self) -> HttpResponse:
        return HttpResponseRedirect(f"{reverse('accounts:login')}?ended=oidc")


@login_not_required
def oidc_start(request: HttpRequest) -> HttpResponse:
    if not oidc.is_on():
        return redirect("accounts:login")
    return _Start.as_view()(request)


@login_not_required
@limited("sign_in", key="address")
def oidc_callback(request: HttpRequest) -> HttpResponse:
    if not oidc.is_on():
        return redirect("accounts:login")
    failed = HttpResponseRedirect(f"{reverse('accounts:login')}?ended=oidc")
    if "error" in request.GET:
        # The library would sign out whoever is signed in, at anybody's link.
        return failed
    try:
        return _Callback.as_view()(request)
    except SuspiciousOperation:
        # A state that this browser did not begin with.
        return failed


# --- shared ------------------------------------------------------------------------------------


def _user(request: HttpRequest) -> User:
    return request.user  # type: ignore[return-value]


def _next(request: HttpRequest) -> str:
    """Where to go afterwards, if that is a place of this site; else nothing."""
    address = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(
        address, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    # Without its slash it would be a name of ours to `redirect`, and an unknown one an error.
    return address if safe and address.startswith("/") else ""


def _with_next(request: HttpRequest, name: str) -> str:
    address = _next(request)
    return reverse(name) + (f"?{urlencode({'next': address}, safe='/')}" if address else "")
