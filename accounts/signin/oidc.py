"""Single sign-on by OpenID Connect, off unless configured (OIDC_CLIENT_ID and the rest).

mozilla-django-oidc speaks the protocol: code flow with PKCE, state and nonce, RS256 keys from the
provider's JWKS. It leaves to us what follows: issuer, audience, expiry and subject of the token, and
never making an account. Every address called comes from the settings, none from a request.
"""

import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import jwt
import requests
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from accounts.models import ProviderIdentity, User
from core import ledger

logger = logging.getLogger(__name__)

# In the session: signed in by the provider, hence signing out there is offered.
BY_PROVIDER = "signed_in_by_provider"
# OpenID Connect Core 1.0, 2: not longer than 255 ASCII characters.
LONGEST_SUBJECT = 255


def is_on() -> bool:
    return bool(settings.OIDC_RP_CLIENT_ID)


def logout_address(request: HttpRequest, back: str) -> str:
    """Where the person ends the provider's own session; empty when the provider offers no place."""
    if not (is_on() and settings.OIDC_OP_LOGOUT_ENDPOINT):
        return ""
    facts = {
        "client_id": settings.OIDC_RP_CLIENT_ID,
        "post_logout_redirect_uri": request.build_absolute_uri(back),
    }
    return f"{settings.OIDC_OP_LOGOUT_ENDPOINT}?{urlencode(facts)}"


class ProviderBackend(OIDCAuthenticationBackend):
    """Finds the active user that the provider's token names; anything doubtful is nobody."""

    def authenticate(self, request: HttpRequest | None, **kwargs: Any) -> User | None:
        # Without the two secrets of our own session this is not the end of a sign-in we began: any
        # sign-in form may carry a code and a state in its address.
        if not (request and kwargs.get("nonce") and kwargs.get("code_verifier")):
            return None
        try:
            user: User | None = super().authenticate(request, **kwargs)
        except (
            SuspiciousOperation, jwt.PyJWTError, requests.RequestException, KeyError, ValueError,
            TypeError,
        ) as error:  # fmt: skip
            # The kind only: the text may quote the token.
            logger.warning("single sign-on refused: %s", type(error).__name__)
            return None
        return user

    def verify_token(self, token: str, **kwargs: Any) -> dict[str, Any]:
        """The claims of an ID token that is for us, from our provider, and still good."""
        claims: dict[str, Any] = super().verify_token(token, **kwargs)
        audience = claims.get("aud")
        audiences = [audience] if isinstance(audience, str) else list(audience or [])
        client = settings.OIDC_RP_CLIENT_ID
        if client not in audiences:
            raise SuspiciousOperation("audience")
        if claims.get("azp", client) != client or (len(audiences) > 1 and "azp" not in claims):
            raise SuspiciousOperation("authorised party")
        if claims.get("iss") != settings.OIDC_OP_ISSUER:
            raise SuspiciousOperation("issuer")
        # The library has compared the times that are there; they must be there.
        subject = claims.get("sub")
        if not isinstance(claims.get("exp"), int | float) or not subject:
            raise SuspiciousOperation("expiry or subject missing")
        if not isinstance(subject, str) or len(subject) > LONGEST_SUBJECT:
            raise SuspiciousOperation("subject")
        return claims

    def get_or_create_user(
        self, access_token: str, id_token: str, payload: dict[str, Any]
    ) -> User | None:
        name = payload.get(settings.OIDC_USER_CLAIM)
        if name is None:
            told = self.get_userinfo(access_token, id_token, payload)
            if told.get("sub") != payload["sub"]:
                raise SuspiciousOperation("subject")
            name = told.get(settings.OIDC_USER_CLAIM)
        if not isinstance(name, str) or not name:
            return None
        user = User.objects.filter(username=name, is_active=True).first()
        if user is not None:
            if not _is_the_same(user, payload):
                raise SuspiciousOperation("another identity")
            self.request.provider_checked_second_factor = _second_factor_in(payload)
        return user

    def get_user(self, user_id: int) -> User | None:
        return User.objects.filter(pk=user_id, is_active=True).first()


def _is_the_same(user: User, claims: Mapping[str, Any]) -> bool:
    """Whether the provider means the one it meant the first time; the first time binds."""
    known = ProviderIdentity.objects.filter(user=user).first()
    if known is not None:
        return (known.issuer, known.subject) == (claims["iss"], claims["sub"])
    try:
        with transaction.atomic():
            ProviderIdentity.objects.create(user=user, issuer=claims["iss"], subject=claims["sub"])
    except IntegrityError:
        # Bound to somebody else, or to this one at this very moment.
        return False
    ledger.note(
        ledger.Act.ACCOUNT,
        actor=user,
        subject_kind="user",
        subject=user.get_username(),
        region=user.home_prefix,
        detail={"act": "bound"},
    )
    return True


def _second_factor_in(claims: Mapping[str, Any]) -> bool:
    """Whether the provider says that it checked one, in words the settings trust."""
    methods = claims.get("amr")
    if isinstance(methods, list) and set(settings.OIDC_TRUSTED_AMR) & {str(m) for m in methods}:
        return True
    return bool(claims.get("acr")) and claims.get("acr") in settings.OIDC_TRUSTED_ACR
