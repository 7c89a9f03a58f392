"""How an entry gets into the access ledger."""

import hashlib
import ipaddress
import json
import re
from typing import Any

from django import forms
from django.conf import settings
from django.db import connection
from django.forms import BaseForm
from django.http import HttpRequest

from core.acting import identity, request_id
from core.ledger.enums import Act, Outcome

# What could be a number of identity, disability certificate, bank account or mobile phone, wherever
# a person may have typed one.
_PERSONAL = re.compile(r"(?<![0-9A-Za-z])(?:[0-9]{15,19}[0-9Xx]?|1[3-9][0-9]{9})(?![0-9A-Za-z])")
# Numbers that the register itself gave out may be as long: kinds of subject and keys of details.
_REGISTER_NUMBERS = frozenset({"household", "person", "household_no", "person_no", "about"})


def note(
    act: str,
    request: Any = None,
    actor: Any = None,
    outcome: str = Outcome.OK,
    subject_kind: str = "",
    subject: str = "",
    region: str = "",
    rows: int | None = None,
    purpose: str = "",
    detail: dict[str, Any] | None = None,
) -> int:
    """Write one entry and return its number; the database sets the time.

    In the current transaction, or in one of its own where there is none. `actor` is a user or a
    machine client and defaults to the one of the request; `subject` is a household number, a user
    name or a route, never a personal number; `region` a division code or prefix; `detail` small
    JSON without personal data. ValueError for an act or outcome that does not exist; an error of
    the database is not hidden, so that nothing is shown that could not be noted.
    """
    entry = {
        **_who(actor if actor is not None else getattr(request, "user", None)),
        **(_from_request(request) if request is not None else {}),
        "act": Act(act).value,
        "outcome": Outcome(outcome).value,
        "subject_kind": subject_kind,
        "subject": subject if subject_kind in _REGISTER_NUMBERS else without_numbers(subject),
        "region": region if region.isascii() and region.isdecimal() and len(region) <= 12 else "",
        "rows": rows,
        "purpose": without_numbers(purpose),
        "detail": _clean(detail or {}),
        "request": request_id.get(),
    }
    # PostgreSQL's jsonb knows no NUL; nothing a person reads needs one.
    text = json.dumps(entry, ensure_ascii=False, default=str).replace("\\u0000", "")
    with connection.cursor() as cursor:
        cursor.execute("SELECT note_access(%s::jsonb)", [text])
        return int(cursor.fetchone()[0])


def without_numbers(text: str) -> str:
    """The text with what could be a person's number struck out.

    >>> without_numbers("核对 990325196203151230，电话 13900001234")
    '核对 （号码略），电话 （号码略）'
    """
    return _PERSONAL.sub("（号码略）", str(text))


def session_mark(key: str | None) -> str:
    """Tells sessions apart without opening one.

    >>> session_mark("abc"), session_mark(None)
    ('ba7816bf8f01cfea', '')
    """
    return hashlib.sha256(key.encode()).hexdigest()[:16] if key else ""


def client_address(request: HttpRequest) -> str | None:
    """The address the proxy saw, or the connection's own where no proxy stands in front."""
    text = request.META.get("REMOTE_ADDR", "")
    if settings.SECURE and (forwarded := request.META.get("HTTP_X_FORWARDED_FOR", "")):
        text = forwarded.rpartition(",")[2].strip()
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def _who(actor: Any) -> dict[str, Any]:
    if actor is None or not getattr(actor, "is_authenticated", True):
        return {}
    user, client = identity(actor)
    return {"actor": user, "client": client, "actor_name": str(actor)}


def _from_request(request: Any) -> dict[str, Any]:
    match = getattr(request, "resolver_match", None)
    session = getattr(request, "session", None)
    return {
        "route": getattr(match, "view_name", "") or "",
        "method": request.method or "",
        "address": client_address(request),
        "agent": request.META.get("HTTP_USER_AGENT", ""),
        "session": session_mark(getattr(session, "session_key", None)),
    }


def _clean(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            str(key): one if key in _REGISTER_NUMBERS else _clean(one) for key, one in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(one) for one in value]
    return without_numbers(value) if isinstance(value, str) else value


def terms_of(form: BaseForm) -> dict[str, Any]:
    """What a filled filter asks for, fit for `detail`: codes and figures as they are, words unsaid.

    Free text (a name, a number) is told as present only. The form must have been validated.
    """
    asked: dict[str, Any] = {}
    for name, value in form.cleaned_data.items():
        if value in (None, "", [], ()):
            continue
        field = form.fields[name]
        is_free = type(field) in (forms.CharField, forms.RegexField)
        asked[name] = "（已填）" if is_free else _plain(value)
    return asked


def _plain(value: Any) -> Any:
    if isinstance(value, slice):
        return [_plain(value.start), _plain(value.stop)]
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in value]
    return value if isinstance(value, bool | int) or value is None else str(value)
