"""Sealed values: what equals what, what opens what, and what is said when the keys are wrong."""

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import FieldError
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from core import vault
from core.apps import check_field_keys
from core.embedded import field_keys

PHONE = "13900001234"


@pytest.fixture
def keys(settings: Any) -> Any:
    """A ring of this test's own; give it another with `keys(ring)`."""

    def use(ring: vault.Ring) -> vault.Ring:
        settings.FIELD_KEYS = ring.written()
        settings.FIELD_KEYS_FILE = ""
        return ring

    use(vault.new_ring())
    return use


def test_equal_values_of_one_field_are_equal_bytes(keys: Any) -> None:
    assert vault.seal("phone", PHONE) == vault.seal("phone", PHONE)
    assert vault.seal("phone", PHONE) != vault.seal("phone", "13900001235")
    assert vault.seal("phone", PHONE) != vault.seal("member_phone", PHONE)
    assert PHONE.encode() not in vault.seal("phone", PHONE)


def test_salted_values_of_two_persons_cannot_be_compared(keys: Any) -> None:
    first = vault.seal("health_status", "03", "8631")
    assert first == vault.seal("health_status", "03", "8631")
    assert first != vault.seal("health_status", "03", "8632")
    assert first != vault.seal("health_status", "01", "8631")
    # Nor do their lengths tell how many illnesses there are.
    assert len(first) == len(vault.seal("health_status", "04,02,03", "8631"))


@pytest.mark.parametrize("salt", ["", "86310000000001"])
@pytest.mark.parametrize("text", ["1", PHONE, "11010519491231002X", "精神、智力", "a" * 200])
def test_what_is_sealed_opens(keys: Any, text: str, salt: str) -> None:
    assert vault.opened("value", vault.seal("value", text, salt)) == (text, salt)
    assert vault.open_sealed("value", memoryview(vault.seal("value", text, salt))) == text


def test_bulk_and_single_values_are_the_same_bytes(keys: Any) -> None:
    def written(blob: bytes | None) -> bytes:
        return rb"\N" if blob is None else rb"\\x" + blob.hex().encode()

    texts, salts = [PHONE.encode(), b"", b"66310"], [b"1", b"2", b"3"]
    assert vault.copy_sealed("phone", texts) == [
        written(vault.seal("phone", text.decode()) if text else None) for text in texts
    ]
    assert vault.copy_salted("phone", texts, salts) == [
        written(vault.seal("phone", text.decode(), salt.decode()) if text else None)
        for text, salt in zip(texts, salts, strict=True)
    ]
    remembered = vault.Remembered("phone", most=1)
    for column in ([*texts, *texts], texts, [b"other"], texts):
        assert remembered.column(column) == vault.copy_sealed("phone", column)


def test_index_is_an_hmac(keys: Any) -> None:
    import hmac

    expected = hmac.digest(vault.ring().index, b"id_no\0" + PHONE.encode(), "sha256")[:16]
    assert vault.index("id_no", PHONE) == expected
    assert vault.index("id_no", "") is None
    assert vault.index("other", PHONE) != expected
    assert vault.tail("id_no", "") is None
    assert vault.tail("id_no", PHONE) == int.from_bytes(expected[:4], "big", signed=True)


def test_value_of_another_field_does_not_open(keys: Any) -> None:
    with pytest.raises(vault.SealError, match="bank_account"):
        vault.open_sealed("bank_account", vault.seal("phone", PHONE))


@pytest.mark.parametrize("at", [0, 2, -1])
def test_altered_value_does_not_open(keys: Any, at: int) -> None:
    blob = bytearray(vault.seal("phone", PHONE))
    blob[at] ^= 3
    with pytest.raises(vault.SealError):
        vault.open_sealed("phone", bytes(blob))


@pytest.mark.parametrize("blob", [b"", b"13900001234", b"\x01", b"\x03" * 40])
def test_what_is_not_sealed_does_not_open(keys: Any, blob: bytes) -> None:
    with pytest.raises(vault.SealError, match="不是加密后的内容"):
        vault.open_sealed("phone", blob)


def test_wrong_key_under_the_right_number_fails(keys: Any) -> None:
    old = vault.ring()
    blob = vault.seal("phone", PHONE)
    keys(vault.Ring(old.current, {old.current: os.urandom(64)}, old.index))
    with pytest.raises(vault.SealError, match=f"密钥 {old.current} 与内容不符"):
        vault.open_sealed("phone", blob)


def test_key_that_is_gone_is_named(keys: Any) -> None:
    old = vault.ring()
    blob = vault.seal("phone", PHONE)
    new = vault.with_new_key(old)
    keys(vault.Ring(new.current, {new.current: new.keys[new.current]}, new.index))
    with pytest.raises(vault.SealError, match=f"没有编号 {old.current} 的密钥"):
        vault.open_sealed("phone", blob)


def test_old_keys_still_open(keys: Any) -> None:
    blob = vault.seal("phone", PHONE)
    keys(vault.with_new_key(vault.ring()))
    assert vault.open_sealed("phone", blob) == PHONE
    assert vault.seal("phone", PHONE) != blob


def test_rings_are_told_apart_by_their_print(keys: Any) -> None:
    ring = vault.ring()
    others = [vault.with_new_key(ring), vault.with_new_index(ring), vault.new_ring()]
    assert len({one.print for one in [ring, *others]}) == 4
    assert vault.read_ring(ring.written()).print == ring.print


def test_nothing_prints_the_keys(keys: Any) -> None:
    ring = vault.ring()
    for key in (*ring.keys.values(), ring.index):
        assert repr(key) not in repr(ring)
        assert base64.b64encode(key).decode() not in repr(ring)


def _damaged(**changes: Any) -> str:
    return json.dumps(json.loads(vault.new_ring().written()) | changes)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "没有配置"), ("{", "无法读取"), ("[]", "无法读取"), ("{}", "无法读取"),
        (_damaged(current=999), "没有当前密钥 999"),
        (_damaged(current=1, keys={"1": base64.b64encode(b"short").decode()}), "长度不对"),
        (_damaged(current=1, keys={"1": "不是"}), "无法读取"),
        (_damaged(current=300, keys={"300": base64.b64encode(bytes(64)).decode()}), "1 与 255"),
        (_damaged(index=base64.b64encode(bytes(16)).decode()), "索引密钥"),
    ],
    ids=["none", "no JSON", "list", "empty", "current", "short", "no base64", "number", "index"],
)  # fmt: skip
def test_bad_ring_is_refused_at_the_start_in_words(settings: Any, text: str, words: str) -> None:
    settings.FIELD_KEYS, settings.FIELD_KEYS_FILE = text, ""
    with pytest.raises(vault.KeyRingError, match=words):
        vault.ring()
    (error,) = check_field_keys()
    assert words in str(error.msg)
    with pytest.raises(SystemCheckError, match=words):
        call_command("check")


def test_file_that_cannot_be_read_is_named(settings: Any, tmp_path: Path) -> None:
    settings.FIELD_KEYS, settings.FIELD_KEYS_FILE = "", str(tmp_path / "none")
    with pytest.raises(vault.KeyRingError, match="读不到密钥文件"):
        vault.ring()


def test_embedded_keys_are_made_once_for_their_owner(tmp_path: Path, settings: Any) -> None:
    file = field_keys(tmp_path)
    assert field_keys(tmp_path) == file
    assert [path.name for path in tmp_path.iterdir()] == ["field_keys"]
    assert file.stat().st_mode & 0o777 == 0o600
    settings.FIELD_KEYS, settings.FIELD_KEYS_FILE = "", str(file)
    vault.forget_keys()
    first = vault.ring()
    file.write_text(vault.with_new_key(first).written())
    vault.forget_keys()
    assert vault.ring().current != first.current
    vault.forget_keys()


@pytest.mark.parametrize("name", ["contains", "startswith", "regex", "gt", "iexact"])
def test_sealed_column_refuses_what_cannot_be_asked(name: str) -> None:
    from households.models import HouseholdYear, PersonYear

    with pytest.raises(FieldError):
        HouseholdYear.objects.filter(**{f"phone__{name}": "1"})
    with pytest.raises(FieldError):
        PersonYear.objects.filter(health_status=["01"])
