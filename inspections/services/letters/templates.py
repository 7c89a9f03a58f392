"""Templates that a city or county put in the place of the product's own."""

import hashlib
from typing import Any

from core.acting import acting
from core.ledger.services import without_numbers
from core.scope import trim
from households.services import attaching
from inspections.models import Letter, LetterTemplate, LetterText
from inspections.models.letter_text import sealed_at
from inspections.services.common import UnfitError
from inspections.services.findings.common import require_find
from inspections.services.letters import word, wording


def held(kind: str, code: str) -> LetterTemplate | None:
    """The template that holds for a place: the youngest of the longest prefix; None: the product's."""
    place = trim(code)
    prefixes = [place[:size] for size in (2, 4, 6, 9, 12) if size <= len(place)]
    found = LetterTemplate.objects.filter(kind=kind, region_prefix__in=prefixes)
    return max(found, key=lambda one: (len(one.region_prefix), one.pk), default=None)


def replace(*, kind: str, prefix: str, body: bytes, note: str = "", by: Any) -> LetterTemplate:
    """Put a template in force from now on; the former ones stay. Raises UnfitError."""
    require_find(prefix, by)
    word.inspected(body)
    with acting(by=by, reason="更换文书模板"):
        made = LetterTemplate.objects.create(
            kind=kind, region_prefix=trim(prefix), note=without_numbers(note.strip())[:100],
            sha256=hashlib.sha256(body).hexdigest(), size=len(body), created_by=by,
        )  # fmt: skip
        attaching.keep(made.path, body)
    return made


def body_of(template: LetterTemplate | None, kind: str) -> bytes:
    """The file. Raises UnfitError when it is gone or is not what was handed in."""
    return word.own(kind) if template is None else _kept(template.sha256)


def _kept(sha256: str) -> bytes:
    try:
        return attaching.kept(sealed_at(sha256), sha256)
    except attaching.UnfitError as unfit:
        raise UnfitError("文书模板已经损坏或丢失，请重新上传模板。") from unfit


def fix(letter: Letter) -> LetterText:
    """Put down what an issued letter says and what it is made from, inside the same act."""
    template = held(letter.kind, letter.region_code)
    body = body_of(template, letter.kind)
    digest = hashlib.sha256(body).hexdigest()
    if template is None:
        attaching.keep(sealed_at(digest), body)
    return LetterText.objects.create(
        letter=letter, region_code=letter.region_code, said=wording.said(letter),
        template=template, sha256=digest,
    )  # fmt: skip


def said_by(letter: Letter) -> dict[str, Any]:
    """What the letter says: as it was issued, or for a draft as things stand."""
    text = LetterText.objects.filter(letter=letter).first()
    return text.said if text else wording.said(letter)


def in_word(letter: Letter) -> bytes:
    """The letter as a Word file. Raises UnfitError."""
    text = LetterText.objects.filter(letter=letter).first()
    if text is not None:
        return word.rendered(_kept(text.sha256), text.said)
    template = held(letter.kind, letter.region_code)
    return word.rendered(body_of(template, letter.kind), wording.said(letter))
