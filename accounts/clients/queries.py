"""What the pages of API clients show."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, Max, OuterRef, Q

from accounts.models import ClientKey, MachineClient, SensitiveGrant
from core.ledger.enums import Act
from core.ledger.models import AccessEntry
from core.scope import Actor

SOON = timedelta(days=30)
UNUSED = timedelta(days=90)
_PULLS_SHOWN, _PULLS_SINCE = 20, timedelta(days=30)


def clients_for(actor: Actor, now: datetime) -> Any:
    """The actor's clients with the end of their last live key, their last use, and what waits."""
    live = Q(keys__valid_from__lte=now, keys__expires_at__gt=now, keys__revoked_at__isnull=True)
    waiting = SensitiveGrant.objects.filter(scope__client=OuterRef("pk"), confirmed_by=None)
    return (
        MachineClient.objects.managed_by(actor)
        .annotate(
            live_until=Max("keys__expires_at", filter=live),
            last_used=Max("keys__last_used_at"),
            is_waiting=Exists(waiting),
        )
        .order_by("name")
    )


def state_of(client: Any, now: datetime) -> tuple[str, str]:
    """Tone and words for an annotated client: what its administrator should look at first."""
    if not client.is_active:
        return "neutral", "已停用"
    if client.is_waiting:
        return "warn", "授权待复核"
    if client.live_until is None:
        return "bad", "没有有效密钥"
    if client.live_until <= now + SOON:
        return "warn", "密钥即将到期"
    if (client.last_used or client.created_at) <= now - UNUSED:
        return "warn", f"{UNUSED.days} 天未使用"
    return "good", "正常"


def state_of_key(key: ClientKey, now: datetime) -> tuple[str, str]:
    if key.revoked_at:
        return "bad", "已吊销"
    if key.expires_at <= now:
        return "neutral", "已过期"
    return ("warn", "即将到期") if key.expires_at <= now + SOON else ("good", "有效")


def recent_pulls(client: MachineClient, now: datetime) -> Sequence[AccessEntry]:
    """The client's last calls of a month; which households they were about is not for this page."""
    return list(
        AccessEntry.objects.filter(act=Act.API_PULL, client=client.pk, at__gte=now - _PULLS_SINCE)
        .only("at", "outcome", "rows", "address", "detail")
        .order_by("-at")[:_PULLS_SHOWN]
    )
