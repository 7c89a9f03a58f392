"""What row security costs: the same queries in the same transaction, with and without a scope."""

import statistics
from collections.abc import Callable
from time import perf_counter
from typing import Any

from django.db import transaction
from django.db.models import Count


class Someone:
    """An actor with just a scope."""

    assigned_to = None
    entrusted_prefixes = ()

    def __init__(self, *prefixes: str) -> None:
        self.region_prefixes = prefixes

    def prefixes_for(self, _permission: str) -> tuple[str, ...]:
        return self.region_prefixes


ACTORS = {
    "town": Someone("410324100"),
    "county": Someone("410324"),
    "city": Someone("4103"),
    "two_counties": Someone("410324", "410325"),
}
TERMS: dict[str, dict[str, Any]] = {
    "list": {},
    "status": {"status": ["0"]},
    "cause": {"cause": ["01"], "status": ["poor"]},
    "income": {"income_below": 3000},
    "name": {"q": "王"},
}


def bench_walls(rounds: int = 9) -> dict[str, Any]:
    """Milliseconds without and with the scope, and their ratio, by query."""
    return {name: _compared(*work, rounds) for name, work in _queries().items()} | _metrics(rounds)


def _queries() -> dict[str, tuple[Any, Callable[[], Any]]]:
    found: dict[str, tuple[Any, Callable[[], Any]]] = {}
    for label, actor in ACTORS.items():
        for name, terms in TERMS.items():
            found[f"households_{name}_{label}"] = (
                actor,
                lambda a=actor, t=terms: _households(a, t),
            )
        for name in ("list", "status"):
            terms = TERMS[name]
            found[f"persons_{name}_{label}"] = (actor, lambda a=actor, t=terms: _persons(a, t))
        found[f"group_{label}"] = (actor, lambda a=actor: _group(a))
    return found


def _households(actor: Any, terms: dict[str, Any]) -> int:
    from households.models import HouseholdYear
    from households.queries import rows
    from households.queries.conditions import matching_households
    from households.queries.keyset import HOUSEHOLDS

    seen = matching_households(HouseholdYear.objects.visible_to(actor), terms, 2018)
    keys = seen.values_list(*HOUSEHOLDS.fields)
    rows.household_rows(HOUSEHOLDS.page(keys, size=50, after="", before="").rows, 2018)
    return keys.count()


def _persons(actor: Any, terms: dict[str, Any]) -> int:
    from households.models import HouseholdYear, PersonYear
    from households.queries import rows
    from households.queries.conditions import matching_persons
    from households.queries.keyset import PERSONS

    seen = matching_persons(
        PersonYear.objects.visible_to(actor), HouseholdYear.objects.visible_to(actor), terms, 2018
    )
    keys = seen.values_list(*PERSONS.fields)
    rows.person_rows(PERSONS.page(keys, size=50, after="", before="").rows, 2018)
    return keys.count()


def _group(actor: Any) -> int:
    from households.models import HouseholdYear

    rows = HouseholdYear.objects.visible_to(actor).in_year(2018)
    return len(list(rows.values("village_code", "exit_status").annotate(n=Count("id"))))


def _metrics(rounds: int) -> dict[str, Any]:
    from core.scope import Maintenance
    from exits.services.figures import recompute_county, roll_up

    county = _compared(
        Maintenance("410324"), lambda: recompute_county(county="410324", partition=2018), rounds
    )
    city = _compared(Maintenance("4103"), lambda: roll_up(prefix="4103", partition=2018), rounds)
    return {"recompute_county": county, "roll_up_city": city}


def _compared(actor: Any, work: Callable[[], Any], rounds: int) -> dict[str, float]:
    from core import walls

    def once(scoped: bool) -> tuple[float, Any]:
        begun = perf_counter()
        with transaction.atomic():
            if scoped:
                walls.assume(actor)
            result = work()
            transaction.set_rollback(True)
        return (perf_counter() - begun) * 1000, result

    once(False)
    once(True)
    pairs = [(once(False), once(True)) for _ in range(rounds)]
    assert all(bare[1] == scoped[1] for bare, scoped in pairs), "the scope changed the answer"
    without = statistics.median(bare[0] for bare, _ in pairs)
    with_scope = statistics.median(scoped[0] for _, scoped in pairs)
    return {
        "without_ms": round(without, 1),
        "with_ms": round(with_scope, 1),
        "ratio": round(with_scope / without, 2),
    }
