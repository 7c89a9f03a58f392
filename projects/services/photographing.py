"""Photos of the work: decoded, sealed and kept beside the papers of the register."""

import hashlib
from typing import Any

from django.db import IntegrityError

from core.acting import acting
from core.ledger.services import without_numbers
from households.services import attaching
from projects.models import ProgressReport, Project, ProjectPhoto
from projects.services.common import UnfitError, require_edit


def add(*, project: Project, file: Any, note: str = "", by: Any) -> ProjectPhoto:
    """A photo to the youngest report; the same one again gives the one that is there.

    Raises UnfitError for what is no photo or scan.
    """
    try:
        scan = attaching.read_scan(file)
    except attaching.UnfitError as unfit:
        raise UnfitError(str(unfit)) from unfit
    digest = hashlib.sha256(scan.body).hexdigest()
    try:
        with acting(by=by, reason="上传项目照片"):
            found = require_edit(project, by)
            reports = ProgressReport.objects.filter(project=found).order_by("-month", "-edition")
            made = ProjectPhoto.objects.create(
                project=found, region_code=found.region_code, report=reports.first(),
                note=without_numbers(note.strip())[:100], media_type=scan.media_type,
                sha256=digest, size=len(scan.body), created_by=by,
            )  # fmt: skip
            # After the row, so that a refused one leaves no file behind.
            attaching.keep(made.path, scan.body)
    except IntegrityError:
        return ProjectPhoto.objects.get(project=project, sha256=digest)
    return made


def opened(*, photo: ProjectPhoto) -> bytes:
    """The file. Raises UnfitError when it is gone or is not what was handed in."""
    try:
        return attaching.kept(photo.path, photo.sha256)
    except attaching.UnfitError as unfit:
        raise UnfitError(str(unfit)) from unfit
