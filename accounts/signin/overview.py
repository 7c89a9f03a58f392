"""What guards an account, for the administrators' page of it."""

from typing import Any

from accounts.models import ProviderIdentity, User
from accounts.signin import lockout, second_factor, sessions


def guards_of(user: User) -> dict[str, Any]:
    """The lock on the user's name, the enrolled phone, the provider's identity, and how many sessions are alive."""
    return {
        "lock": lockout.of_user(user),
        "phone": second_factor.device_of(user),
        "provider": ProviderIdentity.objects.filter(user=user).first(),
        "phone_is_required": second_factor.falls_under(user),
        "live_sessions": sessions.alive(user).count(),
    }
