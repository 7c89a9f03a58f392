"""How much those without a good key may ask: so many refusals, and few of them on the ledger.

The ledger is kept for ever, and whoever can reach the API at all can be refused by it. One entry in a
minute says that an address knocks; how often it knocks is a matter for the limits.
"""

import ipaddress

from django.http import HttpRequest
from rest_framework.exceptions import Throttled

from api.throttling import MINUTE, Counter
from core import limits
from core.ledger.services import client_address

GROUP = "api_refused"
# What one subscriber of IPv6 has to himself: each of its addresses alone would be a stranger anew.
_ONE_SUBSCRIBER = 64

noted = Counter("strangers", MINUTE)


class TooManyRefusalsError(Throttled):
    """An address was refused so often that for a while its keys are not even looked at."""


def origin(_group: str, request: HttpRequest) -> str:
    """Who is counted: the address, of IPv6 its network."""
    address = client_address(request) or "unknown"
    try:
        told = ipaddress.ip_address(address)
    except ValueError:
        return "address:unknown"
    if isinstance(told, ipaddress.IPv6Address):
        if told.ipv4_mapped is None:
            return f"address:{ipaddress.ip_network((told, _ONE_SUBSCRIBER), strict=False)}"
        told = told.ipv4_mapped
    return f"address:{told}"


def refuse_flood(request: HttpRequest, *, count: bool) -> None:
    """429 for an address that has used up its refusals; `count` says that this is another one."""
    seconds = limits.used_up(request, GROUP, key=origin, count=count)
    if seconds is not None:
        raise TooManyRefusalsError(wait=seconds)


def is_to_be_noted(request: HttpRequest) -> bool:
    """Whether this refusal is the minute's first of its address.

    While the shared cache is away each process takes its own first.
    """
    return noted.add_for(origin(GROUP, request), 1) == 1
