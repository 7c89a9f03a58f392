"""A worker process does job after job on one connection: nothing of a scope stays behind."""

import json
import subprocess
import sys

import pytest

from core.jobs import services
from core.jobs.models import Job, JobState
from exits.models import Snapshot
from exits.services.requests import request_recompute
from imports import services as imports
from imports.enums import BatchState
from imports.models import Batch
from tests.conftest import ROOT, Worker, eventually, server_environment
from tests.factories.households import HOME, NEIGHBOUR, household
from tests.villages.lists import CITY, load
from tests.workbooks import build, family

pytestmark = pytest.mark.integration

# Jobs of two counties and of nobody in turn, as the worker's own database role; after each it tells
# what a forgetful piece of code would meet.
SCRIPT = """
import json, sys
import django
django.setup()
from django.db import connection
from core.jobs.services import claim
from core.jobs.tasks import carry_out
told = []
for job in json.load(sys.stdin):
    run = claim(job)
    seen = None
    if run.scope:
        with run.scoped(), connection.cursor() as cursor:
            cursor.execute("SELECT DISTINCT left(village_code, 6) FROM households_household")
            seen = sorted(code for (code,) in cursor.fetchall())
    carry_out(run)
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_user, current_user, coalesce(current_setting("
                       "'povertyops.low', true), ''), (SELECT count(*) FROM households_household),"
                       " (SELECT count(*) FROM households_person_history)")
        told.append([run.scope, seen, *cursor.fetchone()])
print(json.dumps(told))
"""


def test_no_scope_stays_on_the_workers_connection(transactional_db: None) -> None:
    for code in (HOME, NEIGHBOUR, NEIGHBOUR):
        household(code=code)
    jobs = []
    for turn in range(12):
        county = ("410324", "410325", "")[turn % 3]
        params = {"county": county or "410324", "partition": 2018, "full": True}
        jobs.append(services.enqueue("exits.recompute", scope=county, params=params).pk)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, input=json.dumps(jobs), text=True,
        capture_output=True, check=False, timeout=120,
        env=server_environment() | {"DJANGO_SETTINGS_MODULE": "povertyops.settings"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert len(told) == 12
    for scope, seen, *after in told:
        assert seen == ([scope] if scope else None)
        assert after == ["povertyops_worker", "povertyops_worker", "", 0, 0]
    # A job without a region computes nothing; the counties' own did.
    assert set(Job.objects.filter(scope="410324").values_list("state", flat=True)) == {"DONE"}


def test_two_counties_by_a_real_worker(worker: Worker) -> None:
    """Uploads and figures of two counties at the same time, by two processes."""
    load(CITY)
    place = {"行政县": "嵩县", "乡镇": "城关镇", "行政村": "陈家门村"}
    books = {"410324": family(1), "410325": [row | place for row in family(2)]}
    for county, rows in books.items():
        batch = imports.receive(
            chunks=[build(rows)], file_name="a.xlsx", partition=2018, region_prefix=county, by=None
        )
        imports.request_stage(batch=batch, by=None)
    eventually(lambda: Batch.objects.filter(state=BatchState.STAGED).count() == 2, what="预览")
    for batch in Batch.objects.all():
        imports.request_apply(batch=batch, by=None)
    eventually(lambda: Batch.objects.filter(state=BatchState.APPLIED).count() == 2, what="写入")
    for batch in Batch.objects.all():
        assert (batch.persons_created, batch.persons_rejected) == (2, 0)
    request_recompute(prefix="4103", partition=2018)
    settled = {JobState.DONE}
    eventually(lambda: set(Job.objects.values_list("state", flat=True)) == settled, what="重算")
    figures = Snapshot.objects.filter(metric="registered", partition=2018, category="")
    by_place = dict(figures.values_list("region_code", "numerator"))
    assert by_place["410324000000"] == by_place["410325000000"] == 2
    assert by_place["410300000000"] == 4
