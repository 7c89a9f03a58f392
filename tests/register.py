"""Fixtures that put a register into the database the way the product does: by a workbook."""

from collections.abc import Callable
from typing import Any

import pytest

from core.acting import acting
from imports import services
from imports.models import Batch
from imports.services.staging import save_problems
from tests.villages.lists import CITY, load
from tests.workbooks import build


@pytest.fixture
def city(db: None) -> None:
    load(CITY)


@pytest.fixture
def stage(city: None) -> Callable[..., Batch]:
    """Receive and stage rows; returns the saved batch in preview."""

    def run(
        rows: list[dict[str, Any]], partition: int = 2018, region: str = "4103", **more: Any
    ) -> Batch:
        batch = services.receive(
            chunks=[build(rows, **more)],
            file_name="贫困人员.xlsx",
            partition=partition,
            region_prefix=region,
            by=None,
        )
        plan = services.stage(batch=batch, stage_name=f"b{batch.pk}_0")
        save_problems(batch, plan)
        batch.save()
        return batch

    return run


@pytest.fixture
def load_rows(stage: Callable[..., Batch]) -> Callable[..., Batch]:
    """Stage and apply rows."""

    def run(rows: list[dict[str, Any]], **more: Any) -> Batch:
        batch = stage(rows, **more)
        with acting(by=None, reason="测试导入"):
            services.apply(batch=batch)
        return batch

    return run
