import pytest

from tests.register import city, load_rows, stage

__all__ = ["city", "load_rows", "stage"]


@pytest.fixture(autouse=True)
def unhurried(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The keeper of leases has a connection of its own, which sees nothing of a test's transaction.

    On a slow day it would take every job of such a test for lost.
    """
    mark = request.node.get_closest_marker("django_db")
    is_real = "transactional_db" in request.fixturenames or (
        mark is not None and mark.kwargs.get("transaction", False)
    )
    if not is_real:
        monkeypatch.setattr("core.jobs.tasks._NEWS", 600)
