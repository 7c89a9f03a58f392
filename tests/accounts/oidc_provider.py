"""A small OpenID provider on a local port: real requests, real signatures, wrong on demand.

It signs in whoever `name` says without asking. `claims` changes the ID token, `told` the answer of
userinfo, `sign` how the token is signed.
"""

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "povertyops", "a client's secret of the tests"


def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


KEY, STRANGE_KEY = _key(), _key()


class Provider(ThreadingHTTPServer):
    """The provider and what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.issuer = f"http://127.0.0.1:{self.server_port}"
        self.name = "leader"
        self.claims: dict[str, Any] = {}
        self.told: dict[str, Any] = {}
        self.sign = "RS256"
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        self.tokens_fail = False

    def settings(self) -> dict[str, Any]:
        """What an administrator would take from the discovery document."""
        return {
            "OIDC_RP_CLIENT_ID": CLIENT,
            "OIDC_RP_CLIENT_SECRET": SECRET,
            "OIDC_OP_ISSUER": self.issuer,
            "OIDC_OP_AUTHORIZATION_ENDPOINT": f"{self.issuer}/authorize",
            "OIDC_OP_TOKEN_ENDPOINT": f"{self.issuer}/token",
            "OIDC_OP_JWKS_ENDPOINT": f"{self.issuer}/jwks",
            "OIDC_OP_USER_ENDPOINT": f"{self.issuer}/userinfo",
            "OIDC_OP_LOGOUT_ENDPOINT": f"{self.issuer}/logout",
        }

    def grant(self, query: dict[str, str]) -> str:
        """Where the browser goes after the person agreed."""
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        back = urlencode({"code": code, "state": query["state"]})
        return f"{query['redirect_uri']}?{back}"

    def id_token(self, asked: dict[str, str]) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer, "aud": CLIENT, "sub": f"sub-{self.name}", "iat": now,
            "exp": now + 300, "nonce": asked.get("nonce"), "preferred_username": self.name,
        } | self.claims  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.sign == "none":
            return jwt.encode(claims, None, algorithm="none", headers={"kid": "1"})  # type: ignore[arg-type]
        if self.sign == "HS256":
            # The public key as the secret: the classic confusion of algorithms.
            head = _b64(json.dumps({"alg": "HS256", "kid": "1", "typ": "JWT"}).encode())
            body = f"{head}.{_b64(json.dumps(claims).encode())}"
            public = KEY.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            return f"{body}.{_b64(hmac.digest(public, body.encode(), 'sha256'))}"
        key = STRANGE_KEY if self.sign == "strange key" else KEY
        number = "9" if self.sign == "unknown key" else "1"
        return jwt.encode(claims, key, algorithm="RS256", headers={"kid": number})


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class _Answers(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.server.asked.append(parts.path)
        if parts.path == "/authorize":
            self._say(b"", 302, {"Location": self.server.grant(query)})
        elif parts.path == "/jwks":
            public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
            self._json({"keys": [public | {"kid": "1", "alg": "RS256", "use": "sig"}]})
        elif parts.path == "/userinfo":
            if self.headers.get("Authorization") != "Bearer an access token":
                self._json({"error": "invalid_token"}, 401)
                return
            self._json({"sub": f"sub-{self.server.name}"} | self.server.told)
        elif parts.path == "/.well-known/openid-configuration":
            told = self.server.settings()
            self._json(
                {"issuer": told["OIDC_OP_ISSUER"], "jwks_uri": told["OIDC_OP_JWKS_ENDPOINT"]}
            )
        elif parts.path == "/logout":
            page = b'<!DOCTYPE html><link rel="icon" href="data:,"><title>out</title>'
            self._say(page, 200, {"Content-Type": "text/html"})
        else:
            self._json({}, 404)

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        form = {name: v[0] for name, v in parse_qs(self.rfile.read(length).decode()).items()}
        self.server.asked.append(self.path)
        asked = self.server.codes.pop(form.get("code", ""), None)
        if self.server.tokens_fail or asked is None or not self._proved(form, asked):
            self._json({"error": "invalid_grant"}, 400)
            return
        self._json(
            {
                "access_token": "an access token",
                "token_type": "Bearer",
                "id_token": self.server.id_token(asked),
            }
        )

    def _proved(self, form: dict[str, str], asked: dict[str, str]) -> bool:
        """The client's secret, the same return address, and the verifier of the challenge."""
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        return (
            form.get("client_id") == CLIENT
            and form.get("client_secret") == SECRET
            and form.get("redirect_uri") == asked["redirect_uri"]
            and asked.get("code_challenge_method") == "S256"
            and _b64(digest) == asked.get("code_challenge")
        )

    def _json(self, value: Any, status: int = 200) -> None:
        self._say(json.dumps(value).encode(), status, {"Content-Type": "application/json"})

    def _say(self, body: bytes, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing: the tests look at `asked`."""


@contextmanager
def running() -> Iterator[Provider]:
    provider = Provider()
    thread = threading.Thread(target=provider.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        provider.shutdown()
        provider.server_close()
        thread.join()
