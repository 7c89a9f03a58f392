"""What an edit changes, field by field, in words; numbers masked."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from households.catalog import FieldFact, label
from households.enums import MemberKind
from households.queries.rows import MISSING
from households.queries.values import written
from households.services.entry_edit import Edit
from households.services.entry_reading import Reading, key_of, read
from households.services.entry_state import Base, base_of, is_missing

HERE = "在册"


@dataclass(frozen=True)
class FieldChange:
    """One field before and after, in words; numbers masked, "" for not stated."""

    where: str
    label: str
    before: str
    after: str


def diff(edit: Edit) -> list[FieldChange]:
    """Every field that the edit changes, then who joins and leaves, then its acts."""
    base = base_of(edit)
    reading = read(edit, base)
    found = [
        FieldChange(
            one.where, label_of(one.whose, one.fact, edit, base), words(one.fact, one.before),
            words(one.fact, one.after),
        )
        for one in reading.sets.values()
    ]  # fmt: skip
    return [*found, *_comings(edit, base, reading), *_acts(edit, base)]


def words(fact: FieldFact, value: Any) -> str:
    """A value in words, masked where it tells too much; "" for not stated."""
    text = "" if is_missing(value) else written(fact, value)
    return "" if text == MISSING else text


def label_of(whose: str, fact: FieldFact, edit: Edit, base: Base) -> str:
    if not whose.startswith("members."):
        return fact.label
    return f"{_name(whose.split('.')[1], edit, base)}·{fact.label}"


def _name(key: str, edit: Edit, base: Base) -> str:
    row = base.member(key)
    if row is not None:
        return row.person.name
    for number, told in enumerate(edit.members):
        if key_of(number, told) == key and told["person"].get("name"):
            return str(told["person"]["name"])
    return "新成员"


def _comings(edit: Edit, base: Base, reading: Reading) -> Iterator[FieldChange]:
    for at in reading.joined:
        told, name = edit.members[at], _name(key_of(at, edit.members[at]), edit, base)
        kind = _event(told.get("joined") or {})
        yield FieldChange(f"members.{at}.joined", f"增加成员 {name}", "", kind or "登记")
    for at in reading.left:
        told = edit.members[at]
        name = _name(told["person_no"], edit, base)
        text = "，".join(filter(None, [_event(told["left"]), told["left"].get("reason", "")]))
        yield FieldChange(f"members.{at}.left", f"减少成员 {name}", HERE, text)


def _event(told: dict[str, str]) -> str:
    kinds = dict(MemberKind.choices)
    return "，".join(filter(None, [kinds.get(told.get("kind", ""), ""), told.get("on", "")]))


def _acts(edit: Edit, base: Base) -> Iterator[FieldChange]:
    kinds = dict(MemberKind.choices)
    for at, act in enumerate(edit.acts):
        if act["act"] == "change_head":
            old = base.row.head_name if base.row else ""
            new = _name(act["person_no"], edit, base)
            # A head is who somebody is to the others: its name says so to whoever asks why.
            yield FieldChange(f"acts.{at}.relation_to_head", "变更户主", old, new)
            yield from _relations(at, act, edit, base)
        elif act["act"] == "move":
            name = _name(act["person_no"], edit, base)
            text = f"迁往 {act['to']}（{kinds.get(act['kind'], '')}）"
            yield FieldChange(f"acts.{at}.move", f"成员迁移 {name}", HERE, text)
        elif act["act"] == "split":
            names = "、".join(_name(one, edit, base) for one in act["person_nos"])
            head = _name(act["head_person_no"], edit, base)
            yield FieldChange(f"acts.{at}.split", f"分户 {names}", HERE, f"新立户，户主 {head}")
        else:
            yield FieldChange(f"acts.{at}.merge", "并户", HERE, f"并入 {act['into']}")


def _relations(at: int, act: dict[str, Any], edit: Edit, base: Base) -> Iterator[FieldChange]:
    """How the others stand to the new head."""
    for person_no, code in act["relations"].items():
        row = base.member(person_no)
        before = label("relation_to_head", row.relation_to_head) if row else ""
        after = label("relation_to_head", code)
        if before != after:
            name = _name(person_no, edit, base)
            yield FieldChange(f"acts.{at}.relations", f"{name}·与户主关系", before, after)
