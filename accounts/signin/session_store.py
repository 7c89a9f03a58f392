"""Django's database sessions, with the key kept as a hash: a stolen table opens no session."""

import hashlib
from typing import Any

from django.contrib.sessions.backends import db
from django.utils import timezone


def key_hash(key: str) -> str:
    """What stands in the tables for a session key: 160 bits of its SHA-256.

    >>> key_hash("abc")
    'ba7816bf8f01cfea414140de5dae2223b00361a3'
    """
    return hashlib.sha256(key.encode()).hexdigest()[:40]


class SessionStore(db.SessionStore):
    """`settings.SESSION_ENGINE`. For synchronous use, as the whole product."""

    def _get_session_from_db(self) -> Any:
        if self.session_key is None:
            return None
        found = self.model.objects.filter(
            session_key=key_hash(self.session_key), expire_date__gt=timezone.now()
        ).first()
        if found is None:
            self._session_key = None
        return found

    def exists(self, session_key: str) -> bool:
        return bool(super().exists(key_hash(session_key)))

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        row = super().create_model_instance(data)
        row.session_key = key_hash(row.session_key)
        return row

    def delete(self, session_key: str | None = None) -> None:
        key = session_key if session_key is not None else self.session_key
        if key is not None:
            self.model.objects.filter(session_key=key_hash(key)).delete()
