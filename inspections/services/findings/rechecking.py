"""A share of the mended problems is drawn by lot, looked at again, and the relapses are counted."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from django.db.models import Count, Q

from core.acting import acting
from core.scope import below, trim
from inspections.enums.findings import DONE, Look
from inspections.formulas.drawing import ALGORITHM, Stream, key_of
from inspections.models import Finding, FindingLook, Recheck, RecheckItem
from inspections.queries.findings import rechecks
from inspections.services.common import UnfitError
from inspections.services.findings import stepping
from inspections.services.findings.common import refused, require_find
from villages.models import Region

TENTH = Fraction(1, 10)


@dataclass(frozen=True)
class Relapses:
    """How many of the drawn were looked at, and how many of these had come back."""

    drawn: int
    looked: int
    relapsed: int

    @property
    def rate(self) -> tuple[int, int]:
        """The relapse rate as its two integers; nothing looked at is no rate."""
        return self.relapsed, self.looked


def chosen(numbers: Sequence[str], share: Fraction, seed: str, algorithm: int) -> list[str]:
    """The numbers that the seed draws from the list, in the order of the draw.

    At least one where there are any; a share of them, rounded up. The list's order does not matter.
    """
    ordered = sorted(numbers)
    stream = Stream(key_of(seed, digest(ordered), algorithm), "recheck")
    wanted = -(-len(ordered) * share.numerator // share.denominator)
    return stream.shuffled(ordered)[:wanted]


def digest(numbers: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(sorted(numbers)).encode()).hexdigest()


def draw(
    *, region: Region, since: date, until: date, share: Fraction = TENTH, seed: str = "", by: Any
) -> Recheck:
    """Draw a share of what the place mended in a period. Raises UnfitError.

    `seed` is a public one in 32 to 64 hex digits; without it the machine draws 128 bits.
    """
    require_find(region.code, by)
    if not 0 < share <= 1:
        raise UnfitError("抽取比例应大于 0、不超过 100％。")
    with acting(by=by, reason="抽取复查问题"), refused():
        found = dict(
            Finding.objects.filter(
                below(trim(region.code), "region_code"), state__in=DONE,
                closed_on__range=(since, until),
            ).values_list("number", "pk")
        )  # fmt: skip
        if not found:
            raise UnfitError("这一期间没有已销号的问题。")
        seed = seed.lower() or secrets.token_hex(16)
        numbers = list(found)
        made = Recheck.objects.create(
            region=region, region_code=region.code, since=since, until=until,
            numerator=share.numerator, denominator=share.denominator, seed=seed,
            algorithm=ALGORITHM, frame_size=len(numbers), frame_digest=digest(numbers),
            created_by=by,
        )  # fmt: skip
        RecheckItem.objects.bulk_create(
            RecheckItem(recheck=made, region_code=region.code, finding_id=found[number], rank=rank)
            for rank, number in enumerate(chosen(numbers, share, seed, ALGORITHM), 1)
        )
    return made


@dataclass(frozen=True)
class Proof:
    """A draw made again: from how many problems, whether from the same, and whether it is the same."""

    frame_size: int
    frame_agrees: bool
    draw_agrees: bool


def drawn_again(recheck: Recheck) -> Proof:
    """Put the list together as it stood when it was drawn from, and draw from it by the same seed."""
    numbers = rechecks.frame(recheck)
    share = Fraction(recheck.numerator, recheck.denominator)
    again = chosen(numbers, share, recheck.seed, recheck.algorithm) if numbers else []
    drawn = list(recheck.items.order_by("rank").values_list("finding__number", flat=True))
    return Proof(len(numbers), digest(numbers) == recheck.frame_digest, again == drawn)


def look(
    *, item: RecheckItem, result: str, words: str, on: date, by: Any
) -> tuple[FindingLook, Finding]:
    """Put down what was seen of a drawn problem; one that came back is returned. Raises UnfitError."""
    with acting(by=by, reason="复查"), refused():
        found = RecheckItem.objects.select_for_update(no_key=True, of=("self",)).get(pk=item.pk)
        if found.look_id is not None:
            raise UnfitError("这个问题在本次抽取中已经复查。")
        made, finding = stepping.look(
            finding=found.finding, result=result, words=words, on=on, by=by
        )
        found.look = made
        found.save(update_fields=["look"])
    return made, finding


def relapses(draws: Any) -> Relapses:
    """Counted over draws, e.g. those of a place and year."""
    told = RecheckItem.objects.filter(recheck__in=draws).aggregate(
        drawn=Count("pk"), looked=Count("look"),
        relapsed=Count("look", filter=Q(look__result=Look.RELAPSED)),
    )  # fmt: skip
    return Relapses(**told)
