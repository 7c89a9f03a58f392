"""Users, their grants of a region, and machine clients."""

from accounts.models.client import (
    ClientKey,
    ClientScope,
    MachineClient,
    SensitiveGrant,
    key_digest,
)
from accounts.models.grant import REGION_PREFIX, Grant
from accounts.models.link import PasswordLink, link_digest
from accounts.models.signing_in import (
    Authenticator,
    LastSignIn,
    PasswordRecord,
    ProviderIdentity,
    RecoveryCodes,
    SignedInSession,
)
from accounts.models.user import User

__all__ = [
    "REGION_PREFIX",
    "Authenticator",
    "ClientKey",
    "ClientScope",
    "Grant",
    "LastSignIn",
    "MachineClient",
    "PasswordLink",
    "PasswordRecord",
    "ProviderIdentity",
    "RecoveryCodes",
    "SensitiveGrant",
    "SignedInSession",
    "User",
    "key_digest",
    "link_digest",
]
