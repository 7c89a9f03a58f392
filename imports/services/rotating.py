"""Other keys for what the register holds sealed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connection

from core import ledger, sealing, vault
from households.models import Person
from households.services.attaching import reseal_papers
from imports.services.raws import reseal_raws

# The table that says under which keys the register is.
MARKED = Person._meta.db_table
Say = Callable[[str], None]


class KeysUnsettledError(Exception):
    """Rows lie under other keys than those of now. A job tries again; somebody may be changing them."""


def refuse_unsettled() -> None:
    """Raise KeysUnsettledError unless all rows are under the keys of now.

    Under different keys equal values look changed, and equal numbers like two persons.
    """
    if not sealing.is_settled(MARKED):
        raise KeysUnsettledError(
            "登记数据的加密密钥与当前配置不一致（正在更换，或更换未完成），请管理员运行 rotate_keys 后重试。"
        )


def rotate(*, new: bool = False, index: bool = False, say: Say = lambda _: None) -> int:
    """Bring every current row under the current keys; returns the rows changed.

    `new` first adds a key to the ring, `index` changes the key of the indexes. Broken off, the same
    act without `new` and `index` goes on where it stopped. No import compares meanwhile. Raises
    vault.KeyRingError when the ring cannot be extended.
    """
    with _no_import():
        if new or index:
            vault.write_ring(longer(new=new, index=index))
        changed = 0
        # A process that had not noticed the new key yet may have written below a pass.
        while done := _pass(say):
            changed += done
        sealing.mark_settled(MARKED)
        with connection.cursor() as cursor:
            # Whoever judged rows meanwhile judges again: see `register_version`.
            cursor.execute("SELECT nextval('households_dirtyregion_id_seq')")
        ledger.note(
            ledger.Act.KEY_ROTATION,
            rows=changed,
            detail={"key": vault.ring().current, "new": new, "index": index},
        )
    return changed


def longer(*, new: bool, index: bool) -> vault.Ring:
    """The ring of now with one more key, another key of the indexes, or both."""
    ring = vault.ring()
    if new:
        ring = vault.with_new_key(ring)
    return vault.with_new_index(ring) if index else ring


def _pass(say: Say) -> int:
    done = sum(sealing.reseal(model, fields, say) for model, fields in sealing.sealed_models())
    return done + sealing.reindex(Person, say) + reseal_raws(say) + reseal_papers(say)


@contextmanager
def _no_import() -> Iterator[None]:
    """Hold the lock under which a batch is written; waits for one that is being written."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = 0")
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SELECT pg_advisory_lock(hashtext('imports.apply'))")
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtext('imports.apply'))")
            cursor.execute("RESET lock_timeout")
            cursor.execute("RESET statement_timeout")
