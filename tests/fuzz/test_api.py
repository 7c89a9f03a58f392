"""The whole API with a real key: what the description allows, what it forbids, and worse.

`tests/api/test_schema.py` holds the API to its description with well-meant requests; here requests
are ill-meant, and an answer only has to be no 5xx and not to repeat what was sent alive.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from tests.api.test_schema import DESCRIBED, OPERATIONS, headers, one_transaction
from tests.fuzz.words import CODES, CURSORS, IDS, NUMBERS, WORDS, as_path, encoded
from tests.register import city

__all__ = ["city", "headers", "one_transaction"]

pytestmark = [pytest.mark.django_db, pytest.mark.fuzz]

# Per operation; all of them together take about half a minute.
NEGATIVE, HOSTILE = 60, 90
modest = settings(
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
# What a parameter of this name is likely to parse.
SHAPED = {
    "cursor": CURSORS, "region": CODES, "county": CODES, "town": CODES, "village": CODES, "parent": CODES,
    "limit": NUMBERS, "year": NUMBERS, "partition": NUMBERS, "exit_year": NUMBERS, "q": IDS,
}  # fmt: skip


def operation(label: str) -> Any:
    return next(one.ok() for one in DESCRIBED.get_all_operations() if one.ok().label == label)


@pytest.mark.parametrize("label", OPERATIONS)
@pytest.mark.may_show_numbers("an error names what was sent")
def test_requests_that_the_description_forbids(label: str, headers: dict[str, str]) -> None:
    seen: set[int] = set()

    @given(case=operation(label).as_strategy(generation_mode=GenerationMode.NEGATIVE))
    @settings(modest, max_examples=NEGATIVE)
    def ask(case: Any) -> None:
        response = case.call(headers=headers)
        assert response.status_code < 500
        seen.add(response.status_code)

    ask()
    assert seen & {400, 404, 405}


@pytest.mark.parametrize("label", OPERATIONS)
@pytest.mark.may_show_numbers("an error names what was sent")
def test_parameters_with_words_that_break_programs(label: str, headers: dict[str, str]) -> None:
    described = operation(label)
    names = [one.name for one in described.query] or ["x"]
    client = Client(headers=headers)
    named = st.sampled_from([*names, "page", "ordering", "format", "id__in", "__class__"])
    pair = named.flatmap(
        lambda name: st.tuples(st.just(name), st.one_of(WORDS, SHAPED.get(name, WORDS)))
    )

    @given(st.lists(pair, min_size=1, max_size=4), WORDS)
    @settings(modest, max_examples=HOSTILE)
    def ask(pairs: list[tuple[str, str]], word: str) -> None:
        path = described.full_path
        for hole in ("household_no", "person_no"):
            path = path.replace(f"{{{hole}}}", as_path(word))
        answer = client.get(f"{path}?{encoded(pairs)}")
        assert answer.status_code < 500
        # JSON, whatever was asked for: nothing a browser would run.
        assert answer["Content-Type"] == "application/json" or answer.status_code in (301, 404)
        assert answer["X-Content-Type-Options"] == "nosniff"

    ask()


@given(st.one_of(WORDS, st.binary(max_size=60).map(lambda raw: raw.decode("latin-1"))))
@settings(modest, max_examples=60)
def test_any_key_is_refused_politely(word: str) -> None:
    key = (
        word.encode("utf-8", "surrogatepass").decode("latin-1").replace("\r", "").replace("\n", "")
    )
    for text in (key, f"Bearer {key}", f"Bearer  {key} {key}", f"bearer\t{key}"):
        answer = Client().get("/api/v1/households/", HTTP_AUTHORIZATION=text)
        assert answer.status_code == 401


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options", "trace", "head"])
def test_no_body_breaks_it(method: str, api_key: Callable[..., str]) -> None:
    client = Client(headers={"Authorization": f"Bearer {api_key()}"})
    for body in (b"{", b"[" * 100_000, b"\xff", b"null", b"x" * 3_000_000):
        answer = client.generic(method.upper(), "/api/v1/households/", body, "application/json")
        assert answer.status_code in (200, 400, 405, 413, 415)
