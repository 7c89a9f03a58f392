"""Documents of an inspection, as scans: sealed and kept beside the papers of the register."""

import hashlib
from typing import Any

from django.db import IntegrityError, transaction

from core.acting import acting
from core.ledger.services import without_numbers
from households.services import attaching
from inspections.models import Campaign, CampaignPaper
from inspections.services.common import UnfitError
from inspections.services.findings.common import require_find


def add(*, campaign: Campaign, file: Any, note: str = "", by: Any) -> CampaignPaper:
    """Keep a scan; the same one again gives the one that is there. Raises UnfitError."""
    require_find(campaign.region_code, by)
    try:
        scan = attaching.read_scan(file)
    except attaching.UnfitError as unfit:
        raise UnfitError(str(unfit)) from unfit
    digest = hashlib.sha256(scan.body).hexdigest()
    same = CampaignPaper.objects.filter(campaign=campaign, sha256=digest)
    if (known := same.first()) is not None:
        return known
    try:
        with acting(by=by, reason="上传检查文件"), transaction.atomic():
            made = CampaignPaper.objects.create(
                campaign=campaign, region_code=campaign.region_code, sha256=digest,
                note=without_numbers(note.strip())[:100], media_type=scan.media_type,
                size=len(scan.body), created_by=by,
            )  # fmt: skip
            # After the row, so that a refused one leaves no file behind.
            attaching.keep(made.path, scan.body)
    except IntegrityError as error:
        # Somebody handed in the same one at the same moment.
        if (known := same.first()) is not None:
            return known
        raise UnfitError("没有保存，请重试。") from error
    return made


def opened(*, paper: CampaignPaper) -> bytes:
    """The file. Raises UnfitError when it is gone or is not what was handed in."""
    try:
        return attaching.kept(paper.path, paper.sha256)
    except attaching.UnfitError as unfit:
        raise UnfitError(str(unfit)) from unfit
