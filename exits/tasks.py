"""Background work on figures."""

from typing import Any

from celery import shared_task
from django.db import close_old_connections

from core import walls
from core.failpoints import failpoint
from core.jobs.services import Run, handles
from core.scope import Maintenance
from exits import services
from exits.services import requests


@handles("exits.recompute", queue="metrics", label="重算指标")
def recompute_job(run: Run) -> None:
    """One county and year: `full` computes everything, otherwise what was marked."""
    county, partition = run.params["county"], run.params["partition"]
    run.progress("计算指标")
    failpoint("exits.recompute.begun")
    with run.effect(reason="重算指标"):
        if run.params["full"]:
            services.recompute_county(county=county, partition=partition)
        else:
            services.recompute_dirty(prefix=county, partition=partition)
        failpoint("exits.recompute.county")
        # The city's own rows and the other counties' jobs lie outside the county.
        with walls.scoped(Maintenance(county[:4])):
            # Whoever waits behind this job will add the city up; the last one always does.
            if not requests.others_wait(county, partition, run.job_id):
                services.roll_up(prefix=county, partition=partition)
                failpoint("exits.recompute.city")


@shared_task(name="exits.sweep_dirty_villages")
def sweep_dirty_villages(**_: Any) -> None:
    requests.request_dirty()
    close_old_connections()
