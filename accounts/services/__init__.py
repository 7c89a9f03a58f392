"""What administrators do with accounts and grants.

`by` is the administrator, or None for the operator at the machine's console. Every act is checked
here against the administrator's own region and rank, whatever page it came from, and noted on the
access ledger. PermissionDenied when the act is beyond the administrator, ActRefusedError when it
cannot be done now; the text of the latter is for the administrator.
"""

from accounts.services.grants import grant, revoke
from accounts.services.handing_over import hand_over, take_over
from accounts.services.links import address_of, issue_link, live_link, use_link
from accounts.services.refusals import ActRefusedError
from accounts.services.users import (
    Applicant,
    bulk_create,
    create_user,
    disable,
    enable,
    reset_password,
)

__all__ = [
    "ActRefusedError",
    "Applicant",
    "address_of",
    "bulk_create",
    "create_user",
    "disable",
    "enable",
    "grant",
    "hand_over",
    "issue_link",
    "live_link",
    "reset_password",
    "revoke",
    "take_over",
    "use_link",
]
