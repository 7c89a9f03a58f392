"""Drawing the sample from a frozen frame, and drawing it again to see whether it is the same."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from django.db.models.functions import Now

from core.acting import acting
from inspections.formulas import design as designs
from inspections.formulas import drawing
from inspections.formulas.drawing import DesignError, DrawnUnit, DrawnVillage
from inspections.models import (
    FrameHousehold,
    FrameVillage,
    Round,
    SampleHousehold,
    SampleVillage,
)
from inspections.services.common import PLAN, UnfitError, locked
from inspections.services.planning import frame_digest

Drawn = list[tuple[DrawnVillage, list[DrawnUnit]]]


@dataclass(frozen=True)
class Certificate:
    """What proves a draw; `agrees` when frame and sample are what the round says they are.

    `redrawn` is the digest of the sample drawn anew, `stored` that of the rows in the database.
    """

    seed: str
    algorithm: int
    frame_digest: str
    frame_now: str
    sample_digest: str
    redrawn: str
    stored: str
    villages: int
    households: int
    reserves: int

    @property
    def agrees(self) -> bool:
        return self.frame_now == self.frame_digest and (
            {self.redrawn, self.stored} == {self.sample_digest}
        )


def draw(*, round: Round, by: Any) -> Round:
    """Draw villages and households, once and for all. Raises UnfitError."""
    with acting(by=by, reason="抽取样本"):
        found = locked(round, PLAN, by)
        if found.frozen_at is None:
            raise UnfitError("请先冻结抽样框。")
        if found.drawn_at is not None:
            raise UnfitError("样本已经抽取，一轮只抽一次。")
        try:
            drawn = drawn_from(found, found.frame_digest)
        except DesignError as error:
            raise UnfitError(str(error)) from error
        _store(found, drawn)
        found.drawn_at, found.drawn_by = Now(), by
        found.sample_digest = _digest(_lines(drawn))
        found.save(update_fields=["drawn_at", "drawn_by", "sample_digest"])
        found.refresh_from_db()
    return found


def drawn_from(found: Round, digest: str) -> Drawn:
    """What the frame, the design and the seed give; nothing is stored. Raises DesignError."""
    design = designs.read(found.design)
    algorithm = drawing.ALGORITHMS[found.algorithm]
    key = drawing.key_of(found.seed, digest, found.algorithm)
    rows = FrameVillage.objects.filter(round=found).values_list("code", "stratum", "households")
    villages = algorithm.villages([drawing.Village(*row) for row in rows], design.strata, key)
    units: dict[str, list[drawing.Unit]] = {one.village.code: [] for one in villages}
    households = FrameHousehold.objects.filter(round=found, village_code__in=units)
    for code, ref, kind, year in households.values_list("village_code", "ref", "kind", "exit_year"):
        units[code].append(drawing.Unit(ref, kind, year))
    return [
        (one, algorithm.households(one.village.code, units[one.village.code], design.takes, key))
        for one in villages
    ]


def _store(found: Round, drawn: Drawn) -> None:
    frames = dict(FrameVillage.objects.filter(round=found).values_list("code", "pk"))
    villages = SampleVillage.objects.bulk_create(
        SampleVillage(
            round=found,
            held_by=found.held_by,
            frame_id=frames[one.village.code],
            code=one.village.code,
            stratum=one.village.stratum,
            numerator=one.probability.numerator,
            denominator=one.probability.denominator,
        )
        for one, _ in drawn
    )
    refs = [row.unit.ref for _, rows in drawn for row in rows]
    if not refs:
        raise UnfitError("按本方案没有抽到农户，请检查各类农户的户数。")
    of_frame = dict(
        FrameHousehold.objects.filter(round=found, ref__in=refs).values_list("ref", "pk")
    )
    SampleHousehold.objects.bulk_create(
        (
            SampleHousehold(
                round=found,
                held_by=found.held_by,
                village=village,
                frame_id=of_frame[row.unit.ref],
                village_code=village.code,
                kind=row.unit.kind,
                is_reserve=row.is_reserve,
                rank=row.rank,
                numerator=row.probability.numerator,
                denominator=row.probability.denominator,
            )
            for village, (_, rows) in zip(villages, drawn, strict=True)
            for row in rows
        ),
        batch_size=2000,
    )


def certificate(round: Round) -> Certificate:
    """Draw again from the stored frame and compare. Raises UnfitError before the draw."""
    if round.drawn_at is None:
        raise UnfitError("本轮还没有抽取样本。")
    if round.algorithm not in drawing.ALGORITHMS:
        raise UnfitError(f"本程序没有第 {round.algorithm} 版抽样算法。")
    frame_now = frame_digest(round)
    try:
        redrawn = _digest(_lines(drawn_from(round, frame_now)))
    except DesignError:
        # A frame that was tampered with may not fit the design any more.
        redrawn = ""
    rows = list(SampleHousehold.objects.filter(round=round).values_list("is_reserve", flat=True))
    return Certificate(
        seed=round.seed,
        algorithm=round.algorithm,
        frame_digest=round.frame_digest,
        frame_now=frame_now,
        sample_digest=round.sample_digest,
        redrawn=redrawn,
        stored=_digest(_stored_lines(round)),
        villages=SampleVillage.objects.filter(round=round).count(),
        households=rows.count(False),
        reserves=rows.count(True),
    )


def _lines(drawn: Drawn) -> Iterable[str]:
    for village, rows in drawn:
        yield _village_line(village.village.code, village.village.stratum, village.probability)
        for row in rows:
            yield _household_line(
                village.village.code, row.unit.kind, row.is_reserve, row.rank, row.unit.ref,
                row.probability,
            )  # fmt: skip


def _stored_lines(found: Round) -> Iterable[str]:
    villages = SampleVillage.objects.filter(round=found)
    for code, stratum, *pair in villages.values_list(
        "frame__code", "stratum", "numerator", "denominator"
    ):
        yield _village_line(code, stratum, Fraction(*pair))
    households = SampleHousehold.objects.filter(round=found)
    for code, kind, is_reserve, rank, ref, *pair in households.values_list(
        "village__code", "kind", "is_reserve", "rank", "frame__ref", "numerator", "denominator"
    ):
        yield _household_line(code, kind, is_reserve, rank, ref, Fraction(*pair))


def _village_line(code: str, stratum: str, chance: Fraction) -> str:
    return f"V|{code}|{stratum}|{chance.numerator}/{chance.denominator}"


def _household_line(
    code: str, kind: str, is_reserve: bool, rank: int, ref: str, chance: Fraction
) -> str:
    part = "R" if is_reserve else "D"
    return f"H|{code}|{kind}|{part}|{rank}|{ref}|{chance.numerator}/{chance.denominator}"


def _digest(lines: Iterable[str]) -> str:
    """SHA-256 of the lines in the order of their bytes."""
    return hashlib.sha256(b"\n".join(sorted(line.encode() for line in lines))).hexdigest()
