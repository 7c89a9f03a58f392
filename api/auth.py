"""Who calls the API: machine clients with a key and a region. The only door to `accounts`."""

from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.models import MachineClient, key_digest

READ = "households.view_register"
# A pull of a thousand pages writes the time of use once a minute, not a thousand times.
_USE_NOTED_EVERY = timedelta(minutes=1)
_LONGEST_KEY = 200


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <key>` of a client that is neither revoked nor expired."""

    keyword = "Bearer"

    def authenticate(self, request: Request) -> tuple[MachineClient, str] | None:
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != self.keyword.lower().encode():
            return None
        if len(parts) != 2 or len(parts[1]) > _LONGEST_KEY or not parts[1].isascii():
            raise AuthenticationFailed("密钥格式有误。")
        key = parts[1].decode()
        client = MachineClient.objects.filter(key_digest=key_digest(key)).first()
        if client is None or client.revoked_at or client.expires_on < timezone.localdate():
            # One answer for all three: it does not tell which keys ever existed.
            raise AuthenticationFailed("密钥无效、已吊销或已过期。")
        _note_use(client)
        return client, key

    def authenticate_header(self, request: Request) -> str:
        return self.keyword


def _note_use(client: MachineClient) -> None:
    now = timezone.now()
    if client.last_used_at and client.last_used_at > now - _USE_NOTED_EVERY:
        return
    stale = Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - _USE_NOTED_EVERY)
    MachineClient.objects.filter(stale, pk=client.pk).update(last_used_at=now)


class HasRegion(BasePermission):
    """A known client with a region and the right to read the register."""

    message = "该客户端没有读取权限。"

    def has_permission(self, request: Request, view: Any) -> bool:
        client: Any = request.user
        return bool(client and client.region_prefixes and client.has_perm(READ))
