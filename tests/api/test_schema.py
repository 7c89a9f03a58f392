"""The committed description of the API, and whether the API does what it says."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.conf import settings as site
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from accounts.models import ClientKey
from exits import services
from households.models import Household, Person
from imports.models import Batch, Push
from povertyops.wsgi import application
from tests.factories.households import NEIGHBOUR, household
from tests.workbooks import build, family

COMMITTED = Path(site.BASE_DIR) / "docs" / "api-schema.yml"
DESCRIBED = schemathesis.openapi.from_path(COMMITTED)
DESCRIBED.app = application
OPERATIONS = sorted(one.ok().label for one in DESCRIBED.get_all_operations())


def test_schema_is_complete_and_committed(tmp_path: Path) -> None:
    """Renew it with `manage.py spectacular --file docs/api-schema.yml`."""
    fresh = tmp_path / "schema.yml"
    call_command("spectacular", file=str(fresh), validate=True, fail_on_warn=True)
    assert fresh.read_text() == COMMITTED.read_text()


@pytest.fixture
def one_transaction() -> Iterator[None]:
    """Requests stay in the test's own transaction, as those of Django's test client do."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def headers(city: None, one_transaction: None, api_key: Callable[..., str]) -> dict[str, str]:
    for code in (None, None, NEIGHBOUR):
        household(members=2, **({"code": code} if code else {}))
    services.recompute(prefix="4103", partition=2018)
    key = api_key("410324")
    batch = Batch.objects.create(
        file_name="a.xlsx", sha256="0" * 64, size=1, partition=2018, region_prefix="410324",
        state="STAGED",
    )  # fmt: skip
    client = ClientKey.objects.get(start=key[:8]).client
    Push.objects.create(batch=batch, client=client, body_print="0" * 64)
    return {"Authorization": f"Bearer {key}"}


# Values that exist: by chance alone hardly a request would come as far as the rows.
KNOWN: dict[str, list[Any]] = {
    "region": ["410324", "410324100203", "4103"], "county": ["410324"], "town": ["410324100"],
    "village": ["410324100203"], "parent": ["410324"], "year": [2018], "partition": [2018],
    "status": [["poor"], ["0", "3"]], "cause": [["01"]], "attribute": [["01", "02"]],
    "relation": [["01"]], "education": [["01"]], "student": [["01"]], "labour": [["01"]],
    "work_area": [["01"]], "metric": ["by_cause", "registered"], "category": ["01"], "q": ["张", "863"],
    "fields": ["partition"], "limit": [1, 2], "cursor": ["WyI0MTAzMjQxMDAyMDMiLDFd"],
}  # fmt: skip


WORKBOOK = build(family(1))
# Answers that must have come, where they are not those of lists. What decides about a batch decides
# about it once; a bad value of the path is nobody's batch.
SEEN: dict[str, set[int]] = {
    "POST /api/v1/imports/": {202, 400, 404},
    "POST /api/v1/imports/{id}/apply/": {202, 409},
    "POST /api/v1/imports/{id}/discard/": {200, 409},
}


def made_real(case: Any, data: st.DataObject) -> bool:
    """Put values that exist in the place of some that were made up; whether a bad body became good."""
    is_good = False
    query = case.query or {}
    for name in sorted(set(query) & set(KNOWN)):
        if data.draw(st.integers(0, 3)):
            query[name] = data.draw(st.sampled_from(KNOWN[name]))
    if "id" in (case.path_parameters or {}) and data.draw(st.integers(0, 3)):
        case.path_parameters["id"] = Batch.objects.latest("pk").pk
    if isinstance(case.body, dict) and "file" in case.body and data.draw(st.booleans()):
        case.body |= {"file": WORKBOOK, "partition": 2018, "region": "410324"}
        case.body.pop("corrects", None)
        is_good = True
    rows = {"household_no": Household, "person_no": Person}
    for name in sorted(set(case.path_parameters or {}) & set(rows)):
        if data.draw(st.booleans()):
            case.path_parameters[name] = str(
                rows[name].objects.values_list(name, flat=True).first()
            )
    return is_good


@pytest.mark.parametrize("label", OPERATIONS)
def test_api_does_what_the_schema_says(label: str, headers: dict[str, str]) -> None:
    """Whatever is asked, the answer has a status and a shape that the schema announces."""
    operation = next(one.ok() for one in DESCRIBED.get_all_operations() if one.ok().label == label)
    seen: set[int] = set()

    @given(case=operation.as_strategy(), data=st.data())
    @settings(
        max_examples=100,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: Any, data: st.DataObject) -> None:
        made_good = made_real(case, data)
        response = case.call_and_validate(
            headers=headers,
            # Codes, years and numbers are data: a value may fit the schema and still not exist.
            excluded_checks=[
                positive_data_acceptance,
                *([negative_data_rejection] if made_good else []),
            ],
        )
        seen.add(response.status_code)

    ask()
    assert SEEN.get(label, {200, 400}) <= seen


def test_every_operation_is_asked() -> None:
    assert len(OPERATIONS) == 28
    assert set(SEEN) <= set(OPERATIONS)
