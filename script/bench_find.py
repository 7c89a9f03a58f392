"""Finding in the register: every single filter, the combined ones and the search box, as pages."""

import statistics
import sys
from time import monotonic
from typing import Any
from urllib.parse import urlencode

YEAR = 2018
SINGLE_BAR, COMBINED_BAR, SEARCH_BAR = 100, 250, 100
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
# An order is a second thing to do besides the place: it is held to the bar of combined ones.
SORTED: dict[str, dict[str, str]] = {
    f"sort_{name}": {"region": "410324", "sort": name}
    for name in ("number", "name", "members", "income", "-income", "status", "relation", "-age")
} | {
    "sort_refused": {"sort": "income"},
    "columns": {"region": "410324", "cols": "ethnicity,income_total,farmland_mu,main_cause,phone"},
}
SEARCHES = {key: SINGLE[key]["q"] for key in (
    "name_one_sign", "name", "initials", "pinyin", "id_tail", "number", "village",
)}  # fmt: skip


def bench_find(client: Any, rounds: int, *, allowance: int = 1) -> dict[str, Any]:
    """p50 and p95 in milliseconds of server time; the exact count is what the page loads after.

    The bars are multiplied by the allowance, for registers larger than a city.
    """
    found: dict[str, Any] = {}
    for kind, path in (("households", "/households/"), ("persons", "/households/persons/")):
        for bar, asked in ((SINGLE_BAR, SINGLE), (COMBINED_BAR, COMBINED | SORTED)):
            for name, terms in asked.items():
                address = f"{path}?{urlencode({'year': YEAR, **terms})}"
                figures = _measure(lambda a=address: client.get(a), rounds)
                exact = _measure(lambda a=address: client.get(f"{a}&count=1"), 5)
                found[f"{kind}.{name}"] = _against(
                    bar * allowance, {**figures, "exact_count_p50_ms": exact["p50_ms"]}
                )
    for name, word in SEARCHES.items():
        for kind, more in (("search", {}), ("typed", {"live": "1"})):
            asked_by = {"q": word, **more}
            figures = _measure(lambda q=asked_by: client.post("/households/search/", q), rounds)
            found[f"{kind}.{name}"] = _against(SEARCH_BAR * allowance, figures)
    _show(found)
    return {**found, "over_bar": [name for name, one in found.items() if one["of_bar"] > 1]}


def _against(bar: int, figures: dict[str, float]) -> dict[str, float]:
    return {**figures, "bar_ms": bar, "of_bar": round(figures["p95_ms"] / bar, 2)}


def _show(found: dict[str, Any]) -> None:
    """The figures as a table, the worst first, beside the JSON that everything else reads."""
    print(f"{'case':34}{'p50 ms':>9}{'p95 ms':>9}{'bar ms':>8}{'p95/bar':>9}", file=sys.stderr)
    for name, one in sorted(found.items(), key=lambda item: -item[1]["of_bar"]):
        over = "  over" if one["of_bar"] > 1 else ""
        print(
            f"{name:34}{one['p50_ms']:9.1f}{one['p95_ms']:9.1f}{one['bar_ms']:8d}"
            f"{one['of_bar']:9.2f}{over}",
            file=sys.stderr,
        )


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
