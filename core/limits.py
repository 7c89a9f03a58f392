"""How often one person may do a thing: search, export, reveal, upload, sign in.

The rates are settings (`RATE_LIMITS`: group → rates). Counters live in the shared cache, so all web
processes count together; without the cache nothing is limited and the log says so.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control
from django_ratelimit.core import get_usage

from core.ledger.services import client_address

View = TypeVar("View", bound=Callable[..., HttpResponse])
Key = str | Callable[[str, HttpRequest], str]

WORDS = "操作过于频繁，请稍后再试。"


def limited(
    group: str, key: Key = "user", rate: str | None = None, *, methods: tuple[str, ...] = ()
) -> Callable[[View], View]:
    """Let nobody call the view more often than the group's rates allow; the answer is a 429 then.

    `key` says who is counted: "user" (the signed-in person, an address for strangers), "address", or
    a function of (group, request) that returns a text. `rate` overrides the settings; several rates
    are separated by commas, as in "30/m,600/d". `methods` are those counted, all by default.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not methods or request.method in methods:
                seconds = used_up(request, group, key=key, rate=rate)
                if seconds is not None:
                    return too_many(request, seconds)
            return view(request, *args, **kwargs)

        # What a house test looks for; outer decorators copy it.
        guarded.limited_groups = (*getattr(view, "limited_groups", ()), group)  # type: ignore[attr-defined]
        return guarded  # type: ignore[return-value]

    return decorate


def used_up(
    request: HttpRequest,
    group: str,
    *,
    key: Key = "user",
    rate: str | None = None,
    count: bool = True,
) -> int | None:
    """Count one use; seconds until the next one is allowed, or None while it is allowed.

    Without `count` it only looks whether more than is allowed was counted before.
    """
    wait = None
    for one in (rate if rate is not None else settings.RATE_LIMITS[group]).split(","):
        usage = get_usage(request, group=group, key=_named(key), rate=one.strip(), increment=count)
        if usage and usage["should_limit"]:
            wait = max(wait or 1, usage["time_left"])
    return wait


def too_many(request: HttpRequest, seconds: int) -> HttpResponse:
    """The answer to one request too many, as a page or for machines."""
    response: HttpResponse
    if request.path.startswith("/api/"):
        response = JsonResponse({"detail": WORDS, "errors": {}}, status=429)
    else:
        response = render(request, "429.html", {"seconds": seconds}, status=429)
    response["Retry-After"] = str(seconds)
    patch_cache_control(response, no_store=True)
    return response


def _named(key: Key) -> Callable[[str, HttpRequest], str]:
    if callable(key):
        return key
    return {"user": _person, "address": _address}[key]


def _person(_group: str, request: HttpRequest) -> str:
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        return f"{user._meta.label}:{user.pk}"
    return _address(_group, request)


def _address(_group: str, request: HttpRequest) -> str:
    return f"address:{client_address(request) or 'unknown'}"
