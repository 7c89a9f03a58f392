"""Pages of API clients, for holders of accounts.manage_clients in the client's region."""

from collections.abc import Callable
from typing import Any, cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.clients import queries, services
from accounts.clients.forms import ClientForm, KeyForm, NewClientForm, ReasonForm, ScopesForm
from accounts.models import ClientKey, MachineClient, SensitiveGrant, User
from accounts.roles import MANAGE_CLIENTS
from core.sharing import CONFIRMED, FieldGroup
from core.web import actor_of, require
from villages.models import Region


def _found(request: HttpRequest, pk: int) -> MachineClient:
    require(request, MANAGE_CLIENTS)
    return get_object_or_404(
        MachineClient.objects.managed_by(actor_of(request)).select_related(
            "created_by", "disabled_by"
        ),
        pk=pk,
    )


def _by(request: HttpRequest) -> User:
    return cast(User, request.user)


def _place(prefix: str) -> str:
    """The division's name of today beside its code; the code alone when it is no more."""
    code = prefix.ljust(12, "0")
    name = Region.objects.filter(code=code, valid_to__isnull=True).values_list("name", flat=True)
    return f"{name[0]}（{prefix}）" if name else prefix


@require_GET
def client_list(request: HttpRequest) -> HttpResponse:
    require(request, MANAGE_CLIENTS)
    now = timezone.now()
    page = Paginator(queries.clients_for(actor_of(request), now), 50).get_page(
        request.GET.get("page")
    )
    for client in page:
        client.tone, client.state = queries.state_of(client, now)
    return render(request, "accounts/clients/list.html", {"page": page, "clients": list(page)})


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    require(request, MANAGE_CLIENTS)
    form = NewClientForm(request.POST or None, user=_by(request))
    if request.method == "POST" and form.is_valid():
        data = dict(form.cleaned_data)
        try:
            client = services.register(
                **data | {"region_prefix": data.pop("region")}, by=_by(request)
            )
            messages.success(request, "客户端已登记。请接着授权，再签发密钥。")
            return redirect("accounts:client-scopes", pk=client.pk)
        except services.ClientError as refusal:
            form.add_error("name", str(refusal))
    status = 200 if request.method == "GET" else 422
    return render(request, "accounts/clients/new.html", {"form": form}, status=status)


@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    client = _found(request, pk)
    form = ClientForm(request.POST or None, initial=ClientForm.initial_of(client))
    if request.method == "POST" and form.is_valid():
        waiting = services.edit(client=client, **form.cleaned_data, by=_by(request))
        messages.success(request, "已保存。")
        if waiting:
            messages.warning(request, "来源地址放宽，原有复核失效，须由另一名安全管理员重新复核。")
        return redirect("accounts:client", pk=pk)
    status = 200 if request.method == "GET" else 422
    return render(
        request, "accounts/clients/edit.html", {"form": form, "client": client}, status=status
    )


@require_http_methods(["GET", "POST"])
def scopes(request: HttpRequest, pk: int) -> HttpResponse:
    client = _found(request, pk)
    form = ScopesForm(request.POST or None, client=client)
    if request.method == "POST" and form.is_valid():
        waiting = services.set_scopes(client=client, wishes=form.wishes(), by=_by(request))
        messages.success(request, "授权已保存。")
        if waiting:
            messages.warning(request, "户、人和导入批次的授权须由另一名安全管理员复核后生效。")
        return redirect("accounts:client", pk=pk)
    status = 200 if request.method == "GET" else 422
    return render(
        request, "accounts/clients/scopes.html", {"form": form, "client": client}, status=status
    )


@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    return _page(request, _found(request, pk))


def _page(
    request: HttpRequest, client: MachineClient, *, status: int = 200, **more: Any
) -> HttpResponse:
    now = timezone.now()
    keys = list(client.keys.select_related("created_by", "revoked_by"))
    for key in keys:
        key.tone, key.state = queries.state_of_key(key, now)  # type: ignore[attr-defined]
    live = [key for key in keys if key.is_live_at(now)]
    scopes = list(
        client.scopes.prefetch_related("sensitive__granted_by", "sensitive__confirmed_by")
    )
    context = {
        "client": client,
        "place": _place(client.region_prefix),
        "keys": keys,
        "any_live": bool(live),
        "may_issue": client.is_active and len(live) < 2,
        "scopes": [_shown(scope, _by(request)) for scope in scopes],
        "waiting": sum(
            one.confirmed_by_id is None for scope in scopes for one in scope.sensitive.all()
        ),
        "pulls": queries.recent_pulls(client, now),
        "key_form": KeyForm(initial={"seen": len(keys)}),
        "reason_form": ReasonForm(),
        "new_key": "",
    }
    return render(request, "accounts/clients/detail.html", context | more, status=status)


def _shown(scope: Any, user: User) -> dict[str, Any]:
    return {
        "label": scope.get_resource_display(),
        "access": scope.get_access_display(),
        "region": scope.region_prefix,
        "in_force": scope.is_in_force,
        "by_operator": scope.resource in CONFIRMED and scope.granted_by_id is None,
        "groups": [FieldGroup(group).label for group in scope.groups],
        "sensitive": [
            {
                "id": one.pk,
                "label": one.get_group_display(),
                "in_force": one.is_in_force,
                "asked": one.granted_by,
                "confirmed": one.confirmed_by,
                "may_confirm": one.confirmed_by_id is None and one.granted_by_id != user.pk,
            }
            for one in scope.sensitive.all()
        ],
    }


@require_POST
@sensitive_variables("text")
def issue(request: HttpRequest, pk: int) -> HttpResponse:
    """The one answer that shows a key; loaded again, it does not issue another."""
    client = _found(request, pk)
    form = KeyForm(request.POST)
    if not form.is_valid():
        return _page(request, client, status=422, key_form=form)
    if form.cleaned_data["seen"] != client.keys.count():
        messages.warning(request, "页面已过时，请看最新的密钥列表。")
        return redirect("accounts:client", pk=pk)
    try:
        _, text = services.issue_key(
            client=client, life=form.life, overlap=form.overlap_time, by=_by(request)
        )
    except services.ClientError as refusal:
        messages.warning(request, str(refusal))
        return redirect("accounts:client", pk=pk)
    return _page(request, client, new_key=text)


def _act(request: HttpRequest, pk: int, done: str, act: Callable[[], None]) -> HttpResponse:
    try:
        act()
        messages.success(request, done)
    except services.ClientError as refusal:
        messages.warning(request, str(refusal))
    return redirect("accounts:client", pk=pk)


@require_POST
def revoke(request: HttpRequest, pk: int, id: int) -> HttpResponse:
    client = _found(request, pk)
    key = get_object_or_404(ClientKey.objects.filter(client=client), pk=id)
    reason = request.POST.get("reason", "")[:200]
    return _act(
        request,
        pk,
        "密钥已吊销，立即失效。",
        lambda: services.revoke_key(key=key, reason=reason, by=_by(request)),
    )


@require_POST
def confirm(request: HttpRequest, pk: int, id: int) -> HttpResponse:
    client = _found(request, pk)
    grant = get_object_or_404(
        SensitiveGrant.objects.filter(scope__client=client).select_related("scope__client"), pk=id
    )
    return _act(
        request,
        pk,
        "已复核，授权生效。",
        lambda: services.confirm(grant=grant, by=_by(request)),
    )


@require_POST
def disable(request: HttpRequest, pk: int) -> HttpResponse:
    client = _found(request, pk)
    reason = request.POST.get("reason", "")[:200]
    return _act(
        request,
        pk,
        "客户端已停用，所有密钥立即失效。",
        lambda: services.disable(client=client, reason=reason, by=_by(request)),
    )


@require_POST
def enable(request: HttpRequest, pk: int) -> HttpResponse:
    client = _found(request, pk)
    return _act(
        request,
        pk,
        "客户端已启用。",
        lambda: services.enable(client=client, by=_by(request)),
    )
