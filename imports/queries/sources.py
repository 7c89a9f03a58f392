"""Which batches stand behind changes of the register, for its timeline."""

from collections.abc import Collection

from django.urls import reverse

from core.jobs.models import Job
from core.scope import Actor
from households.queries.timeline import Source
from imports.models import Batch

LOAD = "imports.load_workbook"


def batches_of_jobs(jobs: Collection[int], actor: Actor) -> dict[int, Source]:
    """Job → the batch that it wrote or took back; linked for those who may open it. Two queries."""
    asked = Job.objects.filter(pk__in=jobs, params__has_key="batch")
    numbers = dict(asked.values_list("pk", "params__batch"))
    may_load = bool(actor.prefixes_for(LOAD))
    seen = Batch.objects.visible_to(actor).filter(pk__in=numbers.values())
    names = dict(seen.values_list("pk", "file_name")) if may_load else {}
    return {job: _source(batch, names) for job, batch in numbers.items()}


def _source(batch: int, names: dict[int, str]) -> Source:
    if batch not in names:
        return Source(f"导入批次 {batch}")
    return Source(f"导入批次 {batch}：{names[batch]}", reverse("imports:batch", args=[batch]))
