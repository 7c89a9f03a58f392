"""What a security administrator does with API clients: register, grant, issue, revoke, disable.

`by` is the administrator, or None for the operator at the machine's console. Every act is checked
here against the administrator's own region, whatever page it came from, and noted on the access
ledger; keys are returned once, as the text that only the caller then has.
"""

import ipaddress
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts.models import (
    ClientKey,
    ClientScope,
    MachineClient,
    SensitiveGrant,
    User,
    key_digest,
)
from accounts.models.client import SCOPE_ITSELF
from accounts.roles import MANAGE_CLIENTS
from core import ledger
from core.acting import acting
from core.scope import covers
from core.sharing import CONFIRMED, ORDINARY, PERSONAL, SENSITIVE, WRITABLE, Access, Resource

LONGEST_LIFE = timedelta(days=3 * 366)
# How long an old key lives on beside a new one, to be replaced at leisure.
OVERLAP, LONGEST_OVERLAP = timedelta(days=7), timedelta(days=30)
MOST_NETWORKS = 20


class ClientError(Exception):
    """The act is refused; the text is for the administrator."""


@dataclass(frozen=True)
class Wish:
    """What a client is to be given of one resource."""

    region_prefix: str
    groups: frozenset[str] = frozenset()
    access: str = Access.READ


def read_networks(texts: Iterable[str]) -> list[str]:
    """CIDR blocks in one spelling, without repetition; a single address is a block of one.

    >>> read_networks(["10.1.2.3", "10.1.0.0/16", "10.1.2.3/32"])
    ['10.1.2.3/32', '10.1.0.0/16']
    """
    found: dict[str, None] = {}
    for text in texts:
        try:
            block = ipaddress.ip_network(text.strip())
        except ValueError as error:
            raise ClientError(
                f"来源地址“{text.strip()[:50]}”有误，应如 10.1.2.3 或 10.1.2.0/24。"
            ) from error
        if block.prefixlen == 0:
            raise ClientError("不限来源地址请用专门的选项，不要填写 0.0.0.0/0。")
        found[str(block)] = None
    if len(found) > MOST_NETWORKS:
        raise ClientError(f"来源地址最多 {MOST_NETWORKS} 段。")
    return list(found)


def register(
    *,
    name: str,
    purpose: str,
    region_prefix: str,
    office: str = "",
    contact: str = "",
    networks: Iterable[str] = (),
    any_network: bool = False,
    requests_per_minute: int | None = None,
    rows_per_hour: int | None = None,
    by: User | None,
) -> MachineClient:
    """Create a client; it is given nothing and has no key yet."""
    client = MachineClient(name=name, region_prefix=region_prefix, created_by=by)
    _refuse_foreign(client, by)
    if MachineClient.objects.filter(name=name).exists():
        raise ClientError(f"已有名为“{name}”的客户端。")
    _fill(
        client,
        purpose=purpose,
        office=office,
        contact=contact,
        networks=networks,
        any_network=any_network,
        requests_per_minute=requests_per_minute or client.requests_per_minute,
        rows_per_hour=rows_per_hour or client.rows_per_hour,
    )
    with acting(by=by, reason="登记接口客户端"):
        client.save()
        _note(client, "registered", by)
    return client


def edit(
    *,
    client: MachineClient,
    purpose: str,
    office: str,
    contact: str,
    networks: Iterable[str],
    any_network: bool,
    requests_per_minute: int,
    rows_per_hour: int,
    by: User | None,
) -> list[SensitiveGrant]:
    """Change who runs it, why, from where and how fast. Name and region stay for good.

    When it may call from anywhere it might not before, whatever was confirmed has to be confirmed
    again; returns what waits for that.
    """
    _refuse_foreign(client, by)
    _fill(
        client,
        purpose=purpose,
        office=office,
        contact=contact,
        networks=networks,
        any_network=any_network,
        requests_per_minute=requests_per_minute,
        rows_per_hour=rows_per_hour,
    )
    with acting(by=by, reason="修改接口客户端"):
        former = MachineClient.objects.select_for_update().get(pk=client.pk)
        asked = list(SensitiveGrant.objects.filter(scope__client=client))
        client.save()
        waiting = _ask_anew(client, asked, by) if _widens(former, client) else []
        _note(client, "edited", by, networks=client.networks or "any")
    client.__dict__.pop("_scopes", None)
    return waiting


def _widens(former: MachineClient, client: MachineClient) -> bool:
    """Whether the client may now call from an address from which it might not."""
    if former.any_network or client.any_network:
        return not former.any_network
    known = [ipaddress.ip_network(block) for block in former.networks]
    return not all(
        any(
            # Of one family; networks of two cannot be compared.
            fresh.version == one.version and fresh.subnet_of(one)  # type: ignore[arg-type]
            for one in known
        )
        for fresh in map(ipaddress.ip_network, client.networks)
    )


def _ask_anew(
    client: MachineClient, asked: Iterable[SensitiveGrant], by: User | None
) -> list[SensitiveGrant]:
    """Ask for the same once more, in the name of whoever changed it; the operator needs nobody."""
    SensitiveGrant.objects.filter(scope__client=client).delete()
    wanted = {(one.scope_id, one.group): one.granted_by_id for one in asked}
    scopes = {scope.pk: scope for scope in client.scopes.filter(resource__in=CONFIRMED)}
    for scope in scopes.values():
        if by is not None and scope.granted_by_id is None:
            scope.granted_by, scope.granted_at = by, timezone.now()
            scope.save(update_fields=["granted_by", "granted_at"])
            wanted[scope.pk, SCOPE_ITSELF] = by.pk
    return [
        scopes[scope].sensitive.create(
            group=group,
            region_prefix=scopes[scope].region_prefix,
            granted_by_id=former if by is None else by.pk,
        )
        for (scope, group), former in sorted(wanted.items())
    ]


def _fill(
    client: MachineClient,
    *,
    purpose: str,
    office: str,
    contact: str,
    networks: Iterable[str],
    any_network: bool,
    requests_per_minute: int,
    rows_per_hour: int,
) -> None:
    blocks = read_networks(networks)
    if not purpose.strip():
        raise ClientError("请写明用途。")
    if bool(blocks) == any_network:
        raise ClientError("请填写允许的来源地址，或明确选择不限，二者取一。")
    client.purpose, client.office, client.contact = purpose.strip(), office, contact
    client.networks, client.any_network = blocks, any_network
    client.requests_per_minute, client.rows_per_hour = requests_per_minute, rows_per_hour


# --- what it is given --------------------------------------------------------------------------


def set_scopes(
    *, client: MachineClient, wishes: Mapping[str, Wish], by: User | None
) -> list[SensitiveGrant]:
    """Give the client exactly this to read; returns what waits for a second person.

    Of what tells of persons, or is written, everything does: the scope with its ordinary groups, and each sensitive
    group for itself. What was confirmed stays so while the region is the same and no ordinary group
    is added. What the operator of the machine gives is in force at once.
    """
    _refuse_foreign(client, by)
    for resource, wish in wishes.items():
        _refuse_wish(client, Resource(resource), wish, by)
    with acting(by=by, reason="接口授权"):
        MachineClient.objects.select_for_update().get(pk=client.pk)
        client.scopes.exclude(resource__in=list(wishes)).delete()
        waiting = [
            grant
            for resource, wish in wishes.items()
            for grant in _set_scope(client, resource, wish, by)
        ]
        told = {
            resource: [
                wish.region_prefix,
                *([str(wish.access)] if wish.access == Access.WRITE else []),
                *sorted(wish.groups),
            ]
            for resource, wish in sorted(wishes.items())
        }
        _note(client, "scopes", by, scopes=told)
    client.__dict__.pop("_scopes", None)
    return waiting


def _refuse_wish(client: MachineClient, resource: Resource, wish: Wish, by: User | None) -> None:
    if not wish.region_prefix.startswith(client.region_prefix):
        raise ClientError(f"{resource.label}：区划不在该客户端的区划 {client.region_prefix} 之内。")
    if wish.access != Access.READ and resource not in WRITABLE:
        raise ClientError(f"{resource.label}只能读取。")
    if wish.groups and resource not in PERSONAL:
        raise ClientError(f"{resource.label}没有字段组。")
    if wish.groups - set(ORDINARY) - set(SENSITIVE):
        raise ClientError("没有这个字段组。")
    if by is None and wish.groups & set(SENSITIVE):
        raise ClientError("敏感字段组须由两名安全管理员在页面上办理。")


def _set_scope(
    client: MachineClient, resource: str, wish: Wish, by: User | None
) -> list[SensitiveGrant]:
    ordinary = [str(group) for group in ORDINARY if group in wish.groups]
    wanted = {str(group) for group in SENSITIVE if group in wish.groups}
    client.scopes.filter(resource=resource).exclude(access=wish.access).delete()
    scope = client.scopes.filter(resource=resource).first()
    if scope is None:
        scope = ClientScope(client=client, resource=resource, access=wish.access)
    moves = scope.region_prefix != wish.region_prefix
    if scope.pk is None or moves or set(ordinary) - set(scope.groups):
        scope.region_prefix, scope.groups = wish.region_prefix, ordinary
        scope.granted_by, scope.granted_at = by, timezone.now()
        scope.save()
        scope.sensitive.all().delete()
    elif scope.groups != ordinary:
        # Less of the same is still what was confirmed.
        scope.groups = ordinary
        scope.save(update_fields=["groups"])
    if resource in CONFIRMED and scope.granted_by_id is not None:
        wanted.add(SCOPE_ITSELF)
    scope.sensitive.exclude(group__in=wanted, region_prefix=wish.region_prefix).delete()
    present = {one.group: one for one in scope.sensitive.all()}
    for group in sorted(wanted - set(present)):
        if by is None:
            raise PermissionDenied
        present[group] = scope.sensitive.create(
            group=group, region_prefix=wish.region_prefix, granted_by=by
        )
    return [one for one in present.values() if one.confirmed_by_id is None]


def confirm(*, grant: SensitiveGrant, by: User) -> None:
    """Put a scope or a sensitive group in force. Whoever asked for it cannot."""
    client = grant.scope.client
    _refuse_foreign(client, by)
    if grant.granted_by_id == by.pk:
        raise ClientError("须由另一名安全管理员复核。")
    with acting(by=by, reason="复核接口授权"):
        done = SensitiveGrant.objects.filter(pk=grant.pk, confirmed_by__isnull=True).update(
            confirmed_by=by, confirmed_at=timezone.now()
        )
        if not done:
            raise ClientError("已复核，不必再次复核。")
        _note(client, "confirmed", by, resource=grant.scope.resource, group=grant.group)


# --- keys --------------------------------------------------------------------------------------


def issue_key(
    *, client: MachineClient, life: timedelta, overlap: timedelta = OVERLAP, by: User | None
) -> tuple[ClientKey, str]:
    """A new key and its text, which cannot be read again; an older one ends after the overlap.

    Refused while two keys work: one of them has to be revoked, or to end, first.
    """
    _refuse_foreign(client, by)
    if not timedelta(0) < life <= LONGEST_LIFE:
        raise ClientError(f"有效天数应为 1 至 {LONGEST_LIFE.days}。")
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise ClientError(f"新旧密钥并存最多 {LONGEST_OVERLAP.days} 天。")
    text = secrets.token_urlsafe(32)
    with acting(by=by, reason="签发接口密钥"):
        if not MachineClient.objects.select_for_update().get(pk=client.pk).is_active:
            raise ClientError("客户端已停用，不能签发密钥。")
        now = timezone.now()
        live = list(client.keys.live_at(now))
        if len(live) > 1:
            raise ClientError("已有两个有效密钥，请先吊销其中一个。")
        for old in live:
            _end_old(old, now, overlap, by)
        taken = {old.slot for old in live if old.is_live_at(now)}
        key = ClientKey.objects.create(
            client=client,
            slot=2 if 1 in taken else 1,
            start=text[:8],
            digest=key_digest(text),
            created_by=by,
            valid_from=now,
            expires_at=now + life,
        )
        _note(client, "issued", by, key=key.start, until=key.expires_at.isoformat())
    return key, text


def _end_old(key: ClientKey, now: datetime, overlap: timedelta, by: User | None) -> None:
    if not overlap:
        _revoke(key, now, "由新密钥替换", by)
    elif key.expires_at > now + overlap:
        key.expires_at = now + overlap
        key.save(update_fields=["expires_at"])


def revoke_key(*, key: ClientKey, reason: str, by: User | None) -> None:
    """End a key at once."""
    _refuse_foreign(key.client, by)
    if not reason.strip():
        raise ClientError("请写明吊销原因。")
    with acting(by=by, reason="吊销接口密钥"):
        key = ClientKey.objects.select_for_update().get(pk=key.pk)
        if key.revoked_at:
            raise ClientError("该密钥已吊销。")
        _revoke(key, timezone.now(), reason.strip(), by)
        _note(key.client, "revoked", by, key=key.start)


def _revoke(key: ClientKey, now: datetime, reason: str, by: User | None) -> None:
    key.revoked_at, key.revoked_by, key.revoked_reason = now, by, reason
    key.save(update_fields=["revoked_at", "revoked_by", "revoked_reason"])


def disable(*, client: MachineClient, reason: str, by: User | None) -> None:
    """Let the client do nothing, whatever keys it has."""
    _refuse_foreign(client, by)
    if not reason.strip():
        raise ClientError("请写明停用原因。")
    if not client.is_active:
        raise ClientError("该客户端已停用。")
    with acting(by=by, reason="停用接口客户端"):
        client.disabled_at, client.disabled_by = timezone.now(), by
        client.disabled_reason = reason.strip()
        client.save(update_fields=["disabled_at", "disabled_by", "disabled_reason"])
        _note(client, "disabled", by)


def enable(*, client: MachineClient, by: User | None) -> None:
    """Let a disabled client work again, with those of its keys that are still good."""
    _refuse_foreign(client, by)
    if client.is_active:
        raise ClientError("该客户端没有停用。")
    with acting(by=by, reason="启用接口客户端"):
        client.disabled_at, client.disabled_by, client.disabled_reason = None, None, ""
        client.save(update_fields=["disabled_at", "disabled_by", "disabled_reason"])
        _note(client, "enabled", by)


def _refuse_foreign(client: MachineClient, by: User | None) -> None:
    if by is not None and not covers(by, client.region_prefix, MANAGE_CLIENTS):
        raise PermissionDenied


def _note(client: MachineClient, what: str, by: User | None, **more: object) -> None:
    ledger.note(
        ledger.Act.CLIENT,
        actor=by,
        subject_kind="client",
        subject=client.name,
        region=client.region_prefix,
        purpose=client.purpose,
        detail={"what": what, **more},
    )
