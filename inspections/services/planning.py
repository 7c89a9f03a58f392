"""Planning a round, and freezing the population it is drawn from."""

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now

from core.acting import acting
from core.scope import after, covers, trim
from exits.models import MetricDefinition
from households.enums import EXITED
from inspections.enums import Attribute, RoundKind
from inspections.formulas import design as designs
from inspections.formulas.drawing import ALGORITHM, DesignError
from inspections.models import Round
from inspections.services import statements
from inspections.services.common import PLAN, UnfitError, locked
from villages.enums import Level
from villages.models import CountyYear, Region

_DEFINED = (
    "name", "version", "numerator", "denominator", "unit", "comparator", "decimals",
    "region_prefix", "area", "source",
)  # fmt: skip


def plan_round(
    *,
    kind: str,
    name: str,
    county: Region,
    partition: int,
    design: Mapping[str, Any],
    seed: str = "",
    appeal_days: int | None = None,
    recheck_days: int | None = None,
    days_source: str = "",
    by: Any,
) -> Round:
    """Open a round for a county and a year; its metric definitions are fixed by this.

    `seed` is a public one (drawn by lot before witnesses, say) in 32 to 64 hex digits; without it the
    machine draws 128 bits. Raises UnfitError.
    """
    if county.level != Level.COUNTY:
        raise UnfitError("评估以县为单位。")
    holder = trim(county.code)[: 6 if kind == RoundKind.COUNTY_SELF else 4]
    if not covers(by, holder, PLAN):
        raise UnfitError("您没有制定这类评估的权限。")
    if (appeal_days is not None or recheck_days is not None) and not days_source:
        raise UnfitError("请写明期限的依据。")
    with acting(by=by, reason=f"制定评估：{name}"):
        return Round.objects.create(
            kind=kind,
            name=name,
            region=county,
            region_code=county.code,
            partition_id=partition,
            held_by=holder,
            definitions=definitions_of(county, partition),
            design=_checked(design),
            seed=seed.lower() or secrets.token_hex(16),
            algorithm=ALGORITHM,
            appeal_days=appeal_days,
            recheck_days=recheck_days,
            days_source=days_source,
            created_by=by,
        )


def change_design(*, round: Round, design: Mapping[str, Any], by: Any) -> Round:
    """Another design, as long as the frame is not frozen. Raises UnfitError."""
    with acting(by=by, reason="修改抽样方案"):
        found = locked(round, PLAN, by)
        if found.frozen_at is not None:
            raise UnfitError("抽样框已经冻结，抽样方案不能再改。")
        found.design = _checked(design)
        found.save(update_fields=["design"])
    return found


def _checked(design: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return designs.written(designs.read(design))
    except (DesignError, TypeError, AttributeError) as error:
        raise UnfitError(str(error)) from error


def definitions_of(county: Region, partition: int) -> dict[str, Any]:
    """The metric definitions that hold for a county in a year: longest prefix, newest version."""
    area = (
        CountyYear.objects.filter(region_code=county.code, year=partition)
        .values_list("area", flat=True)
        .first()
    )
    prefixes = [county.code[:length] for length in (0, 2, 4, 6)]
    rows = MetricDefinition.objects.filter(
        Q(valid_to__isnull=True) | Q(valid_to__gte=partition),
        valid_from__lte=partition,
        region_prefix__in=prefixes,
        area__in=["", area or ""],
    )
    found: dict[str, Any] = {}
    for row in sorted(rows, key=lambda one: (len(one.region_prefix), one.version)):
        found[row.code] = {name: getattr(row, name) for name in _DEFINED} | {
            "threshold": None if row.threshold is None else str(row.threshold)
        }
    return found


def freeze_frame(*, round: Round, by: Any) -> Round:
    """Take down every rural household of the county as the year has it, and seal the list.

    One statement for the households, one for the villages; then nobody can change them. Raises
    UnfitError where nobody is there, or villages lack the facts that the strata need.
    """
    with acting(by=by, reason="冻结抽样框"):
        found = locked(round, PLAN, by)
        if found.frozen_at is not None:
            raise UnfitError("抽样框已经冻结。")
        _fill(found)
        found.frozen_at, found.frozen_by = Now(), by
        found.frame_digest = frame_digest(found)
        found.frame_counts = _counts(found)
        found.save(update_fields=["frozen_at", "frozen_by", "frame_digest", "frame_counts"])
        found.refresh_from_db()
    return found


def _fill(found: Round) -> None:
    design = designs.read(found.design)
    told = {
        "round": found.pk,
        "held_by": found.held_by,
        "partition": found.partition_id,
        "low": found.county.ljust(12, "0"),
        "high": after(found.county).ljust(12, "0"),
        "exited": list(EXITED),
        "attribute": str(design.attribute),
        "deep": str(Attribute.DEEP),
        "listed": list(design.listed),
        "day": f"{found.partition_id}-12-31",
    }
    with connection.cursor() as cursor:
        cursor.execute(statements.HOUSEHOLDS, told)
        if not cursor.rowcount:
            raise UnfitError("该县该年度没有登记农户，也没有导入花名册。")
        cursor.execute(statements.UNKNOWN_VILLAGES, told)
        unknown, without_facts = cursor.fetchone()
        if unknown:
            raise UnfitError(f"有 {unknown} 个村不在该年度的区划清单中，请先核对区划。")
        if without_facts and not design.missing_as_other:
            raise UnfitError(
                f"有 {without_facts} 个村没有年度信息（是否贫困村、深度贫困村），无法分层。"
                "请补录，或在方案中写明按非贫困村处理。"
            )
        cursor.execute(statements.VILLAGES, told)


def frame_digest(found: Round) -> str:
    """SHA-256 of the frame as text: what the round is, then villages and households, sorted by bytes.

    Names are not in it, so that the text can be handed to whoever wants to check the draw.
    """
    return hashlib.sha256(frame_text(found).encode()).hexdigest()


def frame_text(found: Round) -> str:
    """The canonical text of a frame, one line each."""
    head = [
        f"F|1|{found.kind}|{found.partition_id}|{found.held_by}",
        f"D|{designs.canonical(found.design)}",
        f"M|{designs.canonical(found.definitions)}",
    ]
    with connection.cursor() as cursor:
        cursor.execute(statements.FRAME_LINES, [found.pk, found.pk])
        return "\n".join([*head, str(cursor.fetchone()[0])])


def _counts(found: Round) -> dict[str, Any]:
    """Households and persons by type, and villages by stratum, for the certificate."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT kind, count(*), sum(persons) FROM inspections_framehousehold"
            " WHERE round_id = %s GROUP BY kind",
            [found.pk],
        )
        kinds = {kind: {"households": n, "persons": int(p)} for kind, n, p in cursor.fetchall()}
        cursor.execute(
            "SELECT stratum, count(*) FROM inspections_framevillage"
            " WHERE round_id = %s GROUP BY stratum",
            [found.pk],
        )
        return {"kinds": kinds, "strata": dict(cursor.fetchall())}
