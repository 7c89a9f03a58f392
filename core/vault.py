"""Personal data sealed by field: AES-SIV from the cryptography library, keys from outside.

A sealed value is one byte of format, one byte naming the key, and the AES-SIV ciphertext (16 bytes
longer than the text). Format, key and the field's name are authenticated with it, so a telephone
number cannot be passed off as an account, nor one format as another.

Sealing is deterministic on purpose: equal texts of one field give equal bytes, so that whole tables
are compared in SQL (IS DISTINCT FROM, GROUP BY) without being opened. Where few different texts
exist (health, disability) that would tell too much: these are sealed with a salt, the person's
number, and padded, so that neither bytes nor length of two persons' values can be compared. What
this keeps from whom stands in docs/decisions/0008-sealed-fields.md.

A keyed index (HMAC-SHA-256 under a key of its own) answers "is it this number?" without opening.

The ring of keys is JSON, ``{"current": 7, "keys": {"7": base64 of 64 bytes}, "index": base64 of 32}``,
in FIELD_KEYS or in the file that FIELD_KEYS_FILE names. Keys that are no longer current stay in it:
old images of rows open with them.
"""

import base64
import binascii
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from time import monotonic
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

PLAIN, SALTED = 1, 2
KEY_BYTES = 64
INDEX_KEY_BYTES = 32
INDEX_BYTES = 16
# Format, key and the ciphertext's own sixteen bytes around at least one character.
SHORTEST = 19
_SALT_END = b"\x1f"
_PADDED_TO = 16
# COPY's text format: NULL, and what begins a bytea.
COPY_NULL = rb"\N"
_COPY_BYTES = rb"\\x"


class SealError(Exception):
    """A sealed value does not open: another field's, altered, or under a key that is not ours."""


class KeyRingError(ImproperlyConfigured):
    """The ring of keys is missing or damaged; the text tells an administrator what to do."""


@dataclass(frozen=True)
class Ring:
    """The keys of this installation. `index` is the key of all keyed indexes."""

    current: int
    keys: dict[int, bytes] = field(repr=False)
    index: bytes = field(repr=False)
    ciphers: dict[int, AESSIV] = field(init=False, repr=False, compare=False)
    started: dict[str, tuple[Any, Any]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        ciphers = {number: AESSIV(key) for number, key in self.keys.items()}
        object.__setattr__(self, "ciphers", ciphers)

    @property
    def print(self) -> str:
        """Tells rings apart without telling anything of the keys; for staged rows and reports."""
        mark = hmac.digest(self.index, b"print", "sha256") + hmac.digest(
            self.keys[self.current], b"print", "sha256"
        )
        return f"{self.current}:{hashlib.sha256(mark).hexdigest()[:16]}"

    def head(self, kind: int) -> bytes:
        return bytes((kind, self.current))

    def hashes(self, name: str) -> tuple[Any, Any]:
        """The two halves of an HMAC that has already read its key and the index's name."""
        if name not in self.started:
            block = self.index.ljust(64, b"\0")
            inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
            inner.update(name.encode() + b"\0")
            self.started[name] = (inner, hashlib.sha256(bytes(byte ^ 0x5C for byte in block)))
        return self.started[name]

    def written(self) -> str:
        """The ring as it is kept."""
        keys = {str(number): _text(key) for number, key in sorted(self.keys.items())}
        return json.dumps({"current": self.current, "keys": keys, "index": _text(self.index)})


def _text(key: bytes) -> str:
    return base64.b64encode(key).decode()


def new_ring() -> Ring:
    """A ring with one fresh key.

    Its number is drawn too: values sealed under a ring that was lost are then told apart from one's own.
    """
    number = 1 + secrets.randbelow(250)
    return Ring(
        number, {number: secrets.token_bytes(KEY_BYTES)}, secrets.token_bytes(INDEX_KEY_BYTES)
    )


def with_new_key(old: Ring) -> Ring:
    """The same ring with one more key, which is current from now on."""
    free = [number for number in range(1, 256) if number not in old.keys]
    if not free:
        raise KeyRingError("密钥环已满（255 把），请先确认哪些旧密钥不再需要。")
    number = secrets.choice(free)
    return Ring(number, old.keys | {number: secrets.token_bytes(KEY_BYTES)}, old.index)


def with_new_index(old: Ring) -> Ring:
    """The same keys with another key of the indexes."""
    return Ring(old.current, old.keys, secrets.token_bytes(INDEX_KEY_BYTES))


def read_ring(text: str) -> Ring:
    """The ring from its JSON. Raises KeyRingError in words for an administrator."""
    try:
        told = json.loads(text)
        keys = {int(number): _key(key) for number, key in told["keys"].items()}
        current, index_key = int(told["current"]), _key(told["index"])
    except (ValueError, TypeError, KeyError, AttributeError, binascii.Error) as error:
        raise KeyRingError(
            'FIELD_KEYS 无法读取：应为 JSON，形如 {"current": 1, "keys": {"1": "…"}, "index": "…"}。'
        ) from error
    if current not in keys:
        raise KeyRingError(f"FIELD_KEYS 中没有当前密钥 {current}。")
    if any(not 1 <= number <= 255 for number in keys):
        raise KeyRingError("FIELD_KEYS 的密钥编号应在 1 与 255 之间。")
    if short := [number for number, key in keys.items() if len(key) != KEY_BYTES]:
        raise KeyRingError(
            f"FIELD_KEYS 的密钥 {short[0]} 长度不对，应为 {KEY_BYTES} 字节的 base64。"
        )
    if len(index_key) != INDEX_KEY_BYTES:
        raise KeyRingError(
            f"FIELD_KEYS 的索引密钥（index）长度不对，应为 {INDEX_KEY_BYTES} 字节的 base64。"
        )
    return Ring(current, keys, index_key)


def _key(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def is_configured() -> bool:
    """Whether there is a ring at all, readable or not; an empty file waits for its first one."""
    if settings.FIELD_KEYS or not settings.FIELD_KEYS_FILE:
        return bool(settings.FIELD_KEYS)
    try:
        return Path(settings.FIELD_KEYS_FILE).stat().st_size > 0
    except FileNotFoundError:
        return False
    except OSError:
        return True


def ring() -> Ring:
    """The keys as configured; a changed file is noticed within a second. Raises KeyRingError."""
    if settings.FIELD_KEYS:
        return _ring_in(settings.FIELD_KEYS)
    if not settings.FIELD_KEYS_FILE:
        raise KeyRingError(
            "没有配置个人信息加密密钥：请设置 FIELD_KEYS 或 FIELD_KEYS_FILE"
            "（可用 manage.py rotate_keys --print-new 生成）。"
        )
    return _ring_of(settings.FIELD_KEYS_FILE, _stamp(settings.FIELD_KEYS_FILE, int(monotonic())))


@lru_cache(maxsize=4)
def _ring_in(text: str) -> Ring:
    return read_ring(text)


@lru_cache(maxsize=1)
def _stamp(path: str, _second: int) -> tuple[int, int]:
    try:
        status = os.stat(path)  # noqa: PTH116 - a path's own stat makes an object more
    except OSError as error:
        raise KeyRingError(f"读不到密钥文件 {path}。") from error
    return status.st_mtime_ns, status.st_ino


@lru_cache(maxsize=4)
def _ring_of(path: str, _stamp: tuple[int, int]) -> Ring:
    try:
        return read_ring(Path(path).read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError) as error:
        raise KeyRingError(f"读不到密钥文件 {path}。") from error


def write_ring(keys: Ring) -> None:
    """Put the ring in the place of the file that is configured, whole or not at all.

    Raises KeyRingError when the keys come from FIELD_KEYS, which no process can change, or from a
    file that this one cannot replace.
    """
    if settings.FIELD_KEYS or not settings.FIELD_KEYS_FILE:
        raise KeyRingError(
            "密钥来自环境变量 FIELD_KEYS，本命令改不了：请用 --print-new 打印新的密钥环（含现有密钥；"
            "要更换索引密钥时加 --index），填入环境并重启各进程，再运行 rotate_keys。"
        )
    file = Path(settings.FIELD_KEYS_FILE)
    try:
        _replace(file, keys.written())
    except OSError as error:
        # A container's secret is mounted read-only, or is a mount that cannot be replaced.
        raise KeyRingError(
            f"密钥文件 {file} 不能改写（{error.strerror}）：请用 --print-new 打印新的密钥环（含现有密钥；"
            "要更换索引密钥时加 --index），替换该文件的内容并重启各进程，再运行 rotate_keys。"
        ) from error
    forget_keys()


def _replace(file: Path, text: str) -> None:
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    was = file.stat()
    try:
        draft.touch(mode=0o600)
        draft.write_text(text, encoding="ascii")
        os.chown(draft, was.st_uid, was.st_gid)
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        draft.replace(file)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def forget_keys() -> None:
    """Look at the file again at once, for the process that has just changed it."""
    _stamp.cache_clear()
    _ring_of.cache_clear()


# --- one value ---------------------------------------------------------------------------------


def seal(name: str, text: str, salt: str = "") -> bytes:
    """The text sealed for the field `name` under the current key; the text must not be empty.

    With a salt the same text gives other bytes, and its length does not show.
    """
    if not text:
        raise ValueError("an empty value is NULL, not a sealed nothing")
    keys = ring()
    head = keys.head(SALTED if salt else PLAIN)
    data = salted(text.encode(), salt.encode()) if salt else text.encode()
    return head + keys.ciphers[keys.current].encrypt(data, [head + name.encode()])


def salted(text: bytes, salt: bytes) -> bytes:
    """What is sealed of a salted text: the salt, its end, the text padded to sixteen bytes."""
    return salt + _SALT_END + text.ljust(-(-len(text) // _PADDED_TO) * _PADDED_TO, b"\0")


def random_salt() -> str:
    return secrets.token_urlsafe(9)


def open_sealed(name: str, blob: bytes | memoryview) -> str:
    """The text of a sealed value of the field `name`. Raises SealError."""
    return opened(name, blob)[0]


def opened(name: str, blob: bytes | memoryview) -> tuple[str, str]:
    """(text, salt) of a sealed value. Raises SealError."""
    data = bytes(blob)
    text = open_bytes(name, data)
    if data[0] == PLAIN:
        return text.decode(), ""
    salt, _, padded = text.partition(_SALT_END)
    return padded.rstrip(b"\0").decode(), salt.decode()


def open_bytes(name: str, blob: bytes | memoryview) -> bytes:
    """What was sealed, byte for byte, with its salt. Raises SealError."""
    data = bytes(blob)
    if len(data) < SHORTEST or data[0] not in (PLAIN, SALTED):
        raise SealError(f"{name}：不是加密后的内容。")
    cipher = ring().ciphers.get(data[1])
    if cipher is None:
        raise SealError(f"{name}：密钥环中没有编号 {data[1]} 的密钥。")
    try:
        return cipher.decrypt(data[2:], [data[:2] + name.encode()])
    except InvalidTag as error:
        raise SealError(
            f"{name}：打不开。密钥 {data[1]} 与内容不符，或内容被改动、属于别的字段。"
        ) from error


def seal_bytes(name: str, data: bytes) -> bytes:
    """Bytes sealed for the field `name` under the current key, without a salt."""
    keys = ring()
    head = keys.head(PLAIN)
    return head + keys.ciphers[keys.current].encrypt(data, [head + name.encode()])


def index(name: str, text: str) -> bytes | None:
    """The keyed index of a text under the index `name`; None for an empty one."""
    return indexes(name, [text.encode()])[0]


def tail(name: str, text: str) -> int | None:
    """A keyed index small enough for a column of its own: four bytes as a signed number."""
    digest = index(name, text)
    return None if digest is None else int.from_bytes(digest[:4], "big", signed=True)


# --- whole columns -----------------------------------------------------------------------------
#
# An import seals millions of values. Each of these is one list comprehension around one call into
# the library, and gives COPY's text format.


def indexes(name: str, texts: Iterable[bytes]) -> list[bytes | None]:
    """The keyed index of each text; None for an empty one."""
    inner, outer = ring().hashes(name)
    copy_inner, copy_outer = inner.copy, outer.copy
    found: list[bytes | None] = []
    for text in texts:
        if not text:
            found.append(None)
            continue
        first, second = copy_inner(), copy_outer()
        first.update(text)
        second.update(first.digest())
        found.append(second.digest()[:INDEX_BYTES])
    return found


def copy_sealed(name: str, texts: Iterable[bytes]) -> list[bytes]:
    """Each text sealed, as COPY reads it; NULL for an empty one."""
    prefix, encrypt, bound = _bulk(name, PLAIN)
    hexlify = binascii.hexlify
    return [prefix + hexlify(encrypt(text, bound)) if text else COPY_NULL for text in texts]


def copy_salted(name: str, texts: Iterable[bytes], salts: Sequence[bytes]) -> list[bytes]:
    """Each text sealed with its salt, as COPY reads it; NULL for an empty one."""
    prefix, encrypt, bound = _bulk(name, SALTED)
    hexlify = binascii.hexlify
    padded = _Padded()
    return [
        prefix + hexlify(encrypt(salt + padded[text], bound)) if text else COPY_NULL
        for text, salt in zip(texts, salts, strict=True)
    ]


def copy_bytes(digests: Iterable[bytes | None]) -> list[bytes]:
    """Plain bytes (or NULL) as COPY reads them."""
    hexlify = binascii.hexlify
    return [COPY_NULL if one is None else _COPY_BYTES + hexlify(one) for one in digests]


class Remembered:
    """Sealed values of one field by their text, for columns in which a household repeats itself."""

    def __init__(self, name: str, most: int = 200_000) -> None:
        self.name, self.most = name, most
        self.known: dict[bytes, bytes] = {b"": COPY_NULL}

    def column(self, texts: Sequence[bytes]) -> list[bytes]:
        """Each text sealed, as COPY reads it; each different one once."""
        known = self.known
        if len(known) > self.most:
            known.clear()
            known[b""] = COPY_NULL
        fresh = list(set(texts).difference(known))
        known.update(zip(fresh, copy_sealed(self.name, fresh), strict=True))
        return list(map(known.__getitem__, texts))


class _Padded(dict[bytes, bytes]):
    """The part of a salted text behind the salt; few different ones exist."""

    def __missing__(self, text: bytes) -> bytes:
        part = self[text] = salted(text, b"")
        return part


def _bulk(name: str, kind: int) -> tuple[bytes, Callable[[bytes, list[bytes]], bytes], list[bytes]]:
    keys = ring()
    head = keys.head(kind)
    return (
        _COPY_BYTES + binascii.hexlify(head),
        keys.ciphers[keys.current].encrypt,
        [head + name.encode()],
    )
