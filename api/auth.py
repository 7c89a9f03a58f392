"""Who calls the API: machine clients with a key, from where they may, for what they were given.

The only door to `accounts`.
"""

import hmac
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.models import ClientKey, MachineClient, key_digest
from core import walls
from core.ledger.services import client_address

READ = "households.view_register"
# One for a missing, malformed, unknown, expired or revoked key, a disabled client, a foreign address.
NO_KEY = "需要有效的密钥（Authorization: Bearer <密钥>），并从允许的地址调用。"
# A pull of a thousand pages writes the time of use once a minute, not a thousand times.
_USE_NOTED_EVERY = timedelta(minutes=1)
_LONGEST_KEY = 200


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <key>`: a key that works, of a client that may call from there.

    One answer for every refusal: it tells neither which keys ever existed nor where from.
    """

    keyword = "Bearer"

    def authenticate(self, request: Request) -> tuple[MachineClient, str] | None:
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != self.keyword.lower().encode():
            return None
        if len(parts) != 2 or len(parts[1]) > _LONGEST_KEY or not parts[1].isascii():
            raise AuthenticationFailed(NO_KEY)
        text, address = parts[1].decode(), client_address(request)
        key = _live_key(text, address)
        if key is None:
            raise AuthenticationFailed(NO_KEY)
        client = key.client
        client.resource = getattr(request.parser_context["view"], "resource", "none")
        _note_use(key, address)
        walls.assume(client)
        return client, text

    def authenticate_header(self, request: Request) -> str:
        return self.keyword


def _live_key(text: str, address: str | None) -> ClientKey | None:
    digest = key_digest(text)
    key = ClientKey.objects.select_related("client").filter(digest=digest).first()
    # The index has compared already; this comparison takes as long for a near miss as for a hit.
    if key is None or not hmac.compare_digest(key.digest, digest):
        return None
    is_good = key.is_live_at(timezone.now()) and key.client.is_active
    return key if is_good and key.client.comes_from(address) else None


def _note_use(key: ClientKey, address: str | None) -> None:
    now = timezone.now()
    if key.last_used_at and key.last_used_at > now - _USE_NOTED_EVERY:
        return
    stale = Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - _USE_NOTED_EVERY)
    with transaction.atomic():
        # Requests of the same moment do not wait for one another: one of them notes it.
        mine = ClientKey.objects.select_for_update(skip_locked=True).filter(stale, pk=key.pk)
        if mine.values_list("pk").first():
            ClientKey.objects.filter(pk=key.pk).update(last_used_at=now, last_address=address)


class HasScope(BasePermission):
    """A known client that was given what it calls."""

    message = "该客户端没有这项授权。"

    def has_permission(self, request: Request, view: Any) -> bool:
        client: Any = request.user
        return bool(client and client.has_perm(READ))
