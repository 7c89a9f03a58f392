"""Background work on the register."""

from typing import Any

from django.contrib.auth import get_user_model

from core import walls
from core.jobs.services import JobFailedError, Run, handles
from households.models import BulkAct, BulkState
from households.services import bulk


@handles(bulk.JOB, queue="imports", label="批量办理")
def bulk_job(run: Run) -> None:
    """Do a confirmed act with the rights that the person has now, and only as it was previewed."""
    with run.scoped():
        act = BulkAct.objects.select_related("undoes", "user", "task").get(pk=run.params["act"])
    if act.state != BulkState.WAITING:
        raise JobFailedError("批量办理的状态已变化，不再办理。")
    actor: Any = get_user_model()._default_manager.get(pk=act.created_by_id)

    def told(done: int, total: int) -> None:
        run.progress("逐乡镇办理", done, total)

    try:
        with run.effect(reason=act.reason):
            with walls.scoped(actor):
                bulk.run(act=act, told=told, by=actor)
            run.result = {"households": act.affected}
    except bulk.RefusedError as refusal:
        with run.refusal(str(refusal), reason=act.reason):
            bulk.refuse(act=act, words=str(refusal))
