"""Finding in the register: every single filter, the combined ones and the search box, as pages."""

import statistics
from time import monotonic
from typing import Any
from urllib.parse import urlencode

YEAR = 2018
SINGLE_BAR, COMBINED_BAR = 100, 250
SINGLE: dict[str, dict[str, str]] = {
    "all": {},
    "county": {"region": "410324"},
    "status_poor": {"status": "poor"},
    "status_exited": {"status": "exited"},
    "status_relapsed": {"status": "3"},
    "cause": {"cause": "01"},
    "attribute": {"attribute": "01"},
    "exit_year": {"exit_year": "2017"},
    "income_below": {"income_below": "3000"},
    "income_above": {"income_above": "9000"},
    "below_line": {"below_line": "true"},
    "poor_village": {"poor_village": "true"},
    "missing_cause": {"missing": "main_cause"},
    "name_one_sign": {"q": "王"},
    "name": {"q": "王伟"},
    "initials": {"q": "wj"},
    "pinyin": {"q": "wangj"},
    "id_tail": {"q": "3519"},
    "number": {"q": "86300001"},
    "village": {"q": "石庙"},
}
COMBINED = {
    "status_cause_name": {"status": "poor", "cause": "01", "q": "张"},
    "status_income_village": {"status": "0", "income_below": "3000", "poor_village": "true"},
    "initials_exited": {"status": "exited", "q": "zx"},
}
SEARCHES = {key: SINGLE[key]["q"] for key in (
    "name_one_sign", "name", "initials", "pinyin", "id_tail", "number", "village",
)}  # fmt: skip


def bench_find(client: Any, rounds: int) -> dict[str, Any]:
    """p50 and p95 in milliseconds of server time; the exact count is what the page loads after."""
    found: dict[str, Any] = {}
    for kind, path in (("households", "/households/"), ("persons", "/households/persons/")):
        for bar, asked in ((SINGLE_BAR, SINGLE), (COMBINED_BAR, COMBINED)):
            for name, terms in asked.items():
                address = f"{path}?{urlencode({'year': YEAR, **terms})}"
                figures = _measure(lambda a=address: client.get(a), rounds)
                exact = _measure(lambda a=address: client.get(f"{a}&count=1"), 5)
                found[f"{kind}.{name}"] = {
                    **figures, "exact_count_p50_ms": exact["p50_ms"], "bar_ms": bar,
                }  # fmt: skip
    for name, word in SEARCHES.items():
        figures = _measure(lambda q=word: client.post("/households/search/", {"q": q}), rounds)
        found[f"search.{name}"] = {**figures, "bar_ms": SINGLE_BAR}
    found["over_bar"] = [
        name for name, one in found.items() if one["p95_ms"] > one["bar_ms"]
    ]  # fmt: skip
    return found


def _measure(ask: Any, rounds: int) -> dict[str, float]:
    assert ask().status_code == 200
    times = []
    for _ in range(rounds):
        started = monotonic()
        assert ask().status_code == 200
        times.append((monotonic() - started) * 1000)
    times.sort()
    return {
        "p50_ms": round(statistics.median(times), 1),
        "p95_ms": round(times[min(int(len(times) * 0.95), len(times) - 1)], 1),
    }
