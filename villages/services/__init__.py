"""What changes divisions and their yearly facts."""

from villages.services.lists import ListLoaded, load_divisions
from villages.services.refusals import ListRefusedError, RowsRefusedError
from villages.services.yearly import Upserted, load_population, load_region_facts

__all__ = [
    "ListLoaded",
    "ListRefusedError",
    "RowsRefusedError",
    "Upserted",
    "load_divisions",
    "load_population",
    "load_region_facts",
]
