"""Paper as text: thousands of cells would lay out pages, and marks could not be found in them."""

from collections.abc import Mapping
from typing import Any

import pytest
from django.template.loader import render_to_string


@pytest.fixture(autouse=True)
def paper_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def text(template: str, context: Mapping[str, Any]) -> bytes:
        return render_to_string(template, {"printed": None, **context}).encode()

    monkeypatch.setattr("core.papers.pdf", text)
