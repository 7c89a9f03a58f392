"""Photos and scans of a problem: decoded, sealed and kept beside the papers of the register."""

import hashlib
from typing import Any

from django.db import IntegrityError

from core.acting import acting
from core.ledger.services import without_numbers
from households.services import attaching
from inspections.models import Finding, FindingPaper
from inspections.services.common import UnfitError
from inspections.services.findings.common import REFUSALS, locked, may_find, may_mend


def add(*, finding: Finding, file: Any, note: str = "", by: Any) -> FindingPaper:
    """A paper at the step the problem has reached; the same one again gives the one that is there.

    Raises UnfitError for what is no photo or scan, and once the problem is closed.
    """
    try:
        scan = attaching.read_scan(file)
    except attaching.UnfitError as unfit:
        raise UnfitError(str(unfit)) from unfit
    digest = hashlib.sha256(scan.body).hexdigest()
    position = -1
    try:
        with acting(by=by, reason="上传问题材料"):
            found = locked(finding)
            if not (may_mend(by, found) or may_find(by, found.region_code)):
                raise UnfitError("您没有为本问题上传材料的权限。")
            position = found.position
            made = FindingPaper.objects.create(
                finding=found, region_code=found.region_code, position=position,
                note=without_numbers(note.strip())[:100], media_type=scan.media_type,
                sha256=digest, size=len(scan.body), created_by=by,
            )  # fmt: skip
            # After the row, so that a refused one leaves no file behind.
            attaching.keep(made.path, scan.body)
    except IntegrityError as error:
        same = FindingPaper.objects.filter(finding=finding, sha256=digest, position=position)
        if (known := same.first()) is not None:
            return known
        raise UnfitError(REFUSALS["finding_paper_in_its_time"]) from error
    return made


def opened(*, paper: FindingPaper) -> bytes:
    """The file. Raises UnfitError when it is gone or is not what was handed in."""
    try:
        return attaching.kept(paper.path, paper.sha256)
    except attaching.UnfitError as unfit:
        raise UnfitError(str(unfit)) from unfit
